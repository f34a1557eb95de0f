"""Cohere's event stream as OpenAI's chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from ...wire.json import MAX_DEPTH, JSONError, loads
from ..base import DecodeError, ReplyError
from ..chunks import replay
from ..failures import MAX_INDEX, failure_from, quoted
from ..openai_stream import OpenAIStreamDecoder
from ..row import Row
from .response import (
    annotations_of,
    check_reason,
    completion_of,
    ending_of,
    logprobs_of,
    usage_of,
)
from .state import StateBuilder

Json = dict[str, Any]

_SHALLOW: Final = 2 * MAX_DEPTH
#: What reading an event raises when it is not of the documented shape.
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)


class Decoder(OpenAIStreamDecoder):
    """Reads events by the `type` in their data; unknown ones are ignored.

    Thinking and the tool plan come as `reasoning_content`. Tool calls are numbered by the order of
    their starts. What Cohere wants back (see `state`) comes with the last chunk, which has finish
    reason and usage. A failed generation, and an end before `message-end`, are failures.
    """

    __slots__ = ("_calls", "_citations", "_head", "_lengths", "_logprobs", "_model", "_provider", "_state")

    def __init__(self, provider: str, model: str, *, strict: bool) -> None:
        super().__init__(Row(slug=provider, base_url=None), strict)
        self._provider = provider
        self._model = model
        self._head: Json = {
            "id": "",
            "object": "chat.completion.chunk",
            "model": model,
            "provider": provider,
        }
        self._state = StateBuilder()
        #: By content index: characters of a text, pieces of a thinking block.
        self._lengths: dict[int, int | list[str]] = {}
        #: By native index: the position among the calls.
        self._calls: dict[int, int] = {}
        self._citations: list[Any] = []

    def _chunks(self, payloads: list[bytes]) -> list[Json]:
        chunks: list[Json] = []
        for payload in payloads:
            try:
                event = orjson.loads(payload) if len(payload) <= _SHALLOW else loads(payload)
            except ValueError:
                event = self._odd_event(payload)
            if type(event) is dict:
                self._read(event, payload, chunks)
            if self._over():
                break
        return chunks

    def _odd_event(self, payload: bytes) -> Any:
        text = payload.strip()
        if not text or text == b"[DONE]":
            return None
        try:
            return loads(payload)
        except JSONError:
            if not self._reader.truncated:
                self._fail("parse", "an event that is not JSON: " + _start_of(payload))
            return None

    def _read(self, event: Json, payload: bytes, chunks: list[Json]) -> None:
        kind = event.get("type")
        try:
            if kind == "content-delta":
                self._content_delta(event, chunks)
            elif isinstance(kind, str) and kind in _HANDLERS:
                _HANDLERS[kind](self, event, chunks)
            elif kind is None or kind == "error":
                # What the API says before a stream has begun to fail, it says in its usual words.
                self.failure = failure_from(event, self._provider)
        except ReplyError as error:
            self.failure = error.failure
        except _MALFORMED:
            self._fail("parse", "an event of another shape than documented: " + _start_of(payload))

    # -- events --------------------------------------------------------------

    def _message_start(self, event: Json, chunks: list[Json]) -> None:
        identifier = event.get("id")
        if isinstance(identifier, str):
            self._head["id"] = identifier
        if not self._seen:
            self._seen = True
            chunks.append(self._chunk({"role": "assistant", "content": ""}))

    def _content_start(self, event: Json, chunks: list[Json]) -> None:
        block = event["delta"]["message"]["content"]
        index = _index(event)
        self._lengths[index] = 0 if block.get("type", "text") == "text" else []
        self._say(index, block, chunks)

    def _content_delta(self, event: Json, chunks: list[Json]) -> None:
        content = event["delta"]["message"]["content"]
        index = _index(event)
        if index not in self._lengths:
            self._lengths[index] = [] if "thinking" in content else 0
        self._say(index, content, chunks, event.get("logprobs"))

    def _say(self, index: int, block: Mapping[str, Any], chunks: list[Json], logprobs: Any = None) -> None:
        said = self._lengths[index]
        if isinstance(said, list):
            name, text = "reasoning_content", _text(block.get("thinking"))
            said.append(text)
        else:
            name, text = "content", _text(block.get("text"))
            self._lengths[index] = said + len(text)
        if text or logprobs:
            chunk = self._chunk({name: text})
            if logprobs:
                chunk["choices"][0]["logprobs"] = logprobs_of(logprobs)
            chunks.append(chunk)

    def _plan_delta(self, event: Json, chunks: list[Json]) -> None:
        text = _text(event["delta"]["message"]["tool_plan"])
        if text:
            self._state.add_plan(text)
            chunks.append(self._chunk({"reasoning_content": text}))

    def _call_start(self, event: Json, chunks: list[Json]) -> None:
        call = event["delta"]["message"]["tool_calls"]
        position = self._calls[_index(event)] = len(self._calls)
        if type(call["id"]) is not str or type(call["function"]["name"]) is not str:
            raise TypeError
        function = {"name": call["function"]["name"], "arguments": _text(call["function"].get("arguments"))}
        piece = {"index": position, "id": call["id"], "type": "function", "function": function}
        chunks.append(self._chunk({"tool_calls": [piece]}))

    def _call_delta(self, event: Json, chunks: list[Json]) -> None:
        text = _text(event["delta"]["message"]["tool_calls"]["function"]["arguments"])
        if text:
            piece = {"index": self._calls[_index(event)], "function": {"arguments": text}}
            chunks.append(self._chunk({"tool_calls": [piece]}))

    def _citation_start(self, event: Json, chunks: list[Json]) -> None:
        citation = event["delta"]["message"]["citations"]
        found = citation if isinstance(citation, list) else [citation]
        if not all(isinstance(each, dict) for each in found):
            raise TypeError
        self._citations += found

    def _message_end(self, event: Json, chunks: list[Json]) -> None:
        end = event.get("delta") or {}
        reason = end.get("finish_reason")
        check_reason(reason, event, self._provider, end.get("error"))
        last = self._chunk(self._closing_delta())
        if self._citations:
            last["choices"][0]["citations"] = self._citations
        last["choices"][0].update(ending_of(reason, bool(self._calls), strict=self._strict))
        usage = usage_of(end.get("usage"))
        if usage is not None:
            last["usage"] = usage
        chunks.append(last)
        self._seen = self._finished = self.done = True

    def _closing_delta(self) -> Json:
        """Citations and state, which are only known at the end."""
        delta: Json = {}
        starts: dict[int, int] = {}
        length = 0
        for index, said in self._lengths.items():
            starts[index] = length
            if isinstance(said, list):
                self._state.add_block({"type": "thinking", "thinking": "".join(said)})
            else:
                self._state.add_text(said)
                length += said
        if self._citations:
            self._state.add_citations(self._citations)
            places = [starts.get(index, 0) for index in range(max(starts, default=-1) + 1)]
            annotations = annotations_of(self._citations, places)
            if annotations:
                delta["annotations"] = annotations
        kept = self._state.state()
        if kept is not None:
            delta["provider_state"] = kept
        return delta

    def _chunk(self, delta: Json) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return {**self._head, "choices": [choice]}

    # -- an answer in one piece ----------------------------------------------

    def _whole_answer(self, data: bytes) -> list[Json]:
        try:
            completion = completion_of(loads(data), self._provider, self._model, strict=self._strict)
        except ReplyError as error:
            self.failure = error.failure
        except (JSONError, DecodeError) as problem:
            self._fail("parse", f"no answer instead of a stream: {problem}")
        else:
            self.done = True
            return replay(completion)
        return []


_HANDLERS: Final[Mapping[str, Callable[[Decoder, Json, list[Json]], None]]] = {
    "message-start": Decoder._message_start,
    "content-start": Decoder._content_start,
    "tool-plan-delta": Decoder._plan_delta,
    "tool-call-start": Decoder._call_start,
    "tool-call-delta": Decoder._call_delta,
    "citation-start": Decoder._citation_start,
    "message-end": Decoder._message_end,
}


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index", 0)
    if type(index) is not int or not 0 <= index < MAX_INDEX:
        raise ValueError
    return index


def _text(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise TypeError
    return value


def _start_of(payload: bytes) -> str:
    return quoted(payload[:200].decode("utf-8", "replace"), 200)
