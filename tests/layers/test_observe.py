"""What observers are told: every step of a call, in order, and no secret."""

from __future__ import annotations

import logging
import pickle
from contextlib import suppress
from functools import partial

import attrs
import pytest
from engine_kit import KEY, MESSAGES, Rig, collect, fallback, target

from llmroute import APIError
from llmroute.telemetry.events import AttemptFinished, CallFinished, CallStarted, StreamFinished
from llmroute.testing import anthropic_completion, completion, cut, error, reply, sse, stall, stream

OK = completion("The answer is Paris")
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "queue_time": 0.1}


def names(events):
    return [type(event).__name__ for event in events]


async def observed(config, script, **params):
    rig = Rig(config, script, observe=True)
    with suppress(APIError):
        await rig.create(**params)
    return rig


async def test_a_plain_call():
    """Begin, the request, the target's result, the end."""
    rig = await observed(target(), OK)

    assert ["CallStarted", "AttemptFinished", "TargetFinished", "CallFinished"] == names(rig.events)
    started, attempt, finished, ended = rig.events
    assert ("gpt-4o-mini", False) == (started.model, started.stream)
    assert ("config", 200, None) == (attempt.attempt.target, attempt.attempt.status, attempt.attempt.error)
    assert ("config", 200, 0) == (finished.target, finished.status, finished.retries)
    assert (200, "config") == (ended.status, ended.route.target)


async def test_retries_and_a_fallback():
    """Each attempt, each wait, each change of target."""
    config = fallback(target("a", retry={"attempts": 1, "jitter": "none"}), "b")
    rig = await observed(config, {"a.": error(500), "b.": OK})

    assert [
        "CallStarted",
        "AttemptFinished",
        "RetryScheduled",
        "AttemptFinished",
        "TargetFinished",
        "FallbackTaken",
        "AttemptFinished",
        "TargetFinished",
        "CallFinished",
    ] == names(rig.events)
    target_, taken = rig.events[4:6]
    assert ("config.targets[0]", 500, -1) == (target_.target, target_.status, target_.retries)
    assert ("config.targets[0]", "config.targets[1]", 500) == (taken.source, taken.target, taken.status)
    assert 2 == len({event.at for event in rig.events})
    assert sorted(event.at for event in rig.events) == [event.at for event in rig.events]


async def test_a_failed_call_is_finished_too():
    """With the last status and the whole route."""
    rig = await observed(fallback("a", "b"), error(503))

    assert isinstance(rig.events[-1], CallFinished)
    assert (503, 2) == (rig.events[-1].status, len(rig.events[-1].route.attempts))


async def test_a_stream_ends_after_its_call():
    """The call is finished with the stream object, the stream when it is over."""
    rig = Rig(target(), stream("Hello"), observe=True)
    opened = await rig.stream()

    assert ["CallStarted", "AttemptFinished", "TargetFinished", "CallFinished"] == names(rig.events)
    assert rig.events[0].stream is True
    assert rig.events[1].attempt.ttft is not None
    await collect(opened)
    assert ("StreamFinished", "completed", None) == (
        names(rig.events)[-1],
        rig.events[-1].end,
        rig.events[-1].error,
    )


async def test_a_broken_stream_says_why():
    """A short text."""
    rig = Rig(target(), cut(stream("Hello there"), 2), observe=True)
    with pytest.raises(APIError):
        await collect(await rig.stream())

    assert "failed" == rig.events[-1].end
    assert "broke" in rig.events[-1].error


# -- usage ---------------------------------------------------------------------------------------------


def with_usage(usage):
    """A completion whose body says this."""
    return reply(200, json={**OK.json, "usage": usage})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (with_usage(USAGE), USAGE),
        (with_usage(None), None),
        (with_usage({}), None),
        (with_usage("much"), None),
        (error(500), None),
        (reply(500, json={"error": {"message": "no"}, "usage": USAGE}), None),
        (stream("Hello", usage=USAGE), None),
    ],
    ids=["whole", "null", "empty", "odd", "failed", "failed with one", "stream"],
)
async def test_a_finished_call_tells_the_usage_of_its_answer(answer, expected):
    """As it came, unknown members included; a stream's is told when the stream is over."""
    rig = await observed(target(), answer, stream=answer.headers["content-type"] != "application/json")
    (finished,) = [event for event in rig.events if isinstance(event, CallFinished)]

    assert expected == finished.usage


async def test_the_usage_of_a_fallback_is_that_of_its_answer():
    """In OpenAI's form, whatever the provider's is."""
    config = fallback("a", {"provider": "anthropic", "api_key": KEY})
    rig = await observed(config, {"a.": error(500), "anthropic": anthropic_completion()}, max_tokens=5)
    usage = rig.events[-1].usage

    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def chunk(text="", **members):
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": None}] if text else []
    return {"object": "chat.completion.chunk", "created": 1, "id": "x", "choices": choices, **members}


END = {"index": 0, "delta": {}, "finish_reason": "stop"}
GROWING = [chunk(text, usage={"total_tokens": number}) for number, text in enumerate("abc", 1)]


async def usage_of(answer, leave=collect):
    """The usage that StreamFinished told, and how the stream had ended."""
    rig = Rig(target(), answer, observe=True)
    opened = await rig.stream()
    with suppress(APIError):
        await leave(opened)
    await opened.close()
    (finished,) = [event for event in rig.events if isinstance(event, StreamFinished)]
    return finished.end, finished.usage


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (stream("Hello there", usage=USAGE), USAGE),
        (stream("Hello there"), None),
        (sse([*GROWING, chunk(choices=[END]), "data: [DONE]"]), {"total_tokens": 3}),
        (sse([chunk("a"), chunk(usage=USAGE), chunk(choices=[END], usage=None), "data: [DONE]"]), USAGE),
        (sse([chunk("a"), chunk(usage=USAGE), chunk(choices=[END], usage={}), "data: [DONE]"]), USAGE),
        (sse([chunk("a"), chunk(usage=USAGE), chunk(choices=[END], usage="odd"), "data: [DONE]"]), USAGE),
        (sse([chunk(usage=USAGE), chunk("a", choices=[END]), "data: [DONE]"]), USAGE),
        (completion("Hello", usage=USAGE), USAGE),
    ],
    ids=[
        "at the end",
        "none",
        "growing",
        "then null",
        "then empty",
        "then odd",
        "before the commit",
        "whole",
    ],
)
async def test_a_finished_stream_tells_its_last_usage(answer, expected):
    """The last one that is not empty, as it came."""
    assert ("completed", expected) == await usage_of(answer)


async def test_a_stream_that_breaks_tells_what_it_had_used():
    """As far as the provider had said."""
    assert ("failed", {"total_tokens": 2}) == await usage_of(cut(sse(GROWING), 2))


async def test_a_stream_that_is_left_tells_what_it_had_used():
    """Also what came together with the chunks that nobody read."""
    assert ("abandoned", {"total_tokens": 2}) == await usage_of(
        stall(sse(GROWING), 2), lambda opened: anext_of(opened, 2)
    )
    whole = reply(200, text=stream("a b c", usage=USAGE).text, headers={"content-type": "text/event-stream"})
    assert ("abandoned", USAGE) == await usage_of(whole, anext)


async def anext_of(opened, count):
    for _ in range(count):
        await anext(opened)


async def test_events_with_usage_can_be_kept_in_sets():
    """Like all others: the usage is compared, but it is no part of the hash."""
    rig = Rig(target(), stream("Hello", usage=USAGE), observe=True)
    await collect(await rig.stream())
    ended = rig.events[-1]

    assert {ended} == {attrs.evolve(ended)}
    assert ended != attrs.evolve(ended, usage=None)


async def test_dropped_parameters_are_told():
    """What the provider's format cannot carry, with the target's path."""
    rig = Rig({"provider": "anthropic", "api_key": KEY}, anthropic_completion(), observe=True)
    completion_ = await rig.create(logit_bias={"1": 5}, max_tokens=5)
    (dropped,) = [event for event in rig.events if type(event).__name__ == "ParametersDropped"]

    assert "config" == dropped.target
    assert any("logit_bias" in text for text in dropped.warnings)
    assert any("logit_bias" in text for text in completion_.route.warnings)


async def test_the_events_of_a_call_are_joined_by_an_id():
    """Its own for every call; the caller's trace id beside it."""
    rig = Rig(target(), OK, observe=True)
    for trace_id in ("t-1", "t-1", None):
        await rig.router.with_options(trace_id=trace_id).chat.completions.create(model="m", messages=MESSAGES)
    calls = {}
    for event in rig.events:
        calls.setdefault(event.call_id, []).append(event)

    assert [4, 4, 4] == [len(events) for events in calls.values()]
    assert [{"t-1"}, {"t-1"}] == [{event.trace_id for event in events} for events in list(calls.values())[:2]]
    assert all(event.trace_id for event in rig.events)


async def test_events_hold_neither_keys_nor_texts():
    """No credential, no header value, nothing of the conversation; and they pickle."""
    config = fallback(
        target("a", retry={"attempts": 1, "jitter": "none"}), "b", metadata={"tenant": "canary-tenant"}
    )
    rig = Rig(config, {"a.": error(401, f"wrong key {KEY}"), "b.": completion("canary answer")}, observe=True)
    await rig.create(
        messages=[{"role": "user", "content": "canary question"}],
        user="canary user",
        extra_headers={"X-Canary": "canary header"},
    )

    assert rig.events
    for event in rig.events:
        assert "canary" not in repr(event)
        assert event == pickle.loads(pickle.dumps(event))
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.at = 0.0


async def test_an_observer_that_raises_is_harmless(caplog):
    """Logged by its name and the class of its exception; the others and the call go on."""
    seen = []
    rig = Rig(target(), OK, observers=[broken, seen.append])
    await rig.create()

    assert 4 == len(seen)
    assert ["the observer broken raised ValueError"] * 4 == [record.message for record in caplog.records]
    assert KEY not in caplog.text


def broken(event):
    raise ValueError(f"cannot reach collector with {KEY}")


class Metrics:
    def count(self, event):
        broken(event)

    __call__ = count


@pytest.mark.parametrize(
    ("observer", "name"),
    [(Metrics().count, "Metrics.count"), (Metrics(), "Metrics"), (partial(broken), "partial")],
    ids=["method", "object", "partial"],
)
async def test_an_observer_that_raises_is_named(caplog, observer, name):
    """Functions and methods by their own name, other objects by that of their class."""
    await Rig(target(), OK, observers=observer).create()

    assert {f"the observer {name} raised ValueError"} == {record.message for record in caplog.records}


async def test_the_traceback_of_an_observer_is_there_for_debugging(caplog):
    """It may quote anything, so it is not shown otherwise."""
    caplog.set_level(logging.DEBUG, "llmroute")
    await Rig(target(), OK, observers=broken).create()

    assert {(logging.DEBUG, True), (logging.WARNING, False)} == {
        (record.levelno, "in broken" in (record.exc_text or "")) for record in caplog.records
    }


async def test_without_observers_nothing_is_emitted():
    """Nobody pays for events that nobody reads."""
    rig = Rig(target(), OK)
    await rig.create()

    assert rig.router._core.env.emit is None


async def test_every_request_of_a_call_is_an_attempt():
    """Those with a stale key as well."""
    keys = iter(["old-key-000", "new-key-111"])
    rig = await observed(target(api_key=lambda: next(keys)), [error(401), OK])

    assert [401, 200] == [event.attempt.status for event in rig.events if isinstance(event, AttemptFinished)]
    assert isinstance(rig.events[0], CallStarted)
