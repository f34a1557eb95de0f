"""Answers of /api/chat: one JSON object, or a stream of them, one on each line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...outcome import Failure, FailureKind
from ...wire.json import JSONError, text_of
from ...wire.ndjson import NDJSONError, NDJSONParser
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, RESERVED, failure_from

Json = dict[str, Any]

#: Members of an answer that have their place in a completion, and names that are taken there.
_PLACED: Final = frozenset(
    {
        "choices", "created", "created_at", "done", "done_reason", "error", "eval_count", "id", "logprobs",
        "message", "model", "object", "prompt_eval_count", "provider", "usage", *RESERVED,
    }
)  # fmt: skip


def chat_completion_of(body: Any, provider: str, *, strict: bool) -> Json:
    """The completion for a parsed answer; without `created`, which the router adds.

    Raises ReplyError for an error object, DecodeError for anything else that is no answer.
    """
    if not isinstance(body, dict) or not isinstance(body.get("message"), dict):
        if isinstance(body, dict) and body.get("error"):
            raise ReplyError(failure_from(body, provider))
        raise DecodeError(f"{provider} answered with something that is no message")
    message = _delta(body["message"], provider)
    message["content"] = message.get("content", "")
    calls = _calls(body["message"], 0, body, provider)
    if calls:
        message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in calls]
    choice: Json = {"index": 0, "message": {"role": "assistant", **message}}
    choice["logprobs"] = _logprobs(body)
    choice.update(_ending(body, bool(calls), strict=strict))
    return {
        **_head(body, provider),
        "object": "chat.completion",
        "choices": [choice],
        "usage": _usage(body),
        **_extras(body),
    }


def _head(body: Json, provider: str) -> Json:
    model, made = body.get("model"), body.get("created_at")
    return {
        "id": f"chatcmpl-{made}" if isinstance(made, str) and len(made) <= 64 else "",
        "model": model if isinstance(model, str) else "",
        "provider": provider,
    }


def _extras(body: Json) -> Json:
    """Durations, and whatever else an answer tells."""
    return {name: value for name, value in body.items() if name not in _PLACED and value is not None}


def _delta(message: Mapping[str, Any], provider: str) -> Json:
    found: Json = {}
    for name, here in (("content", "content"), ("thinking", "reasoning_content")):
        text = message.get(name)
        if text is not None and not isinstance(text, str):
            raise DecodeError(f"{provider} answered with a message whose {name} is no text")
        if text:
            found[here] = text
    return found


def _calls(message: Mapping[str, Any], before: int, body: Json, provider: str) -> list[Json]:
    """The calls of a message, `before` of which came in earlier ones; calls without id get one."""
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or before + len(calls) > MAX_INDEX:
        raise DecodeError(f"{provider} answered with tool calls that are no list")
    found = []
    for index, call in enumerate(calls, before):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise DecodeError(f"{provider} answered with a tool call without a name")
        arguments = function.get("arguments")
        try:
            text = arguments if isinstance(arguments, str) else text_of(arguments or {})
        except JSONError as problem:
            raise DecodeError(f"{provider} answered with arguments that are {problem}") from None
        given = call.get("id")
        identifier = given if isinstance(given, str) and given else f"call_{body.get('created_at')}_{index}"
        made = {"name": function["name"], "arguments": text}
        found.append({"index": index, "id": identifier, "type": "function", "function": made})
    return found


def _ending(body: Json, called: bool, *, strict: bool) -> Json:
    reason = body.get("done_reason")
    reason = reason if isinstance(reason, str) and reason else "stop"
    if called and reason == "stop":
        return {"finish_reason": "tool_calls"}
    if not strict or reason in ("stop", "length"):
        return {"finish_reason": reason}
    return {"finish_reason": "stop", "native_finish_reason": reason}


def _usage(body: Json) -> Json:
    prompt, completion = (_count(body.get(name)) for name in ("prompt_eval_count", "eval_count"))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _logprobs(body: Json) -> Json | None:
    items = body.get("logprobs")
    if not isinstance(items, list) or not items:
        return None
    content = []
    for item in items:
        if isinstance(item, dict):
            tops = item.get("top_logprobs")
            tops = [_token(top) for top in tops if isinstance(top, dict)] if isinstance(tops, list) else []
            content.append({**_token(item), "top_logprobs": tops})
    return {"content": content, "refusal": None}


def _token(item: Mapping[str, Any]) -> Json:
    token, logprob, data = item.get("token"), item.get("logprob"), item.get("bytes")
    return {
        "token": token if isinstance(token, str) else "",
        "logprob": float(logprob) if isinstance(logprob, (int, float)) else 0.0,
        "bytes": data if isinstance(data, list) else None,
    }


class ChatDecoder:
    """The lines of a stream as OpenAI's chunks; the last line brings finish reason and usage."""

    __slots__ = ("_calls", "_id", "_lines", "_provider", "_started", "_strict", "done", "failure")

    def __init__(self, provider: str, *, strict: bool) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._provider = provider
        self._strict = strict
        self._lines = NDJSONParser()
        self._started = False
        self._calls = 0
        self._id = ""

    def feed(self, data: bytes) -> list[Json]:
        if self._over():
            return []
        return self._chunks(self._lines.feed(data))

    def close(self) -> list[Json]:
        if self._over():
            return []
        try:
            chunks = self._chunks(self._lines.close())
        except NDJSONError:
            chunks = []  # an unfinished line
        if not self.done and (self.failure is None or self.failure.kind == "parse"):
            text = f"{self._provider} error: the stream ended before it was complete"
            self.failure = Failure("interrupted", text)
        return chunks

    def _over(self) -> bool:
        return self.done or self.failure is not None

    def _chunks(self, lines: list[Json]) -> list[Json]:
        chunks = []
        for line in lines:
            try:
                chunks.append(self._chunk(line))
            except ReplyError as error:
                self.failure = error.failure
            except DecodeError as problem:
                self.failure = Failure("parse", str(problem))
            if self._over():
                return chunks
        broken = self._lines.error
        if broken is not None:
            kind: FailureKind = "too_large" if broken.kind == "length" else "parse"
            self.failure = Failure(kind, f"{self._provider} error: {broken.message}")
        return chunks

    def _chunk(self, line: Json) -> Json:
        if line.get("error"):
            raise ReplyError(failure_from(line, self._provider))
        message = line.get("message")
        if not isinstance(message, dict):
            raise DecodeError(f"{self._provider} streamed a line without a message")
        delta = _delta(message, self._provider)
        calls = _calls(message, self._calls, line, self._provider)
        if calls:
            self._calls += len(calls)
            delta["tool_calls"] = calls
        if not self._started:
            self._started = True
            delta = {"role": "assistant", "content": "", **delta}
            self._id = _head(line, self._provider)["id"]
        choice: Json = {"index": 0, "delta": delta, "logprobs": _logprobs(line), "finish_reason": None}
        chunk = {**_head(line, self._provider), "id": self._id, "object": "chat.completion.chunk"}
        chunk["choices"] = [choice]
        if line.get("done") is True:
            self.done = True
            choice.update(_ending(line, bool(self._calls), strict=self._strict))
            chunk["usage"] = _usage(line)
            chunk.update(_extras(line))
        return chunk
