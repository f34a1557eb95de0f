"""Counts characters.

Parameters: `minCharacters`, `maxCharacters` (whole numbers), `not`; `method` "codePoints" (the default;
an emoji may be several) or "graphemes" (what a reader takes for one character). With `method` one of the
bounds may be left out.
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.counting import read_bounds
from ..support.report import excerpt, nothing, undecided
from ..support.words import MAX_GRAPHEME_TEXT, count_graphemes


def build(parameters: Parameters, services: Services) -> Check:
    """Empty text is nothing to judge."""
    method = parameters.choice("method", ("codePoints", "graphemes"), "codePoints")
    given = parameters.raw("method") is not None
    bounds = read_bounds(parameters, "minCharacters", "maxCharacters", whole=True, both=not given)
    parameters.done()
    named = {"minCharacters": bounds.low, "maxCharacters": bounds.high, "not": bounds.negated}
    by_grapheme = method == "graphemes"

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing(named)
        if by_grapheme and len(text) > MAX_GRAPHEME_TEXT:
            message = f"The text has more than {MAX_GRAPHEME_TEXT:,} characters."
            return undecided(message, {**named, "textExcerpt": excerpt(text)})
        count = count_graphemes(text) if by_grapheme else len(text)
        passed = bounds.pass_(count)
        data = {
            "characterCount": count,
            **named,
            "verdict": passed,
            "explanation": bounds.explain(count, "characters"),
            "textExcerpt": excerpt(text),
        }
        return Verdict(passed, data)

    return check
