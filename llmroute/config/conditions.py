"""Conditions of conditional routing: a query is compiled once and then asked per call.

A query is an object of keys (`metadata.NAME`, `params.NAME`, `url.pathname`) and of `$and` and `$or`. A key
has a value to be equal to, or an object of operators. Everything in one object is joined by and.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Protocol

import attrs

from llmroute.patterns import Pattern, PatternError, compile_pattern

from .coercion import text_of
from .comparison import (
    MISSING,
    OPERATOR_NAMES,
    OPERATORS,
    Budget,
    ConditionTimeout,
    Find,
    Scope,
    Test,
    finder,
    matches,
)
from .primitives import Invalid, found

__all__ = ["Budget", "Condition", "ConditionTimeout", "Scope", "compile_query"]

MAX_DEPTH = 64
"""Objects inside one another in a query, and names in a key."""
MAX_NODES = 10_000
"""Keys, operators and list entries of a query."""
MAX_PATTERNS = 10_000
"""Characters in all the patterns of a query: a thousand take up to 0.1 s to compile."""
MAX_PROBLEMS = 100
"""Problems reported of a query."""
MAX_LINES = 50
"""Lines of an explanation."""

Report = Callable[[str, str], None]


class Condition(Protocol):
    """A compiled query."""

    def holds(self, scope: Scope) -> bool:
        """Whether the query is true. Raises ConditionTimeout and nothing else."""

    def explain(self, scope: Scope) -> list[str]:
        """A line for each comparison, with what was compared and found; at most MAX_LINES.

        `$and` and `$or` have a line of their own, and their parts are indented below it.
        """


@attrs.frozen
class _Leaf:
    """One operator on one key. A key that is not there makes it false, whatever the operator."""

    find: Find
    test: Test
    title: str

    def holds(self, scope: Scope) -> bool:
        value = self.find(scope)
        return value is not MISSING and self.test(value, scope)

    def explain(self, scope: Scope) -> list[str]:
        value = self.find(scope)
        seen = "nothing found" if value is MISSING else f"found {_shown(value)}"
        return [f"{self.title}: {seen} -> {_answer(self, scope)}"]


@attrs.frozen
class _Group:
    """Conditions joined by or, if `decisive` is True, else by and: the first with that answer settles it."""

    decisive: bool
    items: tuple[Condition, ...]

    def holds(self, scope: Scope) -> bool:
        for item in self.items:
            if item.holds(scope) == self.decisive:
                return self.decisive
        return not self.decisive

    def explain(self, scope: Scope) -> list[str]:
        title = f"{'any' if self.decisive else 'all'} of{'' if self.items else ' nothing'}"
        lines = [f"{title} -> {_answer(self, scope)}"]
        for index, item in enumerate(self.items):
            lines += [f"  {line}" for line in item.explain(scope)]
            if len(lines) >= MAX_LINES and index < len(self.items) - 1:
                return [*lines[: MAX_LINES - 1], "  ..."]
        return lines[:MAX_LINES]


def _answer(condition: Condition, scope: Scope) -> str:
    try:
        return "yes" if condition.holds(scope) else "no"
    except ConditionTimeout as error:
        return error.reason


def _shown(value: object) -> str:
    """A value on one line: at most 80 characters, none of them a control character."""
    if isinstance(value, str):
        text = repr(value[:81])
    elif isinstance(value, (list, tuple)):
        text = f"[{', '.join(map(_shown, value[:10]))}]" if all(map(_is_scalar, value[:10])) else "a list"
    elif _is_scalar(value):
        text = text_of(value, 80)
    else:
        text = "an object"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float))


def compile_query(query: object, path: str, report: Report) -> Condition | None:
    """The condition of a query, or None after `report(path, message)` was called for each problem in it.

    `path` is the query's own in the config. What the reference ignores or takes for false (an unknown
    operator that is not reached, `$in` without a list, a pattern that is none) is a problem here.
    """
    compiler = _Compiler(report)
    try:
        condition = compiler.query(query, path, 1)
    except _TooMuchError as error:
        report(error.path, error.message)
        return None
    return None if compiler.problems else condition


class _TooMuchError(Exception):
    """A query that is not worth reading on."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message


class _Compiler:
    """Reads a query to its end; what it returns means something only while there are no problems."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.problems = 0
        self.nodes = 0
        self.pattern_size = 0
        self.patterns: dict[str, Pattern] = {}

    def problem(self, path: str, message: str) -> None:
        self.problems += 1
        if self.problems > MAX_PROBLEMS:
            raise _TooMuchError(path, f"more than {MAX_PROBLEMS} problems in this query")
        self.report(path, message)

    def count(self, path: str) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _TooMuchError(
                path, f"expected at most {MAX_NODES:,} keys, operators and entries in a query"
            )

    def query(self, query: object, path: str, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            self.problem(path, f"expected at most {MAX_DEPTH} objects inside one another")
        elif not isinstance(query, Mapping):
            self.problem(path, f"expected an object of conditions, got {found(query)}")
        else:
            return _joined([item for key in query for item in self.member(key, query[key], path, depth)])
        return _Group(False, ())

    def member(self, key: object, value: object, path: str, depth: int) -> list[Condition]:
        self.count(path)
        if not isinstance(key, str):
            self.problem(path, f"expected texts as keys, got {found(key)}")
            return []
        here = f"{path}.{_cut(key)}"
        if key in ("$and", "$or"):
            items = self.entries(value, here, depth)
            return [_joined(items, decisive=key == "$or")]
        find = self.key(key, here)
        if not isinstance(value, Mapping):
            return self.comparison(find, key, "$eq", value, here)
        if not value:
            self.problem(
                here, f"expected a value or operators ({', '.join(OPERATOR_NAMES)}), got an empty object"
            )
        return [
            leaf
            for name, operand in value.items()
            for leaf in self.comparison(find, key, name, operand, f"{here}.{_cut(name)}")
        ]

    def entries(self, value: object, path: str, depth: int) -> list[Condition]:
        if not isinstance(value, (list, tuple)):
            self.problem(path, f"expected a list of objects, got {found(value)}")
            return []
        items = []
        for index, entry in enumerate(value):
            here = f"{path}[{index}]"
            self.count(here)
            items.append(self.query(entry, here, depth + 1))
        return items

    def key(self, key: str, path: str) -> Find:
        root, _, rest = key.partition(".")
        names = rest.split(".", MAX_DEPTH)
        if key == "url.pathname":
            return lambda scope: scope.pathname
        if root not in ("metadata", "params") or not rest:
            self.problem(path, _unknown_key(key))
        elif not all(names) or len(names) > MAX_DEPTH:
            self.problem(path, f"expected 1 to {MAX_DEPTH} names joined by single dots behind '{root}.'")
        return finder(root == "metadata", names)

    def comparison(self, find: Find, key: str, name: object, operand: object, path: str) -> list[Condition]:
        self.count(path)
        try:
            if name == "$regex":
                test = self.regex(operand, path)
            elif isinstance(name, str) and name in OPERATORS:
                test = OPERATORS[name](operand)
            else:
                raise Invalid(_unknown_operator(name, key))
        except Invalid as error:
            self.problem(path, str(error))
            return []
        return [_Leaf(find, test, f"{_cut(key)} {name} {_shown(operand)}")]

    def regex(self, operand: object, path: str) -> Test:
        if not isinstance(operand, str):
            raise Invalid(f"expected a pattern as text, got {found(operand)}")
        pattern = self.patterns.get(operand)
        if pattern is None:
            self.pattern_size += len(operand)
            if self.pattern_size > MAX_PATTERNS:
                raise _TooMuchError(
                    path, f"expected at most {MAX_PATTERNS:,} characters in the patterns of a query"
                )
            try:
                pattern = self.patterns[operand] = compile_pattern(operand)
            except PatternError as error:
                raise Invalid(f"not a usable JavaScript pattern: {error}") from None
        return matches(pattern, path)


def _joined(items: list[Condition], decisive: bool = False) -> Condition:
    return items[0] if len(items) == 1 else _Group(decisive, tuple(items))


def _cut(text: object) -> str:
    shown = text if isinstance(text, str) else found(text)
    shown = shown if shown.isprintable() else repr(shown[:80])[1:-1]
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _unknown_key(key: str) -> str:
    if key in OPERATOR_NAMES:
        return f"expected a key above the operator {key}, such as metadata.NAME"
    if key.startswith("$"):
        near = get_close_matches(key[:100].lower(), ("$and", "$or"), 1)
        hint = f", did you mean {near[0]!r}?" if near else "; beside keys stand only $and and $or"
        return f"unknown operator {_shown(key)}{hint}"
    root, dot, rest = key.partition(".")
    near = get_close_matches(root[:100].lower(), ("metadata", "params", "url"), 1)
    if near and dot and rest:
        meant = "url.pathname" if near[0] == "url" else f"{near[0]}.{rest}"
        return f"unknown key {_shown(key)}, did you mean {_shown(meant)}?"
    return f"unknown key {_shown(key)}; keys are metadata.NAME, params.NAME and url.pathname"


def _unknown_operator(name: object, key: str) -> str:
    if not isinstance(name, str):
        return f"expected texts as operators, got {found(name)}"
    if not name.startswith("$"):
        return f"unknown operator {_shown(name)}; a member inside is written {_shown(f'{key}.{name}')}"
    near = get_close_matches(name[:100].lower(), OPERATOR_NAMES, 1)
    hint = f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(OPERATOR_NAMES)}"
    return f"unknown operator {_shown(name)}{hint}"
