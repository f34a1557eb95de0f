"""What observers are told: every step of a call, in order, and no secret."""

from __future__ import annotations

import pickle
from contextlib import suppress

import attrs
import pytest
from engine_kit import KEY, MESSAGES, Rig, collect, fallback, target

from llmroute import APIError
from llmroute.telemetry.events import AttemptFinished, CallFinished, CallStarted
from llmroute.testing import anthropic_completion, completion, cut, error, stream

OK = completion("The answer is Paris")


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
    """Logged by the class of its exception; the others and the call go on."""
    seen = []

    def broken(event):
        raise ValueError(f"cannot reach collector with {KEY}")

    rig = Rig(target(), OK, observers=[broken, seen.append])
    await rig.create()

    assert 4 == len(seen)
    assert "an observer raised ValueError" in caplog.text
    assert KEY not in caplog.text


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
