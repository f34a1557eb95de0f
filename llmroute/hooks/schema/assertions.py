"""Keywords that look at one value. Each function makes a keyword from what the schema says."""

from __future__ import annotations

import math
from typing import Any

from ...patterns import Pattern
from ..support.javascript import json_of, text_of
from .formats import FORMATS
from .node import Found, Keyword, Place, Problem, Run, Seen
from .values import identity, is_integer, type_name


def type_(names: list[str], written: Any) -> Keyword:
    expected = json_of(written).strip("[]").replace('","', '", "')
    whole = "integer" in names

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        name = type_name(value)
        if name in names or (whole and is_integer(value)):
            return None
        return [Problem(place, "type", f'Instance type "{name}" is invalid. Expected {expected}.')]

    return check


def const(wanted: Any) -> Keyword:
    key = identity(wanted)
    message = f"Instance does not match {json_of(wanted)}."

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        return None if identity(value) == key else [Problem(place, "const", message)]

    return check


def enum(wanted: list[Any]) -> Keyword:
    keys = {identity(value) for value in wanted}
    message = f"Instance does not match any of {json_of(wanted)}."

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        return None if identity(value) in keys else [Problem(place, "enum", message)]

    return check


# -- objects -----------------------------------------------------------------------------------------


def required(names: list[str]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        return [
            Problem(place, "required", f'Instance does not have required property "{name}".')
            for name in names
            if name not in value
        ]

    return check


def min_properties(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if len(value) >= limit:
            return None
        message = f"Instance does not have at least {text_of(limit)} properties."
        return [Problem(place, "minProperties", message)]

    return check


def max_properties(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if len(value) <= limit:
            return None
        # These are the reference's words, though "at most" is meant.
        message = f"Instance does not have at least {text_of(limit)} properties."
        return [Problem(place, "maxProperties", message)]

    return check


def dependent_required(keyword: str, needs: dict[str, list[str]]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        return [
            Problem(place, keyword, f'Instance has "{name}" but does not have "{other}".')
            for name, others in needs.items()
            if name in value
            for other in others
            if other not in value
        ]

    return check


# -- arrays ------------------------------------------------------------------------------------------


def max_items(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if len(value) <= limit:
            return None
        return [Problem(place, "maxItems", f"Array has too many items ({len(value)} > {text_of(limit)}).")]

    return check


def min_items(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if len(value) >= limit:
            return None
        return [Problem(place, "minItems", f"Array has too few items ({len(value)} < {text_of(limit)}).")]

    return check


def unique_items() -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        places: dict[Any, list[int]] = {}
        for index, entry in enumerate(value):
            places.setdefault(identity(entry), []).append(index)
        twice = next((found for found in places.values() if len(found) > 1), None)
        if twice is None:
            return None
        return [Problem(place, "uniqueItems", f"Duplicate items at indexes {twice[0]} and {twice[1]}.")]

    return check


# -- numbers -----------------------------------------------------------------------------------------


def minimum(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if value >= limit:
            return None
        return [Problem(place, "minimum", f"{text_of(value)} is less than {text_of(limit)}.")]

    return check


def maximum(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if value <= limit:
            return None
        return [Problem(place, "maximum", f"{text_of(value)} is greater than {text_of(limit)}.")]

    return check


def exclusive_minimum(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if value > limit:
            return None
        return [Problem(place, "exclusiveMinimum", f"{text_of(value)} is less than {text_of(limit)}.")]

    return check


def exclusive_maximum(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if value < limit:
            return None
        message = f"{text_of(value)} is greater than or equal to {text_of(limit)}."
        return [Problem(place, "exclusiveMaximum", message)]

    return check


def multiple_of(factor: Any) -> Keyword:
    """With the reference's tolerance for numbers that are not whole."""

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if _is_multiple(value, factor):
            return None
        message = f"{text_of(value)} is not a multiple of {text_of(factor)}."
        return [Problem(place, "multipleOf", message)]

    return check


_TOLERANCE = 1.1920929e-7


def _is_multiple(value: Any, factor: Any) -> bool:
    if type(value) is int and type(factor) is int:
        return bool(value % factor == 0)
    try:
        rest = math.fmod(abs(value), factor)
    except (OverflowError, ValueError):
        return False
    return rest < _TOLERANCE or factor - rest < _TOLERANCE


# -- texts -------------------------------------------------------------------------------------------


def min_length(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if len(value) >= limit:
            return None
        return [Problem(place, "minLength", f"String is too short ({len(value)} < {text_of(limit)}).")]

    return check


def max_length(limit: Any) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if len(value) <= limit:
            return None
        return [Problem(place, "maxLength", f"String is too long ({len(value)} > {text_of(limit)}).")]

    return check


def pattern(compiled: Pattern) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if run.search(compiled, value):
            return None
        return [Problem(place, "pattern", "String does not match pattern.")]

    return check


def format_(name: str) -> Keyword | None:
    """None for formats that nobody knows: those are not asserted."""
    good = FORMATS.get(name)
    if good is None:
        return None

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        return None if good(value) else [Problem(place, "format", f'String does not match format "{name}".')]

    return check
