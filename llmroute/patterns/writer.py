"""Writes a tree in the syntax of `regex`."""

from __future__ import annotations

import itertools

from .characters import ANY, TOP, Ranges, ascii_letter, complement, single
from .tree import Assertion, Chars, Choice, Group, Look, Node, PropertySet, Reference, Repeat, Sequence

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ")


class Writer:
    r"""Writes for a pattern compiled with `V0 | ASCII | DOTALL`.

    It goes through the tree in the order of matching, which inside a lookbehind is from right to left, and
    keeps which groups are sure to be set by then and which may be. A reference to any other group is written
    as nothing: there JavaScript matches the empty text, while `\N` would fail in `regex`.
    """

    def __init__(self, ignore_case: bool) -> None:
        self.ignore_case = ignore_case
        self.backward = False
        self.sure: set[int] = set()
        self.maybe: set[int] = set()

    def write(self, node: Node) -> str:
        match node:
            case Chars(ranges):
                return _chars(ranges)
            case PropertySet(ranges, properties, negated):
                # `regex` knows the properties of ASCII characters only, unless it is told otherwise.
                return f"(?u:[{'^' if negated else ''}{_spans(ranges)}{''.join(properties)}])"
            case Assertion(text):
                return text
            case Reference(number):
                return self.reference(number)
            case Group(body, number):
                return self.group(body, number)
            case Look(body, behind, negative):
                return self.look(body, behind, negative)
            case Repeat():
                return self.repeat(node)
            case Sequence(items):
                return self.sequence(items)
            case Choice(items):
                return self.choice(items)

    def reference(self, number: int) -> str:
        if number not in self.maybe:
            return ""
        text = rf"(?i:\g<{number}>)" if self.ignore_case else rf"\g<{number}>"
        return text if number in self.sure else f"(?({number}){text}|)"

    def group(self, body: Node, number: int | None) -> str:
        text = self.write(body)
        if number is None:
            return f"(?:{text})"
        self.sure.add(number)
        self.maybe.add(number)
        return f"({text})"

    def look(self, body: Node, behind: bool, negative: bool) -> str:
        backward, sure, maybe = self.backward, set(self.sure), set(self.maybe)
        self.backward = behind
        text = self.write(body)
        self.backward = backward
        if negative:
            self.sure, self.maybe = sure, maybe
        return f"(?{'<' if behind else ''}{'!' if negative else '='}{text})"

    def repeat(self, node: Repeat) -> str:
        sure, maybe = set(self.sure), set(self.maybe)
        text = self.write(node.body)
        if not isinstance(node.body, Chars | PropertySet | Group):
            text = f"(?:{text})"
        low, high = node.low, node.high
        if isinstance(node.body, Look):
            # ECMA-262 22.2.2.3.1, 2.b: a pass that takes nothing counts only towards the lower bound.
            low = high = min(low, 1)
        if low == 0:
            self.sure = sure
        if high == 0:
            # Written all the same, for its groups have numbers.
            self.maybe = maybe
        return f"{text}{{{low},{'' if high is None else high}}}{'?' if node.lazy else ''}"

    def sequence(self, items: tuple[Node, ...]) -> str:
        parts = [self.part(item) for item in (reversed(items) if self.backward else items)]
        if self.backward:
            parts.reverse()
        text = ""
        for anycase, run in itertools.groupby(parts, key=lambda part: part[0]):
            joined = "".join(text for _, text in run)
            text += f"(?i:{joined})" if anycase else joined
        return text

    def part(self, item: Node) -> tuple[bool, str]:
        """The text of an item, and whether `(?i:...)` is yet to be put around it and its neighbours.

        That is done for ASCII letters only, where `regex` agrees with JavaScript: a text is faster to search
        for than a row of sets.
        """
        letter = ascii_letter(item.ranges) if self.ignore_case and isinstance(item, Chars) else None
        return (False, self.write(item)) if letter is None else (True, chr(letter))

    def choice(self, items: tuple[Node, ...]) -> str:
        sure, maybe = self.sure, self.maybe
        texts, outcomes = [], []
        for item in items:
            self.sure, self.maybe = set(sure), set(maybe)
            texts.append(self.write(item))
            outcomes.append((self.sure, self.maybe))
        self.sure = set.intersection(*(sure for sure, _ in outcomes))
        self.maybe = set.union(*(maybe for _, maybe in outcomes))
        return "|".join(texts)


def _chars(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    if ranges == ANY:
        return "."
    if (code := single(ranges)) is not None:
        return _literal(code)
    if ranges[0][0] == 0 and ranges[-1][1] == TOP:
        return f"[^{_spans(complement(ranges))}]"
    return f"[{_spans(ranges)}]"


def _spans(ranges: Ranges) -> str:
    return "".join(
        _literal(low) if low == high else f"{_literal(low)}-{_literal(high)}" for low, high in ranges
    )


def _literal(code: int) -> str:
    """A character as itself only where nothing could read it otherwise, inside a class or out."""
    if chr(code) in _PLAIN:
        return chr(code)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
