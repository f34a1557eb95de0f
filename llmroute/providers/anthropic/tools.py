"""Tools and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .models import takes_schemas
from .schema import fitted

#: Members that the recorded wire format always has, all without effect when empty.
_EMPTY_SCHEMA: Final[Mapping[str, Any]] = {"type": "object", "properties": {}, "required": [], "$defs": {}}


def tools_of(tools: Any, report: Report, model: str) -> list[dict[str, Any]]:
    """Anthropic's `tools` for OpenAI's.

    Function tools keep their whole schema and their extras (`cache_control`, `defer_loading`, ...).
    Built-in tools come in the gateway's form `{"type": X, X: {"name": TYPE, ...}}` or in Anthropic's
    own. Raises EncodeError for what is no tool, and for OpenAI's free-text tools.
    """
    if tools is None:
        return []
    if not isinstance(tools, (list, tuple)):
        raise EncodeError("tools: a list was expected", "tools")
    return [_tool(tool, f"tools[{i}]", report, model) for i, tool in enumerate(tools)]


def functions_of(functions: Any, report: Report) -> list[dict[str, Any]]:
    """The same for OpenAI's deprecated `functions`."""
    if not isinstance(functions, (list, tuple)):
        raise EncodeError("functions: a list was expected", "functions")
    return [_function(each, {}, f"functions[{i}]", report, "") for i, each in enumerate(functions)]


def _tool(tool: Any, where: str, report: Report, model: str) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    kind = tool.get("type")
    if kind == "function" or (kind is None and "function" in tool):
        return _function(tool.get("function"), tool, f"{where}.function", report, model)
    inner = tool.get(kind) if isinstance(kind, str) else None
    if isinstance(inner, dict):
        if kind == "custom":
            raise EncodeError(f"{where}: Anthropic's API has no free-text tools", where)
        return {
            "name": kind,
            **{name: value for name, value in inner.items() if name != "name"},
            **{name: value for name, value in tool.items() if name not in ("type", kind)},
            "type": inner.get("name", kind),
        }
    return dict(tool)


def _function(
    function: Any, tool: Mapping[str, Any], where: str, report: Report, model: str
) -> dict[str, Any]:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise EncodeError(f"{where}.name: a text was expected", f"{where}.name")
    parameters = function.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise EncodeError(f"{where}.parameters: an object was expected", f"{where}.parameters")
    found: dict[str, Any] = {"name": function["name"], "description": function.get("description") or ""}
    strict = _strict_schema(parameters, where, report, model) if function.get("strict") else None
    if strict is not None:
        found["input_schema"] = strict
        found["strict"] = True
    else:
        found["input_schema"] = {**_EMPTY_SCHEMA, **(parameters or {})}
    for source, own in ((function, ("name", "description", "parameters", "strict")), (tool, _OWN)):
        if len(source) > 2:
            found.update((k, v) for k, v in source.items() if k not in own and v is not None)
    return found


_OWN: Final = ("type", "function")


def _strict_schema(parameters: Any, where: str, report: Report, model: str) -> dict[str, Any] | None:
    schema = (
        fitted({"type": "object", "properties": {}, **(parameters or {})}) if takes_schemas(model) else None
    )
    if schema is None:
        report.lost(f"{where}.strict", "is not sent: the model cannot be held to this schema")
    return schema


# -- the choice --------------------------------------------------------------


def choice_of(
    choice: Any, tools: list[dict[str, Any]], parallel: Any
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Anthropic's `tool_choice` (None: leave it out) and the tools to send.

    OpenAI's `allowed_tools` becomes a shorter list of tools. `parallel_tool_calls: false` becomes
    `disable_parallel_tool_use`. Raises EncodeError for an unknown choice.
    """
    found, tools = _choice(choice, tools)
    if found is not None and not tools and found["type"] in ("auto", "none"):
        return None, tools  # the API wants no choice without tools, and there is nothing to choose
    if parallel is False and tools:
        found = found or {"type": "auto"}
        if found["type"] != "none":
            found["disable_parallel_tool_use"] = True
    return found, tools


_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "required": "any", "any": "any", "none": "none"}


def _choice(choice: Any, tools: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    if choice is None:
        return None, tools
    if isinstance(choice, str) and choice in _CHOICES:
        return {"type": _CHOICES[choice]}, tools
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "allowed_tools":
        return _allowed(choice, tools)
    if kind in ("function", "custom"):
        return {"type": "tool", "name": _name_of(choice, "tool_choice")}, tools
    if kind in ("auto", "any", "tool", "none"):
        return dict(choice), tools
    raise EncodeError("tool_choice: unknown choice", "tool_choice")


def _allowed(
    choice: Mapping[str, Any], tools: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    allowed = choice.get("allowed_tools", choice)
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(listed, (list, tuple)):
        raise EncodeError("tool_choice.allowed_tools.tools: a list was expected", "tool_choice")
    names = {_name_of(tool, "tool_choice.allowed_tools.tools") for tool in listed}
    kind = "any" if allowed.get("mode") == "required" else "auto"
    return {"type": kind}, [tool for tool in tools if tool.get("name") in names]


def _name_of(tool: Any, where: str) -> str:
    """The name in `{"type": T, T: {"name": N}}` or `{"type": T, "name": N}`; a built-in tool's type."""
    if isinstance(tool, dict):
        kind = tool.get("type")
        inner = tool.get(kind) if isinstance(kind, str) else None
        builtin = None if kind in ("function", "custom") else kind
        name = inner.get("name") if isinstance(inner, dict) else tool.get("name", builtin)
        if isinstance(name, str):
            return name
    raise EncodeError(f"{where}: a tool has no name", "tool_choice")
