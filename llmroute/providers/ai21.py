"""AI21: the chat completions of the Jamba models, and the chat of the Jurassic ones before them.

The Jurassic models (j2-...) ended in 2024, and their API (/{model}/chat) with them; it is spoken for
these models as long as a request holds nothing it had no place for. Everything else goes to
/chat/completions. Source: docs.ai21.com/reference/jamba-1-6-api-ref (current), recorded calls (former).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import attrs

from ..wire.json import JSONError, dumps, loads, text_of
from ..wire.message import WireReply, WireRequest
from .base import DecodeError, EncodeError, ProviderSettings
from .failures import parsed_reply
from .model_path import model_path
from .openai import OpenAICompatible
from .openai_request import chat_url
from .openai_stream import OpenAIStreamDecoder
from .report import Report
from .row import Row

Json = dict[str, Any]

ROW: Final = Row(
    slug="ai21",
    base_url="https://api.ai21.com/studio/v1",
    env=("AI21_API_KEY",),
    rename={"max_completion_tokens": "max_tokens"},
    roles={"developer": "system"},
    history={"annotations": "", "reasoning_content": "", "reasoning_details": ""},
    docs="https://docs.ai21.com/reference/jamba-1-6-api-ref",
    status="the former API (/{model}/chat) has ended and is spoken for models j2-... only",
)
_FORMER_MODELS: Final = "j2-"
#: The former names of parameters; of both names of the limit the newer one wins.
_FORMER_PARAMS: Final[Mapping[str, str]] = {
    "countPenalty": "countPenalty",
    "frequencyPenalty": "frequencyPenalty",
    "frequency_penalty": "frequencyPenalty",
    "max_completion_tokens": "maxTokens",
    "max_tokens": "maxTokens",
    "minTokens": "minTokens",
    "n": "numResults",
    "presencePenalty": "presencePenalty",
    "presence_penalty": "presencePenalty",
    "stop": "stopSequences",
    "temperature": "temperature",
    "top_k": "topKReturn",
    "top_p": "topP",
}
_SCALED: Final = frozenset({"frequency_penalty", "presence_penalty"})
#: What the former API could not do at all.
_NEEDS_CURRENT: Final = frozenset({"documents", "functions", "response_format", "stream", "tools"})
_ROLES: Final = frozenset({"system", "user", "assistant"})


class AI21(OpenAICompatible):
    """One target. Content goes as text, since the API takes no parts."""

    __slots__ = ()

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(ROW, settings)

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if self._settings.passthrough:
            return super().encode(params, key)
        report = Report("the AI21 API", refuse=self._settings.on_unsupported == "error")
        if _is_former(params):
            return self._former_request(params, key, report)
        request = super().encode(_fitted(params, report), key)
        warnings = report.warnings()
        return attrs.evolve(request, warnings=warnings + request.warnings) if warnings else request

    def _former_request(self, params: Mapping[str, Any], key: str | None, report: Report) -> WireRequest:
        url = chat_url(self._base_url(), f"/{model_path(params.get('model'))}/chat")
        headers = self._kept.get(key) or self._headers(key)
        try:
            return WireRequest(url, headers, dumps(_former_body(params, report)), warnings=report.warnings())
        except JSONError as problem:
            raise EncodeError(f"the request cannot be written as JSON: {problem}") from None

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> Json:
        if b'"outputs"' in reply.body and b'"choices"' not in reply.body:
            body = parsed_reply(reply, ROW.slug)
            if isinstance(body, dict) and isinstance(body.get("outputs"), list):
                return _former_completion(body)
        return super().decode(reply, params)

    def decoder(self, params: Mapping[str, Any]) -> Decoder:
        return Decoder(ROW, self._settings.strict)


class Decoder(OpenAIStreamDecoder):
    """OpenAI's streams; the former API answers in one piece, whatever it is asked for."""

    __slots__ = ()

    def _whole_answer(self, data: bytes) -> list[Json]:
        if b'"choices"' not in data:
            # What cannot be read so is refused by what reads all other answers.
            with suppress(JSONError, DecodeError):
                body = loads(data)
                if isinstance(body, dict) and isinstance(body.get("outputs"), list):
                    data = dumps(_former_completion(body))
        return super()._whole_answer(data)


# -- the current API ---------------------------------------------------------


def _fitted(params: Mapping[str, Any], report: Report) -> Json:
    """Parameters with contents as text, and a JSON schema as an instruction: it is not enforced."""
    found = dict(params)
    messages = params.get("messages")
    if isinstance(messages, (list, tuple)):
        found["messages"] = [_plain(message, f"messages[{i}]") for i, message in enumerate(messages)]
    wanted = params.get("response_format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        described = wanted.get("json_schema")
        schema = described.get("schema") if isinstance(described, dict) else None
        try:
            text = text_of(schema)
        except JSONError as problem:
            raise EncodeError(f"response_format: {problem}", "response_format") from None
        words = f"Answer with JSON only. It must be valid by this JSON schema:\n{text}"
        found["response_format"] = {"type": "json_object"}
        found["messages"] = [{"role": "system", "content": words}, *found.get("messages", ())]
        report.told("response_format", "is asked for in a system message: JSON is enforced, the schema not")
    return found


def _plain(message: Any, where: str) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, (list, tuple)):
        return message
    return {**message, "content": _text_of(content, f"{where}.content")}


def _text_of(parts: list[Any] | tuple[Any, ...], where: str) -> str:
    texts = []
    for j, part in enumerate(parts):
        text = part.get("text", part.get("refusal")) if isinstance(part, dict) else None
        if not isinstance(text, str):
            raise EncodeError(f"{where}[{j}]: AI21's API takes texts only", f"{where}[{j}]")
        texts.append(text)
    return "\n".join(texts)


# -- the former API ----------------------------------------------------------


def _is_former(params: Mapping[str, Any]) -> bool:
    model, messages = params.get("model"), params.get("messages")
    if not isinstance(model, str) or not model.startswith(_FORMER_MODELS):
        return False
    if any(params.get(name) for name in _NEEDS_CURRENT) or not isinstance(messages, (list, tuple)):
        return False
    return bool(messages) and all(_is_former_message(message) for message in messages)


def _is_former_message(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("tool_calls"):
        return False
    role = message.get("role")
    return isinstance(message.get("content"), str) and isinstance(role, str) and role in _ROLES


def _former_body(params: Mapping[str, Any], report: Report) -> Json:
    """A system message may come first only; temperatures go to 1."""
    messages = list(params["messages"])
    body: Json = {}
    if messages[0]["role"] == "system":
        body["system"] = messages.pop(0)["content"]
    body["messages"] = [{"text": message["content"], "role": message["role"]} for message in messages]
    for name, value in params.items():
        if value is None or name in ("model", "messages", "stream"):
            continue
        if name not in _FORMER_PARAMS:
            report.lost(name)
            continue
        here = _FORMER_PARAMS[name]
        if name in _SCALED:
            value = {"scale": value}
        elif name == "stop" and isinstance(value, str):
            value = [value]
        elif name == "temperature" and isinstance(value, (int, float)) and value > 1:
            report.lost(name, "is above 1 and was lowered to it")
            value = 1
        if here not in body or name == "max_completion_tokens":
            body[here] = value
    return body


def _former_completion(body: Json) -> Json:
    """Outputs as choices; the former API names no model and counts no tokens."""
    outputs = body["outputs"]
    if not outputs or not all(isinstance(output, dict) for output in outputs):
        raise DecodeError("ai21 answered without an output")
    identifier = body.get("id")
    return {
        "id": identifier if isinstance(identifier, str) else "",
        "object": "chat.completion",
        "model": "",
        "provider": ROW.slug,
        "choices": [_former_choice(output, index) for index, output in enumerate(outputs)],
    }


def _former_choice(output: Json, index: int) -> Json:
    text, ending = output.get("text"), output.get("finishReason")
    reason = ending.get("reason") if isinstance(ending, dict) else None
    return {
        "index": index,
        "message": {"role": "assistant", "content": text if isinstance(text, str) else ""},
        "logprobs": None,
        "finish_reason": reason if isinstance(reason, str) else "stop",
    }


def adapter(settings: ProviderSettings) -> AI21:
    """The adapter for one target of provider `ai21`."""
    return AI21(settings)
