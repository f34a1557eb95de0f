"""From whatever a check answers to a Verdict that the engine can rely on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..wire.json import JSONError, dumps
from .base import TIMED_OUT, CheckFailure, Verdict
from .hook import BoundCheck

_log = logging.getLogger("llmroute")

PASSED: Final = Verdict(True)
FAILED: Final = Verdict(False)


def failed_to_judge(message: str, name: str = "Check error") -> Verdict:
    """The verdict of a check that gave none."""
    return Verdict(False, error=CheckFailure(message, name))


def crashed(check: BoundCheck, error: BaseException) -> Verdict:
    """The verdict of a check that raised. Only the kind of the error is told: its text may quote anything."""
    if isinstance(error, asyncio.CancelledError):
        return failed_to_judge("the check was cancelled", "CancelledError")
    _log.debug("the check %s raised", check.id, exc_info=error)
    _log.warning("the check %s raised %s", check.id, type(error).__name__)
    return failed_to_judge(f"the check raised {type(error).__name__}")


def timed_out(check: BoundCheck, seconds: float) -> Verdict:
    """The verdict of a check that had no time left."""
    _log.warning("the check %s took longer than its hook may", check.id)
    return failed_to_judge(f"no verdict within {round(seconds * 1000)} ms", TIMED_OUT)


def no_verdict(check: BoundCheck, problem: str) -> Verdict:
    """The verdict of a check that answered with something else. Kinds of values are told, never values."""
    _log.warning("the check %s gave no verdict: %s", check.id, problem)
    return failed_to_judge(problem)


def verdict_of(check: BoundCheck, answer: object, event: str) -> Verdict:
    """The answer as a verdict; what is no verdict is a failure to judge."""
    if answer is True or answer is False:
        return PASSED if answer else FAILED
    if type(answer) is not Verdict:
        return no_verdict(check, f"expected a bool or a Verdict, got a {type(answer).__name__}")
    problem = _problem(answer, event)
    if problem is None and check.foreign:
        problem = _foreign_problem(answer, event)
    return answer if problem is None else no_verdict(check, problem)


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
    if event == "after" and not all(map(_is_choice, listed)):
        return "its changed response has a choice without a proper message"
    return None


def _is_choice(choice: Mapping[str, Any]) -> bool:
    message = choice.get("message")
    if not isinstance(message, dict):
        return False
    calls = message.get("tool_calls")
    return calls is None or (isinstance(calls, list) and all(isinstance(call, dict) for call in calls))


def _foreign_problem(verdict: Verdict, event: str) -> str | None:
    """What only code outside of this library gets wrong."""
    error: object = verdict.error
    if error is not None and not isinstance(error, CheckFailure):
        return f"expected a CheckFailure as error, got a {type(error).__name__}"
    if isinstance(error, CheckFailure) and not all(isinstance(e, str) for e in (error.name, error.message)):
        return "expected the name and the message of its error to be text"
    skipped: object = verdict.skipped
    if skipped is not True and skipped is not False:
        return f"expected skipped to be true or false, got a {type(skipped).__name__}"
    for name in ("data", "log", "request", "response"):
        value = getattr(verdict, name)
        if value is not None and not _is_json(value):
            return f"its {name} is not JSON"
    right, wrong = ("request", "response") if event == "before" else ("response", "request")
    if getattr(verdict, wrong) is not None and getattr(verdict, right) is None:
        return f"{event} the call a change belongs in {right}, not in {wrong}"
    if not _has_text_keys(changed_body(verdict, event)):
        return f"its {right} has keys that are not text"
    return None


def _has_text_keys(value: object) -> bool:
    """JSON would be written of others too, but nobody could read the body before."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _has_text_keys(inner) for key, inner in value.items())
    return not isinstance(value, (list, tuple)) or all(map(_has_text_keys, value))


def _is_json(value: object) -> bool:
    try:
        dumps(dict(value) if isinstance(value, Mapping) else value)
    except (JSONError, TypeError, ValueError, RecursionError):
        return False
    return True


def settled(verdict: Verdict) -> Verdict:
    """The verdict with plain dicts for its mappings: one of the host's own may raise whenever it is read."""
    plain: dict[str, Any] = {}
    for name in ("data", "log", "request", "response"):
        value = getattr(verdict, name)
        if value is not None and type(value) is not dict and isinstance(value, Mapping):
            plain[name] = dict(value)
    return attrs.evolve(verdict, **plain) if plain else verdict
