"""Tools and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report

#: Parameters are mandatory here, optional at OpenAI.
_NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
_CHOICES: Final[Mapping[str, str | None]] = {
    "auto": None,
    "none": "NONE",
    "required": "REQUIRED",
    "any": "REQUIRED",
}


def add_tools(body: dict[str, Any], params: Mapping[str, Any], report: Report) -> None:
    """Write tools, `strict_tools` and `tool_choice` into `body`; nothing without tools.

    One flag makes all tools strict. A named function is forced by offering no other. Raises
    EncodeError for what is no function tool and for unknown choices.
    """
    tools = _functions(params, report)
    choice, legacy = params.get("tool_choice"), params.get("function_call")
    if choice is None and legacy is not None:
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    chosen, names = _choice(choice)
    if not tools:
        return
    if names is not None:
        tools = [tool for tool in tools if tool["function"]["name"] in names]
        if not tools:
            raise EncodeError("tool_choice: names no tool that is given", "tool_choice")
    _make_strict(body, tools, report)
    body["tools"] = tools
    if chosen is not None:
        body["tool_choice"] = chosen
    if params.get("parallel_tool_calls") is False:
        report.lost("parallel_tool_calls")


def _functions(params: Mapping[str, Any], report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in ("tools", "functions"):
        given = params.get(name)
        if given is None:
            continue
        if not isinstance(given, (list, tuple)):
            raise EncodeError(f"{name}: a list was expected", name)
        for i, tool in enumerate(given):
            where = f"{name}[{i}]"
            found.append(_tool(tool, where, report) if name == "tools" else _plain(tool, where, report))
    return found


def _tool(tool: Any, where: str, report: Report) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    if tool.get("type", "function") != "function":
        raise EncodeError(f"{where}: Cohere's API takes no tool of type {tool.get('type')!r:.100}", where)
    for name in tool.keys() - {"type", "function"}:
        report.lost(f"tools[].{name}")
    return _plain(tool.get("function"), f"{where}.function", report)


def _plain(function: Any, where: str, report: Report) -> dict[str, Any]:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise EncodeError(f"{where}.name: a text was expected", f"{where}.name")
    found = {name: value for name, value in function.items() if value is not None}
    if not isinstance(found.setdefault("parameters", _NO_PARAMETERS), Mapping):
        raise EncodeError(f"{where}.parameters: an object was expected", f"{where}.parameters")
    for name in found.keys() - {"name", "description", "parameters", "strict"}:
        del found[name]
        report.lost(f"{where}.{name}")
    return {"type": "function", "function": found}


def _make_strict(body: dict[str, Any], tools: list[dict[str, Any]], report: Report) -> None:
    """Move `function.strict` to the top, where it is one for all."""
    wishes = [tool["function"].pop("strict", False) for tool in tools]
    if any(wishes) and "strict_tools" not in body:
        body["strict_tools"] = True
        if not all(wishes):
            report.told("tools[].function.strict", "is sent as strict_tools, which holds for all tools")


def _choice(choice: Any) -> tuple[str | None, frozenset[str] | None]:
    """Cohere's `tool_choice` (None: leave it out), and the names of the tools to offer (None: all)."""
    if choice is None:
        return None, None
    if isinstance(choice, str) and choice.lower() in _CHOICES:
        return _CHOICES[choice.lower()], None
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function":
        return "REQUIRED", frozenset({_name(choice)})
    if kind == "allowed_tools":
        allowed = choice.get("allowed_tools", choice)
        listed = allowed.get("tools") if isinstance(allowed, dict) else None
        if isinstance(listed, (list, tuple)):
            mode = "REQUIRED" if allowed.get("mode") == "required" else None
            return mode, frozenset(map(_name, listed))
    raise EncodeError("tool_choice: unknown choice", "tool_choice")


def _name(tool: Any) -> str:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise EncodeError("tool_choice: a tool has no name", "tool_choice")
    return name
