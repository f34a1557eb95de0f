"""What both of Ollama's endpoints need done: thinking, and a choice among tools that is none of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import EncodeError
from ..report import Report
from .tables import COMPATIBLE_PARAMS, NATIVE_PARAMS, NEUTRAL_VALUES, OPTIONS, TRANSLATED

Json = dict[str, Any]


def is_native(params: Mapping[str, Any]) -> bool:
    """Whether the request names something that only Ollama's own endpoint takes."""
    return any(params[name] is not None for name in params.keys() & (NATIVE_PARAMS | OPTIONS))


def common_params(params: Mapping[str, Any], report: Report) -> Json:
    """The parameters in OpenAI's form as far as Ollama knows them, and those of its own.

    `thinking` (Anthropic's form) and `think` (Ollama's) become `reasoning_effort`. Raises EncodeError.
    """
    found: Json = {}
    for name, value in params.items():
        if value is None or name in TRANSLATED:
            continue
        if name in COMPATIBLE_PARAMS or name in NATIVE_PARAMS or name in OPTIONS:
            found[name] = value
        elif name not in NEUTRAL_VALUES:
            report.lost(name, "is unknown to Ollama's API and is not sent")
        elif value != NEUTRAL_VALUES[name]:
            report.lost(name)
    if params.get("max_completion_tokens") is not None:
        found["max_tokens"] = params["max_completion_tokens"]
    if "reasoning_effort" not in found and "reasoning" not in found:
        effort = _effort(params)
        if effort is not None:
            found["reasoning_effort"] = effort
    _choose_tools(found, params, report)
    return found


def _effort(params: Mapping[str, Any]) -> str | None:
    think = params.get("think")
    if isinstance(think, str):
        return think
    if isinstance(think, bool):
        return "medium" if think else "none"
    thinking = params.get("thinking")
    if thinking is None:
        return None
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "disabled":
        return "none"
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int):
        return "medium"
    return "low" if budget <= 2_048 else "medium" if budget <= 16_384 else "high"


def _choose_tools(body: Json, params: Mapping[str, Any], report: Report) -> None:
    """Offer only the tools that may be called: Ollama itself lets the model decide.

    The choice is sent all the same, for servers that know it.
    """
    functions = params.get("functions")
    if isinstance(functions, (list, tuple)):
        given = body.get("tools")
        offered = list(given) if isinstance(given, (list, tuple)) else []
        body["tools"] = [*offered, *({"type": "function", "function": each} for each in functions)]
    choice, legacy = body.get("tool_choice"), params.get("function_call")
    if choice is None and legacy is not None:
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
        body["tool_choice"] = choice
    tools = body.get("tools")
    if choice is None or choice == "auto" or not isinstance(tools, (list, tuple)):
        return
    if choice == "none":
        del body["tools"]
        return
    names = _names(choice)
    if names is not None:
        body["tools"] = [tool for tool in tools if _name(tool) in names]
    if not (isinstance(choice, dict) and _mode(choice) == "auto"):
        report.told("tool_choice", "is sent, but Ollama offers tools and does not force a call")


def _mode(choice: Json) -> Any:
    allowed = choice.get("allowed_tools")
    return allowed.get("mode") if isinstance(allowed, dict) else None


def _names(choice: Any) -> list[Any] | None:
    """The names of the tools that may be called, None for all."""
    if not isinstance(choice, dict):
        return None
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, dict):
        listed = allowed.get("tools")
        return [_name(tool) for tool in listed] if isinstance(listed, (list, tuple)) else None
    name = _name(choice)
    if name is None:
        raise EncodeError("tool_choice: a tool has no name", "tool_choice")
    return [name]


def _name(tool: Any) -> str | None:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None
