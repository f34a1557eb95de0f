"""The kinds of values that a config holds, each with its bounds and its words for an error.

A kind is put on a field as `Annotated[type, kind]`; the same object checks the value, describes it
in messages and yields its JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol

import attrs

from ..secret import Secret
from ..wire.hosts import HostPolicy, check_url, header_problem, host_part_problem

#: A day in milliseconds: longer limits are mistakes.
DAY_MS = 86_400_000

# Beginnings of well-known keys, and runs of letters and digits that no word has.
_SECRET_LIKE = re.compile(
    r"(?:\b(?:sk|pk|rk|gsk|xai|hf|r8|pplx|nvapi|csk|fw|glpat|gh[opsu]|github_pat|xox[abp])[-_]|AIza|AKIA|ASIA|eyJ"
    r"|(?i:bearer )|-----BEGIN )[A-Za-z0-9]|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20}"
)
# Names of types that are spoken with a vowel first: Event, Unset, SSLContext; but not Union, User, UUID.
_SPOKEN_VOWEL = re.compile(r"_*(?:[AEFHILMNORSX](?=[A-Z])|[aeioAEIO]|[uU](?!ni|s[ae]|u|[A-Z]))")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Invalid(ValueError):
    """A value that a kind refuses. `message` never quotes a secret; `at` is a path below the value."""

    #: True for a member that is not of the language, which `unknown="warn"` forgives.
    unknown = False

    def __init__(self, message: str, at: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.at = tuple(at)

    @property
    def parts(self) -> Sequence[Invalid]:
        """What is wrong, piece by piece."""
        return (self,)

    def below(self, key: str | int) -> Invalid:
        """The same problem, seen from one level further up; changes and returns this one."""
        self.at = (key, *self.at)
        return self


class UnknownMember(Invalid):
    """A member that the language does not have; `known` are those that it has."""

    unknown = True

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__("unknown member", (name,))
        self.name = name
        self.known = known


class Several(Invalid):
    """More than one problem, wherever they are."""

    def __init__(self, parts: Sequence[Invalid]) -> None:
        super().__init__(parts[0].message)
        self._parts = parts

    @property
    def parts(self) -> Sequence[Invalid]:
        return self._parts


class Kind(Protocol):
    """Checks one value and describes it."""

    def __call__(self, value: object) -> Any:
        """The value as kept. Raises Invalid."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the values accepted."""


# -- words for messages ------------------------------------------------------------------------------


def looks_secret(text: str) -> bool:
    """Whether a text could be a key that got into the wrong place."""
    return _SECRET_LIKE.search(text[:100]) is not None


def printable(text: str) -> str:
    """`text` with its control characters escaped, so that it can neither break a line nor colour it."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def quoted(text: str) -> str:
    """A text of the config in a message: short, on one line, masked where it could be a key."""
    if looks_secret(text):
        return "'***'"
    return repr(text if len(text) <= 40 else text[:37] + "...")


def found(value: object) -> str:
    """How a wrong value is named in a message: short, printable, never a container's content."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text " + quoted(plain_text(value))
    if isinstance(value, int):
        return "a huge number" if value.bit_length() > 64 else repr(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return type_words(value)


def type_words(value: object) -> str:
    """The type of a value with its article: "a set", "an Event"."""
    name = type(value).__name__
    return f"{'an' if _SPOKEN_VOWEL.match(name) else 'a'} {name}"


def is_remark(name: str) -> bool:
    """Whether a member says nothing to the router: `$schema`, and names that begin with one underscore."""
    return name == "$schema" or (name[:1] == "_" and name[:2] != "__")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint with the nearest known word, or nothing. Takes up to a millisecond."""
    near = get_close_matches(word[:100], known, 1, 0.7)
    return f", did you mean {quoted(near[0])}?" if near else ""


# -- kinds -------------------------------------------------------------------------------------------


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
        # A comparison with NaN is false.
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high:
            return float(value)
        raise Invalid(f"expected a number from {self.low:g} to {self.high:g}, got {found(value)}")

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
class Characters:
    """What a text may not hold: `refused` finds it fast, `problem` has the words for it."""

    refused: re.Pattern[str]
    problem: Callable[[str], str | None]
    #: Whether every dialect of regular expressions reads `refused` alike.
    portable: bool = True


def free_problem(text: str) -> str | None:
    """Free texts may hold anything but a lone surrogate, which UTF-8 cannot carry."""
    return "holds a lone surrogate, which cannot be sent as UTF-8" if _SURROGATE.search(text) else None


def lines_problem(text: str) -> str | None:
    """Texts of several lines, such as keys in PEM, hold no other control characters."""
    return "holds control characters" if _UNPRINTABLE.search(text) else None


def url_part_problem(text: str) -> str | None:
    """Names that become one part of a URL's path or query."""
    return "may hold letters, digits and . _ - : ~ only: it becomes part of a URL"


_SURROGATE = re.compile("[\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\t\r\n]")

#: Header values by RFC 9110, 5.5, without tabs.
HEADER = Characters(re.compile(r"[^\x20-\x7e\xa0-\xff]"), header_problem)
FREE = Characters(_SURROGATE, free_problem, portable=False)
LINES = Characters(_UNPRINTABLE, lines_problem)
LABEL = Characters(re.compile(r"[^A-Za-z0-9-]"), host_part_problem)
URL_PART = Characters(re.compile(r"[^A-Za-z0-9._:~-]"), url_part_problem)


@attrs.frozen
class Text:
    """A text within a length and of some characters: by default what may stand in a header."""

    limit: int = 2_048
    empty: bool = False
    characters: Characters = HEADER

    def __call__(self, value: object) -> str:
        if not isinstance(value, str):
            raise Invalid(f"expected text, got {found(value)}")
        text = value if type(value) is str else plain_text(value)
        if not text and not self.empty:
            raise Invalid("expected text, got an empty one")
        if len(text) > self.limit:
            raise Invalid(f"expected at most {self.limit:,} characters, got {len(text):,}")
        if self.characters.refused.search(text) is not None:
            raise Invalid(self.characters.problem(text) or "holds characters that may not stand here")
        return text

    def schema(self) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "string", "maxLength": self.limit}
        if not self.empty:
            made["minLength"] = 1
        if self.characters.portable:
            made["not"] = {"pattern": self.characters.refused.pattern}
        return made


NAME = Text(limit=200, characters=FREE)
HOST_PART = Text(limit=63, characters=LABEL)


_HEADER_TEXT = Text()


@attrs.frozen
class BaseURL:
    """A URL that requests are sent to. Who may name which host is decided later."""

    def __call__(self, value: object) -> str:
        text = _HEADER_TEXT(value)
        problem = check_url(text, HostPolicy.trusting())
        if problem is not None:
            raise Invalid(problem)
        return text

    def schema(self) -> dict[str, Any]:
        return {**_HEADER_TEXT.schema(), "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}


@attrs.frozen
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    #: Words of the documented language that this version does not carry out.
    later: tuple[str, ...] = ()

    def __call__(self, value: object) -> str:
        text = plain_text(value) if isinstance(value, str) else None
        if text in self.words:
            return text
        if text in self.later:
            raise Invalid(f"{text!r} is not supported yet; use one of {', '.join(self.words)}")
        hint = did_you_mean(text.lower(), self.words) if text is not None else ""
        raise Invalid(f"expected one of {', '.join(self.words)}, got {found(value)}{hint}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@attrs.frozen
class SecretText:
    """A key or token: text, kept as Secret. The host's code may also give a Secret or a callable."""

    text: Text = Text(limit=16_384)
    callables: bool = False

    def __call__(self, value: object) -> Any:
        if isinstance(value, str):
            return Secret(self.text(value))
        if isinstance(value, Secret):
            self.text(value.reveal())
            return value
        if self.callables and callable(value):
            return value
        # Of a list or an object not even the kind of its content is told.
        raise Invalid(f"expected text, got {'another kind of value' if value is not None else 'null'}")

    def schema(self) -> dict[str, Any]:
        return self.text.schema()
