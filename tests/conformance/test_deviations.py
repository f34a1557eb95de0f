"""Where the recorded gateway is wrong, lossy or unsafe: what is done instead, each kind once.

Every row is a request against scripted targets, as in test_routing.
"""

from __future__ import annotations

import itertools
import json

import attrs
import pytest
from replay import HurriedClock

from llmroute import IncompleteStreamError, Router
from llmroute.testing import (
    LoopbackUpstream,
    Reply,
    completion,
    connection_error,
    cut,
    error,
    reply,
    sse,
    stream,
)

HELLO = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello to the router"}]}


@attrs.frozen
class Row:
    """`rule` in a sentence; the request; and `status`, `calls` (targets in order) and `text` of the answer.

    A config's target is its number, with what it has besides a key and a host. The first target answers
    `replies` in order and "Greetings" after them; the others greet at once.
    """

    rule: str
    config: dict
    status: int = 200
    calls: str = ""
    text: str = "Greetings"
    replies: tuple = ()
    body: object = HELLO
    headers: dict = {}  # noqa: RUF008
    waited: float = 0.0


def one(**members):
    return {"target": 0, **members}


def chain(*others, **strategy):
    targets = [{"target": 0}, *(others or ({"target": 1},))]
    return {"strategy": {"mode": "fallback", **strategy}, "targets": targets}


def condition(query, names=("yes", "no")):
    """Target 0 when the query holds, else target 1."""
    strategy = {"mode": "conditional", "conditions": [{"query": query, "then": "yes"}], "default": "no"}
    targets = [{"target": number, "name": name} for number, name in enumerate(names)]
    return {"strategy": strategy, "targets": targets}


def refused(rule, config, text, **more):
    """A config or request that is refused before anything is sent."""
    return Row(rule, config, 400, "", text, **more)


DONE = "data: [DONE]"
TOO_MANY = {"retry-after-ms": "1"}

CONDITIONS = [
    refused(
        "Texts that are no numbers are not compared as such: dates would compare by year.",
        condition({"metadata.day": {"$gt": "2024-01-01"}}),
        "expected a number, or a text that is one",
    ),
    refused("Lists are lists.", condition({"params.model": {"$in": {"a": 1}}}), "expected a list"),
    Row(
        "A missing key makes every condition false, $nin too.",
        condition({"metadata.x": {"$nin": ["a"]}}),
        calls="1",
    ),
    Row(
        "So does $regex: a missing key is not the text undefined.",
        condition({"metadata.x": {"$regex": ".*"}}),
        calls="1",
    ),
    refused(
        "A pattern that is not JavaScript is refused, not failed in silence.",
        condition({"params.model": {"$regex": "(?i)gpt"}}),
        "there are no inline flags",
    ),
    refused(
        "A pattern is a text.", condition({"params.max_tokens": {"$regex": 15}}), "expected a pattern as text"
    ),
    Row(
        "A character is one character, whatever its code point.",
        condition({"metadata.mood": {"$regex": "^.$"}}),
        calls="0",
        headers={"x-portkey-metadata": '{"mood": "\U0001f600"}'},
    ),
    Row(
        "What stands beside $and counts.",
        condition({"$and": [{"params.model": "gpt-4o-mini"}], "metadata.x": "y"}),
        calls="1",
    ),
    refused(
        "An unknown operator is refused even where it is never reached.",
        condition({"$and": [{"params.model": "other"}, {"metadata.b": {"$exists": True}}]}),
        "unknown operator '$exists'",
    ),
    Row(
        "Nested members can be reached.",
        condition({"metadata.user.plan": "pro"}),
        calls="0",
        headers={"x-portkey-metadata": '{"user": {"plan": "pro"}}'},
    ),
    Row(
        "What every JavaScript object has is no key.",
        condition({"metadata.constructor": {"$ne": 1}}),
        calls="1",
    ),
    refused("A key has a part after its dot.", condition({"metadata": {"$ne": 1}}), "unknown key 'metadata'"),
    refused(
        "Two targets of one name would hide each other.",
        condition({"params.model": "m"}, names=("yes", "no", "yes")),
        "is also the name of targets[0]",
    ),
    refused(
        "Every name that a condition leads to exists, in nested strategies too.",
        chain(condition({"params.model": "m"}, names=("no",))),
        "no target has the name 'yes'",
    ),
]

IN_A_200 = reply(json={"error": {"message": "quota"}})
PARTLY = reply(206, json=completion("partly").json)

ANSWERS = [
    Row("A 200 without usable JSON moves a chain on.", chain(), calls="01", replies=(reply(text='{"id":'),)),
    Row("So does a 204.", chain(), calls="01", replies=(reply(204),)),
    Row("So does an error with a broken body.", chain(), calls="01", replies=(reply(500, text='{"er'),)),
    Row("Alone it is a 502 that says so.", one(), 502, "0", "without usable JSON", (reply(text="all good"),)),
    Row("An error object in a 200 is an error.", one(), 502, "0", "quota", (IN_A_200,)),
    Row("A 206 with a completion is an answer.", one(), 206, "0", "partly", (PARTLY,)),
    Row("A network failure is a 503.", one(), 503, "0", "without an answer", (connection_error(),)),
    Row(
        "A redirect is an answer and never followed.",
        one(),
        307,
        "0",
        "never followed",
        (reply(307, headers={"Location": "/1/chat/completions"}),),
    ),
    Row(
        "An upstream cannot end a chain with a header of the gateway's.",
        chain(),
        calls="01",
        replies=(error(500, headers={"x-portkey-gateway-exception": "true"}),),
    ),
]

RETRIES = [
    refused(
        "Attempts are counted from 0.", one(retry={"attempts": -1}), "expected a whole number from 0 to 5"
    ),
    refused("There are five at most.", one(retry={"attempts": 7}), "expected a whole number from 0 to 5"),
    Row(
        "529 is retried, as documented.",
        one(retry={"attempts": 1}),
        calls="00",
        replies=(error(529),),
        waited=1,
    ),
    Row(
        "The documented plural of use_retry_after_headers works.",
        one(retry={"attempts": 1, "use_retry_after_headers": True}),
        calls="00",
        replies=(error(429, headers=TOO_MANY),),
    ),
    Row(
        "A Retry-After of 0 is a wish like any other.",
        one(retry={"attempts": 1, "use_retry_after_headers": True}),
        calls="00",
        replies=(error(429, retry_after=0),),
    ),
    Row(
        "A wish that was heeded does not shorten later waits.",
        one(retry={"attempts": 2, "use_retry_after_headers": True}),
        calls="000",
        replies=(error(429, headers=TOO_MANY), error(429)),
        waited=2,
    ),
    refused("Time is not negative.", one(request_timeout=-5), "expected a whole number from 0"),
]

CONFIGS = [
    refused(
        "Unknown members are refused, with what may have been meant.", one(wieght=1), "did you mean 'weight'"
    ),
    refused(
        "So is a strategy without a target.",
        {"strategy": {"mode": "fallback"}, "targets": []},
        "at least one target",
    ),
    refused(
        "In the middle of a chain as well.",
        chain({"target": 1}, {"strategy": {"mode": "loadbalance"}, "targets": []}),
        "at least one target",
    ),
    refused(
        "And weights that leave nothing to pick.",
        {"strategy": {"mode": "loadbalance"}, "targets": [{"target": 0, "weight": 0}]},
        "every weight is 0",
    ),
    refused("A target names a provider.", chain({"api_key": "sk-x"}), "a target needs a provider"),
    refused("Parameters are an object.", one(override_params=["a"]), "expected an object"),
    refused("An empty key is none.", {"provider": "openai", "api_key": ""}, "config.api_key"),
    refused("The old form of a config is named.", one(options=None), "the old form of a config"),
    refused(
        "Headers of the gateway's own are not forwarded.",
        one(forward_headers=["x-portkey-config"]),
        "may not be forwarded",
    ),
    Row(
        "A target without a key and without a host of its own is a 401, and nothing is sent.",
        {"provider": "openai"},
        401,
        "",
        "no API key",
    ),
    Row("In a chain the next one is tried.", chain(one(), on_status_codes=[401]), calls="0"),
]

BODIES = [
    refused("A body is an object.", one(), "expected an object, got a list", body=[1]),
    refused("Also when it comes as text.", one(), "expected an object, got a str", body='"hello"'),
    refused("With messages.", one(), "messages: missing", body={"model": "m"}),
    refused(
        "And a model: nobody's default is filled in.", one(), "model", body={"messages": HELLO["messages"]}
    ),
]

ROWS = [*CONDITIONS, *ANSWERS, *RETRIES, *CONFIGS, *BODIES]


@pytest.fixture(scope="module")
def upstream():
    with LoopbackUpstream() as running:
        yield running


class Asked:
    """One request against numbered targets."""

    def __init__(self, upstream, number):
        self._upstream = upstream
        self._prefix = f"/row{number}"

    def _config(self, value):
        """The config with targets in place of their numbers."""
        if isinstance(value, list):
            return [self._config(item) for item in value]
        if not isinstance(value, dict):
            return value.replace("{0}", self._host(0)) if isinstance(value, str) else value
        filled = {name: self._config(member) for name, member in value.items() if name != "target"}
        if "target" not in value:
            return filled
        return {
            "provider": "openai",
            "api_key": "sk-test",
            "custom_host": self._host(value["target"]),
            **filled,
        }

    def _host(self, number):
        return f"{self._upstream.url}{self._prefix}/{number}"

    async def ask(self, config, body, headers=(), replies=(), clock=None):
        greetings = itertools.repeat(completion("Greetings"))
        self._upstream.play(self._prefix, greetings)
        self._upstream.play(f"{self._prefix}/0", itertools.chain(replies, greetings))
        sent = {"x-portkey-config": json.dumps(self._config(config)), **dict(headers)}
        async with Router(clock=clock) as router:
            response = await router.handle(body, headers=sent)
            chunks, broken = [], None
            try:
                async for chunk in response.stream or _nothing():
                    chunks.append(chunk)
            except IncompleteStreamError as error:
                broken = error
        return response, chunks, broken

    @property
    def bodies(self):
        """What reached the targets, as (number, body)."""
        mine = (call for call in self._upstream.calls if call.path.startswith(self._prefix + "/"))
        return [(call.path.split("/")[2], call.json) for call in mine]


async def _nothing():
    return
    yield


@pytest.mark.parametrize("row", [pytest.param(row, id=row.rule) for row in ROWS])
async def test_deviation(upstream, row):
    """Status, calls, text and time waited are those of the rule."""
    clock = HurriedClock()
    made = Asked(upstream, ROWS.index(row))
    response, _, _ = await made.ask(row.config, row.body, row.headers, row.replies, clock)
    said = response.body.get("error", {}).get("message") or response.body["choices"][0]["message"]["content"]

    assert (row.status, list(row.calls)) == (response.status, [target for target, _ in made.bodies]), said
    assert row.text in said
    assert row.waited <= clock.waited <= 1.1 * row.waited + 0.01


# --- parameters: nothing is dropped, clamped or reread

PARAMETERS = {
    "unknown ones are sent on": ({"brand_new": [1]}, {}, {"brand_new": [1]}),
    "numbers out of range are the provider's to judge": (
        {"temperature": 9, "top_p": -1},
        {},
        {"temperature": 9, "top_p": -1},
    ),
    "a text is no stream": ({"stream": "true"}, {}, {"stream": "true"}),
    "overrides may be unknown too": ({}, {"override_params": {"brand_new": 1}}, {"brand_new": 1}),
    "documented ones to drop are dropped": (
        {"user": "x", "n": 2},
        {"drop_params": ["user"]},
        {"n": 2, "user": None},
    ),
}


@pytest.mark.parametrize("name", PARAMETERS)
async def test_parameters_arrive_as_they_are(upstream, name):
    """The reference keeps a list of known parameters and their ranges; here the provider decides."""
    body, members, expected = PARAMETERS[name]
    made = Asked(upstream, f"-params-{list(PARAMETERS).index(name)}")
    await made.ask(one(**members), {**HELLO, **body})

    assert expected == {key: made.bodies[0][1].get(key) for key in expected}


# --- streams


def events(*pieces):
    return sse([{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces])


async def test_an_error_before_the_first_word_moves_a_chain_on(upstream):
    """An error event at the start of a 200 is an ordinary failure.

    The second target answers without a stream: its completion is handed on as one.
    """
    made = Asked(upstream, "-stream-error")
    failing = sse([{"error": {"message": "overloaded"}}, DONE])
    _, chunks, broken = await made.ask(chain(), {**HELLO, "stream": True}, replies=[failing])

    assert (["0", "1"], None) == ([target for target, _ in made.bodies], broken)
    assert "Greetings" == "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


async def test_a_cut_stream_is_not_an_end(upstream):
    """After the first word there is no other target; the reader is told that the rest is missing."""
    made = Asked(upstream, "-stream-cut")
    _, chunks, broken = await made.ask(chain(), {**HELLO, "stream": True}, replies=[cut(stream("a b c"), 2)])

    assert ["", "a "] == [chunk["choices"][0]["delta"]["content"] for chunk in chunks]
    assert isinstance(broken, IncompleteStreamError)
    assert ["0"] == [target for target, _ in made.bodies]


async def test_an_event_that_is_not_json_is_not_passed_on(upstream):
    """Before the first word it fails the attempt."""
    made = Asked(upstream, "-stream-broken")
    answer = Reply(headers=events("").headers, steps=[b"data: {broken\n\n"])
    response, _, _ = await made.ask(one(), {**HELLO, "stream": True}, replies=[answer])

    assert (502, None) == (response.status, response.stream)
