"""Compiled schemas and what it takes to apply them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ...patterns import DEFAULT_TIMEOUT, Pattern

#: Schemas that are applied, and problems that are passed on, in one validation.
MAX_WORK: Final = 50_000
#: Schemas within one another, following the value and the references.
MAX_DEPTH: Final = 100
#: Seconds that all patterns may take together.
MAX_PATTERN_TIME: Final = 0.1

#: A place in the value: the place around it and a key or index; None is the whole value.
Place = tuple[Any, str | int] | None
#: Keys or indexes that were evaluated, where `unevaluated...` wants to know; None where nobody does.
Seen = set[str | int] | None


class TooMuchWorkError(Exception):
    """The validation was given up: too much work, or too deep."""


class Problem(NamedTuple):
    """What is wrong, and where."""

    place: Place
    keyword: str
    message: str

    @property
    def location(self) -> str:
        """A JSON pointer as a fragment: "#", "#/items/0/name"."""
        steps: list[str] = []
        place = self.place
        while place is not None:
            place, step = place
            steps.append(str(step).replace("~", "~0").replace("/", "~1"))
        return "/".join(("#", *reversed(steps)))


Found = list[Problem]
Keyword = Callable[[Any, Place, "Run", Seen], "Found | None"]


class Run:
    """What is left for one validation. `now` gives seconds."""

    __slots__ = ("depth", "left", "now", "pattern_end")

    def __init__(self, now: Callable[[], float], work: int = MAX_WORK) -> None:
        self.left = work
        self.depth = 0
        self.now = now
        self.pattern_end: float | None = None

    def search(self, pattern: Pattern, text: str) -> bool:
        """Whether the pattern matches somewhere. Raises PatternTimeout."""
        now = self.now()
        if self.pattern_end is None:
            self.pattern_end = now + MAX_PATTERN_TIME
        return pattern.search(text, min(DEFAULT_TIMEOUT, self.pattern_end - now)) is not None


class Node:
    """One compiled schema."""

    __slots__ = ("_by_type", "_others")

    def __init__(self) -> None:
        self._by_type: dict[type, tuple[Keyword, ...]] = {}
        self._others: tuple[Keyword, ...] = ()

    def fill(self, by_type: dict[type, tuple[Keyword, ...]], others: tuple[Keyword, ...]) -> None:
        """Say what the schema asks of values of these types, and of the others."""
        self._by_type, self._others = by_type, others

    def apply(self, value: Any, place: Place, run: Run, seen: Seen) -> Found:
        """What is wrong with a value, in the reference's order. Raises TooMuchWorkError, PatternTimeout."""
        run.left -= 1
        run.depth += 1
        if run.left < 0 or run.depth > MAX_DEPTH:
            raise TooMuchWorkError
        problems: Found = []
        for keyword in self._by_type.get(type(value), self._others):
            found = keyword(value, place, run, seen)
            if found:
                problems += found
                run.left -= len(found)
        run.depth -= 1
        return problems

    def in_place(self, value: Any, place: Place, run: Run, seen: Seen) -> Found:
        """As `apply`, for one of several schemas on a value: what it evaluates counts if it is valid."""
        if seen is None:
            return self.apply(value, place, run, None)
        inner: set[str | int] = set()
        found = self.apply(value, place, run, inner)
        if not found:
            seen |= inner
        return found

    def validate(self, value: Any, run: Run, *, tracked: bool) -> Found:
        """What is wrong with a whole value. `tracked`: somebody asks what was evaluated."""
        return self.apply(value, None, run, set() if tracked else None)
