"""Replies in the native formats of Anthropic (Messages) and Gemini (generateContent).

The parameters mean what they mean in `replies`; only `usage`, reasons and errors are native.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Unpack

from .replies import (
    Delivery,
    Event,
    Reply,
    StreamDelivery,
    ToolCall,
    pieces,
    reply,
    sse,
    text_or_default,
    with_retry_after,
)

_ANTHROPIC_USAGE = {"input_tokens": 10, "output_tokens": 5}
_GEMINI_USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
#: What stands for the opaque proof that comes with Anthropic's thinking.
_SIGNATURE = "c2lnbmF0dXJl"

# https://docs.anthropic.com/en/api/errors
_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
# https://ai.google.dev/gemini-api/docs/troubleshooting
_GEMINI_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def anthropic_completion(
    text: str | None = None,
    *,
    model: str = "claude-sonnet-4-5",
    tool_calls: Iterable[ToolCall] = (),
    thinking: str | None = None,
    stop_reason: str | None = None,
    usage: Mapping[str, Any] | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """A message in Anthropic's format. `usage` is 10 input and 5 output tokens."""
    calls = list(tool_calls)
    blocks = _opening_blocks(thinking, text_or_default(text, calls))
    blocks += [
        {**_tool_use(number, call), "input": call.arguments_object} for number, call in enumerate(calls)
    ]
    return reply(json=_message(model, blocks, _stop_reason(stop_reason, calls), usage), **delivery)


def anthropic_stream(
    text: str | Iterable[str] | None = None,
    *,
    model: str = "claude-sonnet-4-5",
    tool_calls: Iterable[ToolCall] = (),
    thinking: str | None = None,
    stop_reason: str | None = None,
    usage: Mapping[str, Any] | None = None,
    done: bool = True,
    **delivery: Unpack[StreamDelivery],
) -> Reply:
    """A streamed message in Anthropic's format. Without `done` there is no `message_stop`."""
    calls = list(tool_calls)
    full = dict(usage or _ANTHROPIC_USAGE)
    start = _message(model, [], None, {**full, "output_tokens": 1})
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]

    index = 0
    if thinking is not None:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(thinking)]
        deltas.append({"type": "signature_delta", "signature": _SIGNATURE})
        events += _block_events(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    parts = pieces(text_or_default(text, calls))
    if parts:
        deltas = [{"type": "text_delta", "text": piece} for piece in parts]
        events += _block_events(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for number, call in enumerate(calls):
        arguments = call.arguments_text
        middle = len(arguments) // 2
        halves = ("", arguments[:middle], arguments[middle:])
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves]
        events += _block_events(index + number, _tool_use(number, call), deltas)

    end = {"stop_reason": _stop_reason(stop_reason, calls), "stop_sequence": None}
    counted = {"output_tokens": full.get("output_tokens", 0)}
    events.append({"type": "message_delta", "delta": end, "usage": counted})
    if done:
        events.append({"type": "message_stop"})
    named: list[Event] = [(event["type"], event) for event in events]
    return sse(named, **delivery)


def anthropic_error(
    status: int = 500,
    message: str = "scripted failure",
    *,
    type: str | None = None,
    retry_after: float | str | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """An error in Anthropic's format; `type` follows from `status`."""
    kind = type or _ANTHROPIC_ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_test"}
    return with_retry_after(reply(status, json=body, **delivery), retry_after)


def gemini_completion(
    text: str | None = None,
    *,
    model: str = "gemini-2.5-flash",
    tool_calls: Iterable[ToolCall] = (),
    finish_reason: str = "STOP",
    usage: Mapping[str, Any] | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """An answer of generateContent. `usage` is 10 prompt and 5 candidate tokens."""
    calls = list(tool_calls)
    content = text_or_default(text, calls)
    parts = [{"text": content}] if content is not None else []
    parts += [_function_call(call) for call in calls]
    return reply(json=_candidates(model, parts, finish_reason, usage or _GEMINI_USAGE), **delivery)


def gemini_stream(
    text: str | Iterable[str] | None = None,
    *,
    model: str = "gemini-2.5-flash",
    tool_calls: Iterable[ToolCall] = (),
    finish_reason: str | None = "STOP",
    usage: Mapping[str, Any] | None = None,
    **delivery: Unpack[StreamDelivery],
) -> Reply:
    """An answer of streamGenerateContent with `alt=sse`, lines ending in CRLF as the service's do.

    The format has no terminator but the finish reason in its last event: None leaves it out.
    """
    calls = list(tool_calls)
    parts: list[Any] = [{"text": piece} for piece in pieces(text_or_default(text, calls))]
    parts += [_function_call(call) for call in calls]
    full = dict(usage or _GEMINI_USAGE)
    so_far = {name: full[name] for name in ("promptTokenCount",) if name in full}
    last = len(parts) - 1
    events: list[Event] = [
        _candidates(model, [part], finish_reason, full)
        if number == last
        else _candidates(model, [part], None, so_far)
        for number, part in enumerate(parts)
    ]
    return sse(events or [_candidates(model, [], finish_reason, full)], eol="\r\n", **delivery)


def gemini_error(
    status: int = 500,
    message: str = "scripted failure",
    *,
    type: str | None = None,
    retry_after: float | str | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """An error in Google's format; `type` (its `status` member) follows from `status`.

    A number for `retry_after` is told in a RetryInfo detail too, as Google does.
    """
    kind = type or _GEMINI_ERRORS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    body: dict[str, Any] = {"code": status, "message": message, "status": kind}
    if isinstance(retry_after, (int, float)):
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"}
        body["details"] = [info]
    return with_retry_after(reply(status, json={"error": body}, **delivery), retry_after)


def _message(
    model: str, blocks: list[dict[str, Any]], stop_reason: str | None, usage: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": dict(usage or _ANTHROPIC_USAGE),
    }


def _opening_blocks(thinking: str | None, text: str | None) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if thinking is not None:
        blocks.append({"type": "thinking", "thinking": thinking, "signature": _SIGNATURE})
    if text is not None:
        blocks.append({"type": "text", "text": text})
    return blocks


def _tool_use(number: int, call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id or f"toolu_{number + 1}", "name": call.name, "input": {}}


def _stop_reason(given: str | None, calls: list[ToolCall]) -> str:
    return given or ("tool_use" if calls else "end_turn")


def _block_events(
    index: int, block: dict[str, Any], deltas: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _function_call(call: ToolCall) -> dict[str, Any]:
    function: dict[str, Any] = {"name": call.name, "args": call.arguments_object}
    if call.id is not None:
        function["id"] = call.id
    return {"functionCall": function}


def _candidates(
    model: str, parts: list[Any], finish_reason: str | None, usage: Mapping[str, Any]
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish_reason is not None:
        candidate["finishReason"] = finish_reason
    return {
        "candidates": [candidate],
        "usageMetadata": dict(usage),
        "modelVersion": model,
        "responseId": "test",
    }
