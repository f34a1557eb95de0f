"""`chat.completions.create`: OpenAI's signature, results in messages, and the stream object."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import openai
import pytest
from engine_kit import HELLO, MESSAGES, Rig, collect, fallback, target, texts
from openai.types.chat import ChatCompletion as TheirCompletion

from llmroute import BadRequestError, ChatCompletion, IncompleteStreamError, RateLimitError
from llmroute.client import Completions
from llmroute.testing import completion, cut, error, stall, stream, tool_call

OK = completion()
WEATHER = tool_call("weather", {"city": "Paris"}, id="call_1")
CALLED = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
}


def test_the_signature_type_checks():
    """A file of ordinary use under `mypy --strict`: overloads on `stream`, results, views."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "tests/typed_use.py"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


async def test_every_parameter_reaches_the_provider():
    """Known or not, `metadata` included; options of the call do not."""
    params = {
        "temperature": 0.5,
        "metadata": {"a": "b"},
        "stop": ["x"],
        "response_format": {"type": "json_object"},
        "vendor_option": {"deep": [1]},
        "logit_bias": {"1": -5},
    }
    rig = Rig(target(), OK)
    await rig.create(**params, timeout=5, extra_headers={}, extra_query={}, extra_body={"more": 1})

    assert {**HELLO, **params, "more": 1} == rig.transport.requests[0].json


async def test_placeholders_of_sdks_are_dropped():
    """`NOT_GIVEN` and `omit` of the openai package."""
    rig = Rig(target(), OK)
    await rig.create(temperature=openai.NOT_GIVEN, seed=openai.omit, timeout=openai.NOT_GIVEN)

    assert HELLO == rig.transport.requests[0].json


async def test_nothing_of_the_caller_s_is_modified():
    """Neither the messages nor any other object."""
    message = {"role": "user", "content": "Hi"}
    messages, tools = [message], [{"type": "function", "function": {"name": "f", "strict": True}}]
    config = target(drop_params=["tools[*].function.strict"], override_params={"seed": 1})
    await Rig(config, OK).create(messages=messages, tools=tools)

    assert ([message], {"role": "user", "content": "Hi"}) == (messages, message)
    assert [{"type": "function", "function": {"name": "f", "strict": True}}] == tools


async def test_wrong_parameters_raise_bad_request_error():
    """Before anything is sent, with the place."""
    rig = Rig(target(), OK)
    for params, place in (({"messages": "Hi"}, "body.messages"), ({"timeout": -1}, "timeout")):
        with pytest.raises(BadRequestError) as caught:
            await rig.create(**params)
        assert (400, place) == (caught.value.status_code, caught.value.param)
    with pytest.raises(BadRequestError, match="model"):
        await rig.router.chat.completions.create(messages=MESSAGES)

    assert "" == rig.hosts


async def test_a_result_knows_its_route():
    """Target, attempts, the headers of a gateway."""
    rig = Rig(fallback("a", "b"), {"a.": error(429, retry_after=3), "b.": OK})
    made = await rig.create()

    assert isinstance(made, ChatCompletion)
    assert ("Hello!", "config.targets[1]") == (made.choices[0].message.content, made.route.target)
    assert [("config.targets[0]", 429, 3.0), ("config.targets[1]", 200, None)] == [
        (attempt.target, attempt.status, attempt.retry_after) for attempt in made.route.attempts
    ]
    assert "config.targets[1]" == made.route.headers["x-portkey-last-used-option-index"]
    assert "route" not in made.to_dict()


async def test_a_failure_raises_the_last_target_s_class():
    """The message lists every attempt."""
    rig = Rig(fallback("a", "b"), {"a.": error(500, "one"), "b.": error(429, "two", retry_after=3)})
    with pytest.raises(RateLimitError) as caught:
        await rig.create()

    assert (429, 3.0, 2) == (
        caught.value.status_code,
        caught.value.retry_after,
        len(caught.value.route.attempts),
    )
    assert "config.targets[0] (openai): 500 openai error: one" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# -- results in messages -----------------------------------------------------------------------------------


def as_ours(made):
    return made


def as_theirs(made):
    return TheirCompletion.model_validate(made.to_dict())


def as_dict(made):
    return made.to_dict()


@pytest.mark.parametrize("convert", [as_ours, as_theirs, as_dict])
async def test_a_tool_loop_appends_the_answer_as_it_came(convert):
    """`messages.append(completion.choices[0].message)`, ours, openai's or a dict."""
    rig = Rig(target(), [completion(tool_calls=[WEATHER]), completion("Sunny")])
    messages = [*MESSAGES]
    first = convert(await rig.create(messages=messages))
    answer = first["choices"][0]["message"] if convert is as_dict else first.choices[0].message
    messages.append(answer)
    messages.append({"role": "tool", "tool_call_id": "call_1", "content": "sunny"})
    second = await rig.create(messages=messages)
    sent = rig.transport.requests[1].json["messages"]

    assert "Sunny" == second.choices[0].message.content
    assert [CALLED] == sent[1]["tool_calls"]
    assert ("assistant", "call_1") == (sent[1]["role"], sent[2]["tool_call_id"])
    assert answer is messages[1]


async def test_the_answer_of_a_stream_can_be_appended_too():
    """`final()` gives the same message as the plain call."""
    plain = await Rig(target(), completion(tool_calls=[WEATHER])).create()
    rig = Rig(target(), [stream(tool_calls=[WEATHER]), OK])
    made = await (await rig.stream()).final()
    await rig.create(messages=[*MESSAGES, made.choices[0].message])

    assert plain.choices[0].message.tool_calls == made.choices[0].message.tool_calls
    assert [CALLED] == rig.transport.requests[1].json["messages"][1]["tool_calls"]


async def test_parts_of_results_may_stand_anywhere():
    """Tools, formats and content parts as objects."""

    class Tool:
        def model_dump(self, **how):
            return {"type": "function", "function": {"name": "f"}}

    rig = Rig(target(), OK)
    await rig.create(tools=[Tool()], messages=({"role": "user", "content": [Tool()]},))

    assert "f" == rig.transport.requests[0].json["tools"][0]["function"]["name"]
    assert "function" == rig.transport.requests[0].json["messages"][0]["content"][0]["type"]


# -- streams -------------------------------------------------------------------------------------------------


async def test_a_stream_yields_chunks_and_collects_them():
    """Text so far while it runs, the whole completion at the end."""
    rig = Rig(target(), stream("one two three", usage={"total_tokens": 7}))
    opened = await rig.stream()
    texts_so_far = [opened.text async for _ in opened]
    made = await opened.final()

    assert ("one two three", "stop", 7) == (
        made.choices[0].message.content,
        made.choices[0].finish_reason,
        made.usage.total_tokens,
    )
    assert ["", "one ", "one two ", "one two three"] == texts_so_far[:4]
    assert "config" == made.route.target == opened.route.target


async def test_final_without_iterating():
    """It reads what is left; again, it gives the same."""
    rig = Rig(target(), stream("one two three"))
    opened = await rig.stream()
    await anext(opened)
    await anext(opened)

    assert "one two three" == (await opened.final()).choices[0].message.content
    assert "one two three" == (await opened.final()).choices[0].message.content
    assert "one two three" == opened.text


async def test_a_long_stream_keeps_every_piece():
    """More chunks than are kept apart."""
    words = [f"{number} " for number in range(2000)]
    opened = await Rig(target(), stream(words)).stream()
    chunks = await collect(opened)

    assert words == texts(chunks)
    assert "".join(words) == opened.text == (await opened.final()).choices[0].message.content


async def test_the_route_of_a_stream_grows_with_it():
    """`duration` runs on, the time to the first chunk stays."""
    rig = Rig(target(), stream("one two", gap=1.0))
    opened = await rig.stream()
    first = opened.route
    await collect(opened)

    assert (1.0, 1.0) == (first.duration, first.attempts[0].ttft)
    assert 4.0 == opened.route.duration


async def test_a_stream_is_a_context_manager():
    """It hangs up on the way out, however."""
    rig = Rig(target(), stall(stream("one two"), 2))
    async with await rig.stream() as opened:
        await anext(opened)
    rig.assert_clean()


async def test_a_cut_stream_raises_with_what_there_is():
    """IncompleteStreamError.partial is a completion dict; the text stays readable."""
    rig = Rig(target(), cut(stream(tool_calls=[WEATHER]), 2))
    opened = await rig.stream()
    with pytest.raises(IncompleteStreamError) as caught:
        await opened.final()
    message = caught.value.partial["choices"][0]["message"]

    assert "weather" == message["tool_calls"][0]["function"]["name"]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_overrides_may_switch_streaming():
    """The result follows what the target really sent."""
    on = Rig(target(override_params={"stream": True}), stream("Hi"))
    off = Rig(target(override_params={"stream": False}), completion("Hi"))
    opened = await on.create()
    made = await off.create(stream=True)

    assert "Hi" == (await opened.final()).choices[0].message.content
    assert "Hi" == made.choices[0].message.content
    assert [True, False] == [rig.transport.requests[0].json["stream"] for rig in (on, off)]


async def test_the_client_needs_only_an_engine():
    """`Completions` hands its parameters on, whatever router is behind it."""

    class Engine:
        async def create(self, params):
            return params

    assert {"messages": MESSAGES, "x": 1} == await Completions(Engine()).create(messages=MESSAGES, x=1)
