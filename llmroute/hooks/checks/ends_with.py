"""Looks at the end of the text.

Parameters: `suffix`, `not`. The suffix may be followed by one full stop, as recorded.
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript, reading
from ..support.report import excerpt, nothing


def build(parameters: Parameters, services: Services) -> Check:
    """Empty text is nothing to judge."""
    suffix = reading.text_or_number(parameters, "suffix", limit=10_000)
    negated = parameters.flag("not")
    parameters.done()
    end = javascript.text_of(suffix)
    ends = (end, end + ".")
    named = {"suffix": suffix, "not": negated}

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing(named)
        there = text.endswith(ends)
        passed = there is not negated
        explanation = "The text ends with the suffix." if there else "The text does not end with the suffix."
        data = {**named, "verdict": passed, "explanation": explanation, "textExcerpt": excerpt(text)}
        return Verdict(passed, data)

    return check
