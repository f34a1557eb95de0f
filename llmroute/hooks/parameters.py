"""Reads a check's parameters when a config is read: typed, bounded, every problem at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..config.primitives import found

#: Members that every check may have; the engine reads them.
COMMON = frozenset({"failOnError", "fail_on_error", "is_enabled", "isEnabled", "id", "scope"})

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Parameters:
    """The parameters of one check. Each reading method reports a wrong value and returns the default.

    `report(path, message)` collects problems; `done()` reports the members that nobody asked for.
    Both snake_case and camelCase spellings of a name are accepted where they are the same words.
    """

    def __init__(self, values: Mapping[str, Any], path: str, report: Callable[[str, str], None]) -> None:
        self.values = values
        self.path = path
        self._report = report
        self._known: set[str] = set()
        self._asked: list[str] = []

    def raw(self, *names: str) -> Any:
        """The value under the first of `names` that is given, None when none is."""
        self._asked.append(names[0])
        spellings = [spelling for name in names for spelling in (name, _snake(name))]
        given = [name for name in dict.fromkeys(spellings) if name in self.values]
        if len(given) > 1 and not self._known.issuperset(given):
            self.problem(given[1], f"stands twice, as {given[0]} too")
        self._known.update(spellings)
        return self.values[given[0]] if given else None

    def problem(self, name: str, message: str) -> None:
        """Report that the parameter `name` is wrong."""
        self._report(f"{self.path}.{name}" if name else self.path, message)

    def text(self, name: str, default: str | None = None, *, limit: int = 100_000) -> str:
        """A text; required when `default` is None."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > limit:
            self.problem(name, f"expected text of at most {limit} characters, got {_found(value)}")
            return default or ""
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """true or false."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(name, f"expected true or false, got {_found(value)}")
            return default
        return value

    def number(
        self, name: str, default: float | None = None, *, low: float = -1e15, high: float = 1e15
    ) -> float:
        """A number within bounds; required when `default` is None."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not low <= value <= high:
            self.problem(name, f"expected a number from {low:g} to {high:g}, got {_found(value)}")
            return default or 0
        return float(value)

    def choice(self, name: str, words: Sequence[str], default: str | None = None) -> str:
        """One of a few words; required when `default` is None."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if value not in words:
            self.problem(name, f"expected one of {', '.join(words)}, got {_found(value)}")
            return default or words[0]
        return str(value)

    def texts(
        self, name: str, default: Sequence[str] | None = None, *, limit: int = 10_000
    ) -> tuple[str, ...]:
        """A list of texts; required when `default` is None."""
        value = self.raw(name)
        if value is None and default is not None:
            return tuple(default)
        if not isinstance(value, (list, tuple)) or len(value) > limit:
            self.problem(name, f"expected a list of at most {limit} texts, got {_found(value)}")
            return tuple(default or ())
        for index, entry in enumerate(value):
            if not isinstance(entry, str):
                self.problem(f"{name}[{index}]", f"expected text, got {_found(entry)}")
        return tuple(entry for entry in value if isinstance(entry, str))

    def mapping(self, name: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """An object; required when `default` is None."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, Mapping):
            self.problem(name, f"expected an object, got {_found(value)}")
            return default or {}
        return value

    def done(self) -> None:
        """Report every member that no method has asked for."""
        for name in self.values:
            if name not in self._known and name not in COMMON:
                near = get_close_matches(str(name)[:100], self._asked, 1, 0.6)
                hint = f", did you mean {near[0]!r}?" if near else ""
                self.problem(str(name)[:60], f"unknown parameter{hint}")


def _snake(name: str) -> str:
    """`webhookURL` as `webhook_url`."""
    return _BOUNDARY.sub("_", name).lower()


def _found(value: Any) -> str:
    return "nothing" if value is None else found(value)
