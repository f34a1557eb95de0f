"""What of Mistral's answers differs from OpenAI's: content lists, tool calls, failed generations."""

from __future__ import annotations

from typing import Any

from ...outcome import Failure
from ...wire.json import JSONError, text_of
from ..base import DecodeError, ReplyError
from .content import Content
from .ids import short_id
from .tables import ROW, SERVED_TIERS

Json = dict[str, Any]


def mended(body: Json) -> Json:
    """`body`, a usable completion, changed in place to OpenAI's form.

    Raises ReplyError for a failed generation, DecodeError for tool calls of another shape.
    """
    identifier = body.get("id")
    for choice in body["choices"]:
        check_reason(choice, body)
        message = choice["message"]
        if message.get("prefix") is False:
            del message["prefix"]  # an echo, which other providers would refuse in the history
        content = message.get("content")
        if isinstance(content, list):
            gathered = Content()
            message["content"], reasoning = gathered.add(content)
            if reasoning:
                message["reasoning_content"] = reasoning
            state = gathered.state()
            if state is not None:
                message["provider_state"] = state
        if message.get("tool_calls"):
            message["tool_calls"] = _calls(message["tool_calls"], f"{identifier}")
    add_usage_details(body)
    return body


def check_reason(choice: Json, body: Json) -> None:
    """Raise ReplyError when the generation failed: it must not look like an end."""
    if choice.get("finish_reason") == "error":
        text = f"{ROW.slug} error: the generation failed"
        raise ReplyError(Failure("status", text, type="error", body=body))


def _calls(calls: Any, origin: str) -> list[Json]:
    if not isinstance(calls, list):
        raise DecodeError(f"{ROW.slug} answered with tool calls that are no list")
    return [
        {k: v for k, v in mended_call(call, f"{origin}:{i}").items() if k != "index"}
        for i, call in enumerate(calls)
    ]


def mended_call(call: Any, origin: str) -> Json:
    """A whole tool call with type, id and JSON text as arguments; `origin` stands for a missing id.

    Raises DecodeError.
    """
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise DecodeError(f"{ROW.slug} answered with a tool call without a name")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        try:
            arguments = text_of({} if arguments is None else arguments)
        except JSONError as problem:
            raise DecodeError(f"{ROW.slug} answered with arguments that are {problem}") from None
    identifier = call.get("id")
    if not isinstance(identifier, str) or identifier in ("", "null"):
        identifier = short_id(origin)
    return {**call, "id": identifier, "type": "function", "function": {**function, "arguments": arguments}}


def add_usage_details(body: Json) -> None:
    """The tier that served the request, and the cached tokens under OpenAI's name."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return
    tier = usage.get("service_tier")
    if isinstance(tier, str) and tier in SERVED_TIERS:
        body.setdefault("service_tier", SERVED_TIERS[tier])
    cached = usage.get("num_cached_tokens")
    if type(cached) is int and usage.get("prompt_tokens_details") is None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
