"""Streams of the compatible endpoint: older servers give every tool call the index 0."""

from __future__ import annotations

from typing import Any

from ..openai_stream import OpenAIStreamDecoder
from ..positions import CallPositions
from ..row import Row


class Decoder(OpenAIStreamDecoder):
    """OpenAI's decoder with tool calls numbered by their ids; a chunk holds whole calls."""

    __slots__ = ("_calls",)

    def __init__(self, row: Row, strict: bool) -> None:
        super().__init__(row, strict)
        self._calls = CallPositions()

    def _knows(self, delta: dict[str, Any]) -> bool:
        if not super()._knows(delta):
            return False
        for call in delta.get("tool_calls") or ():
            try:
                call["index"], _ = self._calls.place(call["index"], call.get("id"))
            except ValueError as problem:
                return self._fail("parse", f"{problem}")
        return True
