"""Streams of /ai/run: events in Cloudflare's own form, or OpenAI's chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...outcome import Failure
from ...wire.json import JSONError, loads
from ..base import DecodeError, ReplyError
from ..chunks import replay
from ..failures import failure_from
from ..openai_stream import OpenAIStreamDecoder
from .answer import ROW, calls_in, completion_of, model_of, text_in

Json = dict[str, Any]


class Decoder(OpenAIStreamDecoder):
    """Chunks in OpenAI's form; one that Cloudflare does not send brings finish reason and usage.

    In the own form the end of a stream is its terminator: "stop", or "tool_calls" after calls.
    """

    __slots__ = ("_calls", "_id", "_params", "_usage")

    def __init__(self, params: Mapping[str, Any], *, strict: bool) -> None:
        super().__init__(ROW, strict)
        self._special = True  # every chunk goes through `_accepts`
        self._params = params
        self._calls = 0
        self._usage: Json | None = None
        self._id = ""

    def feed(self, data: bytes) -> list[Json]:
        chunks = super().feed(data)
        if self.done and not self._finished and self.failure is None:
            chunks.append(self._closing())
        return chunks

    def close(self) -> list[Json]:
        chunks = super().close()
        if self.done and not self._finished and self.failure is None:
            chunks.append(self._closing())
        return chunks

    def _closing(self) -> Json:
        self._finished = True
        chunk = self._chunk({})
        chunk["choices"][0]["finish_reason"] = "tool_calls" if self._calls else "stop"
        if self._usage is not None:
            chunk["usage"] = self._usage
        return chunk

    def _chunk(self, delta: Json) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "model": model_of(self._params),
            "provider": ROW.slug,
            "choices": [choice],
        }

    def _accepts(self, chunk: Any) -> bool:
        if type(chunk) is dict and "choices" not in chunk:
            if chunk.get("success") is False or (chunk.get("errors") and "response" not in chunk):
                self.failure = failure_from(chunk, ROW.slug)
                return False
            if not chunk.get("error"):
                try:
                    self._translate(chunk)
                except DecodeError as problem:
                    self.failure = Failure("parse", str(problem))
                    return False
        if not super()._accepts(chunk):
            return False
        if not chunk["created"]:
            del chunk["created"]  # the router knows the time
        return True

    def _translate(self, event: Json) -> None:
        """Turn an event of the own form into a chunk, in place."""
        delta: Json = {}
        if event.get("response") is not None:
            delta["content"] = text_in(event["response"])
        calls = calls_in(event, self._params, self._calls)
        if calls:
            self._calls += len(calls)
            delta["tool_calls"] = calls
        if isinstance(event.get("usage"), dict):
            self._usage = event["usage"]
        if not self._seen:
            delta = {"role": "assistant", **delta}
        reason = event.get("finish_reason")
        event.clear()
        event.update(self._chunk(delta))
        if isinstance(reason, str) and reason:
            event["choices"][0]["finish_reason"] = reason
            if self._usage is not None:
                event["usage"] = self._usage

    def _whole_answer(self, data: bytes) -> list[Json]:
        try:
            completion = completion_of(loads(data), self._params)
        except ReplyError as error:
            self.failure = error.failure
        except (JSONError, DecodeError) as problem:
            self.failure = Failure("parse", f"{ROW.slug} error: no answer instead of a stream: {problem}")
        else:
            self.done = self._finished = True
            return replay(completion)
        return []
