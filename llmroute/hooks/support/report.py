"""How checks tell what they found. Shapes as recorded (spec/GUARDRAILS.md section 2); the words are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import CheckFailure, Verdict

#: Characters of a text that are quoted in a report.
EXCERPT: Final = 100
#: Characters of one finding that are quoted, such as what a group of a pattern captured.
FINDING: Final = 1_000
NO_TEXT: Final = "No text available"


def excerpt(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "..."


def cut(text: str) -> str:
    """A finding, cut where it is long."""
    return text if len(text) <= FINDING else text[:FINDING] + "..."


def nothing(data: Mapping[str, Any] | None = None, *, passed: bool = False, text: str = NO_TEXT) -> Verdict:
    """The verdict where there is no text to judge."""
    message = "There is no text to judge."
    report = {"explanation": message, **(data or {}), "textExcerpt": excerpt(text)}
    return Verdict(passed, report, CheckFailure(message), skipped=True)


def undecided(
    message: str, data: Mapping[str, Any] | None = None, *, passed: bool = False, name: str = "Check error"
) -> Verdict:
    """The verdict of a check that could not do its work; `passed` is what it reports, not what happens."""
    return Verdict(passed, {"explanation": message, **(data or {})}, CheckFailure(message, name))
