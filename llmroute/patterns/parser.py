"""Reads a JavaScript pattern into a tree."""

from __future__ import annotations

from collections.abc import Mapping

from .characters import (
    ANY,
    DIGIT,
    LINE_END,
    SPACE,
    WORD,
    Ranges,
    complement,
    ignoring_case,
    normal,
    single,
)
from .limits import MAX_DEPTH, MAX_REPEAT_PRODUCT, PatternError
from .tree import Assertion, Chars, Choice, Group, Look, Node, Reference, Repeat, Sequence

_CLASS_ESCAPES: Mapping[str, Ranges] = {"d": DIGIT, "s": SPACE, "w": WORD}
_CONTROL_ESCAPES = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_HEX_ESCAPES = {"x": 2, "u": 4}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")
_LOOKS = {"?=": (False, False), "?!": (False, True), "?<=": (True, False), "?<!": (True, True)}
"""Prefix of a lookaround -> behind, negative."""
_GROUP_HINTS = {
    "P": "; a group is named by '(?<name>...)'",
    ">": "; there are no atomic groups",
    **dict.fromkeys("aimsux-", "; there are no inline flags"),
}
"""What other kinds of patterns write behind '(?'."""


class Parser:
    """Recursive descent over the grammar of ECMA-262 22.2.1 as changed by Annex B.1.2."""

    def __init__(self, text: str, flags: str) -> None:
        self.text = text
        self.multiline = "m" in flags
        self.ignore_case = "i" in flags
        self.dot = ANY if "s" in flags else complement(LINE_END)
        self.position = 0
        self.depth = 0
        self.opened = 0
        self.weight = 1
        # What `\3` and `\k` mean depends on groups that may come later.
        self.group_count, self.names = _find_groups(text)

    def parse(self) -> Node:
        node = self.disjunction()
        if self.position < len(self.text):
            raise self.error("unmatched ')'")
        return node

    def error(self, message: str, position: int | None = None) -> PatternError:
        return PatternError(message, self.position if position is None else position)

    def peek(self, offset: int = 0) -> str:
        """The character ahead, or an empty text."""
        return self.text[self.position + offset : self.position + offset + 1]

    def take(self, text: str) -> bool:
        if not self.text.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def disjunction(self) -> Node:
        """Alternatives; leaves in `weight` the largest product of repeat counts inside."""
        choices, weight = [], 1
        while True:
            items: list[Node] = []
            while self.peek() not in ("", "|", ")"):
                self.weight = 1
                items.append(self.term())
                weight = max(weight, self.weight)
            choices.append(Sequence(tuple(items)))
            if not self.take("|"):
                break
        self.weight = weight
        return choices[0] if len(choices) == 1 else Choice(tuple(choices))

    def term(self) -> Node:
        if self.peek() in ("*", "+", "?") or self.braces() is not None:
            raise self.error("nothing to repeat")
        node = self.atom()
        repeatable = not isinstance(node, Assertion) and not (isinstance(node, Look) and node.behind)
        return self.quantified(node) if repeatable else node

    def quantified(self, node: Node) -> Node:
        start = self.position
        bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self.peek())
        if bounds is not None:
            self.position += 1
        else:
            found = self.braces()
            if found is None:
                return node
            low, high, self.position = found
            if high is not None and high < low:
                raise self.error("repeat counts out of order", start)
            bounds = low, high
        low, high = bounds
        self.weight *= max(1, low if high is None else high)
        if self.weight > MAX_REPEAT_PRODUCT:
            raise self.error(f"more than {MAX_REPEAT_PRODUCT:,} repeats", start)
        return Repeat(node, low, high, lazy=self.take("?"))

    def braces(self) -> tuple[int, int | None, int] | None:
        """The bounds of `{2}`, `{2,}` or `{2,3}` ahead and the position behind it; None for a literal `{`."""
        if self.peek() != "{":
            return None
        end = self.text.find("}", self.position)
        low, comma, high = self.text[self.position + 1 : max(end, 0)].partition(",")
        if not low or not _DIGITS.issuperset(low + high):
            return None
        upper = None if comma and not high else int(high or low)
        return int(low), upper, end + 1

    def atom(self) -> Node:
        char = self.peek()
        if char == "(":
            return self.group()
        if char == "\\":
            return self.escape()
        self.position += 1
        if char == "[":
            return Chars(self.char_class())
        if char == ".":
            return Chars(self.dot)
        if char == "^":
            return Assertion(r"(?<![^\n\r\u2028\u2029])" if self.multiline else r"\A")
        if char == "$":
            return Assertion(r"(?![^\n\r\u2028\u2029])" if self.multiline else r"\Z")
        return self.char(ord(char))

    def group(self) -> Node:
        start = self.position
        self.position += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} nested groups", start)
        look = next((look for look in _LOOKS if self.take(look)), None)
        number = None
        if look is None and not self.take("?:"):
            self.opened += 1
            number = self.opened
            if self.take("?"):
                if not self.take("<"):
                    hint = _GROUP_HINTS.get(self.peek(), "")
                    raise self.error(f"unknown kind of group{hint}", start)
                if self.names.get(self.name()) != number:
                    raise self.error("group name is used twice", start)
        body = self.disjunction()
        if not self.take(")"):
            raise self.error("missing ')' for the group", start)
        self.depth -= 1
        if look is not None:
            behind, negative = _LOOKS[look]
            return Look(body, behind, negative)
        return Group(body, number)

    def name(self) -> str:
        """The identifier up to `>`; the position stands behind `<`."""
        end = self.text.find(">", self.position)
        name = self.text[self.position : max(end, self.position)]
        # `$` is a letter in JavaScript, and the joiners may stand inside.
        plain = name.replace("$", "_").replace("\u200c", "_").replace("\u200d", "_")
        if not plain.isidentifier() or name[0] in "\u200c\u200d":
            raise self.error("invalid group name")
        self.position = end + 1
        return name

    def escape(self) -> Node:
        start = self.position
        self.position += 1
        char = self.peek()
        if char == "":
            raise self.error("lone '\\' at the end", start)
        if char in ("b", "B"):
            self.position += 1
            return Assertion("\\" + char)
        if char == "k" and self.names:
            return Reference(self.named_group(start))
        if char in _DIGITS and char != "0":
            digits = self.digits_ahead()
            if int(digits) <= self.group_count:
                self.position += len(digits)
                return Reference(int(digits))
        ranges = self.class_escape()
        return Chars(ranges) if ranges is not None else self.char(self.character_escape(in_class=False))

    def named_group(self, start: int) -> int:
        """The number of the group that the `k<name>` ahead refers to."""
        self.position += 1
        if not self.take("<"):
            raise self.error("expected '<' after '\\k'", start)
        number = self.names.get(self.name())
        if number is None:
            raise self.error("reference to a group that does not exist", start)
        return number

    def digits_ahead(self) -> str:
        end = self.position
        while self.text[end : end + 1] in _DIGITS:
            end += 1
        return self.text[self.position : end]

    def class_escape(self) -> Ranges | None:
        """`d`, `D`, `s`, ... ahead, behind a backslash."""
        char = self.peek()
        ranges = _CLASS_ESCAPES.get(char.lower()) if char.isascii() else None
        if ranges is None:
            return None
        self.position += 1
        return ranges if char.islower() else complement(ranges)

    def character_escape(self, in_class: bool) -> int:
        """The character that the text ahead, behind a backslash, stands for."""
        char = self.peek()
        if char == "c":
            control = self.peek(1)
            if control in _LETTERS or (in_class and (control in _DIGITS or control == "_")):
                self.position += 2
                return ord(control) % 32
            # Not a control escape: the backslash is a character and `c` comes next.
            return ord("\\")
        if "0" <= char <= "7":
            return self.octal()
        self.position += 1
        if char in _CONTROL_ESCAPES:
            return _CONTROL_ESCAPES[char]
        if char in _HEX_ESCAPES:
            code = self.hexadecimal(_HEX_ESCAPES[char])
            return ord(char) if code is None else code
        return ord(char)

    def octal(self) -> int:
        """One to three octal digits, at most 0o377."""
        length = 1
        most = 3 if self.peek() <= "3" else 2
        while length < most and "0" <= self.peek(length) <= "7":
            length += 1
        self.position += length
        return int(self.text[self.position - length : self.position], 8)

    def hexadecimal(self, length: int) -> int | None:
        digits = self.text[self.position : self.position + length]
        if len(digits) < length or not _HEX.issuperset(digits):
            return None
        self.position += length
        code = int(digits, 16)
        if 0xD800 <= code < 0xDC00 and self.text.startswith("\\u", self.position):
            position = self.position
            self.position += 2
            low = self.hexadecimal(4)
            if low is not None and 0xDC00 <= low < 0xE000:
                return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            self.position = position
        return code

    def char_class(self) -> Ranges:
        start = self.position - 1
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            first = self.class_member(start)
            if self.peek() != "-" or self.peek(1) in ("]", ""):
                ranges += first
                continue
            dash = self.position
            self.position += 1
            last = self.class_member(start)
            low, high = single(first), single(last)
            if low is None or high is None:
                ranges += self.loose_range(first, last, dash)
            elif low > high:
                raise self.error("range out of order in character class", dash)
            else:
                ranges.append((low, high))
        chars = self.any_case(normal(ranges))
        return complement(chars) if negated else chars

    def loose_range(self, first: Ranges, last: Ranges, dash: int) -> Ranges:
        """Annex B: beside `\\d` and the like the dash at `dash` is a character."""
        return (*first, (0x2D, 0x2D), *last)

    def any_case(self, ranges: Ranges) -> Ranges:
        return ignoring_case(ranges) if self.ignore_case else ranges

    def char(self, code: int) -> Chars:
        return Chars(self.any_case(((code, code),)))

    def class_member(self, start: int) -> Ranges:
        char = self.peek()
        if char == "":
            raise self.error("missing ']' for the character class", start)
        self.position += 1
        if char != "\\":
            return ((ord(char), ord(char)),)
        if self.peek() == "":
            raise self.error("missing ']' for the character class", start)
        if self.peek() == "k" and self.names:
            raise self.error("invalid escape")
        if self.take("b"):
            return ((0x08, 0x08),)
        ranges = self.class_escape()
        if ranges is None:
            code = self.character_escape(in_class=True)
            ranges = ((code, code),)
        return ranges


def _find_groups(text: str) -> tuple[int, dict[str, int]]:
    """The number of capturing groups, and the numbers of the named ones (the first of equal names)."""
    count, names, position, in_class = 0, dict[str, int](), 0, False
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char in "[]":
            in_class = char == "["
        elif char == "(" and not in_class:
            named = text.startswith("(?<", position) and text[position + 3 : position + 4] not in ("=", "!")
            if named or not text.startswith("(?", position):
                count += 1
            if named:
                names.setdefault(text[position + 3 :].partition(">")[0], count)
        position += 1
    return count, names
