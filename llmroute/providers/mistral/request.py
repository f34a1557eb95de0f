"""OpenAI's parameters as a request to Mistral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .messages import messages_of
from .tables import (
    MAX_TEMPERATURE,
    NATIVE_PARAMS,
    NEUTRAL_VALUES,
    RENAMED,
    SERVICE_TIERS,
    TRANSLATED,
)

Json = dict[str, Any]

#: Parameters of a function are mandatory here, optional at OpenAI.
_NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
#: What code completion takes beside prompt and suffix.
_FIM_PARAMS: Final = frozenset(
    {"max_tokens", "metadata", "min_tokens", "model", "random_seed", "stop", "stream", "temperature", "top_p"}
)


def body_of(params: Mapping[str, Any], report: Report, *, native: bool) -> Json:
    """The JSON body for `params`; `native` as in `messages_of`. Raises EncodeError."""
    body = _plain_params(params, report, native=native)
    body["messages"] = messages_of(params.get("messages"), report, native=native)
    if params.get("prediction") is not None:
        body["prediction"] = _prediction(params["prediction"], native=native)
    tier = params.get("service_tier")
    if tier is not None:
        if isinstance(tier, str) and tier in SERVICE_TIERS:
            body["service_tier"] = SERVICE_TIERS[tier]
        else:
            report.lost("service_tier", "names a tier without a counterpart at Mistral and is not sent")
    _add_tools(body, params, report, native=native)
    return body


def fim_body_of(params: Mapping[str, Any], report: Report) -> Json:
    """The body for code completion: `prompt`, or the text of the last message, and `suffix`."""
    body = _plain_params(params, report, native=True, own=frozenset({"prompt", "suffix"}))
    for name in body.keys() - _FIM_PARAMS:
        del body[name]
        report.lost(name, "is not taken by code completion and is not sent")
    body["prompt"] = _prompt(params)
    if params.get("suffix") is not None:
        body["suffix"] = params["suffix"]
    return body


def _prompt(params: Mapping[str, Any]) -> str:
    prompt = params.get("prompt")
    if prompt is None:
        messages = params.get("messages")
        last = messages[-1] if isinstance(messages, (list, tuple)) and messages else None
        prompt = last.get("content") if isinstance(last, dict) else None
    if not isinstance(prompt, str):
        raise EncodeError("prompt: a text, or a last message with one, was expected", "prompt")
    return prompt


def _plain_params(
    params: Mapping[str, Any], report: Report, *, native: bool, own: frozenset[str] = frozenset()
) -> Json:
    model = params.get("model")
    if not isinstance(model, str) or not model:
        raise EncodeError("model: a text was expected", "model")
    body: Json = {"model": model}
    for name, value in params.items():
        if value is None or name in TRANSLATED or name in own:
            continue
        if name in NATIVE_PARAMS:
            body.setdefault(name, value)
        elif name in RENAMED:
            body[RENAMED[name]] = value
        elif name not in NEUTRAL_VALUES:
            report.lost(name, "is unknown to Mistral's API and is not sent")
        elif value != NEUTRAL_VALUES[name]:
            report.lost(name)
    if body.get("stop") == []:
        del body["stop"]
    temperature = body.get("temperature")
    if native and isinstance(temperature, (int, float)) and temperature > MAX_TEMPERATURE:
        report.lost("temperature", f"is above Mistral's {MAX_TEMPERATURE} and was lowered to it")
        body["temperature"] = MAX_TEMPERATURE
    return body


def _prediction(prediction: Any, *, native: bool) -> Any:
    """Mistral takes the expected text, OpenAI also a list of text parts."""
    content = prediction.get("content") if isinstance(prediction, dict) else None
    if not native or not isinstance(content, (list, tuple)):
        return prediction
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    if not all(isinstance(text, str) for text in texts):
        raise EncodeError("prediction.content: a text or text parts were expected", "prediction")
    return {**prediction, "content": "".join(filter(None, texts))}


# -- tools -------------------------------------------------------------------


def _add_tools(body: Json, params: Mapping[str, Any], report: Report, *, native: bool) -> None:
    tools = _tools(params, report, native=native)
    choice, legacy = params.get("tool_choice"), params.get("function_call")
    if choice is None and legacy is not None:
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    if choice == "required":
        choice = "any"
    elif native and isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        choice, tools = _allowed(choice, tools)
    if tools is not None:
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = choice


def _tools(params: Mapping[str, Any], report: Report, *, native: bool) -> Any:
    tools, functions = params.get("tools"), params.get("functions")
    if functions is not None:
        if not isinstance(functions, (list, tuple)) or not isinstance(tools, (list, tuple, type(None))):
            raise EncodeError("functions: a list was expected", "functions")
        tools = [*(tools or ()), *({"type": "function", "function": each} for each in functions)]
    if tools is None or not native:
        return tools
    if not isinstance(tools, (list, tuple)):
        raise EncodeError("tools: a list was expected", "tools")
    return [_tool(tool, f"tools[{i}]", report) for i, tool in enumerate(tools)]


def _tool(tool: Any, where: str, report: Report) -> Json:
    """A function as Mistral's own API takes it; connectors and the like go through."""
    if not isinstance(tool, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    if tool.get("type") == "custom":
        raise EncodeError(f"{where}: Mistral's API has no free-text tools", where)
    function = tool.get("function")
    if tool.get("type", "function") != "function":
        return tool
    if not isinstance(function, dict):
        raise EncodeError(f"{where}.function: an object was expected", f"{where}.function")
    for name in tool.keys() - {"type", "function"}:
        report.lost(f"tools[].{name}")
    found = {name: value for name, value in function.items() if value is not None}
    found.setdefault("parameters", _NO_PARAMETERS)
    return {"type": "function", "function": found}


def _allowed(choice: Json, tools: Any) -> tuple[str, Any]:
    """OpenAI's `allowed_tools` as a shorter list of tools."""
    allowed = choice.get("allowed_tools", choice)
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(listed, (list, tuple)):
        raise EncodeError("tool_choice.allowed_tools.tools: a list was expected", "tool_choice")
    names = [_name(tool) for tool in listed]
    kept = [tool for tool in tools or () if _name(tool) in names]
    return "any" if allowed.get("mode") == "required" else "auto", kept


def _name(tool: Any) -> Any:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    return function.get("name") if isinstance(function, dict) else None
