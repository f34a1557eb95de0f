"""Streams of OpenAI-compatible services: server-sent events with one JSON chunk each."""

from __future__ import annotations

from typing import Any, Final

import orjson

from ..outcome import Failure, FailureKind
from ..wire.json import MAX_DEPTH, JSONError, loads
from ..wire.sse import DataReader
from .base import DecodeError, ReplyError
from .chunks import replay
from .failures import (
    MAX_INDEX,
    RESERVED,
    checked_completion,
    failure_from,
    quoted,
    reports_error,
    without_reserved,
)
from .row import Row

#: A text as short as this cannot be nested too deeply.
_SHALLOW: Final = 2 * MAX_DEPTH
_DONE: Final = b"[DONE]"
_CHUNK: Final = "chat.completion.chunk"
#: Members that call for a closer look at a chunk.
_UNUSUAL: Final = frozenset({"error", *RESERVED})
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
#: An answer in one piece, in bytes.
_MAX_WHOLE: Final = 64 * 2**20


class OpenAIStreamDecoder:
    """Checks each chunk and hands on upstream's own dicts.

    After a chunk has passed, `choices` is a list of dicts, each with an `index` from 0 to 1023 and a
    dict `delta` whose `content` and `reasoning_content` are texts or None and whose `tool_calls` are
    dicts with such an index. A JSON answer instead of a stream is turned into chunks; an error in
    either, also as a line without "data:", is the failure.
    """

    __slots__ = (
        "_finished",
        "_reader",
        "_row",
        "_seen",
        "_size",
        "_sniffed",
        "_special",
        "_strict",
        "_whole",
        "done",
        "failure",
    )

    def __init__(self, row: Row, strict: bool) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._row = row
        self._strict = strict
        self._special = bool(row.usage_path or (strict and row.finish_reasons))
        self._reader = DataReader()
        self._sniffed = False
        self._whole: list[bytes] | None = None
        self._size = 0
        self._seen = self._finished = False

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        if self._over():
            return []
        if not self._sniffed:
            data = self._sniff(data)
        if not data:
            return []
        if self._whole is not None:
            self._keep(self._whole, data)
            return []
        chunks = self._chunks(self._reader.feed(data))
        if self._reader.stray is not None or self._reader.error is not None:
            self._check_reader()
        return chunks

    def close(self) -> list[dict[str, Any]]:
        if self._over():
            return []
        if self._whole is not None:
            return self._whole_answer(b"".join(self._whole))
        chunks = self._chunks(self._reader.close())
        self._check_reader()
        if self.done or self._finished:
            return chunks
        if self.failure is None or (self.failure.kind == "parse" and self._reader.truncated):
            self._fail("interrupted", "the stream ended before it was complete")
        return chunks

    def _over(self) -> bool:
        return self.done or self.failure is not None

    def _check_reader(self) -> None:
        """A JSON text between the events, of which only errors mean anything, or an endless event."""
        stray, self._reader.stray = self._reader.stray, None
        if self._over():
            return
        if stray is not None:
            self._failed_in(stray)
        elif self._reader.error is not None:
            self._fail("too_large", str(self._reader.error))

    # -- what kind of answer -------------------------------------------------

    def _sniff(self, data: bytes) -> bytes:
        data = data.lstrip(_BLANK)
        if data:
            self._sniffed = True
            if data[0] in b"{[":
                self._whole = []
            elif data[0] == 0x3C:
                self._fail("parse", "a page of markup instead of a stream: " + _start_of(data))
                return b""
        return data

    def _keep(self, whole: list[bytes], data: bytes) -> None:
        self._size += len(data)
        if self._size > _MAX_WHOLE:
            whole.clear()
            self._fail("too_large", f"an answer of more than {_MAX_WHOLE} bytes")
        else:
            whole.append(data)

    def _whole_answer(self, data: bytes) -> list[dict[str, Any]]:
        row = self._row
        try:
            completion = checked_completion(loads(data), row.slug, row.errors)
        except JSONError as problem:
            self._fail("parse", f"no usable JSON instead of a stream ({problem}): {_start_of(data)}")
        except ReplyError as error:
            self.failure = error.failure
        except DecodeError as problem:
            self.failure = Failure("parse", str(problem))
        else:
            chunks = replay(completion)
            return chunks if all(self._accepts(chunk) for chunk in chunks) else []
        return []

    def _failed_in(self, stray: bytes) -> None:
        for text in (stray, stray.partition(b"\n")[0]):
            try:
                value = loads(text)
            except JSONError:
                continue
            if isinstance(value, dict) and reports_error(value):
                self.failure = failure_from(value, self._row.slug, 502, self._row.errors)
            return

    # -- chunks --------------------------------------------------------------

    def _chunks(self, payloads: list[bytes]) -> list[dict[str, Any]]:
        chunks = []
        special = self._special
        for payload in payloads:
            if payload == _DONE:
                self._end()
                break
            try:
                chunk = orjson.loads(payload) if len(payload) <= _SHALLOW else loads(payload)
            except ValueError:
                if not payload.strip():
                    continue
                if payload.strip() == _DONE:
                    self._end()
                    break
                chunk = self._odd(payload)
            if not special and _is_plain(chunk):
                self._seen = True
            elif self.failure is not None or not self._accepts(chunk):
                break
            chunks.append(chunk)
        return chunks

    def _odd(self, payload: bytes) -> Any:
        try:
            return loads(payload)
        except JSONError:
            self._fail("parse", "an event that is not JSON: " + _start_of(payload))
            return None

    def _end(self) -> None:
        self.done = True
        if not self._seen:
            self._fail("parse", "a stream without a chunk")

    def _accepts(self, chunk: Any) -> bool:
        """Whether `chunk` may be handed on; sets the failure when not."""
        if type(chunk) is not dict:
            return self._fail("parse", f"an event that is no JSON object but {type(chunk).__name__}")
        choices: Any = chunk.get("choices")
        usual = type(choices) is list and chunk.get("object") == _CHUNK and "created" in chunk
        if not usual or not _UNUSUAL.isdisjoint(chunk):
            if not self._mends(chunk):
                return False
            choices = chunk["choices"]
        for position, choice in enumerate(choices):
            if type(choice) is not dict:
                return self._fail("parse", "a choice that is no object")
            delta = choice.get("delta")
            index = choice.get("index")
            if type(delta) is not dict or type(index) is not int or not 0 <= index < MAX_INDEX:
                if not self._repairs(choice, position):
                    return False
                delta = choice["delta"]
            if delta and not self._knows(delta):
                return False
            reason = choice.get("finish_reason")
            if reason:
                if type(reason) is not str:
                    return self._fail("parse", "a finish reason that is no text")
                self._finished = True
        self._seen = True
        if self._special:
            self._adapt(chunk)
        return True

    def _mends(self, chunk: dict[str, Any]) -> bool:
        """Add what a chunk may lack, take away what it must not have; False for an error."""
        if reports_error(chunk):
            self.failure = failure_from(chunk, self._row.slug, 502, self._row.errors)
            return False
        choices = chunk.get("choices")
        if choices is None:
            chunk["choices"] = []
        elif type(choices) is not list:
            return self._fail("parse", "a chunk whose choices are no list")
        if not chunk.get("object"):
            chunk["object"] = _CHUNK
        chunk.setdefault("created", 0)
        without_reserved(chunk)
        return True

    def _repairs(self, choice: dict[str, Any], position: int) -> bool:
        """Give `choice` a usable delta and index, where it merely lacks them."""
        index = choice.setdefault("index", position)
        if type(index) is not int or not 0 <= index < MAX_INDEX:
            return self._fail("parse", f"a choice whose index is no integer below {MAX_INDEX}")
        delta = choice.get("delta")
        if delta is None and self._row.delta_alias:
            delta = choice.pop(self._row.delta_alias, None)
        choice["delta"] = {} if delta is None else delta
        return type(choice["delta"]) is dict or self._fail("parse", "a delta that is no object")

    def _knows(self, delta: dict[str, Any]) -> bool:
        """Check the members of a delta that are more than plain text content."""
        reasoning = delta.get("reasoning")
        if type(reasoning) is str and "reasoning_content" not in delta:
            delta["reasoning_content"] = reasoning
        for name in ("content", "reasoning_content"):
            value = delta.get(name)
            if type(value) is list:
                delta[name] = _joined(value)
            elif value is not None and type(value) is not str:
                return self._fail("parse", f"a delta whose {name} is no text")
        calls = delta.get("tool_calls")
        if calls is None:
            return True
        if type(calls) is not list:
            return self._fail("parse", "a delta whose tool_calls are no list")
        for position, call in enumerate(calls):
            if type(call) is not dict:
                return self._fail("parse", "a tool call that is no object")
            index = call.setdefault("index", position)
            if type(index) is not int or not 0 <= index < MAX_INDEX:
                return self._fail("parse", f"a tool call whose index is no integer below {MAX_INDEX}")
        return True

    def _adapt(self, chunk: dict[str, Any]) -> None:
        row = self._row
        if row.usage_path and not chunk.get("usage"):
            value: Any = chunk
            for name in row.usage_path:
                value = value.get(name) if type(value) is dict else None
            if value:
                chunk["usage"] = value
        if self._strict and row.finish_reasons:
            for choice in chunk["choices"]:
                map_finish_reason(choice, row)

    def _fail(self, kind: FailureKind, what: str) -> bool:
        self.failure = Failure(kind, f"{self._row.slug} error: {what}")
        return False


def _is_plain(chunk: Any) -> bool:
    """Whether `chunk` is what nearly all are: a piece of text of one choice, nothing to look at."""
    try:
        (choice,) = chunk["choices"]
        delta = choice["delta"]
        return (
            len(delta) == 1
            and type(delta["content"]) is str
            and choice["finish_reason"] is None
            and choice["index"] == 0
            and chunk["object"] == _CHUNK
            and "created" in chunk
            and "error" not in chunk
            and "route" not in chunk
            and "hook_results" not in chunk
        )
    except (KeyError, TypeError, ValueError):
        return False


def map_finish_reason(choice: dict[str, Any], row: Row) -> None:
    """OpenAI's finish reason in place of the service's own, which is kept beside it."""
    reason = choice.get("finish_reason")
    if type(reason) is str and reason in row.finish_reasons:
        choice.setdefault("native_finish_reason", reason)
        choice["finish_reason"] = row.finish_reasons[reason]


def _joined(parts: list[Any]) -> str:
    """The text of content that comes as a list of parts."""
    texts = (part.get("text") if type(part) is dict else part for part in parts)
    return "".join(text for text in texts if type(text) is str)


def _start_of(data: bytes) -> str:
    return quoted(data[:200].decode("utf-8", "replace").strip(), 200)
