"""Cohere's models on Oracle Cloud: a CohereChatRequestV2, which is Cohere's own request in Oracle's spelling.

Source: docs.oracle.com, Generative AI Service Inference API 20231130, CohereChatRequestV2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..cohere.request import body_of
from ..report import Report
from .parts import Json

#: Members of Cohere's request by their names here, those in capitals last.
_NAMES: Final = {
    "documents": "documents",
    "frequency_penalty": "frequencyPenalty",
    "k": "topK",
    "logprobs": "isLogProbsEnabled",
    "max_tokens": "maxTokens",
    "p": "topP",
    "presence_penalty": "presencePenalty",
    "priority": "priority",
    "raw_prompting": "isRawPrompting",
    "seed": "seed",
    "stop_sequences": "stopSequences",
    "stream": "isStream",
    "strict_tools": "isStrictToolsEnabled",
    "temperature": "temperature",
    "safety_mode": "safetyMode",
    "tool_choice": "toolsChoice",
}
_CAPITALS: Final = frozenset({"safety_mode", "tool_choice"})


def cohere_request(params: Mapping[str, Any], model: str, report: Report) -> Json:
    """The `chatRequest`. Raises EncodeError."""
    own = body_of({**params, "model": model.removeprefix("cohere.")}, report)
    body: Json = {"apiFormat": "COHEREV2", "messages": [_message(message) for message in own["messages"]]}
    for name, value in own.items():
        if name in _NAMES:
            body[_NAMES[name]] = value.upper() if name in _CAPITALS and isinstance(value, str) else value
        elif name in _FORMS:
            body[_FORMS[name][0]] = _FORMS[name][1](value)
        elif name not in ("model", "messages"):
            report.lost(name)
    options = params.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage") is not None:
        body["streamOptions"] = {"isIncludeUsage": options["include_usage"]}
    return body


def _message(message: Mapping[str, Any]) -> Json:
    made: Json = {"role": str(message["role"]).upper(), "content": _contents(message.get("content"))}
    for name, here in (("tool_plan", "toolPlan"), ("tool_call_id", "toolCallId"), ("citations", "citations")):
        if message.get(name) is not None:
            made[here] = message[name]
    if message.get("tool_calls"):
        made["toolCalls"] = [_kind_in_capitals(call) for call in message["tool_calls"]]
    return made


def _contents(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "TEXT", "text": content}]
    return [_content(part) for part in content or ()]


def _content(part: Mapping[str, Any]) -> Json:
    made = _kind_in_capitals(part)
    image = made.pop("image_url", None)
    if isinstance(image, dict):
        detail = image.get("detail")
        made["imageUrl"] = {**image, "detail": detail.upper()} if isinstance(detail, str) else dict(image)
    return made


def _kind_in_capitals(part: Mapping[str, Any]) -> Json:
    return {**part, "type": str(part.get("type", "")).upper()}


def _tools(tools: Any) -> list[Json]:
    return [_kind_in_capitals(tool) for tool in tools]


def _response_format(form: Mapping[str, Any]) -> Json:
    made: Json = {"type": str(form.get("type", "")).upper()}
    schema = form.get("json_schema", form.get("schema"))
    if schema is not None:
        made["schema"] = schema
    return made


def _thinking(thinking: Mapping[str, Any]) -> Json:
    made: Json = {"type": str(thinking.get("type", "")).upper()}
    if thinking.get("token_budget") is not None:
        made["tokenBudget"] = thinking["token_budget"]
    return made


def _citations(options: Mapping[str, Any]) -> Json:
    return {name: value.upper() if isinstance(value, str) else value for name, value in options.items()}


_FORMS: Final[Mapping[str, tuple[str, Any]]] = {
    "citation_options": ("citationOptions", _citations),
    "response_format": ("responseFormat", _response_format),
    "thinking": ("thinking", _thinking),
    "tools": ("tools", _tools),
}
