"""The time of hooks: each its own, whatever runs beside it; none beyond the call's."""

from __future__ import annotations

import asyncio

import pytest
from guard_kit import before, guard, guarded, replaced, said

from llmroute.testing import completion

OK = completion("Good day")
#: Hooks whose check takes so many seconds.
SLOW, QUICK = guard("t.5s", id="slow"), guard("t.100ms", id="quick")
LATE = guard("t.3s", id="late", timeout=1_000, deny=True)


def timed(*hooks, checks=None, side="input_guardrails", **members):
    """A Rig with checks that take their time: "t.5s", "t.3s", "t.100ms"."""
    rig = None

    def taking(seconds):
        async def check(context):
            await rig.clock.sleep(seconds)
            return True

        return check

    made = {"t.5s": taking(5.0), "t.3s": taking(3.0), "t.100ms": taking(0.1), **(checks or {})}
    rig = guarded([OK], checks=made, **{side: list(hooks)}, **members)
    return rig


def times(response, side="before_request_hooks"):
    """Milliseconds by hook."""
    return {hook["id"]: hook["execution_time"] for hook in response.body["hook_results"][side]}


# -- every hook for itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("hooks", [(SLOW, QUICK, LATE), (LATE, SLOW, QUICK), (QUICK, LATE, SLOW)])
async def test_the_limit_of_a_hook_holds_wherever_it_stands(hooks):
    """A hook that denies after one second does so behind one of five seconds, too."""
    rig = timed(*hooks)

    response = await rig.handle()

    assert 446 == response.status
    assert {"slow": 5000.0, "quick": 100.0, "late": 1000.0} == pytest.approx(times(response))
    rig.assert_clean()


async def test_the_limit_of_an_output_hook_holds_wherever_it_stands():
    """Answers are judged by the same rules."""
    response = await timed(SLOW, LATE, side="output_guardrails").handle()

    assert 446 == response.status
    assert {"slow": 5000.0, "late": 1000.0} == pytest.approx(times(response, "after_request_hooks"))


async def test_observers_hear_what_each_hook_took():
    """Not what the slowest beside it took."""
    rig = timed(SLOW, QUICK, router={"observe": True})

    await rig.handle()

    durations = {event.hook: event.duration for event in rig.events if type(event).__name__ == "HookFinished"}
    assert {"slow": 5.0, "quick": 0.1} == pytest.approx(durations)


async def test_a_sequence_runs_beside_other_hooks():
    """Recorded: all hooks of a side start together."""
    rig = timed(guard("t.5s", id="a", sequential=True), guard("t.3s", id="b", sequential=True), QUICK)
    begun = rig.clock.now()

    response = await rig.handle()

    assert 5.0 == pytest.approx(rig.clock.now() - begun)
    assert {"a": 5000.0, "b": 3000.0, "quick": 100.0} == pytest.approx(times(response))


async def test_the_limit_of_a_sequence_holds_beside_other_hooks():
    """Its second check has what the first one left."""
    late = guard("t.100ms", "t.3s", id="late", timeout=1_000, deny=True, sequential=True)

    response = await timed(guard("t.5s", id="slow", sequential=True), late).handle()

    assert 446 == response.status
    assert {"slow": 5000.0, "late": 1000.0} == pytest.approx(times(response))
    assert [True, False] == [check["verdict"] for check in before(response.body["hook_results"])[1]["checks"]]


async def test_a_check_ends_with_its_hook():
    """Not with the slowest hook beside it."""
    ended = []
    rig = None

    async def hangs(context):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(rig.clock.now())

    rig = timed(guard("t.hangs", timeout=1_000), SLOW, checks={"t.hangs": hangs})
    begun = rig.clock.now()

    await rig.handle()

    assert [1.0] == pytest.approx([at - begun for at in ended])


async def test_cancelling_a_call_ends_all_its_hooks():
    """Sequences as well, and whenever it is cancelled: nothing is left when the caller goes on."""
    hooks = [guard("t.never"), guard("t.never", sequential=True), guard("t.passes", "t.never", timeout=50)]
    most = 0
    for turns in range(8):
        rig = guarded([OK], input_guardrails=hooks, router={"auto": False})
        call = asyncio.ensure_future(rig.create())
        for _ in range(turns):
            await asyncio.sleep(0)
        most = max(most, len(asyncio.all_tasks()))

        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        rig.assert_clean()
    assert 8 == most, "this one, the call, its three hooks and a waiting check of each"


# -- asked again for a change --------------------------------------------------------------------------


def again_after(seconds, rigs, old="b", new="B"):
    """A check that changes at once when it is asked first, and takes its time from then on."""
    asked = []

    async def check(context):
        asked.append(context.text)
        if len(asked) > 1:
            await rigs[0].clock.sleep(seconds)
        return replaced(context, old, new)

    return check


def composing(*hooks, slow, **members):
    """A Rig in which the change of "t.a" has the other checks asked again: by id, seconds they take then."""
    rigs = []
    checks = {"t.a": lambda context: replaced(context, "a", "A")}
    for check, (seconds, old) in slow.items():
        checks[check] = again_after(seconds, rigs, old, old.upper())
    rig = guarded([OK], checks=checks, input_guardrails=[guard("t.a"), *hooks], **members)
    rigs.append(rig)
    return rig


async def test_composing_changes_ends_with_the_call():
    """What cannot be changed anew in the call's time could not be judged: here that denies."""
    rig = composing(guard("t.b", deny=True), slow={"t.b": (20.0, "b")}, deadline=500)
    begun = rig.clock.now()

    response = await rig.handle(messages=said("a b"))

    assert 446 == response.status
    assert 0.5 == pytest.approx(rig.clock.now() - begun)
    [check] = before(response.body["hook_results"])[1]["checks"]
    assert (False, False, "TimeoutError") == (check["verdict"], check["transformed"], check["error"]["name"])
    rig.assert_clean()


async def test_a_hook_has_one_limit_for_judging_and_changing():
    """Of two seconds it has used one and a half, so that half a second is left; it needs one."""
    rig = None
    asked = []

    async def slow(context):
        asked.append(context.text)
        await rig.clock.sleep(1.5 if len(asked) == 1 else 1.0)
        return replaced(context, "b", "B")

    checks = {"t.a": lambda context: replaced(context, "a", "A"), "t.slow": slow}
    hooks = [guard("t.a"), guard("t.slow", deny=True, timeout=2_000)]
    rig = guarded([OK], checks=checks, input_guardrails=hooks)
    begun = rig.clock.now()

    assert 446 == (await rig.handle(messages=said("a b"))).status
    assert 2.0 == pytest.approx(rig.clock.now() - begun)


async def test_the_time_of_other_hooks_is_not_taken_from_a_hook():
    """Half a second each, one after the other, with limits of 700 ms each and a longer one."""
    hooks = [guard("t.b", deny=True, timeout=700), guard("t.c", deny=True, timeout=700), guard("t.d")]
    rig = composing(*hooks, slow={"t.b": (0.5, "b"), "t.c": (0.5, "c"), "t.d": (0.5, "d")})

    response = await rig.handle(messages=said("a b c d"))

    assert 200 == response.status
    assert "A B C D" == rig.transport.requests[0].json["messages"][0]["content"]


async def test_all_changing_anew_has_one_budget():
    """Ten redactors that hang hold a call up once, not ten times."""
    hung = {f"t.{number}": (60.0, chr(ord("b") + number)) for number in range(10)}
    rig = composing(*[guard(check, deny=True, timeout=4_000) for check in hung], slow=hung)
    begun = rig.clock.now()

    assert 446 == (await rig.handle(messages=said("a b c d e f g h i j k"))).status
    assert rig.clock.now() - begun <= 30.0
    rig.assert_clean()
