"""Streams of generateContent: server-sent events, or the JSON array of the older form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ...outcome import Failure, FailureKind
from ...wire.json import JSONError, loads
from ...wire.sse import MAX_EVENT, DataReader
from ..failures import failure_from, is_index, quoted
from .annotations import annotations_of
from .answer import Answer, BrokenAnswerError, Pieces, Reading, digest, problem_of
from .response import EXTRAS, answer_id, audio_of, error_status, is_blocked, joined, model_of
from .usage import logprobs_of, usage_of

_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
#: The text of a choice is kept this far, in characters, to place citations in it.
_MAX_TEXT: Final = 2**20
#: Members of a candidate that brings only text.
_PLAIN: Final = frozenset({"content", "index"})
_OUTSIDE: Final = re.compile(rb'[{}"]')
_INSIDE: Final = re.compile(rb'["\\]')

Json = dict[str, Any]


class GeminiStreamDecoder:
    """Chunk dicts of one stream.

    Gemini has no terminator: a stream is complete when its body ends after every choice has had its
    finish reason. The usage is on the last chunk: the one with the last finish reason, or one
    without choices where that is only known at the end.
    """

    def __init__(self, reading: Reading, model: str, expected: int = 1) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._reading = reading
        self._model = model
        self._expected = expected
        self._id: str | None = None
        self._reader: DataReader | ObjectReader | None = None
        self._choices: dict[int, _Choice] = {}
        self._usage: Any = None

    def feed(self, data: bytes) -> list[Json]:
        if self.done or self.failure is not None:
            return []
        if self._reader is None:
            data = data.lstrip(_BLANK)
            if not data:
                return []
            if data[0] == 0x3C:
                self._fail("parse", f"a page of markup instead of a stream: {_start_of(data)}")
                return []
            self._reader = ObjectReader() if data[0] in b"{[" else DataReader()
        reader = self._reader
        chunks = self._read(reader.feed(data))
        if reader.error is not None and self.failure is None:
            self._fail("too_large", str(reader.error))
        return chunks

    def close(self) -> list[Json]:
        if self.done or self.failure is not None:
            return []
        chunks: list[Json] = []
        if self._reader is not None:
            chunks = self._read(self._reader.close(), last=True)
            if self.failure is None and self._reader.stray:
                self._stray(self._reader.stray)
        self.done = self.failure is None and self._is_complete()
        if not self.done and self.failure is None:
            self._fail("interrupted", "the stream ended before it was complete")
        if self.done and self._usage is not None:
            chunk = self._chunk([])
            self._add_usage(chunk)
            chunks.append(chunk)
        return chunks

    # -- payloads ------------------------------------------------------------

    def _read(self, payloads: list[bytes], *, last: bool = False) -> list[Json]:
        """`last` is for what an ending body left unfinished: no fault once the answer is complete."""
        chunks: list[Json] = []
        for payload in payloads:
            try:
                body = loads(payload)
            except JSONError:
                stripped = payload.strip()
                if not stripped or stripped == b"[DONE]" or (last and self._is_complete()):
                    continue
                kind: FailureKind = "interrupted" if last else "parse"
                self._fail(kind, f"an event that is not JSON: {_start_of(payload)}")
                break
            chunk = self._more_text(body)
            if chunk is not None:
                chunks.append(chunk)
                continue
            for item in body if isinstance(body, list) else (body,):
                try:
                    chunk = self._chunk_of(item, payload)
                except BrokenAnswerError as problem:
                    self._fail("parse", str(problem))
                    chunk = None
                if chunk is not None:
                    chunks.append(chunk)
                if self.failure is not None:
                    return chunks
        return chunks

    def _more_text(self, body: Any) -> Json | None:
        """The chunk for one more text of a strict choice under way, and nothing else: most of all events."""
        try:
            (candidate,) = body["candidates"]
            choice = self._choices[candidate.get("index", 0)]
            ((name, text),) = candidate["content"]["parts"][0].items()
            plain = len(candidate["content"]["parts"]) == 1 and candidate.keys() <= _PLAIN
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None
        if name != "text" or type(text) is not str or not text or not plain or not choice.is_plain:
            return None
        if "usageMetadata" in body:
            self._usage = body["usageMetadata"]
        return self._chunk([choice.text(text)])

    def _is_complete(self) -> bool:
        return bool(self._choices) and all(choice.finished for choice in self._choices.values())

    def _stray(self, line: bytes) -> None:
        try:
            body = loads(line)
        except JSONError:
            return
        if isinstance(body, dict) and body.get("error"):
            self.failure = failure_from(body, self._reading.provider, error_status(body))

    def _chunk_of(self, body: Any, payload: bytes) -> Json | None:
        """The chunk for one event; None when it says nothing new. Raises BrokenAnswerError."""
        if not isinstance(body, dict):
            raise BrokenAnswerError(f"an event that is no JSON object: {_start_of(payload)}")
        candidates = body.get("candidates")
        if not candidates and body.get("error"):
            self.failure = failure_from(body, self._reading.provider, error_status(body))
            return None
        if self._id is None:
            self._id = answer_id(body) or digest(payload)
        self._model = model_of(body) or self._model
        if "usageMetadata" in body:
            self._usage = body["usageMetadata"]
        choices: list[Json] = []
        for position, candidate in enumerate(candidates if isinstance(candidates, list) else ()):
            choice = self._candidate(candidate, position)
            if choice is not None:
                choices.append(choice)
        if not candidates and is_blocked(body) and not self._choices:
            choices.append(self._blocked())
        if not choices:
            return None
        chunk = self._chunk(choices)
        if len(self._choices) >= self._expected and self._is_complete():
            self._add_usage(chunk)
        if not self._reading.strict and body.get("promptFeedback"):
            chunk["promptFeedback"] = body["promptFeedback"]
        return chunk

    def _candidate(self, candidate: Any, position: int) -> Json | None:
        if not isinstance(candidate, Mapping):
            raise BrokenAnswerError("a candidate that is no object")
        index = candidate.get("index", position)
        if not is_index(index):
            raise BrokenAnswerError("a candidate whose index is out of range")
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(self._reading, self._id or "", index)
        problem = problem_of(candidate, self._reading)
        if problem is not None:
            self.failure = problem
            if not choice.started:
                # Nothing of it was handed on, so the call may still go elsewhere.
                return None
        return choice.piece(candidate)

    def _blocked(self) -> Json:
        choice = self._choices[0] = _Choice(self._reading, self._id or "", 0)
        choice.finished = "content_filter"
        delta = {"role": "assistant", "content": ""}
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "content_filter"}

    def _chunk(self, choices: list[Json]) -> Json:
        return {
            "id": self._id or "",
            "object": "chat.completion.chunk",
            "model": self._model,
            "provider": self._reading.provider,
            "choices": choices,
        }

    def _add_usage(self, chunk: Json) -> None:
        usage = usage_of(self._usage, strict=self._reading.strict)
        self._usage = None
        if usage is not None:
            chunk["usage"] = usage

    def _fail(self, kind: FailureKind, what: str) -> None:
        self.failure = Failure(kind, f"{self._reading.provider} error: {what}")


class _Choice:
    """One candidate over the chunks of a stream."""

    __slots__ = (
        "_answer",
        "_block",
        "_block_kind",
        "_length",
        "_reading",
        "_sources",
        "_text",
        "finished",
        "started",
    )

    def __init__(self, reading: Reading, id: str, index: int) -> None:
        self.finished: str | None = None
        self._reading = reading
        self._answer = Answer(reading, id, index)
        self.started = False
        self._text: list[str] = []
        self._length = 0
        self._sources: Json = {}
        self._block = -1
        self._block_kind = ""

    @property
    def is_plain(self) -> bool:
        """Whether a piece of text is no more than that: strict, begun and not ended."""
        return self.started and self.finished is None and self._reading.strict

    def text(self, text: str) -> Json:
        """The choice of a chunk that brings only text."""
        self._answer.layout.text(len(text), None, thought=False)
        self._remember(text)
        return {
            "index": self._answer.index,
            "delta": {"content": text},
            "logprobs": None,
            "finish_reason": None,
        }

    def _remember(self, text: str) -> None:
        self._length += len(text)
        if self._length <= _MAX_TEXT:
            self._text.append(text)

    def piece(self, candidate: Mapping[str, Any]) -> Json | None:
        """The choice of a chunk, None when there is nothing to say. Raises BrokenAnswerError."""
        content = candidate.get("content")
        pieces = self._answer.read(content.get("parts") if isinstance(content, Mapping) else None)
        delta = self._delta(pieces)
        for name in ("groundingMetadata", "citationMetadata"):
            if candidate.get(name):
                self._sources[name] = candidate[name]
        reason = self._reason(candidate)
        if self.finished is not None:
            self._end(delta, reason, bool(pieces.text or pieces.calls))
        choice: Json = {
            "index": self._answer.index,
            "delta": delta,
            "logprobs": None,
            "finish_reason": reason,
        }
        if "logprobsResult" in candidate:
            choice["logprobs"] = logprobs_of(candidate["logprobsResult"])
        if not self._reading.strict:
            choice.update((name, candidate[name]) for name in EXTRAS if name in candidate)
        if not delta and reason is None and len(choice) == 4 and choice["logprobs"] is None:
            return None
        if not self.started:
            self.started = True
            choice["delta"] = {"role": "assistant", **(delta or {"content": ""})}
        return choice

    def _delta(self, pieces: Pieces) -> Json:
        delta: Json = {}
        if pieces.text:
            text = "".join(pieces.text)
            delta["content"] = text
            self._remember(text)
        if pieces.thoughts:
            delta["reasoning_content"] = "".join(pieces.thoughts)
        if pieces.calls:
            first = self._answer.calls - len(pieces.calls)
            delta["tool_calls"] = [{"index": first + i, **call} for i, call in enumerate(pieces.calls)]
        if pieces.images:
            delta["images"] = pieces.images
        if pieces.audio:
            delta["audio"] = audio_of(joined(pieces.audio), pieces.audio_type, self._answer.id)
        if pieces.blocks:
            delta["content_blocks"] = [self._numbered(block) for block in pieces.blocks]
        return delta

    def _numbered(self, block: Json) -> Json:
        """A content block as the reference streams it; texts and thoughts in a row are one block."""
        kind = block["type"]
        if kind != self._block_kind or kind not in ("text", "thinking"):
            self._block += 1
            self._block_kind = kind
        if kind in ("text", "thinking"):
            block = {kind: block[kind]}
        return {"index": self._block, "delta": block}

    def _reason(self, candidate: Mapping[str, Any]) -> str | None:
        """The finish reason, once: some streams repeat it."""
        raw = candidate.get("finishReason")
        if not isinstance(raw, str) or not raw or problem_of(candidate, self._reading) is not None:
            return None
        reason = self._answer.finish_reason(raw)
        if reason == self.finished:
            return None
        self.finished = reason
        return reason

    def _end(self, delta: Json, reason: str | None, more: bool) -> None:
        """What is only known at the end: sources of the whole text, and the state to be sent back."""
        if self._sources:
            annotations = annotations_of(self._sources, "".join(self._text))
            self._sources = {}
            if annotations:
                delta["annotations"] = annotations
        if reason is not None or more:
            state = self._answer.provider_state()
            if state is not None:
                delta["provider_state"] = state


class ObjectReader:
    """The objects of a JSON array, or a single object, as they are completed.

    What stands between objects is not looked at. `error`, `stray` and `close` are as in DataReader.
    """

    def __init__(self, max_object: int = MAX_EVENT) -> None:
        self.error: ValueError | None = None
        self.stray: bytes | None = None
        self._max_object = max_object
        self._buffer = bytearray()
        self._position = 0
        self._depth = 0
        self._start = 0
        self._in_text = False

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that `data` completes."""
        buffer = self._buffer
        buffer += data
        found = []
        position = self._position
        while match := (_INSIDE if self._in_text else _OUTSIDE).search(buffer, position):
            position = match.end()
            sign = match[0]
            if sign == b'"':
                self._in_text = not self._in_text
            elif sign == b"\\":
                position += 1
            elif sign == b"{":
                if self._depth == 0:
                    self._start = match.start()
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                if self._depth == 0:
                    found.append(bytes(buffer[self._start : position]))
        self._keep(max(position, len(buffer)))
        return found

    def _keep(self, position: int) -> None:
        """Forget what is done with. `position` may lie one byte ahead, after an escape sign."""
        start = self._start if self._depth else min(position, len(self._buffer))
        del self._buffer[:start]
        self._start = 0
        self._position = position - start
        if len(self._buffer) > self._max_object:
            self.error = ValueError(f"an object of more than {self._max_object} bytes")
            self._buffer.clear()

    def close(self) -> list[bytes]:
        """The unfinished last object."""
        return [bytes(self._buffer)] if self._depth else []


def _start_of(data: bytes) -> str:
    return quoted(data[:256].decode("utf-8", "replace").strip(), 200)
