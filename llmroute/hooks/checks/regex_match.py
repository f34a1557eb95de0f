"""Searches the text for a JavaScript pattern.

Parameters: `rule` (a pattern without flags; slashes are characters, as recorded), `not`; `flags`, some of
`i`, `m`, `s` and `u`.
"""

from __future__ import annotations

from typing import Any

from ...patterns import MAX_PATTERN, Match, PatternTimeout
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript, reading
from ..support.report import cut, excerpt, nothing, undecided


def build(parameters: Parameters, services: Services) -> Check:
    """A search that takes too long, or a text over the limit of patterns, is undecided."""
    rule = reading.text_or_number(parameters, "rule", limit=MAX_PATTERN)
    flags = parameters.text("flags", "", limit=10)
    negated = parameters.flag("not")
    parameters.done()
    pattern = reading.pattern(parameters, "rule", javascript.text_of(rule), flags)
    named = {"regexPattern": rule, "not": negated}

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing(named)
        assert pattern is not None
        try:
            match = pattern.search(text)
        except PatternTimeout as reason:
            return undecided(f"The pattern is undecided: {reason}.", {**named, "textExcerpt": excerpt(text)})
        passed = (match is None) is negated
        data = {
            "regexPattern": rule,
            "not": negated,
            "verdict": passed,
            "explanation": "The pattern does not match." if match is None else "The pattern matches.",
            "matchDetails": None if match is None else _details(match),
            "textExcerpt": excerpt(text),
        }
        return Verdict(passed, data)

    return check


def _details(match: Match) -> dict[str, Any]:
    return {
        "matchedText": cut(match.text),
        "index": match.start,
        "groups": {name: cut(text) for name, text in match.named.items() if text is not None},
        "captures": [None if text is None else cut(text) for text in match.groups],
    }
