"""What checks may do instead of answering. Nothing gets past the hook's policy, and no task stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from engine_kit import fallback
from guard_kit import before, guard, guarded, replaced, said

from llmroute.hooks import CheckFailure, Verdict
from llmroute.testing import completion, error

OK = completion("Good day")


class Broken(Mapping):
    """A mapping that raises when it is read."""

    def __init__(self, error=RuntimeError):
        self.error = error

    def __getitem__(self, key):
        raise self.error

    def __iter__(self):
        return iter(["messages"])

    def __len__(self):
        return 1


class Disguised:
    """Raises when it is asked what it is."""

    @property
    def __class__(self):
        raise RuntimeError


def raising(error):
    def check(context):
        raise error

    return check


UNREADABLE = {
    "data": lambda context: Verdict(True, data=Broken()),
    "log": lambda context: Verdict(True, log=Broken()),
    "request": lambda context: Verdict(True, request=Broken()),
    "response": lambda context: Verdict(True, response=Broken()),
    "cancelled data": lambda context: Verdict(True, data=Broken(asyncio.CancelledError)),
    "empty verdict": lambda context: Verdict.__new__(Verdict),
    "empty error": lambda context: Verdict(True, error=CheckFailure.__new__(CheckFailure)),
    "odd error": lambda context: Verdict(True, error=CheckFailure(b"no text")),
    "disguised": lambda context: Disguised(),
    "cancelled": raising(asyncio.CancelledError),
    "stopped": raising(StopIteration),
}


async def at_once(check, context):
    return check(context)


def in_the_loop(check):
    return check


def later(check):
    return lambda context: at_once(check, context)


@pytest.mark.parametrize("how", [in_the_loop, later])
@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("answer", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_no_verdict(answer, sequential, how):
    """The hook's policy counts, and other checks of the call go on."""
    rig = guarded(
        [OK],
        checks={"t.odd": how(UNREADABLE[answer])},
        input_guardrails=[
            guard("t.never", id="other", timeout=1_000),
            guard("t.odd", deny=True, sequential=sequential),
        ],
    )

    response = await rig.handle()

    assert 446 == response.status
    [check] = before(response.body["hook_results"])[1]["checks"]
    assert (False, True) == (check["verdict"], bool(check["error"]["message"]))
    rig.assert_clean()


async def test_a_cancelled_check_says_so():
    """At once or later, by the same name."""
    for how in (in_the_loop, later):
        rig = guarded(
            [OK],
            checks={"t.odd": how(raising(asyncio.CancelledError))},
            input_guardrails=[guard("t.odd")],
        )
        [hook] = before((await rig.handle()).body["hook_results"])
        assert "CancelledError" == hook["checks"][0]["error"]["name"]


@pytest.mark.parametrize("last", [guard("t.never", "t.leaves"), guard("t.leaves", sequential=True)])
async def test_what_is_no_failure_of_a_check_ends_the_call_without_a_trace(last):
    """The process is to end, say: the checks that were begun end with the call."""

    class Leaving(BaseException):
        """As SystemExit, which an event loop takes for its own."""

    hooks = [guard("t.never"), guard("t.never", sequential=True), last]
    rig = guarded([OK], checks={"t.leaves": raising(Leaving)}, input_guardrails=hooks)

    with pytest.raises(Leaving):
        await rig.handle()

    for _ in range(3):
        await asyncio.sleep(0)
    rig.assert_clean()


async def test_mappings_of_the_hosts_own_become_plain():
    """Whoever reads the results finds dicts."""

    class Found(Mapping):
        def __getitem__(self, key):
            return 1

        def __iter__(self):
            return iter(["count"])

        def __len__(self):
            return 1

    rig = guarded(
        [OK],
        checks={"t.found": lambda context: Verdict(True, data=Found(), log=Found())},
        input_guardrails=[guard("t.found")],
    )

    [hook] = before((await rig.handle()).body["hook_results"])

    assert (dict, dict) == (type(hook["checks"][0]["data"]), type(hook["checks"][0]["log"]))
    assert {"count": 1} == hook["checks"][0]["data"]


# -- asked again for a change --------------------------------------------------------------------------


def long(context):
    return replaced(context, "cat", "c" * 60)


def redacts_short_texts(context):
    """Refuses what is too long for it."""
    return len(context.text) <= 50 and replaced(context, "secret", "***")


def redacts_and_detects(context):
    """Redacts, and fails where there was more to redact than one secret."""
    verdict = replaced(context, "secret", "***")
    verdict.passed = context.text.count("secret") < 2
    return verdict


def doubles(context):
    return replaced(context, "cat", "secret")


CHANGES = {
    "t.long": long, "t.short": redacts_short_texts, "t.doubles": doubles, "t.detects": redacts_and_detects,
    "t.redacts": lambda context: replaced(context, "secret", "***"),
}  # fmt: skip


async def test_a_check_that_refuses_what_a_change_made_is_heard():
    """It passed and changed the first text; the second it refuses, so its change is gone and it fails."""
    for deny, expected in ((True, 446), (False, 246)):
        rig = guarded([OK], checks=CHANGES, input_guardrails=[guard("t.long"), guard("t.short", deny=deny)])

        response = await rig.handle(messages=said("cat secret"))

        hook = before(response.body["hook_results"])[1]
        assert (expected, False, False) == (response.status, hook["verdict"], hook["transformed"])


async def test_a_check_that_changes_anew_but_fails_is_heard():
    """Its verdict on the first text was better; the worse one counts."""
    hooks = [guard("t.doubles"), guard("t.detects", deny=True)]

    response = await guarded([OK], checks=CHANGES, input_guardrails=hooks).handle(messages=said("cat secret"))

    assert 446 == response.status


async def test_a_check_that_finds_nothing_left_to_change_keeps_its_verdict():
    """Another one has taken it out already."""
    rig = guarded([OK], checks=CHANGES, input_guardrails=[guard("t.redacts"), guard("t.redacts", deny=True)])

    response = await rig.handle(messages=said("cat secret"))

    assert (200, "cat ***") == (response.status, rig.transport.requests[0].json["messages"][0]["content"])
    assert [True, True] == [hook["transformed"] for hook in before(response.body["hook_results"])]


async def test_a_failed_verdict_outlives_a_crash_when_asked_again():
    """A check that failed and then cannot change anew has failed, even where crashes are let pass."""
    asked = []

    def fails_then_crashes(context):
        asked.append(context.text)
        if len(asked) > 1:
            raise RuntimeError
        verdict = replaced(context, "secret", "***")
        verdict.passed = False
        return verdict

    rig = guarded(
        [OK],
        checks={**CHANGES, "t.odd": fails_then_crashes},
        input_guardrails=[guard("t.long"), guard("t.odd", deny=True, on_error="pass")],
    )

    assert 446 == (await rig.handle(messages=said("cat secret"))).status
    assert 2 == len(asked)


# -- other targets -------------------------------------------------------------------------------------


def first_time(odd):
    """A check that does something odd when it is asked first, and passes from then on."""
    asked = []

    def check(context):
        asked.append(context.text)
        return odd(context) if len(asked) == 1 else True

    return check


TRANSIENT = {
    "raises": raising(RuntimeError),
    "errs": lambda context: Verdict(False, error=CheckFailure("no connection")),
}


@pytest.mark.parametrize("kind", ["input_guardrails", "input_mutators"])
@pytest.mark.parametrize("odd", TRANSIENT)
async def test_a_check_that_could_not_judge_is_asked_again_for_the_next_target(odd, kind):
    """What kept it from judging may be over; a fallback is not denied for it."""
    checks = {"t.odd": first_time(TRANSIENT[odd])}
    hook = guard("t.odd", deny=True, timeout=1_000)
    rig = guarded([OK], checks=checks, config=fallback("a", "b", **{kind: [hook]}))

    response = await rig.handle()

    assert (200, "b") == (response.status, rig.hosts)


async def test_a_check_that_could_not_judge_does_not_pass_for_the_next_target():
    """Let pass for the first target, it denies the second."""
    asked = []

    def crashes_then_fails(context):
        asked.append(context.text)
        if len(asked) == 1:
            raise RuntimeError
        return False

    rig = guarded(
        [error(500), OK],
        checks={"t.odd": crashes_then_fails},
        config=fallback("a", "b", input_guardrails=[guard("t.odd", deny=True, on_error="pass")]),
    )

    assert 446 == (await rig.handle()).status
    assert "a" == rig.hosts


async def test_nothing_to_judge_is_remembered():
    """A check that was skipped is no check that failed."""
    asked = []

    def skips(context):
        asked.append(context.text)
        return Verdict(True, skipped=True, error=CheckFailure("no text"))

    rig = guarded(
        [error(500), OK],
        checks={"t.skips": skips},
        config=fallback("a", "b", input_guardrails=[guard("t.skips")]),
    )

    await rig.create()

    assert ["Hello"] == asked


async def test_a_check_that_took_too_long_is_not_waited_for_again():
    """Every further target would cost as much time as the first."""
    asked = []

    async def hangs(context):
        asked.append(context.text)
        await asyncio.Event().wait()

    rig = guarded(
        [OK],
        checks={"t.hangs": hangs},
        config=fallback("a", "b", "c", input_guardrails=[guard("t.hangs", deny=True, timeout=1_000)]),
    )

    assert 446 == (await rig.handle()).status
    assert ["Hello"] == asked
    assert 1.0 == rig.clock.now()
