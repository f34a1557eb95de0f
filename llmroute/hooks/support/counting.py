"""Checks that count something and compare it with two bounds."""

from __future__ import annotations

import math

import attrs

from ...config.primitives import found
from ..parameters import Parameters


@attrs.frozen
class Bounds:
    """The least and the greatest number that pass, as written; None where there is no such bound.

    The least may be above the greatest: then nothing passes, as recorded.
    """

    low: int | float | None
    high: int | float | None
    negated: bool

    def pass_(self, count: int) -> bool:
        """Whether `count` passes."""
        inside = (self.low is None or count >= self.low) and (self.high is None or count <= self.high)
        return inside is not self.negated

    def explain(self, count: int, what: str) -> str:
        """What was counted, and what would pass."""
        low = "-∞" if self.low is None else self.low
        high = "∞" if self.high is None else self.high
        return f"Counted {count} {what}; {'outside of' if self.negated else 'within'} {low} to {high} passes."


def read_bounds(parameters: Parameters, low: str, high: str, *, whole: bool, both: bool) -> Bounds:
    """Both bounds and `not`. Unless `both` are required, one may be left out."""
    bounds: list[int | float | None] = []
    for name in (low, high):
        value = parameters.raw(name)
        if value is None and not both:
            bounds.append(None)
            continue
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or (whole and not float(value).is_integer()):
            kind = "a whole number" if whole else "a number"
            hint = "; it may be left out where `method` is given" if value is None else ""
            text = "nothing" if value is None else found(value)
            parameters.problem(name, f"expected {kind}, got {text}{hint}")
            value = None
        bounds.append(value)
    if bounds == [None, None] and not both:
        parameters.problem(low, f"expected {low}, {high} or both, got nothing")
    return Bounds(bounds[0], bounds[1], parameters.flag("not"))
