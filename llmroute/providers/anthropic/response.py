"""Anthropic's messages as OpenAI's completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...wire.json import JSONError, text_of
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, RESERVED, failure_from
from .state import StateBuilder
from .tables import FINISH_REASONS, PLAIN_REASONS, SERVED_TIERS

#: Members of a message that have their place in a completion, and names that are taken there.
_PLACED: Final = frozenset(
    {
        "choices",
        "content",
        "created",
        "error",
        "id",
        "model",
        "object",
        "provider",
        "role",
        "service_tier",
        "stop_details",
        "stop_reason",
        "stop_sequence",
        "system_fingerprint",
        "type",
        "usage",
        *RESERVED,
    }
)
#: Members of the usage that `usage_of` counts itself.
_COUNTED: Final = frozenset(
    {
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "completion_tokens",
        "completion_tokens_details",
        "input_tokens",
        "output_tokens",
        "output_tokens_details",
        "prompt_tokens",
        "prompt_tokens_details",
        "total_tokens",
    }
)


def completion_of(body: Any, provider: str, *, strict: bool) -> dict[str, Any]:
    """The completion for a parsed message; without `created`, which the router adds.

    Raises ReplyError when `body` is an error object, DecodeError when it is no message.
    """
    blocks = checked_blocks(body, provider)
    message = _message(blocks, provider, strict)
    found: dict[str, Any] = {
        "id": label_of(body, "id"),
        "object": "chat.completion",
        "model": label_of(body, "model"),
        "provider": provider,
        "choices": [{"index": 0, "message": message, "logprobs": None, **ending_of(body, strict)}],
    }
    usage = body.get("usage")
    if isinstance(usage, dict):
        found["usage"] = usage_of(usage)
        add_tier(found, usage)
    if len(body) > 8:
        found.update(extras_of(body))
    return found


def checked_blocks(body: Any, provider: str) -> list[dict[str, Any]]:
    """The content blocks of a message, all of them objects. Raises as `completion_of` does."""
    blocks = body.get("content") if isinstance(body, dict) else None
    if isinstance(blocks, list):
        if len(blocks) <= MAX_INDEX and all(isinstance(block, dict) for block in blocks):
            return blocks
        raise DecodeError(f"{provider} answered with content that is no list of blocks")
    if isinstance(body, dict) and (body.get("error") or body.get("type") == "error"):
        raise ReplyError(failure_from(body, provider))
    raise DecodeError(f"{provider} answered with something that is no message")


def label_of(body: Mapping[str, Any], name: str) -> str:
    """The text `name` of a message; "" when it has none."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _message(blocks: list[dict[str, Any]], provider: str, strict: bool) -> dict[str, Any]:
    texts, thoughts, calls = [], [], []
    annotations: list[dict[str, Any]] = []
    state = StateBuilder()
    length = 0
    for block in blocks:
        kind = block.get("type")
        if kind == "text":
            text, citations = _text(block, "text", provider), block.get("citations")
            if citations:
                annotations += annotations_of(citations, length, length + len(text))
            length += len(text)
            texts.append(text)
            state.add_text(len(text), citations)
        elif kind == "tool_use":
            calls.append(tool_call_of(block, provider))
            state.add_call(block)
        else:
            if kind == "thinking":
                thoughts.append(_text(block, "thinking", provider))
            state.add_opaque(block)
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts)}
    reasoning = "".join(thoughts)
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    if annotations:
        message["annotations"] = annotations
    if not strict:
        message["content_blocks"] = [block for block in blocks if block.get("type") != "tool_use"]
    kept = state.state()
    if kept is not None:
        message["provider_state"] = kept
    return message


def _text(block: Mapping[str, Any], name: str, provider: str) -> str:
    text = block.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise DecodeError(f"{provider} answered with a block whose {name} is no text")
    return text


def tool_call_of(block: Mapping[str, Any], provider: str) -> dict[str, Any]:
    """The tool call of a tool_use block; its input is compact JSON text. Raises DecodeError."""
    identifier, name = block.get("id"), block.get("name")
    if not isinstance(identifier, str) or not isinstance(name, str):
        raise DecodeError(f"{provider} answered with a tool call without id or name")
    try:
        arguments = text_of(block.get("input") or {})
    except JSONError as problem:
        raise DecodeError(f"{provider} answered with arguments that are {problem}") from None
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def annotations_of(citations: Any, start: int, end: int) -> list[dict[str, Any]]:
    """OpenAI's annotations for the citations of a text that stands from `start` to `end`: those with a URL.

    What else citations say (places in documents, encrypted indices) is in provider_state.
    """
    found = []
    for citation in citations if isinstance(citations, list) else ():
        if not isinstance(citation, dict):
            continue
        url = citation.get("url") or citation.get("source")
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            title = citation.get("title")
            told = {"url": url, "title": title if isinstance(title, str) else ""}
            found.append(
                {"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, **told}}
            )
    return found


def ending_of(body: Mapping[str, Any], strict: bool) -> dict[str, Any]:
    """`finish_reason` of a choice, with whatever it does not say by itself.

    `body` has `stop_reason`, `stop_sequence` and `stop_details`; no reason at all counts as "stop".
    """
    reason = body.get("stop_reason")
    if not isinstance(reason, str):
        reason = "end_turn" if strict else "stop"
    found = {"finish_reason": FINISH_REASONS.get(reason, "stop") if strict else reason}
    if strict and reason not in PLAIN_REASONS:
        found["native_finish_reason"] = reason
    for name in ("stop_sequence", "stop_details"):
        if body.get(name) is not None:
            found[name] = body[name]
    return found


def usage_of(usage: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's usage. Tokens read from and written to the cache are part of `prompt_tokens`.

    Source: "Total input tokens in a request is the summation of input_tokens,
    cache_creation_input_tokens, and cache_read_input_tokens" (API reference, usage).
    """
    read, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    prompt, completion = _count(usage, "input_tokens") + read + written, _count(usage, "output_tokens")
    found: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read},
    }
    if read or written:
        found["cache_read_input_tokens"] = read
        found["cache_creation_input_tokens"] = written
    details = usage.get("output_tokens_details")
    if isinstance(details, dict):
        others = {name: value for name, value in details.items() if name != "thinking_tokens"}
        found["completion_tokens_details"] = {
            "reasoning_tokens": _count(details, "thinking_tokens"),
            **others,
        }
    if len(usage) > 2:
        found.update((k, v) for k, v in usage.items() if k not in _COUNTED and v is not None)
    return found


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and value >= 0 else 0


def add_tier(found: dict[str, Any], usage: Mapping[str, Any]) -> None:
    """The tier that served the request, where OpenAI has a name for it."""
    tier = usage.get("service_tier")
    if isinstance(tier, str) and tier in SERVED_TIERS:
        found["service_tier"] = SERVED_TIERS[tier]


def extras_of(members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The members of a message that OpenAI's completions have not, such as `container`."""
    return ((k, v) for k, v in members.items() if k not in _PLACED and v is not None)
