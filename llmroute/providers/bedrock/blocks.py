"""A content block while it is being streamed."""

from __future__ import annotations

from typing import Any

from ...wire.json import JSONError, loads

Json = dict[str, Any]


class StreamedBlock:
    """Gathers what the events say of one block.

    `kind` is "text", "call", "image", or "opaque". `begin` and `length` place a text in the content,
    in characters; `joined` tells of a line end before it. `position` is the number of tool calls
    before; `identifier` the call's own.
    """

    __slots__ = (
        "_pieces", "_start", "begin", "citations", "ended", "identifier", "joined", "kind", "length",
        "position", "said",
    )  # fmt: skip

    def __init__(
        self, kind: str, start: Json, *, begin: int = 0, joined: bool = False, position: int = 0
    ) -> None:
        self.kind = kind
        self.begin = begin
        self.joined = joined
        self.position = position
        self.identifier = ""
        self.length = 0
        self.citations: list[Any] = []
        self.said = False
        self.ended = False
        self._start = start
        self._pieces: dict[str, list[Any]] = {}

    def add(self, name: str, piece: Any) -> None:
        """A piece of the block's member `name`; pieces of texts and of lists are joined."""
        self._pieces.setdefault(name, []).append(piece)

    def whole(self) -> Json:
        """The block as an answer in one piece would have it."""
        start, pieces = self._start, self._pieces
        if "reasoningContent" in start:
            if "redactedContent" in pieces:
                return {"reasoningContent": {"redactedContent": "".join(pieces["redactedContent"])}}
            text = {"text": "".join(pieces.get("text", ()))}
            if "signature" in pieces:
                text["signature"] = "".join(pieces["signature"])
            return {"reasoningContent": {"reasoningText": text}}
        if "toolUse" in start:
            return {"toolUse": {**start["toolUse"], "input": _input("".join(pieces.get("input", ())))}}
        if "toolResult" in start:
            content = [each for piece in pieces.get("toolResult", ()) for each in piece]
            return {"toolResult": {**start["toolResult"], "content": content}}
        if "image" in start:
            return {"image": {**start["image"], "source": {"bytes": "".join(pieces.get("bytes", ()))}}}
        return start


def _input(text: str) -> Any:
    if not text:
        return {}
    try:
        return loads(text)
    except JSONError:
        return text
