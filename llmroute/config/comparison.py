"""One comparison of a condition: the value that a key finds in a call, and what an operator says of it."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from llmroute.patterns import DEFAULT_TIMEOUT, MAX_TEXT, Pattern, PatternTimeout

from .coercion import TooLargeError, exact_number, number_of, text_of
from .primitives import Invalid, found

PATTERN_BUDGET = 0.1
"""Seconds of processor time for all the patterns that one Scope is asked about, beyond QUICK for each."""
QUICK = 0.0001
"""Seconds of a search that do not count: an ordinary one takes a few millionths."""

MISSING: Final = object()
"""What a key finds that is not there."""


class ConditionTimeout(Exception):
    """A pattern could not be decided within its limits. `path` is the place in the config."""

    def __init__(self, path: str, reason: str = "undecided") -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Budget:
    """The seconds of processor time that patterns may still take."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float = PATTERN_BUDGET) -> None:
        self.seconds = seconds


@attrs.frozen
class Scope:
    """What conditions look at: one per call, since it also counts the time that patterns take.

    `metadata` is the routing metadata (a list when the metadata header holds one), `params` the caller's body
    before any override, `pathname` the path of the called endpoint.
    """

    metadata: Mapping[str, Any] | Sequence[Any]
    params: Mapping[str, Any]
    pathname: str
    budget: Budget = attrs.field(factory=Budget, eq=False, repr=False)


Find = Callable[[Scope], object]
Test = Callable[[Any, Scope], bool]


def finder(in_metadata: bool, names: list[str]) -> Find:
    """Looks up the first name in the metadata, or else in the parameters, and each further one inside."""
    first, *rest = names

    def find(scope: Scope) -> object:
        root = scope.metadata if in_metadata else scope.params
        value = root.get(first, MISSING) if type(root) is dict else _inside(root, first)
        for name in rest:
            value = _inside(value, name)
        return value

    return find


def _inside(value: object, name: str) -> object:
    """The member of an object, or the entry of a list, that a name stands for."""
    if isinstance(value, (dict, Mapping)):
        return value.get(name, MISSING)
    # As in JavaScript "01" is no index. Nine digits are more than any list has.
    if isinstance(value, (list, tuple)) and name.isascii() and name.isdigit() and len(name) < 10:
        index = int(name)
        if index < len(value) and str(index) == name:
            return value[index]
    return MISSING


def _equals(operand: object) -> Test:
    """Strict equality: 1 is 1.0, but not "1" and not true. Lists and objects equal nothing."""
    if operand is None or isinstance(operand, bool):
        return lambda value, _: value is operand
    if isinstance(operand, str):
        return lambda value, _: isinstance(value, str) and value == operand
    if not isinstance(operand, (int, float)):
        return lambda value, _: False
    return lambda value, _: (
        isinstance(value, (int, float)) and value == operand and not isinstance(value, bool)
    )


def _member_of(operand: object) -> Test:
    """Strict membership: equality as of `$eq` with an entry of the list."""
    if not isinstance(operand, (list, tuple)):
        raise Invalid(f"expected a list, got {found(operand)}")
    texts = frozenset(str.__str__(entry) for entry in operand if isinstance(entry, str))
    words = [word for word in (None, True, False) if any(entry is word for entry in operand)]
    numbers = frozenset(
        entry
        for entry in operand
        if isinstance(entry, (int, float)) and not isinstance(entry, bool) and entry == entry
    )

    def test(value: Any, _: Scope) -> bool:
        if isinstance(value, str):
            # A subclass, such as an enumeration's member, may have a hash of its own.
            return (value if type(value) is str else str.__str__(value)) in texts
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value in numbers
        return any(value is word for word in words)

    return test


def _not(build: Callable[[object], Test]) -> Callable[[object], Test]:
    def build_opposite(operand: object) -> Test:
        test = build(operand)
        return lambda value, scope: not test(value, scope)

    return build_opposite


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[object], Test]:
    """A value is read as the number it begins with; one without is in no order with anything.

    The operand must be a number to its end: otherwise dates would be compared by their years.
    """

    def build(operand: object) -> Test:
        bound = exact_number(operand)
        if bound is None:
            raise Invalid(f"expected a number, or a text that is one, got {found(operand)}")

        def test(value: Any, _: Scope) -> bool:
            number = number_of(value)
            return number is not None and compare(number, bound)

        return test

    return build


def matches(pattern: Pattern, path: str) -> Test:
    """An unanchored search in the value's text, within the time that the scope has left."""

    def test(value: Any, scope: Scope) -> bool:
        budget = scope.budget
        started = time.thread_time()
        try:
            text = text_of(value, MAX_TEXT)
            return pattern.search(text, min(DEFAULT_TIMEOUT, budget.seconds)) is not None
        except (PatternTimeout, TooLargeError) as error:
            raise ConditionTimeout(path, str(error)) from None
        finally:
            budget.seconds -= max(0.0, time.thread_time() - started - QUICK)

    return test


OPERATORS: Mapping[str, Callable[[object], Test]] = {
    "$eq": _equals,
    "$ne": _not(_equals),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$in": _member_of,
    "$nin": _not(_member_of),
}
"""Operator -> its test, made from the operand; raises Invalid for an operand that it cannot take."""
OPERATOR_NAMES = (*OPERATORS, "$regex")
