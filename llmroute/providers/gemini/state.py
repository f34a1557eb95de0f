"""Opaque state that Gemini wants back: thought signatures, and parts that OpenAI has no words for.

Signatures of function calls travel on their tool calls. Signatures of other parts, and parts such as
`executableCode`, travel on the message as a layout: the parts of the answer in order, texts by their
length, so that the answer can be sent back as it came. Both are members
`provider_state: {"origin": ..., "data": ...}` and go back to the same origin only.

Source: the guide on thought signatures of ai.google.dev ("exactly as received", parts with a
signature are not merged with others).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Part = dict[str, Any]

#: The documented stand-in for a function call of Gemini 3's that some other model made.
FOREIGN_SIGNATURE: Final = "skip_thought_signature_validator"
#: Entries of a layout; what comes after is not kept.
_MAX_ENTRIES: Final = 4_096


def wrapped(origin: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """`provider_state` for a message or tool call."""
    return {"origin": origin, "data": data}


def unwrapped(holder: Mapping[str, Any], origin: str) -> Mapping[str, Any] | None:
    """The data of `holder`'s provider_state, when it came from `origin`."""
    state = holder.get("provider_state")
    if state is None:
        return None
    if isinstance(state, Mapping) and state.get("origin") == origin:
        data = state.get("data")
        return data if isinstance(data, Mapping) else None
    return None


def call_signature(call: Mapping[str, Any], function: Mapping[str, Any], origin: str) -> str | None:
    """The signature of a tool call: ours, or in the member of the reference or of Google's own endpoint."""
    data = unwrapped(call, origin)
    found = data.get("thought_signature") if data is not None else function.get("thought_signature")
    extra = call.get("extra_content")
    if found is None and extra is not None and isinstance(extra, Mapping):
        google = extra.get("google")
        found = google.get("thought_signature") if isinstance(google, Mapping) else None
    return found if isinstance(found, str) and found else None


class Layout:
    """The parts of one answer in order, as they are read."""

    __slots__ = ("_entries", "_needed")

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._needed = False

    def text(self, length: int, signature: str | None, *, thought: bool) -> None:
        """A piece of text. Pieces without a signature are one part, however a stream cuts them."""
        kind = "thought" if thought else "text"
        last = self._entries[-1] if self._entries else None
        if signature is None and last is not None and last["kind"] == kind and "signature" not in last:
            last["length"] += length
        else:
            self._add({"kind": kind, "length": length}, signature)

    def call(self) -> None:
        """A function call: its signature is kept with the tool call."""
        self._add({"kind": "call"}, None)

    def image(self, signature: str | None) -> None:
        """An image of the answer."""
        self._add({"kind": "image"}, signature)

    def native(self, part: Mapping[str, Any]) -> None:
        """A part that the answer cannot show: kept whole."""
        self._needed = True
        self._add({"kind": "native", "part": part}, None)

    def _add(self, entry: dict[str, Any], signature: str | None) -> None:
        if signature is not None:
            entry["signature"] = signature
            self._needed = True
        if len(self._entries) < _MAX_ENTRIES:
            self._entries.append(entry)

    def state(self, origin: str) -> dict[str, Any] | None:
        """The message's provider_state; None when there is nothing that must go back."""
        return wrapped(origin, {"parts": self._entries}) if self._needed else None


def arranged(
    entries: Any, texts: list[Part], thoughts: str | None, calls: list[Part], images: list[Part]
) -> list[Part]:
    """The parts of an assistant message, in the order and with the signatures of its layout.

    What the layout does not mention comes last. When the text was changed since, it is one part,
    which then carries the last signature of a text.
    """
    entries = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    spoken = _pieces(entries, "text", "".join(part["text"] for part in texts if "text" in part))
    thought = _pieces(entries, "thought", thoughts or "")
    rest = {
        "call": iter(calls),
        "image": iter(images),
        "text": iter(spoken or ()),
        "thought": iter(thought or ()),
    }
    parts: list[Part] = []
    if spoken is None:
        parts += _changed(entries, texts)
    for entry in entries:
        kind = entry.get("kind")
        if kind == "native" and isinstance(entry.get("part"), Mapping):
            parts.append(dict(entry["part"]))
            continue
        part = next(rest[kind], None) if isinstance(kind, str) and kind in rest else None
        # A thought is only worth its tokens when the model asked for it back.
        if part is None or (kind == "thought" and "signature" not in entry):
            continue
        parts.append(_signed(part, entry.get("signature")))
    parts += rest["call"]
    parts += rest["image"]
    return parts


def _pieces(entries: list[Mapping[str, Any]], kind: str, text: str) -> list[Part] | None:
    """`text` cut as the layout says; None when the lengths do not add up."""
    lengths: list[int] = []
    for entry in entries:
        if entry.get("kind") == kind:
            length = entry.get("length")
            if type(length) is not int or length < 0:
                return None
            lengths.append(length)
    if sum(lengths) != len(text):
        return None
    return list(_cut(text, lengths, thought=kind == "thought"))


def _cut(text: str, lengths: list[int], *, thought: bool) -> Iterator[Part]:
    start = 0
    for length in lengths:
        piece = text[start : start + length]
        start += length
        yield {"text": piece, "thought": True} if thought else {"text": piece}


def _changed(entries: list[Mapping[str, Any]], texts: list[Part]) -> list[Part]:
    signatures = [
        entry["signature"] for entry in entries if entry.get("kind") == "text" and "signature" in entry
    ]
    if not texts or not signatures:
        return texts
    return [*texts[:-1], _signed(texts[-1], signatures[-1])]


def _signed(part: Part, signature: Any) -> Part:
    if not isinstance(signature, str) or "thoughtSignature" in part:
        return part
    return {**part, "thoughtSignature": signature}
