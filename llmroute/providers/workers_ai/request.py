"""OpenAI's parameters as a request to /ai/run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report

Json = dict[str, Any]

#: Parameters that some model's schema knows; models ignore those that theirs does not.
_NATIVE_PARAMS: Final = frozenset(
    {
        "audio",
        "chat_template_kwargs",
        "frequency_penalty",
        "functions",
        "guided_json",
        "logit_bias",
        "logprobs",
        "lora",
        "max_tokens",
        "metadata",
        "modalities",
        "n",
        "options",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "raw",
        "reasoning_effort",
        "repetition_penalty",
        "seed",
        "stop",
        "store",
        "stream",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
    }
)
_TRANSLATED: Final = frozenset(
    {
        "function_call",
        "max_completion_tokens",
        "messages",
        "model",
        "response_format",
        "stream_options",
        "tool_choice",
        "tools",
    }
)
_NEUTRAL_VALUES: Final[Mapping[str, Any]] = {
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "auto",
    "verbosity": "medium",
    "web_search_options": None,
}
#: Models that answer in Cloudflare's own form, and count tokens unasked.
_OWN_FORM: Final = ("@cf/meta/", "@cf/mistral", "@cf/tiiuae/", "@cf/thebloke/", "@hf/")
#: Members that past answers, of whichever provider, leave in the messages.
_LEFT: Final = frozenset({"annotations", "citations", "provider_state", "reasoning_details", "refusal"})


def body_of(params: Mapping[str, Any], report: Report) -> Json:
    """The JSON body for `params`; the model is not in it. Raises EncodeError."""
    body: Json = {"messages": _messages(params.get("messages"))}
    for name, value in params.items():
        if value is None or name in _TRANSLATED:
            continue
        if name in _NATIVE_PARAMS:
            body[name] = value
        elif name not in _NEUTRAL_VALUES:
            report.lost(name, "is unknown to Workers AI and is not sent")
        elif value != _NEUTRAL_VALUES[name]:
            report.lost(name)
    if params.get("max_completion_tokens") is not None:
        body["max_tokens"] = params["max_completion_tokens"]
    options = params.get("stream_options")
    if options is not None and not str(params.get("model")).startswith(_OWN_FORM):
        body["stream_options"] = options
    if params.get("response_format") is not None:
        body["response_format"] = _format(params["response_format"])
    _add_tools(body, params)
    return body


def _format(wanted: Any) -> Any:
    """A JSON schema where both generations of models look for it.

    The older ones take `json_schema` for the schema itself, the newer ones for OpenAI's description
    of one; neither minds the members of the other.
    """
    described = wanted.get("json_schema") if isinstance(wanted, dict) else None
    schema = described.get("schema") if isinstance(described, dict) else None
    if isinstance(described, dict) and isinstance(schema, dict):
        return {**wanted, "json_schema": {**schema, **described}}
    return wanted


def _add_tools(body: Json, params: Mapping[str, Any]) -> None:
    tools, choice = params.get("tools"), params.get("tool_choice")
    if choice is None:
        legacy = params.get("function_call")
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    if isinstance(choice, dict) and isinstance(tools, (list, tuple)):
        # A named tool cannot be chosen with every model: the others are not offered.
        names, choice = _chosen(choice)
        tools = [tool for tool in tools if _name(tool) in names]
    if tools:
        body["tools"] = tools
        if choice is not None:
            body["tool_choice"] = choice


def _chosen(choice: Json) -> tuple[list[str | None], str]:
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, dict) and isinstance(allowed.get("tools"), (list, tuple)):
        mode = "required" if allowed.get("mode") == "required" else "auto"
        return [_name(tool) for tool in allowed["tools"]], mode
    name = _name(choice)
    if name is None:
        raise EncodeError("tool_choice: a tool has no name", "tool_choice")
    return [name], "required"


def _name(tool: Any) -> str | None:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _messages(messages: Any) -> list[Json]:
    if not isinstance(messages, (list, tuple)) or not messages:
        raise EncodeError("messages: a list with at least one message was expected", "messages")
    return [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]


def _message(message: Any, where: str) -> Json:
    if not isinstance(message, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    if len(message) == 2 and message.get("content") is not None and message.get("role") != "developer":
        return message
    found = {name: value for name, value in message.items() if name not in _LEFT}
    if found.get("role") == "developer":
        found["role"] = "system"
    if found.get("content") is None:
        refusal = message.get("refusal")
        found["content"] = refusal if isinstance(refusal, str) else ""  # null is refused
    calls = found.get("tool_calls")
    if isinstance(calls, (list, tuple)):
        found["tool_calls"] = [_without_state(call) for call in calls]
    return found


def _without_state(call: Any) -> Any:
    if isinstance(call, dict) and "provider_state" in call:
        return {name: value for name, value in call.items() if name != "provider_state"}
    return call
