"""ConverseStream's events as OpenAI's chunks."""

from __future__ import annotations

from typing import Any, Final

import orjson

from ...outcome import Failure, FailureKind
from ...wire.eventstream import EventStreamParser, Message
from ...wire.json import MAX_DEPTH, JSONError, loads
from ...wire.message import WireReply
from ..base import DecodeError, ReplyError
from ..chunks import replay
from ..failures import MAX_INDEX, failure_from, quoted
from .blocks import StreamedBlock
from .models import Model
from .response import (
    EXTRAS,
    add_closing,
    annotations_of,
    called,
    completion_of,
    ending_of,
    problem_of,
    shown_image,
)
from .state import StateBuilder

Json = dict[str, Any]

_parse: Final = orjson.loads
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
#: Bytes of an answer that comes as JSON instead of a stream.
_MAX_WHOLE: Final = 64 * 2**20
_MAX_LABEL: Final = 256
#: Non-strict callers see the pieces of blocks under Anthropic's names.
_SHOWN: Final = {"text": "thinking", "signature": "signature", "redactedContent": "data"}


class FrameReader:
    """Bytes to event-stream messages; tells JSON in their place, and what went wrong.

    `failure` is set by a frame that reports an error, by a broken one and by an early end.
    """

    __slots__ = ("_parser", "_provider", "_size", "_sniffed", "_whole", "failure")

    def __init__(self, provider: str) -> None:
        self.failure: Failure | None = None
        self._provider = provider
        self._parser = EventStreamParser()
        self._sniffed = False
        self._whole: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, but for the one that reports an error."""
        if not self._sniffed:
            data = data.lstrip(_BLANK)
            if not data:
                return []
            self._sniffed = True
            # No frame begins so: it would be two gigabytes long.
            if data[0] in b"{[":
                self._whole = []
        if self._whole is not None:
            self._keep(self._whole, data)
            return []
        messages = self._parser.feed(data)
        error = self._parser.error
        if error is not None:
            if error.kind == "exception":
                self.failure = self._reported(messages.pop(), error.message)
            else:
                self.fail("parse", f"a broken event stream: {error.message}")
        return messages

    def whole(self) -> bytes | None:
        """The JSON that came instead of a stream, None where there was none."""
        return None if self._whole is None else b"".join(self._whole)

    def fail(self, kind: FailureKind, what: str) -> None:
        self.failure = Failure(kind, f"{self._provider} error: {what}", type="invalid_response_error")

    def _keep(self, whole: list[bytes], data: bytes) -> None:
        self._size += len(data)
        if self._size > _MAX_WHOLE:
            whole.clear()
            self.fail("too_large", f"an answer of more than {_MAX_WHOLE} bytes")
        else:
            whole.append(data)

    def _reported(self, message: Message, name: str) -> Failure:
        """The failure of an exception or error frame; its name is the type."""
        try:
            body = loads(message.payload)
        except JSONError:
            body = None
        if not isinstance(body, dict) or not body:
            body = {"message": str(message.headers.get(":error-message") or quoted(name, _MAX_LABEL))}
        found = failure_from({**body, "type": name}, self._provider)
        del found.body["type"]
        return found


class Decoder:
    """Events by their `:event-type`; unknown ones are ignored.

    Reasoning comes as `reasoning_content`. What the API wants back (see `state`) comes as one
    `provider_state` in the chunk before the last, and the last chunk has finish reason and usage.
    An answer in JSON instead of a stream is turned into chunks.
    """

    __slots__ = (
        "_between", "_blocks", "_calls", "_end", "_frames", "_head", "_length", "_model", "_order",
        "_plain", "_provider", "_reason", "_started", "_stopped", "_strict", "done", "failure",
    )  # fmt: skip

    def __init__(self, model: Model, provider: str, *, strict: bool) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._model = model
        self._provider = provider
        self._strict = strict
        self._frames = FrameReader(provider)
        self._head: Json = {"object": "chat.completion.chunk", "model": model.asked, "provider": provider}
        #: The blocks by their index, and all of them in the order of their starts.
        self._blocks: dict[int, StreamedBlock] = {}
        self._order: list[StreamedBlock] = []
        self._length = 0
        self._calls = 0
        #: Whether the last text was without citations, and whether another block has come since.
        self._plain = self._between = False
        self._started = self._stopped = False
        self._reason: Any = None
        self._end: Json = {}

    def feed(self, data: bytes) -> list[Json]:
        if self._is_over():
            return []
        chunks: list[Json] = []
        for message in self._frames.feed(data):
            self._take(message, chunks)
            if self._is_over():
                return chunks
        self.failure = self._frames.failure
        return chunks

    def _is_over(self) -> bool:
        return self.done or self.failure is not None

    def close(self) -> list[Json]:
        if self._is_over():
            return []
        whole = self._frames.whole()
        if whole is not None:
            return self._replayed(whole)
        chunks: list[Json] = []
        if self._stopped:
            self._finish(chunks)
        else:
            self._fail("interrupted", "the stream ended before it was complete")
        return chunks

    def _replayed(self, whole: bytes) -> list[Json]:
        """The chunks of an answer that came in one piece."""
        try:
            made = completion_of(WireReply(200, {}, whole), self._model, self._provider, strict=self._strict)
        except ReplyError as error:
            self.failure = error.failure
        except DecodeError as problem:
            self._fail("parse", f"no message instead of a stream: {problem}")
        else:
            self.done = True
            return replay(made)
        return []

    def _fail(self, kind: FailureKind, what: str) -> None:
        self._frames.fail(kind, what)
        self.failure = self._frames.failure

    # -- events --------------------------------------------------------------

    def _take(self, message: Message, chunks: list[Json]) -> None:
        payload = message.payload
        try:
            try:
                # Short texts cannot be nested too deeply: they need no more than the parser.
                event = _parse(payload) if len(payload) <= 2 * MAX_DEPTH else loads(payload)
            except orjson.JSONDecodeError:
                event = loads(payload)
            kind = message.headers.get(":event-type")
            if kind == "contentBlockDelta":
                self._delta(event, chunks)
            elif kind in _HANDLERS:
                _HANDLERS[kind](self, event, chunks)  # type: ignore[index]
        except JSONError as problem:
            self._fail("parse", f"an event that is not JSON ({problem}): {_start_of(payload)}")
        except DecodeError as problem:
            self._fail("parse", str(problem))
        except _MALFORMED:
            self._fail("parse", "an event of another shape than documented: " + _start_of(payload))

    def _start(self, event: Json, chunks: list[Json]) -> None:
        if not self._started:
            self._started = True
            chunks.append(self._chunk({"role": "assistant", "content": ""}))

    def _delta(self, event: Json, chunks: list[Json]) -> None:
        index, delta = event["contentBlockIndex"], event["delta"]
        block = self._blocks.get(index)
        text = delta.get("text")
        if type(text) is str:
            if not text:
                return
            if block is None:
                block = self._open_text(index, chunks)
                text = "\n" + text if block.joined else text
            block.length += len(delta["text"])
            self._length += len(text)
            shown: Json = {"content": text}
            if not self._strict:
                shown["content_blocks"] = [{"index": index, "delta": {"text": delta["text"]}}]
            choice = {"index": 0, "delta": shown, "logprobs": None, "finish_reason": None}
            chunks.append({**self._head, "choices": [choice]})
        elif "toolUse" in delta:
            self._input(block, delta["toolUse"]["input"], chunks)
        elif "reasoningContent" in delta:
            self._reasoning(index, block, delta["reasoningContent"], chunks)
        else:
            self._other(index, block, delta, chunks)

    def _open_text(self, index: Any, chunks: list[Json]) -> StreamedBlock:
        """A new text block; after a block of another kind it begins a new line, as in a whole answer."""
        joined = self._plain and self._between
        block = StreamedBlock("text", {}, begin=self._length + joined, joined=joined)
        self._open(index, block, chunks)
        self._plain, self._between = True, False
        return block

    def _open(self, index: Any, block: StreamedBlock, chunks: list[Json]) -> None:
        if type(index) is not int or len(self._order) >= MAX_INDEX:
            raise ValueError
        self._start({}, chunks)
        self._between = True
        self._blocks[index] = block
        self._order.append(block)

    def _block_start(self, event: Json, chunks: list[Json]) -> None:
        index, start = event["contentBlockIndex"], event["start"]
        use = start.get("toolUse")
        if use is not None and use.get("type") is None:
            call = called(use, "", self._provider)
            block = StreamedBlock("call", {}, position=self._calls)
            block.identifier = call["id"]
            self._open(index, block, chunks)
            self._calls += 1
            chunks.append(self._chunk({"tool_calls": [{"index": block.position, **call}]}))
        elif start:
            self._open(index, StreamedBlock("image" if "image" in start else "opaque", dict(start)), chunks)

    def _input(self, block: StreamedBlock | None, text: Any, chunks: list[Json]) -> None:
        if block is None or type(text) is not str:
            raise ValueError
        if block.kind == "call":
            if text:
                block.said = True
                call = {"index": block.position, "function": {"arguments": text}}
                chunks.append(self._chunk({"tool_calls": [call]}))
        else:
            block.add("input", text)

    def _reasoning(self, index: Any, block: StreamedBlock | None, content: Json, chunks: list[Json]) -> None:
        if block is None:
            block = StreamedBlock("opaque", {"reasoningContent": {}})
            self._open(index, block, chunks)
        delta: Json = {}
        for name, piece in content.items():
            if name not in _SHOWN:
                continue
            if type(piece) is not str:
                raise TypeError
            block.add(name, piece)
            if name == "text" and piece:
                delta["reasoning_content"] = piece
        if not self._strict:
            native = {_SHOWN[name]: piece for name, piece in content.items() if name in _SHOWN}
            delta["content_blocks"] = [{"index": index, "delta": native}]
        if delta:
            chunks.append(self._chunk(delta))

    def _other(self, index: Any, block: StreamedBlock | None, delta: Json, chunks: list[Json]) -> None:
        if "citation" in delta:
            if block is None:
                self._between = False  # its text, should there be any, continues a sentence
                block = self._open_text(index, chunks)
            block.citations.append(delta["citation"])
            self._plain = False
        elif "toolResult" in delta and block is not None:
            if type(delta["toolResult"]) is not list:
                raise TypeError
            block.add("toolResult", delta["toolResult"])
        elif "image" in delta and block is not None:
            source = delta["image"].get("source")
            if source is not None:
                block.add("bytes", _text(source["bytes"]))

    def _block_stop(self, event: Json, chunks: list[Json]) -> None:
        block = self._blocks.get(event["contentBlockIndex"])
        if block is not None and not block.ended:
            self._end_block(block, chunks)

    def _end_block(self, block: StreamedBlock, chunks: list[Json]) -> None:
        block.ended = True
        if block.kind == "call" and not block.said:
            call = {"index": block.position, "function": {"arguments": "{}"}}
            chunks.append(self._chunk({"tool_calls": [call]}))
        elif block.kind == "image":
            image = shown_image(block.whole()["image"])
            if image is not None:
                chunks.append(self._chunk({"images": [image]}))
        elif block.citations:
            found = annotations_of(block.citations, block.begin, block.begin + block.length)
            if found:
                chunks.append(self._chunk({"annotations": found}))

    def _message_stop(self, event: Json, chunks: list[Json]) -> None:
        self._stopped = True
        self._reason = event["stopReason"]
        self._end.update((name, event[name]) for name in EXTRAS if event.get(name) is not None)

    def _metadata(self, event: Json, chunks: list[Json]) -> None:
        self._end.update(event)
        self._finish(chunks)

    def _finish(self, chunks: list[Json]) -> None:
        problem = problem_of(self._reason, self._provider)
        if problem is not None and self._strict:
            self.failure = problem
            return
        self._start({}, chunks)
        state = StateBuilder(self._model)
        for block in self._order:
            if not block.ended:
                self._end_block(block, chunks)
            if block.kind == "text":
                state.add_text(block.length, joined=block.joined, citations=block.citations)
            elif block.kind == "call":
                state.add_call(block.identifier)
            elif block.kind == "opaque":
                state.add_opaque(block.whole())
        kept = state.state()
        if kept is not None:
            chunks.append(self._chunk({"provider_state": kept}))
        last = self._chunk({})
        last["choices"][0].update(ending_of(self._reason, self._strict))
        add_closing(last, self._end)
        chunks.append(last)
        self.done = True

    def _chunk(self, delta: Json) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return {**self._head, "choices": [choice]}


#: What reading an event raises when it is not of the documented shape.
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)

_HANDLERS: Final = {
    "messageStart": Decoder._start,
    "contentBlockStart": Decoder._block_start,
    "contentBlockStop": Decoder._block_stop,
    "messageStop": Decoder._message_stop,
    "metadata": Decoder._metadata,
}


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _start_of(payload: bytes) -> str:
    return quoted(payload[:200].decode("utf-8", "replace"), 200)
