"""Positions of streamed tool calls, for services whose own indices repeat or are missing."""

from __future__ import annotations

from typing import Any

from .failures import MAX_INDEX


class CallPositions:
    """Numbers the calls of one choice in the order of their beginnings.

    A piece with an id that is new at its native index begins a call; any other piece belongs to the
    call that was begun last at that index.
    """

    __slots__ = ("_latest", "_named", "count")

    def __init__(self) -> None:
        self.count = 0
        self._latest: dict[int, int] = {}
        self._named: dict[tuple[int, str], int] = {}

    def place(self, native: Any, identifier: Any) -> tuple[int, bool]:
        """The position of a piece, and whether it begins a call. ValueError for the 1,025th call."""
        if type(native) is not int:
            native = self.count if type(identifier) is str else 0
        named = type(identifier) is str and identifier not in ("", "null")
        known = self._named.get((native, identifier)) if named else self._latest.get(native)
        if known is not None:
            return known, False
        if self.count >= MAX_INDEX:
            raise ValueError("too many tool calls")
        position = self.count
        self.count += 1
        self._latest[native] = position
        if named:
            self._named[native, identifier] = position
        return position, True
