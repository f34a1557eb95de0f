"""OpenAI's parameters as a GenericChatRequest: every family of models but Cohere's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .messages import Conversation
from .parts import Json, contents_of
from .tools import choice_of, tools_of

#: Parameters that only have another name here.
_RENAMED: Final = {
    "frequency_penalty": "frequencyPenalty",
    "logit_bias": "logitBias",
    "metadata": "metadata",
    "n": "numGenerations",
    "parallel_tool_calls": "isParallelToolCalls",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "stream": "isStream",
    "temperature": "temperature",
    "top_k": "topK",
    "top_p": "topP",
}
#: Read together with others, or by the adapter.
_ELSEWHERE: Final = frozenset({
    "function_call", "functions", "logprobs", "max_completion_tokens", "max_tokens", "messages", "model",
    "tool_choice", "tools", "top_logprobs",
})  # fmt: skip
#: Members of the request under their own names.
_OWN: Final = frozenset({
    "apiFormat", "frequencyPenalty", "isEcho", "isParallelToolCalls", "isStream", "logProbs", "logitBias",
    "maxCompletionTokens", "maxTokens", "numGenerations", "presencePenalty", "reasoningEffort",
    "responseFormat", "serviceTier", "streamOptions", "toolChoice", "topK", "topP", "webSearchOptions",
})  # fmt: skip
#: Parameters without a counterpart, with the value that asks for nothing.
_NEUTRAL: Final[Mapping[str, Any]] = {"store": False, "modalities": ["text"]}

Reader = Callable[[Any, Json, Report], None]


def generic_request(params: Mapping[str, Any], model: str, report: Report) -> Json:
    """The `chatRequest`. Raises EncodeError."""
    conversation = Conversation(report, "." if model.startswith("google.") else None)
    conversation.read(params.get("messages"))
    body: Json = {"apiFormat": "GENERIC", "messages": conversation.messages}
    for name, value in params.items():
        if value is None or name in _ELSEWHERE:
            continue
        if name in _RENAMED:
            body[_RENAMED[name]] = value
        elif name in _READERS:
            _READERS[name](value, body, report)
        elif name in _OWN:
            body[name] = value
        elif name not in _NEUTRAL or value != _NEUTRAL[name]:
            report.lost(name)
    _read_limit(params, body)
    _read_logprobs(params, body)
    tools = tools_of(params, report)
    chosen, tools = choice_of(params, tools)
    if tools:
        body["tools"] = tools
    if chosen is not None:
        body["toolChoice"] = chosen
    return body


def _read_limit(params: Mapping[str, Any], body: Json) -> None:
    """OpenAI's newer parameter before the older one; both have the older name here, as recorded."""
    for name in ("max_completion_tokens", "max_tokens"):
        if params.get(name) is not None:
            body["maxTokens"] = params[name]
            return


def _read_logprobs(params: Mapping[str, Any], body: Json) -> None:
    """One number says how many of the likeliest tokens are told at each place."""
    top = params.get("top_logprobs")
    if params.get("logprobs") or top:
        body["logProbs"] = top or 1


# -- parameters with a form of their own -------------------------------------


def _stop(value: Any, body: Json, report: Report) -> None:
    body["stop"] = [value] if isinstance(value, str) else value


def _stream_options(value: Any, body: Json, report: Report) -> None:
    if not isinstance(value, dict):
        raise EncodeError("stream_options: an object was expected", "stream_options")
    made = {name: item for name, item in value.items() if name != "include_usage"}
    if value.get("include_usage") is not None:
        made["isIncludeUsage"] = value["include_usage"]
    body["streamOptions"] = made


def _one_of(name: str, own: str, words: frozenset[str]) -> Reader:
    """A word in capitals, where the API has it."""

    def read(value: Any, body: Json, report: Report) -> None:
        word = value.upper() if isinstance(value, str) else ""
        if word in words:
            body[own] = word
        else:
            report.lost(name, f"{value!r:.50} has no counterpart in the Oracle API and is not sent")

    return read


def _response_format(value: Any, body: Json, report: Report) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("text", "json_object"):
        body["responseFormat"] = {"type": kind.upper()}
        return
    named = value.get("json_schema") if kind == "json_schema" else None
    if not isinstance(named, dict):
        raise EncodeError(
            "response_format: text, json_object or json_schema with an object was expected", "response_format"
        )
    names = {"strict": "isStrict"}
    made = {names.get(name, name): item for name, item in named.items() if item is not None}
    body["responseFormat"] = {"type": "JSON_SCHEMA", "jsonSchema": made}


def _prediction(value: Any, body: Json, report: Report) -> None:
    content = value.get("content") if isinstance(value, dict) else None
    if content is None:
        raise EncodeError("prediction.content: a text or a list of parts was expected", "prediction")
    body["prediction"] = {
        "type": "CONTENT",
        "content": contents_of(content, "prediction.content", report),
    }


def _web_search(value: Any, body: Json, report: Report) -> None:
    if not isinstance(value, dict):
        raise EncodeError("web_search_options: an object was expected", "web_search_options")
    made: Json = {}
    size, location = value.get("search_context_size"), value.get("user_location")
    if isinstance(size, str):
        made["searchContextSize"] = size.upper()
    if isinstance(location, dict):
        made["userLocation"] = location.get("approximate", location)
    body["webSearchOptions"] = made


_READERS: Final[Mapping[str, Reader]] = {
    "prediction": _prediction,
    "reasoning_effort": _one_of(
        "reasoning_effort", "reasoningEffort", frozenset({"NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH"})
    ),
    "response_format": _response_format,
    "service_tier": _one_of("service_tier", "serviceTier", frozenset({"AUTO", "DEFAULT", "PRIORITY"})),
    "stop": _stop,
    "stream_options": _stream_options,
    "verbosity": _one_of("verbosity", "verbosity", frozenset({"LOW", "MEDIUM", "HIGH"})),
    "web_search_options": _web_search,
}
