"""From whatever a check answers to a Verdict that the engine can rely on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..wire.json import JSONError, dumps
from .base import CheckFailure, Verdict
from .hook import BoundCheck

_log = logging.getLogger("llmroute")

PASSED: Final = Verdict(True)
FAILED: Final = Verdict(False)


def failed_to_judge(message: str, name: str = "Check error") -> Verdict:
    """The verdict of a check that gave none."""
    return Verdict(False, error=CheckFailure(message, name))


def crashed(check: BoundCheck, error: BaseException) -> Verdict:
    """The verdict of a check that raised. Only the kind of the error is told: its text may quote anything."""
    _log.debug("the check %s raised", check.id, exc_info=error)
    _log.warning("the check %s raised %s", check.id, type(error).__name__)
    return failed_to_judge(f"the check raised {type(error).__name__}")


def timed_out(check: BoundCheck, seconds: float) -> Verdict:
    """The verdict of a check that had no time left."""
    _log.warning("the check %s took longer than its hook may", check.id)
    return failed_to_judge(f"no verdict within {round(seconds * 1000)} ms", "TimeoutError")


def verdict_of(check: BoundCheck, answer: object, event: str) -> Verdict:
    """The answer as a verdict; what is no verdict is a failure to judge."""
    if answer is True or answer is False:
        return PASSED if answer else FAILED
    if type(answer) is not Verdict:
        return failed_to_judge(f"expected a bool or a Verdict, got a {type(answer).__name__}")
    problem = _problem(answer, event)
    if problem is None and check.foreign:
        problem = _foreign_problem(answer)
    return answer if problem is None else failed_to_judge(problem)


def changed_body(verdict: Verdict, event: str) -> Mapping[str, Any] | None:
    """The body that the verdict puts in the place of the one judged."""
    return verdict.request if event == "before" else verdict.response


def _problem(verdict: Verdict, event: str) -> str | None:
    passed: object = verdict.passed
    if passed is not True and passed is not False:
        return f"expected a verdict of true or false, got a {type(passed).__name__}"
    body: object = changed_body(verdict, event)
    if body is None:
        return None
    name, entries = ("messages", "request") if event == "before" else ("choices", "response")
    if not isinstance(body, Mapping):
        return f"its changed {entries} is no object"
    listed = body.get(name)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        return f"its changed {entries} has no list of {name}"
    return None


def _foreign_problem(verdict: Verdict) -> str | None:
    """What only code outside of this library gets wrong."""
    error: object = verdict.error
    if error is not None and not isinstance(error, CheckFailure):
        return f"expected a CheckFailure as error, got a {type(error).__name__}"
    skipped: object = verdict.skipped
    if skipped is not True and skipped is not False:
        return f"expected skipped to be true or false, got a {type(skipped).__name__}"
    for name in ("data", "log", "request", "response"):
        value = getattr(verdict, name)
        if value is not None and not _is_json(value):
            return f"its {name} is not JSON"
    return None


def _is_json(value: object) -> bool:
    try:
        dumps(dict(value) if isinstance(value, Mapping) else value)
    except (JSONError, TypeError, ValueError, RecursionError):
        return False
    return True


def settled(verdict: Verdict) -> Verdict:
    """The verdict with its changed bodies as plain dicts."""
    if verdict.request is None and verdict.response is None:
        return verdict
    return attrs.evolve(verdict, request=_plain(verdict.request), response=_plain(verdict.response))


def _plain(body: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return body if body is None or type(body) is dict else dict(body)
