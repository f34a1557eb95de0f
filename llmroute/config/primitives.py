"""The kinds of values that a config holds, each with its bounds and its words for an error.

A kind is put on a field as `Annotated[type, kind]`; the same object checks the value, describes it
in messages and yields its JSON Schema.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol

import attrs

from ..secret import Secret
from ..wire.hosts import header_problem, host_part_problem

#: Texts longer than this are no setting of ours.
MAX_TEXT = 65_536
#: A day in milliseconds: longer limits are mistakes.
DAY_MS = 86_400_000


class Invalid(ValueError):
    """A value that a kind refuses. `message` never quotes a secret; `at` is a path below the value."""

    def __init__(self, message: str, at: Sequence[str | int] = (), *, unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.at = tuple(at)
        self.unknown = unknown


class Kind(Protocol):
    """Checks one value and describes it."""

    def __call__(self, value: object) -> Any:
        """The value as kept. Raises Invalid."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the values accepted."""


def found(value: object) -> str:
    """How a wrong value is named in a message: short, printable, never a container's content."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        shown = value if len(value) <= 40 else value[:37] + "..."
        return "text " + repr(shown)
    if isinstance(value, (int, float)):
        text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
        return text
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"a {type(value).__name__}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint with the nearest known word, or nothing."""
    near = get_close_matches(word[:100], known, 1, 0.7)
    return f", did you mean {near[0]!r}?" if near else ""


def plain_text(value: str) -> str:
    """The text of a str or of a subclass such as an enumeration's member."""
    return value if type(value) is str else str.__str__(value)


@attrs.frozen
class Whole:
    """A whole number within bounds; 3.0 counts as 3, as in JSON."""

    low: int
    high: int
    unit: str = ""

    def __call__(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            unit = f" ({self.unit})" if self.unit else ""
            raise Invalid(f"expected a whole number from {self.low} to {self.high}{unit}, got {found(value)}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@attrs.frozen
class Number:
    """A finite number within bounds."""

    low: float
    high: float

    def __call__(self, value: object) -> float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not self.low <= value <= self.high or math.isnan(value):  # type: ignore[operator,arg-type]
            raise Invalid(f"expected a number from {self.low:g} to {self.high:g}, got {found(value)}")
        return value  # type: ignore[return-value]

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@attrs.frozen
class Flag:
    """true or false; nothing that merely looks like it."""

    def __call__(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Invalid(f"expected true or false, got {found(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@attrs.frozen
class Text:
    """A text that may stand in a header or a message: no control characters, no lone surrogates."""

    empty: bool = False
    limit: int = 2_048
    #: Says what else is wrong with a text, None when nothing is.
    problem: Callable[[str], str | None] = header_problem
    #: True for texts that an error must not quote.
    secret: bool = False

    def __call__(self, value: object) -> str:
        if not isinstance(value, str):
            shown = "another kind of value" if self.secret else found(value)
            raise Invalid(f"expected text, got {shown}")
        text = plain_text(value)
        if not text and not self.empty:
            raise Invalid("expected text, got an empty one")
        if len(text) > self.limit:
            raise Invalid(f"expected at most {self.limit} characters, got {len(text)}")
        problem = self.problem(text)
        if problem is not None:
            raise Invalid(problem)
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.limit, **({} if self.empty else {"minLength": 1})}


def free_problem(text: str) -> str | None:
    """Free texts may hold anything but a lone surrogate, which UTF-8 cannot carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "the text holds a lone surrogate, which cannot be sent as UTF-8"
    return None


NAME = Text(limit=200, problem=free_problem)
HOST_PART = Text(limit=63, problem=host_part_problem)


@attrs.frozen
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    #: Words of the documented language that this version does not carry out.
    later: tuple[str, ...] = ()

    def __call__(self, value: object) -> str:
        if isinstance(value, str):
            text = plain_text(value)
            if text in self.words:
                return text
            if text in self.later:
                raise Invalid(f"{text!r} is not supported yet; use one of {', '.join(self.words)}")
            hint = did_you_mean(text.lower(), self.words)
            raise Invalid(f"expected one of {', '.join(self.words)}, got {found(value)}{hint}")
        raise Invalid(f"expected one of {', '.join(self.words)}, got {found(value)}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@attrs.frozen
class SecretText:
    """A key or token: text, kept as Secret. The host's code may also give a callable."""

    limit: int = 16_384
    callables: bool = False

    def __call__(self, value: object) -> Any:
        if isinstance(value, Secret):
            return value
        if self.callables and callable(value):
            return value
        return Secret(Text(limit=self.limit, secret=True)(value))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.limit}


@attrs.frozen
class Members:
    """An object whose members are the user's own: parameters, metadata."""

    forbidden: tuple[str, ...] = ()

    def __call__(self, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Invalid(f"expected an object, got {found(value)}")
        for name in self.forbidden:
            if name in value:
                raise Invalid("may not be set here: it is a setting of the target, not a parameter", (name,))
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}


@attrs.frozen
class AnyValue:
    """Whatever JSON there is; checked later, with more context."""

    def __call__(self, value: object) -> Any:
        if value is None:
            raise Invalid("expected a value, got null")
        return value

    def schema(self) -> dict[str, Any]:
        return {}
