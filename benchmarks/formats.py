"""What each provider would say: an answer of 1 KB, and a stream of 200 pieces of text."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from multidict import CIMultiDict

from llmroute.providers.base import Adapter, ProviderSettings
from llmroute.providers.registry import adapter_for
from llmroute.wire.message import WireReply

PIECES = 200
_WORDS = "The lamp of a lighthouse is seen as far as the eye above the sea and its own height allow. "
_TEXT = _WORDS * 8
_USED = {"prompt_tokens": 60, "completion_tokens": 160, "total_tokens": 220}


@attrs.frozen
class Subject:
    """One adapter, what it is asked with, and what it reads."""

    provider: str
    model: str
    answer: Any
    events: list[Any]
    options: Mapping[str, Any] = attrs.field(factory=dict)
    params: Mapping[str, Any] = attrs.field(factory=dict)
    framing: Callable[[list[Any]], bytes] = attrs.field(default=lambda events: sse(events))

    def adapter(self) -> Adapter:
        return adapter_for(ProviderSettings(self.provider, options=self.options))

    def reply(self) -> WireReply:
        headers = CIMultiDict({"content-type": "application/json", "opc-request-id": "r-1"})
        return WireReply(200, headers, json.dumps(self.answer).encode())


# -- framings ----------------------------------------------------------------


def sse(events: list[Any]) -> bytes:
    return b"".join(b"data: " + _data(event) + b"\n\n" for event in events)


def named_sse(events: list[Any]) -> bytes:
    return b"".join(
        b"event: " + event["type"].encode() + b"\ndata: " + _data(event) + b"\n\n" for event in events
    )


def ndjson(events: list[Any]) -> bytes:
    return b"".join(_data(event) + b"\n" for event in events)


def aws(events: list[Any]) -> bytes:
    return b"".join(_frame(*next(iter(event.items()))) for event in events)


def _data(event: Any) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event, separators=(",", ":")).encode()


def _frame(name: str, payload: Any) -> bytes:
    named = ((":event-type", name), (":content-type", "application/json"), (":message-type", "event"))
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in named
    )
    data = _data(payload)
    prelude = struct.pack(">II", len(headers) + len(data) + 16, len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + data
    return whole + struct.pack(">I", zlib.crc32(whole))


# -- formats -----------------------------------------------------------------


def _openai() -> tuple[Any, list[Any]]:
    head = {"id": "chatcmpl-1", "created": 1700000000, "model": "m"}
    message = {"role": "assistant", "content": _TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {**head, "object": "chat.completion", "choices": [choice], "usage": _USED}
    deltas: list[Any] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": "light "}, None)] * PIECES + [({}, "stop")]
    events = [
        {
            **head,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }
        for delta, reason in deltas
    ]
    return answer, [*events, b"[DONE]"]


def _anthropic() -> tuple[Any, list[Any]]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    usage = {"input_tokens": 60, "output_tokens": 160}
    answer = {**head, "content": [{"type": "text", "text": _TEXT}], "stop_reason": "end_turn", "usage": usage}
    delta = {"type": "text_delta", "text": "light "}
    return answer, [
        {"type": "message_start", "message": {**head, "content": [], "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *[{"type": "content_block_delta", "index": 0, "delta": delta}] * PIECES,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 160}},
        {"type": "message_stop"},
    ]


def _gemini() -> tuple[Any, list[Any]]:
    usage = {"promptTokenCount": 60, "candidatesTokenCount": 160, "totalTokenCount": 220}
    tail = {"usageMetadata": usage, "modelVersion": "gemini-3-pro", "responseId": "r-1"}

    def piece(text: str, **members: Any) -> Any:
        content = {"role": "model", "parts": [{"text": text}]}
        return {"candidates": [{"content": content, "index": 0, **members}], **tail}

    events = [*[piece("light ")] * PIECES, piece("house", finishReason="STOP")]
    return piece(_TEXT, finishReason="STOP"), events


def _bedrock() -> tuple[Any, list[Any]]:
    closing = {
        "usage": {"inputTokens": 60, "outputTokens": 160, "totalTokens": 220},
        "metrics": {"latencyMs": 900},
    }
    content = [{"text": _TEXT}]
    answer = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        **closing,
    }
    return answer, [
        {"messageStart": {"role": "assistant"}},
        *[{"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "light "}}}] * PIECES,
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": closing},
    ]


def _cohere() -> tuple[Any, list[Any]]:
    usage = {"tokens": {"input_tokens": 60, "output_tokens": 160}}
    message = {"role": "assistant", "content": [{"type": "text", "text": _TEXT}]}
    start = {"message": {"role": "assistant", "content": []}}
    delta = {"message": {"content": {"text": "light "}}}
    answer = {"id": "c-1", "finish_reason": "COMPLETE", "message": message, "usage": usage}
    return answer, [
        {"id": "c-1", "type": "message-start", "delta": start},
        {
            "type": "content-start",
            "index": 0,
            "delta": {"message": {"content": {"type": "text", "text": ""}}},
        },
        *[{"type": "content-delta", "index": 0, "delta": delta}] * PIECES,
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}},
    ]


def _ollama() -> tuple[Any, list[Any]]:
    head = {"model": "m", "created_at": "2026-01-01T10:00:00Z"}
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 60, "eval_count": 160}

    def piece(text: str) -> Any:
        return {**head, "message": {"role": "assistant", "content": text}}

    return {**piece(_TEXT), **end}, [*[{**piece("light "), "done": False}] * PIECES, {**piece(""), **end}]


def _oracle() -> tuple[Any, list[Any]]:
    message = {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": _TEXT}]}
    choice = {"index": 0, "message": message, "finishReason": "stop"}
    piece = {"index": 0, "message": {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": "light "}]}}
    chat = {"apiFormat": "GENERIC", "timeCreated": "2026-01-01T10:00:00Z", "choices": [choice]}
    answer = {"modelId": "m", "modelVersion": "1", "chatResponse": chat}
    return answer, [*[piece] * PIECES, {"message": {}, "finishReason": "stop"}]


def _workers() -> tuple[Any, list[Any]]:
    answer = {"result": {"response": _TEXT, "usage": _USED}, "success": True, "errors": [], "messages": []}
    return answer, [
        *[{"response": "light ", "p": "abcdefgh"}] * PIECES,
        {"response": "", "usage": _USED},
        b"[DONE]",
    ]


_PLACE = {"vertex_project_id": "p", "vertex_region": "us-central1"}
_ORACLE = {"oracle_region": "us-chicago-1", "oracle_compartment_id": "c"}
_FOUNDRY = {"azure_foundry_url": "https://r.services.ai.azure.com/models"}

SUBJECTS: Mapping[str, Subject] = {
    "ai21": Subject("ai21", "jamba-large", *_openai()),
    "anthropic": Subject("anthropic", "claude-sonnet-4-5", *_anthropic(), framing=named_sse),
    "azure-ai": Subject("azure-ai", "m", *_openai(), options=_FOUNDRY),
    "azure-openai": Subject("azure-openai", "m", *_openai(), options={"resource_name": "r"}),
    "bedrock": Subject(
        "bedrock",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        *_bedrock(),
        options={"aws_region": "us-east-1"},
        framing=aws,
    ),
    "cohere": Subject("cohere", "command-a-03-2025", *_cohere()),
    "google": Subject("google", "gemini-3-pro", *_gemini()),
    "huggingface": Subject("huggingface", "m", *_openai()),
    "mistral-ai": Subject("mistral-ai", "mistral-large-latest", *_openai()),
    "ollama": Subject("ollama", "m", *_ollama(), params={"keep_alive": "5m"}, framing=ndjson),
    "oracle": Subject("oracle", "meta.llama-3.3-70b", *_oracle(), options=_ORACLE),
    "reka-ai": Subject("reka-ai", "reka-flash", *_openai()),
    "vertex-ai": Subject("vertex-ai", "gemini-3-pro", *_gemini(), options=_PLACE),
    "vertex-claude": Subject(
        "vertex-ai", "anthropic.claude-sonnet-4-5", *_anthropic(), options=_PLACE, framing=named_sse
    ),
    "workers-ai": Subject(
        "workers-ai", "@cf/meta/llama-3.1-8b", *_workers(), options={"workers_ai_account_id": "a"}
    ),
}
