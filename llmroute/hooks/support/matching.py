"""Comparing a value (a claim of a token, an entry of the metadata) with what is expected of it.

The ways are those of the hosted product's documentation: "exact", "contains", "containsAll" and "regex".
A text "contains" what it is, and what stands in it between blanks or commas (`scope` is such a text); parts
of words are left to "regex", for else `tenant-1` would be in `tenant-12`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, cast

import attrs

from ...config.primitives import found
from ...patterns import Pattern
from ..parameters import Parameters
from . import javascript, reading

MatchType = Literal["exact", "contains", "containsAll", "regex"]
MATCH_TYPES: Final = ("exact", "contains", "containsAll", "regex")

#: Values of a list that are looked at.
MAX_ENTRIES: Final = 1_000
_SEPARATORS = re.compile(r"[\s,]+")
_SCALARS = (str, int, float, bool)


@attrs.frozen
class Expected:
    """What a value has to be like."""

    texts: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    match_type: MatchType

    def matches(self, value: Any) -> bool:
        """Whether the value is as expected. Raises PatternTimeout."""
        given = [javascript.text_of(entry) for entry in _listed(value) if isinstance(entry, _SCALARS)]
        if self.match_type == "regex":
            return any(pattern.search(text) for pattern in self.patterns for text in given)
        if self.match_type == "exact":
            return isinstance(value, _SCALARS) and given[0] == self.texts[0]
        tokens = {token for text in given for token in (text, *_SEPARATORS.split(text))}
        wanted = (text in tokens for text in self.texts)
        return any(wanted) if self.match_type == "contains" else all(wanted)


def read_expected(parameters: Parameters, path: str, value: Any, match_type: str) -> Expected | None:
    """What the parameters expect at `path`: a plain value or a list of some; None after a problem."""
    values: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
    if not values or len(values) > MAX_ENTRIES or not all(isinstance(entry, _SCALARS) for entry in values):
        parameters.problem(path, f"expected a plain value or a list of some, got {found(value)}")
        return None
    if match_type == "exact" and len(values) != 1:
        parameters.problem(path, "expected one value; for a choice of values use contains")
        return None
    texts = tuple(javascript.text_of(entry) for entry in values)
    patterns: list[Pattern] = []
    if match_type == "regex":
        for text in texts:
            compiled = reading.pattern(parameters, path, text)
            if compiled is None:
                return None
            patterns.append(compiled)
    return Expected(texts, tuple(patterns), cast(MatchType, match_type))


def _listed(value: Any) -> Sequence[Any]:
    return value[:MAX_ENTRIES] if isinstance(value, (list, tuple)) else [value]
