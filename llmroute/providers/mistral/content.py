"""Content that comes as a list of chunks, and what of it goes back.

Reasoning models answer with thinking chunks before the text; answers that quote tool results have
reference chunks in it. A caller gets one text and `reasoning_content`; the chunks are kept in
`provider_state`, `{"origin": "mistral", "data": [entry, ...]}` (see `marked`), because thinking is to
be replayed with its signature (docs.mistral.ai, reasoning).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from ..base import EncodeError
from ..marked import are_entries
from .tables import ORIGIN

Json = dict[str, Any]


class Content:
    """Gathers the content of one answer, piece by piece where `streamed`.

    `add` returns the text and the reasoning of a piece. Chunks of unknown types are kept as opaque.
    """

    __slots__ = ("_entries", "_opaque", "_streamed")

    def __init__(self, *, streamed: bool = False) -> None:
        self._streamed = streamed
        self._entries: list[Json] = []
        self._opaque = False

    def add(self, content: str | list[Any]) -> tuple[str, str]:
        if isinstance(content, str):
            self._add_text(content)
            return content, ""
        texts, thoughts = [], []
        for chunk in content:
            if isinstance(chunk, str):
                chunk = {"type": "text", "text": chunk}
            if not isinstance(chunk, dict):
                continue
            text = chunk.get("text")
            if chunk.get("type", "text") == "text" and isinstance(text, str):
                self._add_text(text)
                texts.append(text)
            else:
                thoughts.append(_thought(chunk))
                self._add_opaque(chunk)
        return "".join(texts), "".join(thoughts)

    def _add_text(self, text: str) -> None:
        last = self._entries[-1] if self._entries else None
        if last is not None and last["type"] == "text" and self._streamed:
            last["length"] += len(text)
        elif text:
            self._entries.append({"type": "text", "length": len(text)})

    def _add_opaque(self, chunk: Json) -> None:
        self._opaque = True
        kind = chunk.get("type")
        last = self._entries[-1] if self._entries else None
        if not self._streamed or kind != "thinking":
            self._entries.append(chunk if isinstance(kind, str) else {**chunk, "type": "unknown"})
        elif last is not None and last["type"] == "thinking":
            last["thinking"] += _parts(chunk)
            last.update((k, v) for k, v in chunk.items() if k != "thinking" and v is not None)
        else:
            self._entries.append({**chunk, "thinking": list(_parts(chunk))})

    def state(self) -> Json | None:
        """The provider_state, None when the message says it all."""
        if not self._opaque:
            return None
        return {"origin": ORIGIN, "data": [_settled(entry) for entry in self._entries]}


def _settled(entry: Json) -> Json:
    if entry["type"] != "thinking" or not isinstance(entry.get("thinking"), list):
        return entry
    return {**entry, "thinking": _joined(entry["thinking"])}


def _parts(chunk: Json) -> list[Any]:
    parts = chunk.get("thinking")
    if isinstance(parts, str):
        return [{"type": "text", "text": parts}]
    return parts if isinstance(parts, list) else []


def _joined(parts: list[Any]) -> list[Any]:
    """`parts` with neighbouring texts in one."""
    found: list[Any] = []
    for is_text, group in groupby(parts, key=_is_text):
        if is_text:
            found.append({"type": "text", "text": "".join(part["text"] for part in group)})
        else:
            found += group
    return found


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _thought(chunk: Json) -> str:
    if chunk.get("type") != "thinking":
        return ""
    return "".join(part["text"] for part in _parts(chunk) if _is_text(part))


def own_state(message: Mapping[str, Any], where: str) -> list[Json] | None:
    """The entries that an assistant message brings back, None without any of this origin.

    Raises EncodeError when they are not what `Content` writes.
    """
    state = message.get("provider_state")
    if not isinstance(state, dict) or state.get("origin") != ORIGIN:
        return None
    if not are_entries(state.get("data")):
        raise EncodeError(
            f"{where}.provider_state.data: a list of chunks was expected", f"{where}.provider_state"
        )
    return list(state["data"])
