"""Kinds of parameters that several checks have. Each function reports what is wrong and goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...config.primitives import found
from ...patterns import Pattern, PatternError, compile_pattern
from ..parameters import Parameters


def section(parameters: Parameters, name: str) -> Parameters | None:
    """An object among the parameters, to be read in the same way; None when it is not given."""
    value = parameters.raw(name)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        parameters.problem(name, f"expected an object, got {found(value)}")
        return None
    return Parameters(value, name, parameters.problem)


def part(parameters: Parameters, value: Mapping[str, Any], path: str) -> Parameters:
    """An object somewhere in the parameters, at `path` below them."""
    return Parameters(value, path, parameters.problem)


def pattern(parameters: Parameters, name: str, text: str, flags: str = "") -> Pattern | None:
    """A JavaScript pattern; None after a problem."""
    try:
        return compile_pattern(text, flags)
    except PatternError as error:
        parameters.problem(name, f"not a JavaScript pattern: {error}")
        return None


def text_or_number(parameters: Parameters, name: str, *, limit: int) -> str | int | float:
    """A text that is not empty; a number is taken as its digits, as recorded."""
    value = parameters.raw(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value or len(value) > limit:
        parameters.problem(name, f"expected text of 1 to {limit:,} characters, got {_found(value)}")
        return ""
    return value


def filled_text(parameters: Parameters, name: str, *, limit: int) -> str:
    """A text that is not empty."""
    value = parameters.raw(name)
    if not isinstance(value, str) or not value or len(value) > limit:
        parameters.problem(name, f"expected text of 1 to {limit:,} characters, got {_found(value)}")
        return ""
    return value


def milliseconds(parameters: Parameters, name: str, default: int, *, high: int = 60_000) -> float:
    """A time limit as written, in milliseconds."""
    return parameters.number(name, default, low=1, high=high)


def whole(parameters: Parameters, name: str, default: int, *, low: int = 1, high: int) -> int:
    """A whole number within bounds."""
    value = parameters.raw(name)
    if value is None:
        return default
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    if not good or not low <= value <= high:
        parameters.problem(name, f"expected a whole number from {low} to {high}, got {found(value)}")
        return default
    return int(value)


def text_or_texts(parameters: Parameters, name: str) -> tuple[str, ...]:
    """A text, or a list of some; an empty tuple when it is not given."""
    value = parameters.raw(name)
    if isinstance(value, str):
        return (value,)
    return () if value is None else parameters.texts(name)


def texts_at(parameters: Parameters, path: str, value: Any) -> tuple[str, ...]:
    """A list of texts somewhere in the parameters, at `path` below them."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        parameters.problem(path, f"expected a list of texts, got {found(value)}")
        return ()
    return tuple(value)


def scalars(
    parameters: Parameters, name: str, kinds: type | tuple[type, ...], words: str, *, limit: int = 10_000
) -> Sequence[Any] | None:
    """A list of plain values of `kinds`, which `words` names; None when it is not given."""
    value = parameters.raw(name)
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) > limit:
        parameters.problem(name, f"expected a list of at most {limit:,} entries, got {found(value)}")
        return None
    for index, entry in enumerate(value):
        if not isinstance(entry, kinds):
            parameters.problem(f"{name}[{index}]", f"expected {words}, got {found(entry)}")
    return tuple(entry for entry in value if isinstance(entry, kinds))


def _found(value: Any) -> str:
    return "nothing" if value is None else found(value)
