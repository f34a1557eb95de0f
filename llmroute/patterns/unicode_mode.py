r"""What the flag `u` changes in a JavaScript pattern: ECMA-262 22.2.1 without Annex B.

Whatever Annex B reads as a character of its own is an error here; `\u{...}` and `\p{...}` have a meaning.
"""

from __future__ import annotations

import functools

from .characters import Ranges, complement, with_families
from .limits import PatternError
from .parser import Parser
from .properties import is_property, property_ranges
from .tree import Chars, Look, Node, PropertySet, Repeat

#: Properties whose characters are written out one by one, because case is ignored.
MAX_LISTED = 5
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_CONTROL_ESCAPES = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_ASCII_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")


class UnicodeParser(Parser):
    """Reads a pattern with the flag `u`."""

    def __init__(self, text: str, flags: str) -> None:
        super().__init__(text, flags)
        self.properties: list[str] = []
        self.listed = 0

    def term(self) -> Node:
        start = self.position
        node = super().term()
        if isinstance(node, Repeat) and isinstance(node.body, Look):
            raise self.error("a lookaround cannot be repeated", start)
        return node

    def atom(self) -> Node:
        char = self.peek()
        if char in ("{", "}", "]"):
            raise self.error(f"lone '{char}'")
        if char != "[" and not self.text.startswith(("\\p", "\\P"), self.position):
            return super().atom()
        self.properties = []
        negated = self.text.startswith("[^", self.position)
        node = super().atom()
        if not self.properties or not isinstance(node, Chars):
            return node
        ranges = complement(node.ranges) if negated else node.ranges
        return PropertySet(ranges, tuple(self.properties), negated)

    def class_escape(self) -> Ranges | None:
        char = self.peek()
        if char not in ("p", "P"):
            return super().class_escape()
        start = self.position
        end = self.text.find("}", start)
        if self.peek(1) != "{" or end < 0:
            raise self.error("expected '{...}' behind '\\p'", start)
        name = self.text[start + 2 : end]
        if not is_property(name):
            raise self.error("unknown property name", start)
        self.position = end + 1
        if not self.ignore_case:
            self.properties.append(rf"\{char}{{{name}}}")
            return ()
        self.listed += 1
        if self.listed > MAX_LISTED:
            raise self.error(f"more than {MAX_LISTED} properties with the flag i", start)
        ranges = _folded(property_ranges(name))
        return ranges if char == "p" else complement(ranges)

    def character_escape(self, in_class: bool) -> int:
        start = self.position
        char = self.peek()
        self.position += 1
        if char == "c" and self.peek() in _ASCII_LETTERS:
            self.position += 1
            return ord(self.text[start + 1]) % 32
        if char == "0" and self.peek() not in _DIGITS:
            return 0
        if char in _CONTROL_ESCAPES:
            return _CONTROL_ESCAPES[char]
        code = self.hexadecimal(2) if char == "x" else self.code_point() if char == "u" else None
        if code is not None:
            return code
        if char in _SYNTAX or (in_class and char == "-"):
            return ord(char)
        raise self.error("invalid escape", start)

    def code_point(self) -> int | None:
        """The character of `{1f600}` or `0041` ahead, behind `\\u`."""
        if not self.take("{"):
            return self.hexadecimal(4)
        end = self.text.find("}", self.position)
        digits = self.text[self.position : max(end, self.position)]
        if not digits or len(digits) > 20 or not _HEX.issuperset(digits) or int(digits, 16) > 0x10FFFF:
            return None
        self.position = end + 1
        return int(digits, 16)

    def loose_range(self, first: Ranges, last: Ranges, dash: int) -> Ranges:
        raise self.error("a set cannot be the end of a range", dash)

    def any_case(self, ranges: Ranges) -> Ranges:
        return _folded(ranges) if self.ignore_case else ranges

    def error(self, message: str, position: int | None = None) -> PatternError:
        return super().error(f"{message}, with the flag u", position)


def _folded(ranges: Ranges) -> Ranges:
    """The characters and all that have the same simple case folding."""
    return with_families(ranges, *_fold_table())


@functools.cache
def _fold_table() -> tuple[list[int], dict[int, tuple[int, ...]]]:
    by_fold: dict[str, list[int]] = {}
    for code in range(0x1E944):
        folded = chr(code).casefold()
        if len(folded) > 1:  # the full folding; the simple one is then the small letter
            folded = chr(code).lower()
        if len(folded) == 1 and folded != chr(code):
            by_fold.setdefault(folded, [ord(folded)]).append(code)
    families = {code: tuple(sorted(family)) for family in by_fold.values() for code in family}
    return sorted(families), families
