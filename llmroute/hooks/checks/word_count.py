"""Counts words.

Parameters: `minWords`, `maxWords` (whole numbers), `not`; `method` "whitespace" (recorded: runs without
JavaScript's whitespace) or "words" (no punctuation, every Han ideograph and kana a word, as word
processors count; then one of the bounds may be left out).
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript
from ..support.counting import read_bounds
from ..support.report import excerpt, nothing
from ..support.words import count_words


def build(parameters: Parameters, services: Services) -> Check:
    """Blank text is nothing to judge."""
    method = parameters.choice("method", ("whitespace", "words"), "whitespace")
    given = parameters.raw("method") is not None
    bounds = read_bounds(parameters, "minWords", "maxWords", whole=True, both=not given)
    parameters.done()
    counted = count_words if method == "words" else javascript.count_words
    named = {"minWords": bounds.low, "maxWords": bounds.high, "not": bounds.negated}

    def check(context: HookContext) -> Verdict:
        text = javascript.trim(context.text)
        if not text:
            return nothing(named, text=context.text or "No text available")
        count = counted(text)
        passed = bounds.pass_(count)
        data = {
            "wordCount": count,
            **named,
            "verdict": passed,
            "explanation": bounds.explain(count, "words"),
            "textExcerpt": excerpt(text),
        }
        return Verdict(passed, data)

    return check
