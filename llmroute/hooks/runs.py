"""What happened when hooks ran: by check, by hook, by side; and the `hook_results` they make.

Shape of the results: spec/GUARDRAILS.md section 1.5, recorded. Ours: `skipped` on a check that had
nothing to judge; the feedback follows the hook's verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import attrs

from .base import TIMED_OUT, HookContext, Verdict
from .hook import BoundCheck, Effect, Hook

Body = Mapping[str, Any]


@attrs.define
class CheckRun:
    """One check on one body. `out` is the body that it puts in the place of `seen`. Times in seconds."""

    check: BoundCheck
    context: HookContext
    seen: Body = attrs.field(repr=False)
    started: float
    verdict: Verdict | None = None
    out: Body | None = attrs.field(default=None, repr=False)
    duration: float = 0.0

    def settle(self, verdict: Verdict, now: float) -> None:
        """Take the verdict, unless there is one: an answer that comes too late counts for nothing."""
        if self.verdict is None:
            self.verdict = verdict
            self.out = verdict.request if self.context.event == "before" else verdict.response
            self.duration = now - self.started

    @property
    def judged(self) -> bool:
        """Whether the check could do its work, or had nothing to judge."""
        verdict = self.verdict
        return verdict is not None and (verdict.error is None or verdict.skipped)

    @property
    def late(self) -> bool:
        """Whether the check had no verdict in time."""
        error = None if self.verdict is None else self.verdict.error
        return error is not None and error.name == TIMED_OUT

    @property
    def lost(self) -> bool:
        """Whether there is no change because the check could not do its work."""
        return not self.judged and self.out is None

    def asked_again(self, again: CheckRun) -> CheckRun:
        """The check, when it was asked `again` for its change because the body had changed meanwhile.

        As long as it passes it has made its change anew, or found nothing left to change. Otherwise its
        first change is gone, and the worse of its two verdicts counts.
        """
        if again.effect == "pass" and not again.lost:
            return self
        worse = worst([self.effect, again.effect]) == again.effect
        return attrs.evolve(self, verdict=again.verdict if worse else self.verdict, out=again.out)

    @property
    def effect(self) -> Effect:
        """What the verdict does to the hook."""
        verdict, check = self.verdict, self.check
        if verdict is None:
            return check.on_error
        if verdict.skipped:
            return check.on_empty
        if verdict.error is not None:
            return check.on_error
        return "pass" if verdict.passed else "fail"

    def result(self, created_at: str) -> dict[str, Any]:
        """The check's entry in `hook_results`."""
        verdict, check = self.verdict, self.check
        if verdict is None:
            verdict = Verdict(False)
        entry = {
            "data": verdict.data,
            "verdict": verdict.passed,
            "id": check.id,
            "execution_time": int(self.duration * 1e6 + 0.5) / 1000,  # ms; round() takes three times as long
            "transformed": self.out is not None,
            "created_at": created_at,
            "log": verdict.log,
            "fail_on_error": check.fail_on_error,
        }
        if verdict.error is not None:
            entry["error"] = {"name": verdict.error.name, "message": verdict.error.message}
        if verdict.skipped:
            entry["skipped"] = True
        return entry


@attrs.define
class HookRun:
    """One hook on one body, which it has `seen`. `wall` is the time of day of its start.

    A `recalled` run was made for another target of the same call. In a `plain` one every check passed or
    failed: each could judge, had something to judge, and changed nothing.
    """

    hook: Hook
    seen: Body = attrs.field(repr=False)
    started: float
    wall: float
    checks: list[CheckRun] = attrs.field(factory=list)
    duration: float = 0.0
    recalled: bool = False
    plain: bool = False
    _effect: Effect | None = attrs.field(default=None, init=False)

    def settle_plainly(self, failed: bool) -> None:
        """Note what nearly all runs are, so that nobody has to look at the checks again."""
        self.plain = True
        self._effect = ("deny" if self.hook.deny else "fail") if failed else "pass"

    @property
    def effect(self) -> Effect:
        """What the hook does to the call; asked for when all its checks are settled."""
        if self._effect is None:
            effect = worst([check.effect for check in self.checks])
            self._effect = "deny" if effect == "fail" and self.hook.deny else effect
        return self._effect

    @property
    def transformed(self) -> bool:
        return not self.plain and any(check.out is not None for check in self.checks)

    @property
    def judged(self) -> bool:
        """Whether every check could do its work, or had nothing to judge."""
        return self.plain or all(check.judged for check in self.checks)

    @property
    def time_left(self) -> float:
        """Seconds that the hook has not used of its limit; below zero where it has overrun it."""
        return self.hook.timeout - self.duration

    def with_check(self, position: int, check: CheckRun) -> HookRun:
        """The run with another entry for one of its checks."""
        if check is self.checks[position]:
            return self
        return attrs.evolve(self, checks=[*self.checks[:position], check, *self.checks[position + 1 :]])

    @property
    def target_read(self) -> bool:
        """Whether a check looked at more than the conversation."""
        return any(check.context.target_read for check in self.checks)

    @property
    def named(self) -> str:
        """The hook's id with the checks that it did not pass: an id may be nothing but a number."""
        checks = ", ".join(dict.fromkeys(check.check.id for check in self.checks if check.effect != "pass"))
        return f"{self.hook.id} ({checks})" if checks else self.hook.id

    def warnings(self) -> list[str]:
        """What was let pass though nobody could judge it."""
        return [
            f"{self.hook.path}: {check.check.id} could not judge, which this hook lets pass"
            for check in self.checks
            if not check.judged and check.effect == "pass"
        ]

    def result(self, asynchronous: bool = False) -> dict[str, Any]:
        """The hook's entry in `hook_results`."""
        created_at, hook, effect = _timestamp(self.wall), self.hook, self.effect
        feedback = hook.on_success if effect == "pass" else hook.on_fail
        return {
            "verdict": effect == "pass",
            "id": hook.id,
            "transformed": not self.plain and self.transformed,
            "checks": [check.result(created_at) for check in self.checks],
            "feedback": None if feedback is None else self._with_checks(feedback),
            "execution_time": int(self.duration * 1e6 + 0.5) / 1000,
            "async": asynchronous,
            "type": hook.type,
            "created_at": created_at,
            "deny": effect == "deny",
        }

    def _with_checks(self, feedback: Mapping[str, Any]) -> dict[str, Any]:
        """The feedback with the names of the checks by what became of them."""
        by_result: dict[str, list[str]] = {"successfulChecks": [], "failedChecks": [], "erroredChecks": []}
        for check in self.checks:
            verdict = check.verdict
            if verdict is None or verdict.error is not None:
                by_result["erroredChecks"].append(check.check.id)
            else:
                by_result["successfulChecks" if verdict.passed else "failedChecks"].append(check.check.id)
        names = {key: ", ".join(ids) for key, ids in by_result.items()}
        return {**feedback, "metadata": {**feedback.get("metadata", {}), **names}}


@attrs.define
class SideRun:
    """All hooks of one side on one body, in the order of the config. `body` is what they leave."""

    runs: list[HookRun]
    body: Body = attrs.field(repr=False)

    @property
    def effect(self) -> Effect:
        """What the side does to the call."""
        if len(self.runs) == 1:
            return self.runs[0].effect
        return worst([run.effect for run in self.runs])

    def results(self) -> list[dict[str, Any]]:
        """The side's list in `hook_results`."""
        return [run.result() for run in self.runs]


def worst(effects: list[Effect]) -> Effect:
    """A denial, else a failure, else a pass."""
    return "deny" if "deny" in effects else "fail" if "fail" in effects else "pass"


#: Milliseconds at the end of a timestamp: formatting them takes as long as a check.
_FRACTIONS: Final = [f".{number:03d}Z" for number in range(1000)]


def _timestamp(wall: float) -> str:
    second = int(wall)
    return _second(second) + _FRACTIONS[int((wall - second) * 1000)]


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    """The date takes longer than many a check, and is the same for a second."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
