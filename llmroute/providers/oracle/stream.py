"""Streams of the chat action: server-sent events, each with a piece of a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...outcome import Failure, FailureKind
from ...wire.json import JSONError, loads
from ...wire.sse import DataReader
from ..base import DecodeError, ReplyError
from ..chunks import replay
from ..failures import MAX_INDEX, failure_from, is_index, quoted
from .answer import (
    BrokenAnswerError,
    Reading,
    add_tier,
    calls_of,
    check_end,
    completion_of,
    digest,
    ending_of,
    free_text,
    logprobs_of,
    media_of,
    named_call,
    texts_of,
    usage_of,
    with_type,
)
from .parts import Json

_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
_MAX_WHOLE: Final = 64 * 2**20


class OracleStreamDecoder:
    """Chunk dicts of one stream.

    It is complete when every choice has its finish reason and the body ends, or "[DONE]" says so.
    Events may end with `pad`, which only hides their length.
    """

    def __init__(self, reading: Reading) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._reading = reading
        self._reader = DataReader()
        self._choices: dict[int, _Choice] = {}
        self._id: str | None = None
        self._whole: list[bytes] | None = None
        self._size = 0
        self._sniffed = False

    def feed(self, data: bytes) -> list[Json]:
        if self.done or self.failure is not None:
            return []
        if not self._sniffed:
            data = data.lstrip(_BLANK)
            if not data:
                return []
            self._sniffed = True
            self._whole = [] if data[0] in b"{[" else None
        if self._whole is not None:
            self._size += len(data)
            if self._size > _MAX_WHOLE:
                self._whole.clear()
                self._fail("too_large", f"an answer of more than {_MAX_WHOLE} bytes")
            else:
                self._whole.append(data)
            return []
        chunks = self._take(self._reader.feed(data))
        if self._reader.error is not None and self.failure is None and not self.done:
            self._fail("too_large", str(self._reader.error))
        return chunks

    def close(self) -> list[Json]:
        if self.done or self.failure is not None:
            return []
        if self._whole is not None:
            return self._replayed(b"".join(self._whole))
        chunks = self._take(self._reader.close(), last=True)
        if self.failure is None and not self.done:
            if self._reader.stray is not None:
                self._stray(self._reader.stray)
            self._end()
        return chunks

    # -- payloads ------------------------------------------------------------

    def _take(self, payloads: list[bytes], *, last: bool = False) -> list[Json]:
        chunks: list[Json] = []
        for payload in payloads:
            if payload.strip() == b"[DONE]":
                self._end()
                break
            try:
                event = loads(payload)
            except JSONError:
                if payload.strip() and not (last and self._is_complete()):
                    kind: FailureKind = "interrupted" if last else "parse"
                    self._fail(kind, f"an event that is not JSON: {_start_of(payload)}")
                    break
                continue
            chunk = self._chunk_of(event, payload)
            if chunk is not None:
                chunks.append(chunk)
            if self.failure is not None:
                break
        return chunks

    def _chunk_of(self, event: Any, payload: bytes) -> Json | None:
        """The chunk for one event; None when it says nothing new."""
        if not isinstance(event, dict):
            self._fail("parse", f"an event that is no JSON object: {_start_of(payload)}")
            return None
        if "message" in event and not isinstance(event["message"], dict) and event["message"] is not None:
            self.failure = with_type(failure_from(dict(event), self._reading.provider))
            return None
        if event.get("error"):
            self.failure = with_type(failure_from(dict(event), self._reading.provider))
            return None
        self._id = self._id or digest(payload)
        try:
            choices = self._choices_of(event)
        except BrokenAnswerError as problem:
            self._fail("parse", str(problem))
            return None
        except ReplyError as error:
            self.failure = error.failure
            return None
        usage = usage_of(event.get("usage"))
        if not choices and usage is None:
            return None
        chunk: Json = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "model": self._reading.model,
            "provider": self._reading.provider,
            "choices": choices,
        }
        if usage is not None:
            chunk["usage"] = usage
        add_tier(chunk, event)
        return chunk

    def _choices_of(self, event: Mapping[str, Any]) -> list[Json]:
        """Raises BrokenAnswerError and ReplyError."""
        if event.get("message") is None and event.get("finishReason") is None:
            return []
        index = event.get("index", 0)
        if not is_index(index):
            raise BrokenAnswerError("a choice whose index is out of range")
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(self._reading, self._id or "", index)
        check_end(event.get("finishReason"), event, self._reading)
        return [choice.piece(event)]

    # -- ends ----------------------------------------------------------------

    def _is_complete(self) -> bool:
        choices = self._choices.values()
        return bool(choices) and all(choice.ended for choice in choices)

    def _end(self) -> None:
        if self.failure is None and not self.done:
            if self._is_complete():
                self.done = True
            else:
                self._fail("interrupted", "the stream ended before it was complete")

    def _stray(self, line: bytes) -> None:
        try:
            body = loads(line)
        except JSONError:
            return
        if isinstance(body, dict) and (body.get("error") or body.get("code")):
            self.failure = with_type(failure_from(body, self._reading.provider))

    def _replayed(self, data: bytes) -> list[Json]:
        """The chunks of an answer in one piece."""
        try:
            made = completion_of(loads(data), self._reading, None, data)
        except JSONError as problem:
            self._fail("parse", f"no usable JSON instead of a stream ({problem}): {_start_of(data)}")
        except ReplyError as error:
            self.failure = error.failure
        except DecodeError as problem:
            self.failure = Failure("parse", str(problem))
        else:
            self.done = True
            return replay(made)
        return []

    def _fail(self, kind: FailureKind, what: str) -> None:
        self.failure = Failure(kind, f"{self._reading.provider} error: {what}", type="invalid_response_error")


class _Choice:
    """One choice over the events of a stream.

    Pieces of tool calls have no index: a new id begins a call, so does a name without an id; anything
    else goes on with the call of that id, or with the last one. Arguments of tools that take free
    text are told at the end, when they are whole.
    """

    __slots__ = ("_calls", "_custom", "_id", "_index", "_places", "_reading", "ended")

    def __init__(self, reading: Reading, id: str, index: int) -> None:
        self.ended = False
        self._reading = reading
        self._id = id
        self._index = index
        self._calls = 0
        self._places: dict[str, int] = {}
        self._custom: dict[int, list[str]] = {}

    def piece(self, event: Mapping[str, Any]) -> Json:
        """The choice of a chunk. Raises BrokenAnswerError."""
        said = event.get("message")
        said = said if isinstance(said, dict) else {}
        delta: Json = {}
        text, thoughts = texts_of(said)
        if text or said.get("content"):
            delta["content"] = text
        if thoughts:
            delta["reasoning_content"] = thoughts
        if isinstance(said.get("refusal"), str) and said["refusal"]:
            delta["refusal"] = said["refusal"]
        calls = [made for call in calls_of(said) if (made := self._call(call)) is not None]
        delta.update(media_of(said))
        reason = event.get("finishReason")
        ending: Json = {"finish_reason": None}
        if reason is not None and not self.ended:
            self.ended = True
            ending = ending_of(reason, self._calls > 0, self._reading.strict)
            calls += self._inputs()
        if calls:
            delta["tool_calls"] = calls
        if delta:
            delta = {"role": "assistant", **delta}
        return {
            "index": self._index,
            "delta": delta,
            "logprobs": logprobs_of(event.get("logprobs")),
            **ending,
        }

    def _call(self, call: Mapping[str, Any]) -> Json | None:
        id, name, arguments = named_call(call)
        place = self._places.get(id) if id is not None else None
        if place is None and (id is not None or name is not None):
            return self._opened(id, name, arguments)
        if place is None:
            place = self._calls - 1
        if place < 0:
            raise BrokenAnswerError("a tool call without a name")
        if place in self._custom:
            self._custom[place].append(arguments)
            return None
        return {"index": place, "function": {"arguments": arguments}} if arguments else None

    def _opened(self, id: str | None, name: str | None, arguments: str) -> Json:
        if name is None:
            raise BrokenAnswerError("a tool call without a name")
        if self._calls >= MAX_INDEX:
            raise BrokenAnswerError(f"more than {MAX_INDEX} tool calls")
        place, self._calls = self._calls, self._calls + 1
        id = id or f"{self._id}-{self._index}-{place}"
        self._places[id] = place
        if name in self._reading.custom:
            self._custom[place] = [arguments]
            return {"index": place, "id": id, "type": "custom", "custom": {"name": name, "input": ""}}
        function = {"name": name, "arguments": arguments}
        return {"index": place, "id": id, "type": "function", "function": function}

    def _inputs(self) -> list[Json]:
        return [
            {"index": place, "custom": {"input": free_text("".join(pieces))}}
            for place, pieces in self._custom.items()
        ]


def _start_of(data: bytes) -> str:
    return quoted(data[:200].decode("utf-8", "replace").strip(), 200)
