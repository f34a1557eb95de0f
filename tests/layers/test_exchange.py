"""One request to one provider: what can go wrong becomes an outcome, within its time limits."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import KEY, Rig, fallback, target

from llmroute import APIError, AuthenticationError, Secret
from llmroute.testing import (
    Pause,
    Reply,
    completion,
    connection_error,
    cut,
    error,
    hang,
    reply,
    sse,
    stall,
    stream,
)

OK = completion()


# -- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (connection_error(), 503, "connection_error"),
        (connection_error("protocol"), 502, "protocol_error"),
        (connection_error("connect_timeout"), 408, "connect_timeout_error"),
        (connection_error("too_large"), 502, "too_large_error"),
        (cut(completion(), 0), 503, "connection_error"),
        (hang(), 408, "timeout_error"),
        (stall(completion(), 0), 408, "timeout_error"),
        (stall(error(500), 0), 408, "timeout_error"),
        (error(400), 400, "invalid_request_error"),
        (error(429), 429, "rate_limit_error"),
        (error(500), 500, "server_error"),
        (reply(500), 500, None),
        (reply(599, text="<html>no</html>"), 599, None),
        (cut(error(500), 0), 500, None),
        (reply(200), 502, "invalid_response_error"),
        (reply(200, text="hello"), 502, "invalid_response_error"),
        (reply(200, text='{"id": "x"'), 502, "invalid_response_error"),
        (reply(200, json={}), 502, "invalid_response_error"),
        (reply(200, json=[1, 2]), 502, "invalid_response_error"),
        (reply(200, json={"choices": None}), 502, "invalid_response_error"),
        (reply(204), 502, "invalid_response_error"),
        (reply(200, json={"error": {"message": "inside", "type": "odd"}}), 502, "odd"),
        (reply(199), 502, "protocol_error"),
        (reply(600), 502, "protocol_error"),
        (reply(304), 304, None),
    ],
)
async def test_every_failure_is_an_outcome(answer, status, kind):
    """Status and type; never an exception, never a connection left."""
    rig = Rig(target(request_timeout=3000), answer)
    response = await rig.handle()

    assert (status, kind) == (response.status, response.body["error"]["type"])
    assert response.body["error"]["message"]
    rig.assert_clean()


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (reply(200), 502, "ended before it was complete"),
        (sse(["data: [DONE]"]), 502, "a stream without a chunk"),
        (cut(stream("Hi"), 1), 503, "the connection was reset"),
        (cut(stream("Hi"), 1, orderly=True), 502, "ended before it was complete"),
        (stall(stream("Hi"), 1), 408, "3000 ms"),
        (sse(["data: {broken"]), 502, "not JSON"),
        (sse([{"error": {"message": "inside", "type": "odd"}}]), 502, "inside"),
        (
            sse([{"choices": [{"index": 0, "delta": {"role": "assistant"}}]}, "data: {broken"]),
            502,
            "not JSON",
        ),
        (sse([{"choices": []}] * 10_001), 502, "10000 chunks that say nothing"),
        (error(429, "slow down"), 429, "slow down"),
    ],
)
async def test_a_stream_that_fails_before_it_says_anything_is_an_outcome(answer, status, text):
    """Like any other answer: it can be retried, and the next target tried."""
    rig = Rig(target(request_timeout=3000), answer)
    response = await rig.handle(stream=True)

    assert status == response.status
    assert text in response.body["error"]["message"]
    rig.assert_clean()


async def test_an_error_body_is_read_to_64_kib():
    """The rest is not worth a byte; the connection is given up."""
    endless = Reply(500, {}, [b"x" * 4096] * 1000)
    rig = Rig(target(), endless)
    response = await rig.handle()

    assert 500 == response.status
    assert len(response.body["error"]["message"]) < 2100
    assert rig.transport.requests[0].closed


async def test_created_is_filled_in_where_the_provider_has_none():
    """The clock's wall time; a provider's own stays."""
    body = {"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}
    rig = Rig(target(), [reply(json=body), reply(json={**body, "created": 5})])

    assert [1_700_000_000, 5] == [(await rig.handle()).body["created"] for _ in range(2)]


async def test_what_cannot_be_sent_is_a_local_400():
    """No model, or a body that JSON has no form for: nothing leaves the process."""
    rig = Rig(target(), OK)
    missing = await rig.handle(model=None)
    wrong = await rig.handle(model=5)
    odd = await rig.handle(seed=object())

    assert (400, "missing_model", "model") == (
        missing.status,
        missing.body["error"]["code"],
        missing.body["error"]["param"],
    )
    assert missing.body["error"]["message"].startswith("body.model: missing")
    assert "body.model: expected a text, got a value of type int" == wrong.body["error"]["message"]
    assert 400 == odd.status
    assert "" == rig.hosts


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_named_and_never_followed(status):
    """Neither key nor prompt goes to another origin."""
    rig = Rig(target(), reply(status, headers={"Location": "https://elsewhere.example/\x1b[1m" + "x" * 500}))
    response = await rig.handle()
    text = response.body["error"]["message"]

    assert (status, "a") == (response.status, rig.hosts)
    assert "a redirect to https://elsewhere.example/?[1mxxx" in text
    assert text.endswith("..., which is never followed)")


# -- keys ------------------------------------------------------------------------------------------


async def awaited():
    await asyncio.sleep(0)
    return KEY


@pytest.mark.parametrize("make", [lambda: KEY, awaited, lambda: Secret(KEY)])
async def test_a_key_may_come_from_a_function(make):
    """Synchronous or not, asked once and kept."""
    asked = []

    def counting():
        asked.append(1)
        return make()

    rig = Rig(target(api_key=counting), OK)
    await rig.create()
    await rig.create()

    assert 1 == len(asked)
    assert [f"Bearer {KEY}"] * 2 == [sent.headers["authorization"] for sent in rig.transport.requests]


async def test_a_function_is_asked_again_once_after_a_401():
    """A rotated key: the second request has the new one, and both stand in the log."""
    keys = iter(["old-key-000", "new-key-111", "newer-key-222"])
    rig = Rig(target(api_key=lambda: next(keys)), [error(401), OK, OK])
    completion_ = await rig.create()
    await rig.create()

    assert ["Bearer old-key-000", "Bearer new-key-111", "Bearer new-key-111"] == [
        sent.headers["authorization"] for sent in rig.transport.requests
    ]
    assert [401, 200] == [attempt.status for attempt in completion_.route.attempts]


async def test_a_second_401_is_the_answer():
    """No endless asking; a fixed key is not asked again at all."""
    keys = iter(["old-key-000", "new-key-111"])
    rig = Rig(fallback(target("a", api_key=lambda: next(keys)), "b"), error(401))
    with pytest.raises(AuthenticationError):
        await rig.create()

    assert "aab" == rig.hosts


def raising():
    raise RuntimeError(f"token service said {KEY}")


async def raising_later():
    raising()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (raising, "raised RuntimeError"),
        (raising_later, "raised RuntimeError"),
        (lambda: None, "no usable text"),
        (lambda: "", "no usable text"),
        (lambda: 5, "no usable text"),
        (lambda: "a\r\nb", "no usable text"),
    ],
)
async def test_a_function_that_gives_no_key_is_a_local_401(make, text):
    """Nothing is sent there, a fallback goes on, and what the function said is not quoted."""
    rig = Rig(fallback(target("a", api_key=make), "b"), OK)
    completion_ = await rig.create()
    attempt = completion_.route.attempts[0]

    assert "b" == rig.hosts
    assert (401, "config.targets[0]") == (attempt.status, attempt.target)
    assert text in attempt.error
    assert KEY not in attempt.error


@pytest.mark.parametrize("limits", [{"request_timeout": 3000}, {"deadline": 3000}])
async def test_a_function_that_hangs_is_bounded_like_the_request(limits):
    """The time limits hold while the key is fetched."""
    rig = Rig(target(api_key=lambda: asyncio.get_running_loop().create_future(), **limits), OK)
    response = await rig.handle()

    assert (408, 3.0, "") == (response.status, rig.clock.now(), rig.hosts)
    rig.assert_clean()


@pytest.mark.parametrize("limits", [{"request_timeout": 3000}, {"deadline": 3000}])
async def test_the_time_spent_on_a_key_is_not_given_back(limits):
    """Key and request together stay within the limit."""
    rig = Rig(target(api_key=lambda: later(rig), **limits), hang())
    response = await rig.handle()

    assert (408, 3.0, "a") == (response.status, rig.clock.now(), rig.hosts)


async def later(rig):
    await rig.clock.sleep(2.0)
    return KEY


async def test_a_missing_key_is_a_local_401_and_a_fallback_goes_on(monkeypatch):
    """The text names the target and the variables that would do."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rig = Rig(fallback({"provider": "openai"}, "b"), OK, keyless=False)
    completion_ = await rig.create()

    assert ("b", "config.targets[1]") == (rig.hosts, completion_.route.target)
    assert "config.targets[0] has no API key" in completion_.route.attempts[0].error
    assert "OPENAI_API_KEY" in completion_.route.attempts[0].error


async def test_variables_are_read_at_the_first_call(monkeypatch):
    """Not when the router is built, so that it may be built at import time."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rig = Rig({"provider": "openai"}, OK, keyless=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    await rig.create()

    assert f"Bearer {KEY}" == rig.transport.requests[0].headers["authorization"]


async def test_a_variable_can_be_named(monkeypatch):
    """`env:NAME`; only that one is looked at."""
    monkeypatch.setenv("OPENAI_API_KEY", "another-key")
    monkeypatch.setenv("TEAM_KEY", KEY)
    rig = Rig(target(api_key="env:TEAM_KEY"), OK, keyless=False)
    await rig.create()
    missing = await Rig(target(api_key="env:NO_SUCH_KEY"), OK, keyless=False).handle()

    assert f"Bearer {KEY}" == rig.transport.requests[0].headers["authorization"]
    assert (401, "missing_api_key") == (missing.status, missing.body["error"]["code"])


# -- what the call adds to the request -----------------------------------------------------------


async def test_forward_headers_pass_the_callers_on():
    """Those named, in any spelling; they win, even over the key."""
    rig = Rig(target(forward_headers=["X-Tenant", "Authorization", "X-Absent"]), OK)
    await rig.handle({"x-tenant": "t-1", "X-Other": "no", "AUTHORIZATION": "Bearer theirs"})
    sent = rig.transport.requests[0].headers

    assert ("t-1", "Bearer theirs") == (sent["x-tenant"], sent["authorization"])
    assert 1 == len(sent.getall("authorization"))
    assert "x-other" not in sent
    assert "x-absent" not in sent


async def test_extra_headers_and_query_go_to_the_provider():
    """Of one call; the next has none of them."""
    rig = Rig(target(), OK)
    await rig.create(extra_headers={"X-Debug": "1"}, extra_query={"beta": True, "tag": ["a", "b"]})
    await rig.create()
    first, second = rig.transport.requests

    assert "1" == first.headers["x-debug"]
    assert "https://a.example/v1/chat/completions?beta=true&tag=a&tag=b" == first.url
    assert "x-debug" not in second.headers
    assert "https://a.example/v1/chat/completions" == second.url


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "answer", [hang(), stall(stream("Hi"), 1), Reply(200, {}, [b" ", Pause(1.0)] * 1000)]
)
async def test_request_timeout_bounds_an_attempt_whatever_it_does(answer, streamed):
    """Silence before the head, in the body, and a drip that never ends."""
    rig = Rig(target(request_timeout=2500), answer)
    response = await rig.handle(stream=streamed)

    assert (408, 2.5) == (response.status, rig.clock.now())
    assert "no complete answer within 2500 ms" == response.body["error"]["message"]
    rig.assert_clean()


async def test_first_token_timeout_bounds_streams_only():
    """Up to the first chunk with content."""
    limits = {"first_token_timeout": 2000, "request_timeout": 9000}
    streamed = Rig(target(**limits), stall(stream("Hi"), 1))
    plain = Rig(target(**limits), hang())
    await streamed.handle(stream=True)
    await plain.handle()

    assert (2.0, 9.0) == (streamed.clock.now(), plain.clock.now())


async def test_connect_timeout_bounds_connecting():
    """The target's, 5 s by default; the call's own wins."""
    import httpx

    default, own, call = (
        Rig(target(**limits), hang("connect")) for limits in ({}, {"connect_timeout": 700}, {})
    )
    assert [408, 408] == [(await rig.handle()).status for rig in (default, own)]
    with pytest.raises(APIError):
        await call.create(timeout=httpx.Timeout(None, connect=0.3))

    assert [5.0, 0.7, 0.3] == [rig.clock.now() for rig in (default, own, call)]


async def test_without_any_limit_a_call_ends_after_ten_minutes():
    """Nothing waits for ever."""
    rig = Rig(target(), hang())
    response = await rig.handle()

    assert (408, 600.0) == (response.status, rig.clock.now())


async def test_later_targets_get_their_share_of_the_time():
    """Where no request_timeout is set: time left / targets left, for each attempt."""
    rig = Rig(fallback("a", "b", "c", deadline=9000), {"a.": hang(), "b.": hang(), "c.": OK})
    completion_ = await rig.create()

    assert [(0.0, 3.0), (3.0, 3.0), (6.0, 0.0)] == [
        (attempt.started, attempt.duration) for attempt in completion_.route.attempts
    ]


async def test_the_share_counts_the_targets_of_outer_chains():
    """Three after the first: one inside, two outside."""
    config = fallback(fallback("a", "b"), "c", "d", deadline=8000)
    rig = Rig(config, {"a.": hang(), "b.": OK})
    completion_ = await rig.create()

    assert 2.0 == completion_.route.attempts[0].duration


async def test_a_chain_that_does_not_move_on_after_a_timeout_shares_nothing():
    """With on_status_codes=[429] the first target may take all the time there is."""
    config = fallback("a", "b", strategy={"on_status_codes": [429]}, deadline=8000)
    rig = Rig(config, hang())
    response = await rig.handle()

    assert (408, 8.0, "a") == (response.status, rig.clock.now(), rig.hosts)


async def test_a_request_timeout_of_its_own_is_not_shared():
    """The config's word stands, up to what is left of the deadline."""
    rig = Rig(fallback(target("a", request_timeout=7000), "b", deadline=8000), {"a.": hang(), "b.": hang()})
    response = await rig.handle()

    assert (408, 8.0, "ab") == (response.status, rig.clock.now(), rig.hosts)
    assert "the whole call" in response.body["error"]["message"]
