"""Cohere's answers as OpenAI's completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...outcome import Failure
from ...wire.json import JSONError, text_of
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, RESERVED, failure_from, quoted
from .state import StateBuilder
from .tables import FAILED_REASONS, FINISH_REASONS, PLAIN_REASONS

Json = dict[str, Any]

#: Members of an answer that have their place in a completion, and names that are taken there.
_PLACED: Final = frozenset(
    {
        "choices",
        "created",
        "error",
        "finish_reason",
        "id",
        "logprobs",
        "message",
        "model",
        "object",
        "provider",
        "service_tier",
        "system_fingerprint",
        "usage",
        *RESERVED,
    }
)
_MESSAGE: Final = frozenset({"role", "content", "tool_calls", "tool_plan", "citations"})


def completion_of(body: Any, provider: str, model: str, *, strict: bool) -> Json:
    """The completion for a parsed answer; without `created`, which the router adds.

    Raises ReplyError when `body` is an error object or reports a failed generation, DecodeError when
    it is no answer.
    """
    if not isinstance(body, dict) or not isinstance(body.get("message"), dict):
        raise _refusal(body, provider)
    reason = body.get("finish_reason")
    check_reason(reason, body, provider)
    message = _message(body["message"], provider)
    choice: Json = {"index": 0, "message": message, "logprobs": logprobs_of(body.get("logprobs"))}
    if body["message"].get("citations"):
        # Beside the message, which other providers may get to see in the history.
        choice["citations"] = body["message"]["citations"]
    choice.update(ending_of(reason, bool(message.get("tool_calls")), strict=strict))
    identifier = body.get("id")
    found: Json = {
        "id": identifier if isinstance(identifier, str) else "",
        "object": "chat.completion",
        "model": model,
        "provider": provider,
        "choices": [choice],
    }
    usage = usage_of(body.get("usage"))
    if usage is not None:
        found["usage"] = usage
    if len(body) > 4:
        found.update((k, v) for k, v in body.items() if k not in _PLACED and v is not None)
    return found


def _refusal(body: Any, provider: str) -> Exception:
    if isinstance(body, dict) and (isinstance(body.get("message"), str) or body.get("error")):
        return ReplyError(failure_from(body, provider))
    return DecodeError(f"{provider} answered with something that is no message")


def check_reason(reason: Any, body: Any, provider: str, error: Any = None) -> None:
    """Raise ReplyError when the generation failed: it must not look like an end."""
    if isinstance(error, str) and error:
        raise ReplyError(Failure("status", f"{provider} error: {quoted(error)}", body=body))
    if isinstance(reason, str) and reason in FAILED_REASONS:
        text = f"{provider} error: {FAILED_REASONS[reason]}"
        raise ReplyError(Failure("status", text, type=reason, body=body))


def _message(message: Mapping[str, Any], provider: str) -> Json:
    texts: list[str] = []
    thoughts: list[str] = []
    starts: list[int] = []
    length = 0
    state = StateBuilder()
    for block in _blocks(message.get("content"), provider):
        starts.append(length)
        if block.get("type") == "text":
            text = _text(block, "text", provider)
            texts.append(text)
            length += len(text)
            state.add_text(len(text))
        else:
            if block.get("type") == "thinking":
                thoughts.append(_text(block, "thinking", provider))
            state.add_block(block)
    plan = message.get("tool_plan")
    if isinstance(plan, str) and plan:
        thoughts.append(plan)
        state.add_plan(plan)
    found: Json = {"role": "assistant", "content": "".join(texts)}
    if thoughts:
        found["reasoning_content"] = "".join(thoughts)
    calls = message.get("tool_calls")
    if calls:
        found["tool_calls"] = _calls(calls, provider)
    citations = message.get("citations")
    if isinstance(citations, list) and citations:
        state.add_citations(citations)
        annotations = annotations_of(citations, starts)
        if annotations:
            found["annotations"] = annotations
    kept = state.state()
    if kept is not None:
        found["provider_state"] = kept
    if len(message) > 2:
        found.update((k, v) for k, v in message.items() if k not in _MESSAGE and k not in found)
    return found


def _blocks(content: Any, provider: str) -> list[Json]:
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or len(content) > MAX_INDEX:
        raise DecodeError(f"{provider} answered with content that is no list of blocks")
    if all(isinstance(block, dict) for block in content):
        return content
    raise DecodeError(f"{provider} answered with content that is no list of blocks")


def _text(block: Mapping[str, Any], name: str, provider: str) -> str:
    text = block.get(name)
    if text is not None and not isinstance(text, str):
        raise DecodeError(f"{provider} answered with a block whose {name} is no text")
    return text or ""


def _calls(calls: Any, provider: str) -> list[Json]:
    if not isinstance(calls, list) or len(calls) > MAX_INDEX:
        raise DecodeError(f"{provider} answered with tool calls that are no list")
    return [_call(call, provider) for call in calls]


def _call(call: Any, provider: str) -> Json:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise DecodeError(f"{provider} answered with a tool call without a name")
    if not isinstance(call.get("id"), str):
        raise DecodeError(f"{provider} answered with a tool call without an id")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        try:
            arguments = text_of({} if arguments is None else arguments)
        except JSONError as problem:
            raise DecodeError(f"{provider} answered with arguments that are {problem}") from None
    return {**call, "type": "function", "function": {**function, "arguments": arguments or "{}"}}


def annotations_of(citations: list[Any], starts: list[int]) -> list[Json]:
    """OpenAI's annotations for the sources that have a URL.

    `starts` says where each content block begins in the text. What else citations tell is in the
    choice's `citations`.
    """
    found: list[Json] = []
    for citation in citations[:MAX_INDEX]:
        if not isinstance(citation, dict) or citation.get("type") in ("PLAN", "THINKING_CONTENT"):
            continue
        block = citation.get("content_index")
        begin = starts[block] if type(block) is int and 0 <= block < len(starts) else 0
        start, end = (_offset(citation.get(name)) + begin for name in ("start", "end"))
        sources = citation.get("sources")
        for source in sources[:MAX_INDEX] if isinstance(sources, list) else ():
            told = _told(source)
            if told is not None:
                span = {"start_index": start, "end_index": max(start, end)}
                found.append({"type": "url_citation", "url_citation": {**span, **told}})
    return found


def _offset(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _told(source: Any) -> Json | None:
    """URL and title of a source: members of the document, or of the tool's output, that was cited."""
    data = source.get("document") or source.get("tool_output") if isinstance(source, dict) else None
    url = data.get("url") if isinstance(data, dict) else None
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return None
    title = data.get("title") if isinstance(data, dict) else None
    return {"url": url, "title": title if isinstance(title, str) else ""}


def ending_of(reason: Any, called: bool, *, strict: bool) -> Json:
    """`finish_reason` of a choice, with the native one where it is not the whole truth."""
    if not isinstance(reason, str) or not reason:
        return {"finish_reason": "tool_calls" if called else "stop"}
    if not strict:
        return {"finish_reason": reason}
    found = {"finish_reason": FINISH_REASONS.get(reason, "stop")}
    if reason not in PLAIN_REASONS:
        found["native_finish_reason"] = reason
    return found


def usage_of(usage: Any) -> Json | None:
    """OpenAI's usage, None without any; the billed units where there are no counts of tokens."""
    if not isinstance(usage, dict):
        return None
    counts = usage.get("tokens")
    if not isinstance(counts, dict):
        counts = usage.get("billed_units")
    if not isinstance(counts, dict):
        counts = {}
    prompt, completion = _count(counts.get("input_tokens")), _count(counts.get("output_tokens"))
    found: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    cached = usage.get("cached_tokens")
    if cached is not None:
        found["prompt_tokens_details"] = {"cached_tokens": _count(cached)}
    for name, value in usage.items():
        if name not in ("tokens", "cached_tokens") and name not in found and value is not None:
            found[name] = value
    return found


def _count(value: Any) -> int:
    """Counts come as floats, too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        return 0
    return int(value)


def logprobs_of(items: Any) -> Json | None:
    """OpenAI's log probabilities. A text of several tokens has the sum of theirs; the parts are kept."""
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not items:
        return None
    content = []
    for item in items:
        if not isinstance(item, dict):
            continue
        text = item.get("text")
        text = text if isinstance(text, str) else ""
        parts = item.get("logprobs")
        values = parts if isinstance(parts, list) else [item.get("logprob")]
        total = sum(value for value in values if isinstance(value, (int, float)))
        token: Json = {
            "token": text,
            "logprob": float(total),
            "bytes": list(text.encode("utf-8", "surrogatepass")),
            "top_logprobs": [],
        }
        token.update((k, item[k]) for k in ("token_ids", "logprobs") if item.get(k) is not None)
        content.append(token)
    return {"content": content, "refusal": None}
