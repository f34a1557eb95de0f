"""Anthropic's event stream as OpenAI's chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from ...outcome import Failure, FailureKind
from ...wire.json import MAX_DEPTH, JSONError, loads, text_of
from ...wire.sse import DataReader
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, failure_from, quoted
from .blocks import StreamedBlock
from .response import add_tier, annotations_of, checked_blocks, ending_of, extras_of, label_of, usage_of
from .state import StateBuilder

_parse: Final = orjson.loads
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
#: Bytes of an answer that comes as JSON instead of a stream.
_MAX_WHOLE: Final = 64 * 2**20


class Decoder:
    """Reads events by the `type` in their data; unknown ones are ignored, as the API demands.

    Thinking comes as `reasoning_content`. What the API wants back (see `state`) comes as one
    `provider_state` in the chunk before the last, and the last chunk has finish reason and usage.
    An answer in JSON instead of a stream is turned into chunks. Counts of the prompt that are new in
    `message_delta` are left out unless `late_counts`.
    """

    __slots__ = (
        "_blocks", "_calls", "_closing", "_extras", "_finished", "_head", "_late", "_length", "_order",
        "_provider", "_reader", "_size", "_sniffed", "_started", "_strict", "_usage", "_whole", "done",
        "failure",
    )  # fmt: skip

    def __init__(self, provider: str, *, strict: bool, late_counts: bool = True) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._provider = provider
        self._strict = strict
        self._late = late_counts
        self._reader = DataReader()
        self._head: dict[str, Any] = {
            "id": "",
            "object": "chat.completion.chunk",
            "model": "",
            "provider": provider,
        }
        #: The blocks by their index, and all of them in the order of their starts.
        self._blocks: dict[int, StreamedBlock] = {}
        self._order: list[StreamedBlock] = []
        self._usage: dict[str, Any] = {}
        self._extras: dict[str, Any] = {}
        self._length = 0
        self._calls = 0
        self._started = self._finished = self._sniffed = self._closing = False
        self._whole: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        if self.done or self.failure is not None:
            return []
        if not self._sniffed:
            data = self._sniff(data)
            if not data:
                return []
        if self._whole is not None:
            self._keep(self._whole, data)
            return []
        chunks = self._take(self._reader.feed(data))
        if self._reader.error is not None and not self._is_over():
            self._fail("too_large", str(self._reader.error))
        return chunks

    def close(self) -> list[dict[str, Any]]:
        if self._is_over():
            return []
        if self._whole is not None:
            return self._replay(b"".join(self._whole))
        self._closing = True
        chunks = self._take(self._reader.close())
        if self._is_over():
            return chunks
        if self._finished:
            self.done = True
        else:
            self._interrupted()
        return chunks

    def _is_over(self) -> bool:
        return self.done or self.failure is not None

    # -- what kind of answer -------------------------------------------------

    def _sniff(self, data: bytes) -> bytes:
        data = data.lstrip(_BLANK)
        if data:
            self._sniffed = True
            if data[0] in b"{[":
                self._whole = []
        return data

    def _keep(self, whole: list[bytes], data: bytes) -> None:
        self._size += len(data)
        if self._size > _MAX_WHOLE:
            whole.clear()
            self._fail("too_large", f"an answer of more than {_MAX_WHOLE} bytes")
        else:
            whole.append(data)

    def _replay(self, data: bytes) -> list[dict[str, Any]]:
        """The chunks of a whole message, by way of the events that would have brought it."""
        chunks: list[dict[str, Any]] = []
        try:
            message = loads(data)
            blocks = checked_blocks(message, self._provider)
            self._message_start({"message": {**message, "usage": None}}, chunks)
            for index, block in enumerate(blocks):
                self._block_start({"index": index, "content_block": block}, chunks)
                self._block_stop({"index": index}, chunks)
            self._count(message.get("usage"))
            self._finish(message, chunks)
            self.done = True
        except ReplyError as error:
            self.failure = error.failure
        except (JSONError, DecodeError) as problem:
            self._fail("parse", f"no message instead of a stream: {problem}")
        except _MALFORMED:
            self._fail("parse", "no message instead of a stream")
        return chunks

    def _interrupted(self) -> None:
        stray = self._reader.stray
        if stray is not None:
            try:
                self.failure = failure_from(loads(stray), self._provider)
                return
            except JSONError:
                pass
        self._fail("interrupted", "the stream ended before it was complete")

    def _fail(self, kind: FailureKind, what: str) -> None:
        self.failure = Failure(kind, f"{self._provider} error: {what}", type="invalid_response_error")

    # -- events --------------------------------------------------------------

    def _take(self, payloads: list[bytes]) -> list[dict[str, Any]]:
        chunks: list[dict[str, Any]] = []
        for payload in payloads:
            try:
                try:
                    # Short texts cannot be nested too deeply: they need no more than the parser.
                    event = _parse(payload) if len(payload) <= 2 * MAX_DEPTH else loads(payload)
                except orjson.JSONDecodeError:
                    event = loads(payload)
                kind = event.get("type")
                if kind == "content_block_delta":
                    self._block_delta(event, chunks)
                    continue
                if kind in _HANDLERS:
                    _HANDLERS[kind](self, event, chunks)
                elif kind is None and event.get("error"):
                    self._error(event, chunks)
            except JSONError as problem:
                self._broken(payload, problem)
            except _MALFORMED:
                self._fail("parse", "an event of another shape than documented: " + _start_of(payload))
            if self._is_over():
                break
        return chunks

    def _broken(self, payload: bytes, problem: Exception) -> None:
        text = payload.strip()
        if text == b"[DONE]":  # compatible servers end their streams in OpenAI's way
            self.done = self._finished
        elif text and not self._closing:
            self._fail("parse", f"an event that is not JSON ({problem}): " + _start_of(payload))

    def _message_start(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        message = event["message"]
        self._head["id"] = label_of(message, "id")
        self._head["model"] = label_of(message, "model")
        self._count(message.get("usage"))
        self._extras.update(extras_of(message))
        if not self._started:
            self._started = True
            chunks.append(self._chunk({"role": "assistant", "content": ""}))

    def _block_start(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        index, start = event["index"], dict(event["content_block"])
        block = self._open(index, start, chunks)
        if block.kind == "tool_use":
            call = {"name": _text(start["name"]), "arguments": ""}
            piece = {"index": block.position, "id": _text(start["id"]), "type": "function", "function": call}
            chunks.append(self._chunk({"tool_calls": [piece]}))
            return
        delta: dict[str, Any] = {}
        if block.kind == "text":
            block.citations += start.get("citations") or []
            text = _text(start.get("text") or "")
            if text:
                block.length = len(text)
                self._length += len(text)
                delta["content"] = text
        elif block.kind == "thinking" and start.get("thinking"):
            delta["reasoning_content"] = _text(start["thinking"])
        self._say(delta, index, start, chunks)

    def _open(self, index: Any, start: dict[str, Any], chunks: list[dict[str, Any]]) -> StreamedBlock:
        if type(index) is not int or len(self._order) >= MAX_INDEX:
            raise ValueError
        if not self._started:
            self._started = True
            chunks.append(self._chunk({"role": "assistant", "content": ""}))
        block = self._blocks[index] = StreamedBlock(start, self._length, self._calls)
        self._order.append(block)
        if block.kind == "tool_use":
            self._calls += 1
        return block

    def _block_delta(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        index, delta = event["index"], event["delta"]
        kind = delta["type"]
        block = self._blocks.get(index)
        if kind == "text_delta":
            text = delta["text"]
            if type(text) is not str:
                raise TypeError
            if block is None:
                block = self._open(index, {"type": "text", "text": ""}, chunks)
            block.length += len(text)
            self._length += len(text)
            if self._strict:
                choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
                chunks.append({**self._head, "choices": [choice]})
            else:
                self._say({"content": text}, index, delta, chunks)
            return
        if block is None:
            raise ValueError
        if kind == "input_json_delta" and block.kind == "tool_use":
            text = _text(delta["partial_json"])
            if text:
                block.said = True
                call = {"index": block.position, "function": {"arguments": text}}
                chunks.append(self._chunk({"tool_calls": [call]}))
            return
        if kind == "citations_delta":
            block.citations.append(delta["citation"])
        else:
            block.merge(delta)
        thought = _text(delta["thinking"]) if kind == "thinking_delta" else ""
        self._say({"reasoning_content": thought} if thought else {}, index, delta, chunks)

    def _block_stop(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        block = self._blocks.get(event["index"])
        if block is not None and not block.ended:
            self._end(block, chunks)

    def _end(self, block: StreamedBlock, chunks: list[dict[str, Any]]) -> None:
        block.ended = True
        if block.kind == "tool_use" and not block.said:
            arguments = text_of(block.start.get("input") or {})
            call = {"index": block.position, "function": {"arguments": arguments}}
            chunks.append(self._chunk({"tool_calls": [call]}))
        elif block.citations:
            found = annotations_of(block.citations, block.begin, block.begin + block.length)
            if found:
                chunks.append(self._chunk({"annotations": found}))

    def _message_delta(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        delta = event["delta"]
        usage = event.get("usage")
        if not self._late and isinstance(usage, dict):
            usage = {name: n for name, n in usage.items() if name in self._usage or "input" not in name}
        self._count(usage)
        self._extras.update(extras_of(delta))
        self._extras.update((k, v) for k, v in extras_of(event) if k != "delta")
        if delta.get("stop_reason") is not None and not self._finished:
            self._finish(delta, chunks)

    def _message_stop(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        if not self._finished:
            self._finish({}, chunks)
        self.done = True

    def _error(self, event: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
        self.failure = failure_from(event, self._provider)

    def _finish(self, delta: Mapping[str, Any], chunks: list[dict[str, Any]]) -> None:
        self._finished = True
        state = StateBuilder()
        for block in self._order:
            if not block.ended:
                self._end(block, chunks)
            if block.kind == "text":
                state.add_text(block.length, block.citations)
            elif block.kind == "tool_use":
                state.add_call(block.start)
            else:
                state.add_opaque(block.whole())
        kept = state.state()
        if kept is not None:
            chunks.append(self._chunk({"provider_state": kept}))
        last = self._chunk({})
        last["choices"][0].update(ending_of(delta, self._strict))
        if self._usage:
            last["usage"] = usage_of(self._usage)
            add_tier(last, self._usage)
        last.update(self._extras)
        chunks.append(last)

    # -- chunks --------------------------------------------------------------

    def _chunk(self, delta: dict[str, Any]) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return {**self._head, "choices": [choice]}

    def _say(
        self, delta: dict[str, Any], index: int, native: dict[str, Any], chunks: list[dict[str, Any]]
    ) -> None:
        """A chunk for `delta`; callers who are not strict also get the `native` block or delta."""
        if not self._strict:
            told = {name: value for name, value in native.items() if name != "type"}
            delta["content_blocks"] = [{"index": index, "delta": told}]
        if delta:
            chunks.append(self._chunk(delta))

    def _count(self, usage: Any) -> None:
        """Later events repeat the counts of earlier ones, cumulated."""
        if isinstance(usage, dict):
            self._usage.update((name, value) for name, value in usage.items() if value is not None)


#: What reading an event raises when it is not of the documented shape.
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)

_HANDLERS: Final = {
    "message_start": Decoder._message_start,
    "content_block_start": Decoder._block_start,
    "content_block_stop": Decoder._block_stop,
    "message_delta": Decoder._message_delta,
    "message_stop": Decoder._message_stop,
    "error": Decoder._error,
}


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _start_of(payload: bytes) -> str:
    return quoted(payload[:200].decode("utf-8", "replace"), 200)
