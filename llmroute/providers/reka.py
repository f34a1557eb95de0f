"""Reka: the OpenAI-compatible API of today, and the one that was current until 2024.

The former API (/chat) ended with its models; it is spoken for model reka-core, as long as a request
holds nothing it had no place for. Everything else goes to /v1/chat/completions.
Source: docs.reka.ai (current), recorded calls and v0.docs.reka.ai (former).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from yarl import URL

from ..wire.json import JSONError, dumps, loads
from ..wire.message import WireReply, WireRequest
from .base import DecodeError, EncodeError, ProviderSettings, ReplyError
from .failures import checked_completion, parsed_reply
from .openai import OpenAICompatible
from .openai_request import chat_url, header_value
from .openai_stream import OpenAIStreamDecoder
from .report import Report
from .row import Row

Json = dict[str, Any]

ROW: Final = Row(
    slug="reka-ai",
    base_url="https://api.reka.ai",
    path="/v1/chat/completions",
    env=("REKA_API_KEY",),
    rename={"max_completion_tokens": "max_tokens"},
    roles={"developer": "system"},
    docs="https://docs.reka.ai/chat/api-reference/create-chat-completion",
    status="the former API (/chat) has ended and is spoken for model reka-core only",
)
_FORMER_PATH: Final = "/chat"
_FORMER_MODEL: Final = "reka-core"
#: The former names of parameters; of both names of the limit the newer one wins.
_FORMER_PARAMS: Final[Mapping[str, str]] = {
    "max_tokens": "request_output_len",
    "max_completion_tokens": "request_output_len",
    "temperature": "temperature",
    "top_p": "runtime_top_p",
    "top_k": "runtime_top_k",
    "seed": "random_seed",
    "stop": "stop_words",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
#: What the former API could not do at all.
_NEEDS_CURRENT: Final = frozenset({"functions", "response_format", "stream", "tools"})
_SPEAKERS: Final[Mapping[str, str]] = {"user": "human", "assistant": "model"}


class Reka(OpenAICompatible):
    """One target; `custom_host` stands before the whole path of either API."""

    __slots__ = ("_former_url",)

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(ROW, settings)
        self._former_url: URL | None = None

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        turns = _former_turns(params)
        if turns is None or self._settings.passthrough:
            return super().encode(params, key)
        report = Report("the former Reka API", refuse=self._settings.on_unsupported == "error")
        body: Json = {"model_name": params["model"], "conversation_history": turns}
        for name, value in params.items():
            if value is None or name in ("model", "messages", "stream"):
                continue
            if name not in _FORMER_PARAMS:
                report.lost(name)
            elif _FORMER_PARAMS[name] not in body or name == "max_completion_tokens":
                body[_FORMER_PARAMS[name]] = [value] if name == "stop" and isinstance(value, str) else value
        headers = {"Content-Type": "application/json"}
        if key:
            headers["x-api-key"] = header_value(key, "api_key")
        if self._former_url is None:
            self._former_url = chat_url(self._base_url(), _FORMER_PATH)
        try:
            return WireRequest(self._former_url, headers, dumps(body), warnings=report.warnings())
        except JSONError as problem:
            raise EncodeError(f"the request cannot be written as JSON: {problem}") from None

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> Json:
        if b'"choices"' in reply.body:
            return super().decode(reply, params)
        return _former_completion(parsed_reply(reply, ROW.slug))

    def decoder(self, params: Mapping[str, Any]) -> Decoder:
        return Decoder(ROW, self._settings.strict)


class Decoder(OpenAIStreamDecoder):
    """OpenAI's streams; the former API answers in one piece, whatever it is asked for."""

    __slots__ = ()

    def _whole_answer(self, data: bytes) -> list[Json]:
        if b'"choices"' not in data:
            # What cannot be read so is refused by what reads all other answers.
            with suppress(JSONError, DecodeError, ReplyError):
                data = dumps(_former_completion(loads(data)))
        return super()._whole_answer(data)


def _former_turns(params: Mapping[str, Any]) -> list[Json] | None:
    """The conversation for the former API, None when the request is one for the current API.

    There, a human and the model spoke in turns, in nothing but text.
    """
    if params.get("model") != _FORMER_MODEL or any(params.get(name) for name in _NEEDS_CURRENT):
        return None
    messages = params.get("messages")
    if not isinstance(messages, (list, tuple)) or not messages:
        return None
    turns = []
    for i, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role != ("assistant" if i % 2 else "user") or not isinstance(content, str):
            return None
        if message.get("tool_calls"):
            return None
        turns.append({"type": _SPEAKERS[role], "text": content})
    return turns


def _former_completion(body: Any) -> Json:
    """The completion for an answer of either former API. Raises ReplyError and DecodeError."""
    if isinstance(body, dict) and isinstance(body.get("text"), str):
        answers = [(body["text"], body.get("finish_reason"))]
        return _completion("", "Unknown", answers, body.get("metadata"))
    if isinstance(body, dict) and isinstance(body.get("responses"), list):
        return _from_responses(body)
    return checked_completion(body, ROW.slug)


def _from_responses(body: Json) -> Json:
    """The answer of the API between the two (/v1/chat)."""
    answers = []
    for answer in body["responses"]:
        message = answer.get("message") if isinstance(answer, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        answers.append((content if isinstance(content, str) else "", _reason(answer)))
    model, identifier = body.get("model"), body.get("id")
    found = _completion(
        identifier if isinstance(identifier, str) else "",
        model if isinstance(model, str) else "",
        answers,
        body.get("usage"),
    )
    return checked_completion(found, ROW.slug)


def _reason(answer: Any) -> Any:
    reason = answer.get("finish_reason") if isinstance(answer, dict) else None
    return "length" if reason == "context" else reason


def _completion(identifier: str, model: str, answers: list[tuple[str, Any]], usage: Any) -> Json:
    found: Json = {
        "id": identifier,
        "object": "chat.completion",
        "model": model,
        "provider": ROW.slug,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": text},
                "logprobs": None,
                "finish_reason": reason if isinstance(reason, str) and reason else "stop",
            }
            for index, (text, reason) in enumerate(answers)
        ],
    }
    if isinstance(usage, dict):
        prompt = _count(usage.get("input_tokens"))
        completion = _count(usage.get("generated_tokens", usage.get("output_tokens")))
        found["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
    return found


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def adapter(settings: ProviderSettings) -> Reka:
    """The adapter for one target of provider `reka-ai`."""
    return Reka(settings)
