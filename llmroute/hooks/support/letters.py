"""Capital and small letters."""

from __future__ import annotations

import re
from typing import Literal

from ..base import Check, HookContext, Verdict
from ..parameters import Parameters
from .report import excerpt, nothing

_SMALL = re.compile("[a-z]")
_CAPITAL = re.compile("[A-Z]")
_WORDS = {"upper": ("capital", "small"), "lower": ("small", "capital")}


def letter_check(parameters: Parameters, *, wanted: Literal["upper", "lower"]) -> Check:
    """The check that all letters are `wanted`; reads `not` and `unicode`."""
    negated = parameters.flag("not")
    every_script = parameters.flag("unicode")
    parameters.done()
    good, bad = _WORDS[wanted]

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing({"not": negated})
        uniform = _is_uniform(text, wanted) if every_script else not _has_other_ascii(text, wanted)
        passed = uniform is not negated
        data = {
            "verdict": passed,
            "not": negated,
            "explanation": f"All letters are {good}." if uniform else f"There are {bad} letters.",
            "textExcerpt": excerpt(text),
        }
        return Verdict(passed, data)

    return check


def _has_other_ascii(text: str, wanted: str) -> bool:
    """Whether there is an ASCII letter of the other kind."""
    if text.isascii():
        return text != (text.upper() if wanted == "upper" else text.lower())
    return (_SMALL if wanted == "upper" else _CAPITAL).search(text) is not None


def _is_uniform(text: str, wanted: str) -> bool:
    """Whether no letter of any script is of the other kind."""
    if text.lower() == text.upper():
        return True  # no letter has two forms
    return text.isupper() if wanted == "upper" else text.islower()
