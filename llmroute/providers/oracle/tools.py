"""OpenAI's tools and the choice among them as Oracle's FunctionDefinition and ToolChoice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .parts import Json

_FREE_TEXT: Final = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
_CHOICES: Final = {"auto": "AUTO", "none": "NONE", "required": "REQUIRED", "any": "REQUIRED"}


def tools_of(params: Mapping[str, Any], report: Report) -> list[Json]:
    """The functions of `tools` and of the deprecated `functions`. Raises EncodeError for what is no tool.

    A tool that takes free text becomes a function with one parameter.
    """
    found: list[Json] = []
    for name in ("tools", "functions"):
        given = params.get(name)
        if given is None:
            continue
        if not isinstance(given, (list, tuple)):
            raise EncodeError(f"{name}: a list was expected", name)
        for i, tool in enumerate(given):
            where = f"{name}[{i}]"
            held = {"type": "function", "function": tool} if name == "functions" else tool
            found.append(_tool(held, where, report))
    return found


def _tool(tool: Any, where: str, report: Report) -> Json:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind == "custom":
        custom = tool.get("custom")
        made = _named(custom, f"{where}.custom")
        form = custom.get("format")
        if isinstance(form, dict) and form.get("type") not in (None, "text"):
            report.lost(f"{where}.custom.format")
        return {**made, "parameters": _FREE_TEXT}
    function = tool.get("function") if isinstance(tool, dict) else None
    if kind not in ("function", None) or function is None:
        raise EncodeError(f"{where}: Oracle's API knows no tool of type {kind!r:.100}", where)
    made = _named(function, f"{where}.function")
    if function.get("parameters") is not None:
        made["parameters"] = function["parameters"]
    if function.get("strict"):
        report.lost(f"{where}.function.strict")
    if tool.get("cache_control") is not None:
        report.lost(f"{where}.cache_control")
    return made


def _named(function: Any, where: str) -> Json:
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise EncodeError(f"{where}.name: a text was expected", f"{where}.name")
    made: Json = {"type": "FUNCTION", "name": name}
    if function.get("description") is not None:
        made["description"] = function["description"]
    return made


def choice_of(params: Mapping[str, Any], tools: list[Json]) -> tuple[Json | None, list[Json]]:
    """The ToolChoice, None for none, and the tools to send: OpenAI's `allowed_tools` is a shorter list."""
    choice = params.get("tool_choice")
    if choice is None:
        legacy = params.get("function_call")
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    if choice is None or not tools:
        return None, tools
    if isinstance(choice, str) and choice in _CHOICES:
        return {"type": _CHOICES[choice]}, tools
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "allowed_tools":
        return _allowed(choice, tools)
    if kind in ("function", "custom"):
        return {"type": "FUNCTION", "name": _name(choice, "tool_choice")}, tools
    raise EncodeError(
        "tool_choice: auto, none, required or an object that names a tool was expected", "tool_choice"
    )


def _allowed(choice: Mapping[str, Any], tools: list[Json]) -> tuple[Json, list[Json]]:
    allowed = choice.get("allowed_tools")
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(allowed, dict) or not isinstance(listed, (list, tuple)):
        raise EncodeError("tool_choice.allowed_tools.tools: a list was expected", "tool_choice")
    names = {_name(tool, "tool_choice.allowed_tools.tools") for tool in listed}
    mode = "REQUIRED" if allowed.get("mode") == "required" else "AUTO"
    return {"type": mode}, [tool for tool in tools if tool["name"] in names]


def _name(tool: Any, where: str) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else None
    inner = tool.get(kind) if isinstance(kind, str) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(name, str) or not name:
        raise EncodeError(f"{where}: a tool has no name", "tool_choice")
    return name


def custom_names(params: Mapping[str, Any]) -> frozenset[str]:
    """Names of the tools in `params` that take free text: their calls are handed out as such."""
    found = set()
    tools = params.get("tools")
    for tool in tools if isinstance(tools, (list, tuple)) else ():
        custom = tool.get("custom") if isinstance(tool, dict) and tool.get("type") == "custom" else None
        name = custom.get("name") if isinstance(custom, dict) else None
        if isinstance(name, str):
            found.add(name)
    return frozenset(found)
