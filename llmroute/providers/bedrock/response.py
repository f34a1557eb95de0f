"""Converse's answers as OpenAI's completions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...outcome import Failure
from ...wire.json import JSONError, text_of
from ...wire.message import WireReply
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, failure_from, parsed_reply, quoted
from .models import Model
from .state import StateBuilder
from .tables import BROKEN_REASONS, FINISH_REASONS, PLAIN_REASONS, SERVED_TIERS

Json = dict[str, Any]

#: Members of an answer, or of a stream's last event, that are handed on as they are.
EXTRAS: Final = ("additionalModelResponseFields", "metrics", "performanceConfig", "trace")
_MAX_ID: Final = 256
_COUNTED: Final = frozenset(
    {"cacheReadInputTokens", "cacheWriteInputTokens", "inputTokens", "outputTokens", "totalTokens"}
)


def completion_of(reply: WireReply, model: Model, provider: str, *, strict: bool) -> Json:
    """The completion in a 2xx `reply`; without `created`, which the router adds.

    Raises ReplyError for an error object and for a generation that broke off, DecodeError for
    everything else that is no answer.
    """
    body = parsed_reply(reply, provider)
    blocks = checked_blocks(body, provider)
    reason = body.get("stopReason")
    problem = problem_of(reason, provider)
    if problem is not None and strict:
        raise ReplyError(problem)
    message = Reading(model, provider, strict=strict).message(blocks)
    choice = {"index": 0, "message": message, "logprobs": None, **ending_of(reason, strict)}
    made: Json = {
        "id": answer_id(reply),
        "object": "chat.completion",
        "model": model.asked,
        "provider": provider,
        "choices": [choice],
    }
    add_closing(made, body)
    return made


def answer_id(reply: WireReply) -> str:
    """The request's id, which is what Amazon's support asks for; else a digest of the answer."""
    given = reply.headers.get("x-amzn-requestid")
    if given and len(given) <= _MAX_ID:
        return given
    return "chatcmpl-" + hashlib.blake2b(reply.body, digest_size=12).hexdigest()


def checked_blocks(body: Any, provider: str) -> list[Json]:
    """The content blocks of an answer, all of them objects. Raises as `completion_of` does."""
    output = body.get("output") if isinstance(body, dict) else None
    message = output.get("message") if isinstance(output, dict) else None
    blocks = message.get("content") if isinstance(message, dict) else None
    if isinstance(blocks, list):
        if len(blocks) <= MAX_INDEX and all(isinstance(block, dict) for block in blocks):
            return blocks
        raise DecodeError(f"{provider} answered with content that is no list of blocks")
    if isinstance(body, dict) and any(body.get(name) for name in ("message", "Message", "__type", "error")):
        raise ReplyError(failure_from(body, provider))
    raise DecodeError(f"{provider} answered with something that is no message")


def problem_of(reason: Any, provider: str) -> Failure | None:
    """The failure of a generation that broke off, None for all other stop reasons."""
    if not isinstance(reason, str) or reason not in BROKEN_REASONS:
        return None
    return Failure(
        kind="parse",
        message=f"{provider} error: the answer ended with {reason}",
        type="invalid_response_error",
        code=reason,
    )


def ending_of(reason: Any, strict: bool) -> Json:
    """`finish_reason` of a choice, with whatever it does not say by itself; none at all is "stop"."""
    if not isinstance(reason, str) or not reason:
        return {"finish_reason": "stop"}
    if not strict:
        return {"finish_reason": quoted(reason, _MAX_ID)}
    found = {"finish_reason": FINISH_REASONS.get(reason, "stop")}
    if reason not in PLAIN_REASONS:
        found["native_finish_reason"] = quoted(reason, _MAX_ID)
    return found


def add_closing(made: Json, body: Mapping[str, Any]) -> None:
    """Usage, tier and the extras of an answer or of a stream's end."""
    usage = body.get("usage")
    if isinstance(usage, dict):
        made["usage"] = usage_of(usage)
    tier = body.get("serviceTier")
    if isinstance(tier, dict):
        kind = tier.get("type")
        if isinstance(kind, str) and kind in SERVED_TIERS:
            made["service_tier"] = kind
        else:
            made["serviceTier"] = tier
    for name in EXTRAS:
        if body.get(name) is not None:
            made[name] = body[name]


def usage_of(usage: Mapping[str, Any]) -> Json:
    """OpenAI's usage. `inputTokens` leaves out what was read from or written to the cache.

    Source: docs.aws.amazon.com/bedrock, "Prompt caching", TokenUsage.
    """
    read, written = _count(usage, "cacheReadInputTokens"), _count(usage, "cacheWriteInputTokens")
    prompt, completion = _count(usage, "inputTokens") + read + written, _count(usage, "outputTokens")
    found: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read},
    }
    if read or written:
        found["cache_read_input_tokens"] = read
        found["cache_creation_input_tokens"] = written
    if len(usage) > 3:
        found.update((k, v) for k, v in usage.items() if k not in _COUNTED and k not in found and v)
    return found


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and value >= 0 else 0


class Reading:
    """How the blocks of one answer are read: in order, the same for whole answers and for streams."""

    __slots__ = ("_length", "_plain", "_provider", "_strict", "annotations", "calls", "images", "state")

    def __init__(self, model: Model, provider: str, *, strict: bool) -> None:
        self._provider = provider
        self._strict = strict
        self._length = 0
        #: Whether the last text was a block of its own: another one then begins a new line.
        self._plain = False
        self.state = StateBuilder(model)
        self.calls: list[Json] = []
        self.images: list[Json] = []
        self.annotations: list[Json] = []

    def message(self, blocks: Iterable[Json]) -> Json:
        """The assistant's message that `blocks` make. Raises DecodeError."""
        texts: list[str] = []
        thoughts: list[str] = []
        shown: list[Json] = []
        for block in blocks:
            text = block.get("text")
            if type(text) is str:
                if text:
                    texts.append(self.text(text))
            elif "reasoningContent" in block:
                thoughts.append(self.reasoning(block))
            elif "citationsContent" in block:
                texts.append(self.cited(block["citationsContent"]))
            else:
                self.other(block)
            if not self._strict:
                shown += shown_block(block)
        found: Json = {"role": "assistant", "content": "".join(texts)}
        reasoning = "".join(thoughts)
        if reasoning:
            found["reasoning_content"] = reasoning
        self.add_rest(found)
        if not self._strict:
            found["content_blocks"] = shown
        kept = self.state.state()
        if kept is not None:
            found["provider_state"] = kept
        return found

    def add_rest(self, message: Json) -> None:
        """What has been gathered beside the texts."""
        for name, value in (
            ("tool_calls", self.calls),
            ("annotations", self.annotations),
            ("images", self.images),
        ):
            if value:
                message[name] = value

    def text(self, text: str) -> str:
        """A text block as it continues the content."""
        joined, self._plain = self._plain, True
        self.state.add_text(len(text), joined=joined)
        self._length += len(text) + joined
        return "\n" + text if joined else text

    def cited(self, content: Any) -> str:
        """Text with citations: one piece of a sentence among others."""
        pieces = content.get("content") if isinstance(content, dict) else None
        text = "".join(
            piece["text"]
            for piece in (pieces if isinstance(pieces, list) else ())
            if isinstance(piece, dict) and isinstance(piece.get("text"), str)
        )
        citations = content.get("citations") if isinstance(content, dict) else None
        self._plain = False
        self.state.add_text(len(text), citations=citations)
        self.annotations += annotations_of(citations, self._length, self._length + len(text))
        self._length += len(text)
        return text

    def reasoning(self, block: Json) -> str:
        self.state.add_opaque(block)
        content = block["reasoningContent"]
        inner = content.get("reasoningText") if isinstance(content, dict) else None
        text = inner.get("text") if isinstance(inner, dict) else None
        return text if isinstance(text, str) else ""

    def other(self, block: Json) -> None:
        """Tool calls, images, and what has no OpenAI form."""
        use = block.get("toolUse")
        if use is not None and type(use) is not dict:
            raise DecodeError(f"{self._provider} answered with a tool call that is no object")
        if use is not None and use.get("type") is None:
            try:
                arguments = text_of(use.get("input") or {})
            except JSONError as problem:
                raise DecodeError(f"{self._provider} answered with arguments that are {problem}") from None
            call = called(use, arguments, self._provider)
            self.calls.append(call)
            self.state.add_call(call["id"])
            return
        image = shown_image(block.get("image"))
        if image is not None:
            self.images.append(image)
        else:
            # Tools that run on the server, and their results.
            self.state.add_opaque(block)


def called(use: Json, arguments: str, provider: str) -> Json:
    """OpenAI's tool call for Converse's. Raises DecodeError when it has no id or no name."""
    identifier, name = use.get("toolUseId"), use.get("name")
    if not isinstance(identifier, str) or not isinstance(name, str):
        raise DecodeError(f"{provider} answered with a tool call without id or name")
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def annotations_of(citations: Any, start: int, end: int) -> list[Json]:
    """OpenAI's annotations for the citations of a text that stands from `start` to `end`: those of the web.

    What else citations say (places in documents and search results) is in provider_state.
    """
    found = []
    for citation in citations if isinstance(citations, list) else ():
        location = citation.get("location") if isinstance(citation, dict) else None
        web = location.get("web") if isinstance(location, dict) else None
        url = web.get("url") if isinstance(web, dict) else None
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            title = citation.get("title")
            told = {"url": url, "title": title if isinstance(title, str) else ""}
            found.append(
                {"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, **told}}
            )
    return found


def shown_image(image: Any) -> Json | None:
    """An image that the model made, as a part with a data URL."""
    source = image.get("source") if isinstance(image, dict) else None
    data = source.get("bytes") if isinstance(source, dict) else None
    if not isinstance(data, str):
        return None
    kind = image.get("format")
    kind = kind if isinstance(kind, str) and kind.isalnum() else "png"
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}"}}


def shown_block(block: Json) -> list[Json]:
    """What callers who are not strict see in `content_blocks`, in Anthropic's words."""
    text = block.get("text")
    if isinstance(text, str):
        return [{"type": "text", "text": text}] if text else []
    content = block.get("reasoningContent")
    inner = content.get("reasoningText") if isinstance(content, dict) else None
    if isinstance(inner, dict):
        shown = {"type": "thinking", "thinking": inner.get("text")}
        if inner.get("signature") is not None:
            shown["signature"] = inner["signature"]
        return [shown]
    if isinstance(content, dict) and content.get("redactedContent") is not None:
        return [{"type": "redacted_thinking", "data": content["redactedContent"]}]
    return []
