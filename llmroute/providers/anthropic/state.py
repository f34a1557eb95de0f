"""The member `provider_state` of assistant messages: what the API wants back unchanged, and in its place.

`{"origin": "anthropic", "data": [entry, ...]}`, one entry for each content block of the answer, in
order. Blocks without an OpenAI form (thinking with its signature, redacted thinking, server tools and
their results) stand there whole. Text and tool calls are in the message itself, where callers may
change them; their entries only mark the place: `{"type": "text", "length": N}` (in characters, with
`citations` where there are any) and `{"type": "tool_use", "id": I}` (with members such as `caller`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from .tables import ORIGIN

_TOOL_MEMBERS: Final = frozenset({"type", "id", "name", "input"})
_DIRECT: Final[Mapping[str, Any]] = {"type": "direct"}


class StateBuilder:
    """Gathers the entries of one answer, block by block."""

    __slots__ = ("_entries", "_needed")

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._needed = False

    def add_text(self, length: int, citations: Any) -> None:
        entry: dict[str, Any] = {"type": "text", "length": length}
        if citations:
            entry["citations"] = citations
            self._needed = True
        self._entries.append(entry)

    def add_call(self, block: Mapping[str, Any]) -> None:
        """Mark the place of a tool_use block; of its members, keep those that tool_calls cannot hold."""
        entry: dict[str, Any] = {"type": "tool_use", "id": block.get("id")}
        if len(block) > 4:
            for name, value in block.items():
                # A call that the model made itself says `{"type": "direct"}`, which is the default.
                if name not in _TOOL_MEMBERS and value is not None and value != _DIRECT:
                    entry[name] = value
                    self._needed = True
        self._entries.append(entry)

    def add_opaque(self, block: dict[str, Any]) -> None:
        self._entries.append(block)
        self._needed = True

    def state(self) -> dict[str, Any] | None:
        """The provider_state, None when the message says it all."""
        return {"origin": ORIGIN, "data": self._entries} if self._needed else None


def own_state(message: Mapping[str, Any], where: str) -> list[Any] | None:
    """The entries that an assistant message brings back, None without any of this origin.

    Raises EncodeError when they are not what StateBuilder writes.
    """
    state = message.get("provider_state")
    if not isinstance(state, dict) or state.get("origin") != ORIGIN:
        return None
    entries = state.get("data")
    if not isinstance(entries, (list, tuple)) or not all(
        isinstance(entry, dict) and isinstance(entry.get("type"), str) for entry in entries
    ):
        raise EncodeError(
            f"{where}.provider_state.data: a list of blocks was expected", f"{where}.provider_state"
        )
    return list(entries)


def replayed(
    entries: list[Any], text: list[dict[str, Any]], calls: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The assistant's blocks in their first order.

    `text` and `calls` are the blocks of the message as it is now. Text that is as long as it was is
    cut up again; changed text goes whole to the place of the first. Calls without an entry come last.
    """
    if text and not any(entry["type"] == "text" for entry in entries):
        # Text that the answer had not: after what is opaque, before the calls.
        first = (k for k, entry in enumerate(entries) if entry["type"] == "tool_use")
        entries.insert(next(first, len(entries)), {"type": "text"})
    cuts = _cuts(entries, text)
    rest = list(calls)
    blocks: list[dict[str, Any]] = []
    for entry in entries:
        kind = entry["type"]
        if kind == "text":
            blocks += cuts.pop(0) if cuts else []
        elif kind == "tool_use":
            found = next((call for call in rest if call["id"] == entry.get("id")), None)
            if found is not None:
                rest.remove(found)
                blocks.append({**entry, **found})
        else:
            blocks.append(dict(entry))
    return blocks + rest


def _cuts(entries: list[Any], text: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What stands in the place of each text entry, in order."""
    marks = [entry for entry in entries if entry["type"] == "text"]
    if not _is_unchanged(marks, text):
        return [text]
    whole, start = text[0]["text"], 0
    cuts: list[list[dict[str, Any]]] = []
    for mark in marks:
        piece = whole[start : start + mark["length"]]
        start += mark["length"]
        block: dict[str, Any] = {"type": "text", "text": piece}
        if mark.get("citations"):
            block["citations"] = mark["citations"]
        cuts.append([block] if piece.strip() else [])
    if "cache_control" in text[0]:
        cuts[-1] = [{**block, "cache_control": text[0]["cache_control"]} for block in cuts[-1]]
    return cuts


def _is_unchanged(marks: list[Any], text: list[dict[str, Any]]) -> bool:
    lengths = [mark.get("length") for mark in marks]
    if len(text) != 1 or not all(type(length) is int and length >= 0 for length in lengths):
        return False
    return bool(sum(lengths) == len(text[0]["text"]))
