"""Counts sentences.

Parameters: `minSentences`, `maxSentences`, `not`; `method` "marks" (recorded: every `.`, `!` and `?` is
one) or "sentences" (those that a reader would count; then one of the bounds may be left out).
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.counting import read_bounds
from ..support.report import excerpt, undecided
from ..support.sentences import MAX_TEXT, count_marks, count_sentences


def build(parameters: Parameters, services: Services) -> Check:
    """Text without any sentence counts as 0 and is judged, empty text too, as recorded."""
    method = parameters.choice("method", ("marks", "sentences"), "marks")
    given = parameters.raw("method") is not None
    bounds = read_bounds(parameters, "minSentences", "maxSentences", whole=False, both=not given)
    parameters.done()
    named = {"minCount": bounds.low, "maxCount": bounds.high, "not": bounds.negated}
    marks = method == "marks"

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not marks and len(text) > MAX_TEXT:
            return undecided(f"The text has more than {MAX_TEXT:,} characters.", named)
        count = count_marks(text) if marks else count_sentences(text)
        passed = bounds.pass_(count)
        data = {
            "sentenceCount": count,
            **named,
            "verdict": passed,
            "explanation": bounds.explain(count, "sentences"),
            "textExcerpt": excerpt(text),
        }
        return Verdict(passed, data)

    return check
