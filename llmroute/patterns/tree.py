"""What a pattern is made of, between reading and writing."""

from __future__ import annotations

from typing import NamedTuple

from .characters import Ranges


class Chars(NamedTuple):
    """One character out of a set."""

    ranges: Ranges


class PropertySet(NamedTuple):
    r"""One character in the ranges or with a property, each written `\p{...}` or `\P{...}`; or neither."""

    ranges: Ranges
    properties: tuple[str, ...]
    negated: bool


class Assertion(NamedTuple):
    r"""`^ $ \b \B`, already in the syntax of `regex`."""

    text: str


class Reference(NamedTuple):
    """What group `number` captured."""

    number: int


class Group(NamedTuple):
    """Parentheses; `number` is None where they do not capture."""

    body: Node
    number: int | None


class Look(NamedTuple):
    """A lookaround."""

    body: Node
    behind: bool
    negative: bool


class Repeat(NamedTuple):
    """`high` is None for a repeat without an upper bound."""

    body: Node
    low: int
    high: int | None
    lazy: bool


class Sequence(NamedTuple):
    """One after the other."""

    items: tuple[Node, ...]


class Choice(NamedTuple):
    """The first that leads to a match."""

    items: tuple[Node, ...]


Node = Chars | PropertySet | Assertion | Reference | Group | Look | Repeat | Sequence | Choice
