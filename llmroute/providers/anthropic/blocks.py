"""A content block while it is being streamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...wire.json import JSONError, loads


class StreamedBlock:
    """Gathers what the events say of one block.

    `start` is the block as it was begun. `begin` and `length` place a text in the content, in
    characters; `position` is the number of tool calls before. `said` tells that arguments were handed
    on, `ended` that the block is over.
    """

    __slots__ = ("_pieces", "begin", "citations", "ended", "kind", "length", "position", "said", "start")

    def __init__(self, start: dict[str, Any], begin: int, position: int) -> None:
        self.start = start
        self.kind = start.get("type")
        self.begin = begin
        self.length = 0
        self.position = position
        self.citations: list[Any] = []
        self.said = False
        self.ended = False
        self._pieces: dict[str, list[str]] = {}

    def merge(self, delta: Mapping[str, Any]) -> None:
        """Add to the block what `delta` has: texts are pieces, anything else replaces."""
        for name, value in delta.items():
            if name == "type":
                continue
            if isinstance(value, str):
                self._pieces.setdefault(name, []).append(value)
            else:
                self.start[name] = value

    def whole(self) -> dict[str, Any]:
        """The block as an answer in one piece would have it."""
        block = dict(self.start)
        for name, texts in self._pieces.items():
            text = "".join(texts)
            if name == "partial_json":
                if text:
                    block["input"] = _input(text)
            else:
                before = block.get(name)
                block[name] = before + text if isinstance(before, str) else text
        return block


def _input(text: str) -> Any:
    try:
        return loads(text)
    except JSONError:
        # The way that the API documents for sending broken input back.
        return {"INVALID_JSON": text}
