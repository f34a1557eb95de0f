"""The member `provider_state` of assistant messages: what the API wants back unchanged, and in its place.

`{"origin": "bedrock", "data": {"family": F, "blocks": [entry, ...]}}`, one entry for each content
block of the answer, in order. Blocks without an OpenAI form (reasoning with its signature, tools that
run on the server and their results) stand whole in `{"block": B}`. Text and tool calls are in the
message itself, where callers may change them; their entries only mark the place: `{"text": N}` (in
characters; `joined` where a line end stands before it, `citations` where there are any) and
`{"call": ID}`. Models of another family refuse foreign reasoning, so the family is told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from .models import Model
from .tables import ORIGIN

Block = dict[str, Any]

#: What every model takes as the id of a tool call; other providers' ids may hold more.
_TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


class StateBuilder:
    """Gathers the entries of one answer, block by block."""

    __slots__ = ("_entries", "_family", "_needed", "_unsigned")

    def __init__(self, model: Model) -> None:
        self._family = model.family
        self._unsigned = model.keeps_unsigned_reasoning
        self._entries: list[Block] = []
        self._needed = False

    def add_text(self, length: int, *, joined: bool = False, citations: Any = None) -> None:
        entry: Block = {"text": length}
        if joined:
            entry["joined"] = True
        if citations:
            entry["citations"] = citations
            self._needed = True
        self._entries.append(entry)

    def add_call(self, identifier: str) -> None:
        self._entries.append({"call": identifier})

    def add_opaque(self, block: Block) -> None:
        """A whole block; reasoning that the model would refuse to take back is left out."""
        reasoning = block.get("reasoningContent")
        if isinstance(reasoning, dict) and not self._unsigned and not _is_signed(reasoning):
            return
        self._entries.append({"block": block})
        self._needed = True

    def state(self) -> dict[str, Any] | None:
        """The provider_state, None when the message says it all."""
        if not self._needed:
            return None
        return {"origin": ORIGIN, "data": {"family": self._family, "blocks": self._entries}}


def _is_signed(reasoning: Mapping[str, Any]) -> bool:
    text = reasoning.get("reasoningText")
    return not isinstance(text, dict) or bool(text.get("signature"))


def own_state(message: Mapping[str, Any], model: Model, where: str) -> list[Block] | None:
    """The entries that an assistant message brings back, None without any that `model` understands.

    Raises EncodeError when they are not what StateBuilder writes.
    """
    state = message.get("provider_state")
    if not isinstance(state, dict) or state.get("origin") != ORIGIN:
        return None
    data = state.get("data")
    entries = data.get("blocks") if isinstance(data, dict) else None
    if not isinstance(entries, (list, tuple)) or not all(map(_is_entry, entries)):
        raise EncodeError(
            f"{where}.provider_state.data.blocks: a list of blocks was expected", f"{where}.provider_state"
        )
    return list(entries) if isinstance(data, dict) and data.get("family") == model.family else None


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and (
        "text" in entry or "call" in entry or isinstance(entry.get("block"), dict)
    )


def replayed(entries: list[Block], text: list[Block], calls: list[Block]) -> list[Block]:
    """The assistant's blocks in their first order.

    `text` and `calls` are the blocks of the message as it is now. Text that is as long as it was is
    cut up again; changed text goes whole to the place of the first. Calls without an entry come last.
    """
    if text and not any("text" in entry for entry in entries):
        # Text that the answer had not: after what is opaque, before the calls.
        first = (k for k, entry in enumerate(entries) if "call" in entry)
        entries.insert(next(first, len(entries)), {"text": None})
    cuts = _cuts([entry for entry in entries if "text" in entry], text)
    rest = list(calls)
    blocks: list[Block] = []
    for entry in entries:
        if "text" in entry:
            blocks += cuts.pop(0) if cuts else []
        elif "call" in entry:
            wanted = tool_id(str(entry["call"]))
            found = next((call for call in rest if _id_of(call) == wanted), None)
            if found is not None:
                rest.remove(found)
                blocks.append(found)
        else:
            blocks.append(entry["block"])
    return blocks + rest


def _id_of(call: Block) -> Any:
    use = call.get("toolUse")
    return use["toolUseId"] if use is not None else None


def tool_id(identifier: str) -> str:
    """An id that the API takes: the same for a call and its result, different for different ids."""
    if _TOOL_ID.match(identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', identifier[:40])}_{digest}"


def _cuts(marks: list[Block], text: list[Block]) -> list[list[Block]]:
    """What stands in the place of each text entry, in order."""
    lengths = [mark["text"] for mark in marks]
    if (
        not text
        or "text" not in text[0]
        or not all(type(length) is int and length >= 0 for length in lengths)
    ):
        return [text]
    whole, start = text[0]["text"], 0
    joins = sum(bool(mark.get("joined")) for mark in marks)
    if (
        len(text) > 2
        or (len(text) == 2 and "cachePoint" not in text[1])
        or sum(lengths) + joins != len(whole)
    ):
        return [text]
    cuts: list[list[Block]] = []
    for mark in marks:
        start += bool(mark.get("joined"))
        piece = whole[start : start + mark["text"]]
        start += mark["text"]
        cuts.append([_cut(piece, mark.get("citations"))] if piece and not piece.isspace() else [])
    cuts[-1] += text[1:]
    return cuts


def _cut(piece: str, citations: Any) -> Block:
    if citations:
        return {"citationsContent": {"content": [{"text": piece}], "citations": citations}}
    return {"text": piece}
