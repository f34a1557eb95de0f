"""Replacement texts with JavaScript's `$` syntax (GetSubstitution, ECMA-262 22.1.3.19.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .limits import PatternTimeout

if TYPE_CHECKING:
    from .pattern import Match

_Piece = str | Callable[["Match", str], str]

_DIGITS = frozenset("0123456789")


class Template:
    """A parsed replacement, for patterns with the given groups."""

    def __init__(self, text: str, group_count: int, names: Mapping[str, int]) -> None:
        self._group_count = group_count
        self._names = names
        self._pieces: list[_Piece] = []
        position = 0
        while (dollar := text.find("$", position)) >= 0:
            piece, end = self._piece(text, dollar + 1)
            self._pieces += (text[position:dollar], piece)
            position = end
        self._pieces.append(text[position:])

    def fill(self, match: Match, text: str, room: int) -> str:
        """What replaces `match`, found in `text`. Raises PatternTimeout beyond `room` characters."""
        parts: list[str] = []
        for piece in self._pieces:
            part = piece if isinstance(piece, str) else piece(match, text)
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise PatternTimeout("the replacements are too long")
        return "".join(parts)

    def _piece(self, text: str, start: int) -> tuple[_Piece, int]:
        """What the `$` before `start` stands for, and the position behind it."""
        match text[start : start + 1]:
            case "$":
                return "$", start + 1
            case "&":
                return (lambda match, _: match.text), start + 1
            case "`":
                return (lambda match, whole: whole[: match.start]), start + 1
            case "'":
                return (lambda match, whole: whole[match.end :]), start + 1
            case "<" if self._names and (end := text.find(">", start)) >= 0:
                index = self._names.get(text[start + 1 : end])
                return "" if index is None else _captured(index), end + 1
        for length in (2, 1):
            digits = text[start : start + length]
            if len(digits) == length and _DIGITS.issuperset(digits) and 1 <= int(digits) <= self._group_count:
                return _captured(int(digits)), start + length
        return "$", start


def _captured(index: int) -> Callable[[Match, str], str]:
    return lambda match, _: match.groups[index - 1] or ""
