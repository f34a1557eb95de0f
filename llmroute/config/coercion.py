"""JSON values as JavaScript reads them: as numbers (parseFloat) and as texts (String)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmroute.patterns.characters import SPACE

MAX_NESTING = 64
"""Lists inside one another."""

_SPACES = "".join(chr(code) for low, high in SPACE for code in range(low, high + 1))
# StrDecimalLiteral of ECMA-262 7.1.4.1, anything behind it.
_NUMBER = re.compile(rf"[{_SPACES}]*([+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))")


class TooLargeError(ValueError):
    """A value whose text would be longer, or nested deeper, than allowed."""


def number_of(value: object) -> float | None:
    """The number a value is, or that its text begins with; None where parseFloat gives NaN.

    Source: ECMA-262 19.2.4. "10abc" is 10, "0x10" is 0; booleans, null and objects are no numbers; a list
    counts as its first entry, with which its text begins.
    """
    depth = 0
    while isinstance(value, (list, tuple)) and depth < MAX_NESTING:
        value = value[0] if value else None
        depth += 1
    if isinstance(value, str):
        found = _NUMBER.match(value)
        return float(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    return value


def exact_number(value: object) -> float | None:
    """A number, or a text that is nothing but one, spaces aside; None for anything else."""
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value.rstrip(_SPACES))
        return float(found[1]) if found else None
    return number_of(value) if isinstance(value, (int, float)) else None


def text_of(value: object, limit: int) -> str:
    """The value as String(value) gives it. Raises TooLargeError beyond `limit` characters."""
    if isinstance(value, (list, tuple)):
        parts: list[str] = []
        _join(value, parts, limit, MAX_NESTING)
        return "".join(parts)
    text = _scalar_text(value)
    if len(text) > limit:
        raise TooLargeError(f"more than {limit:,} characters of text")
    return text


def _join(values: Sequence[object], parts: list[str], room: int, depth: int) -> int:
    """Append the texts of a list, joined by commas, to `parts`; the room that is left."""
    if depth == 0:
        raise TooLargeError(f"more than {MAX_NESTING} lists inside one another")
    for index, value in enumerate(values):
        if index:
            parts.append(",")
            room -= 1
        if isinstance(value, (list, tuple)):
            room = _join(value, parts, room, depth - 1)
        elif value is not None:
            parts.append(_scalar_text(value))
            room -= len(parts[-1])
        if room < 0:
            raise TooLargeError("a list with too long a text")
    return room


def _scalar_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number_text(value) if isinstance(value, (int, float)) else "[object Object]"


def _number_text(value: float) -> str:
    """Number::toString of ECMA-262 6.1.6.1.20: the shortest digits that read back as the same double."""
    if isinstance(value, int) and abs(value) <= 2**53:
        return str(int(value))
    try:
        number = float(value)
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    if number != number:
        return "NaN"
    sign = "-" if number < 0 else ""
    if abs(number) == float("inf"):
        return f"{sign}Infinity"
    if number == 0:
        return "0"
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The decimal point stands behind this many of `digits`.
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"
