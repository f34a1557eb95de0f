"""The parts of one answer, read in order: the same for whole answers and for streams."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...outcome import Failure
from ...wire.json import text_of
from ..failures import MAX_INDEX, quoted
from .state import Layout, wrapped

Json = dict[str, Any]

_FINISH_REASONS: Final = {
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
#: The answer is broken, not ended: passing it off as complete would hide that.
_BROKEN: Final = frozenset({
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "NO_IMAGE",
    "IMAGE_OTHER",
    "PUP_LIMITED_DISABLED",
})  # fmt: skip
#: Parts shown in content blocks only; they go back with the message's state.
_NATIVE: Final = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_MAX_ID: Final = 256


class BrokenAnswerError(Exception):
    """What the provider sent is no usable answer."""


@attrs.frozen
class Reading:
    """How answers of one call are read. `custom` are the names of tools that take free text."""

    provider: str
    origin: str
    strict: bool
    custom: frozenset[str] = frozenset()


@attrs.define
class Pieces:
    """What some parts say: pieces of text and thought, whole calls and media."""

    text: list[str] = attrs.field(factory=list)
    thoughts: list[str] = attrs.field(factory=list)
    calls: list[Json] = attrs.field(factory=list)
    images: list[Json] = attrs.field(factory=list)
    audio: list[str] = attrs.field(factory=list)
    audio_type: str = ""
    blocks: list[Json] = attrs.field(factory=list)


class Answer:
    """One candidate over all of its parts. `id` is the answer's, from which ids of calls are made."""

    __slots__ = ("_ids", "_reading", "calls", "id", "index", "layout")

    def __init__(self, reading: Reading, id: str, index: int) -> None:
        self.id = id
        self.index = index
        self.calls = 0
        self.layout = Layout()
        self._reading = reading
        self._ids: set[str] = set()

    def read(self, parts: Any) -> Pieces:
        """What `parts` add. Raises BrokenAnswerError."""
        pieces = Pieces()
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                self._part(part, pieces)
        return pieces

    def _part(self, part: Mapping[str, Any], pieces: Pieces) -> None:
        signature = part.get("thoughtSignature")
        signature = signature if isinstance(signature, str) and signature else None
        text = part.get("text")
        if isinstance(text, str):
            self._text(text, bool(part.get("thought")), signature, pieces)
        elif isinstance(part.get("functionCall"), Mapping):
            self._call(part["functionCall"], signature, pieces)
        elif isinstance(part.get("inlineData"), Mapping):
            self._data(part["inlineData"], part, signature, pieces)
        elif isinstance(part.get("fileData"), Mapping):
            url, kind = part["fileData"].get("fileUri"), part["fileData"].get("mimeType")
            if isinstance(url, str):
                self._medium(url, str(kind or "image/"), part, signature, pieces)
        elif any(name in part for name in _NATIVE):
            self.layout.native(part)
            if not self._reading.strict:
                pieces.blocks += [{"type": name, name: part[name]} for name in _NATIVE if name in part]
        elif signature is not None:
            self.layout.text(0, signature, thought=False)

    def _text(self, text: str, thought: bool, signature: str | None, pieces: Pieces) -> None:
        if text or signature:
            self.layout.text(len(text), signature, thought=thought)
        if not text:
            return
        (pieces.thoughts if thought else pieces.text).append(text)
        if not self._reading.strict:
            pieces.blocks.append(
                {"type": "thinking", "thinking": text} if thought else {"type": "text", "text": text}
            )

    def _call(self, call: Mapping[str, Any], signature: str | None, pieces: Pieces) -> None:
        name, arguments = call.get("name"), call.get("args")
        if not isinstance(name, str):
            raise BrokenAnswerError("a function call without a name")
        if self.calls >= MAX_INDEX:
            raise BrokenAnswerError(f"more than {MAX_INDEX} function calls")
        made: Json = {"id": self._id(call.get("id"))}
        if name in self._reading.custom:
            given = arguments.get("input") if isinstance(arguments, Mapping) else None
            text = given if isinstance(given, str) else text_of(arguments)
            made.update(type="custom", custom={"name": name, "input": text})
        else:
            text = "{}" if arguments is None else text_of(arguments)
            made.update(type="function", function={"name": name, "arguments": text})
        if signature is not None:
            if not self._reading.strict and "function" in made:
                made["function"]["thought_signature"] = signature
            made["provider_state"] = wrapped(self._reading.origin, {"thought_signature": signature})
        self.layout.call()
        self.calls += 1
        pieces.calls.append(made)

    def _id(self, given: Any) -> str:
        """The call's own id, or one made of the answer's id and the call's place: the same every time.

        Other providers limit ids to 40 or 64 letters, digits and underscores, so it is a digest.
        """
        id = given if isinstance(given, str) and len(given) <= _MAX_ID else ""
        if not id or id in self._ids:
            place = f"{self.id}/{self.index}/{self.calls}".encode("utf-8", "surrogatepass")
            id = "call_" + hashlib.blake2b(place, digest_size=12).hexdigest()
        self._ids.add(id)
        return id

    def _data(
        self, data: Mapping[str, Any], part: Mapping[str, Any], signature: str | None, pieces: Pieces
    ) -> None:
        content, kind = data.get("data"), data.get("mimeType")
        if not isinstance(content, str):
            return
        kind = kind if isinstance(kind, str) else "application/octet-stream"
        if kind.startswith("audio/"):
            pieces.audio.append(content)
            pieces.audio_type = kind
            return
        self._medium(f"data:{kind};base64,{content}", kind, part, signature, pieces)

    def _medium(
        self, url: str, kind: str, part: Mapping[str, Any], signature: str | None, pieces: Pieces
    ) -> None:
        if kind.startswith("image/"):
            shown: Json = {"type": "image_url", "image_url": {"url": url}}
        else:
            shown = {"type": "file", "file": {"file_data": url, "mime_type": kind}}
        if not self._reading.strict:
            pieces.blocks.append(shown)
        # Sketches of a thinking image model are no part of its answer.
        if not part.get("thought"):
            self.layout.image(signature)
            pieces.images.append(shown)

    def provider_state(self) -> Json | None:
        """What the message must carry back, when there is something."""
        return self.layout.state(self._reading.origin)

    def finish_reason(self, raw: Any) -> str:
        """OpenAI's word for `finishReason`, or the raw one when not strict; tool_calls after calls."""
        raw = raw if isinstance(raw, str) and raw else "STOP"
        reason = _FINISH_REASONS.get(raw, "stop")
        if reason == "stop" and self.calls and raw not in _BROKEN:
            return "tool_calls"
        return reason if self._reading.strict else raw


def problem_of(candidate: Mapping[str, Any], reading: Reading) -> Failure | None:
    """The failure of a candidate whose generation broke off, None for all others.

    When not strict the caller sees the raw finish reason, so nothing has to stand in for it.
    """
    raw = candidate.get("finishReason")
    if not reading.strict or not isinstance(raw, str) or raw not in _BROKEN:
        return None
    told = candidate.get("finishMessage")
    told = f": {quoted(told)}" if isinstance(told, str) and told else ""
    return Failure(
        kind="parse",
        message=f"{reading.provider} error: the answer ended with {raw}{told}",
        type="invalid_response_error",
        code=raw,
    )


def digest(data: bytes) -> str:
    """An id for an answer that has none."""
    return "chatcmpl-" + hashlib.blake2b(data, digest_size=12).hexdigest()
