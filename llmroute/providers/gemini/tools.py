"""OpenAI's `tools` and `tool_choice` as Gemini's tools and tool configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .schema import OBJECT, either_form

#: Functions by these names are Google's own tools, as the reference has it.
_NAMED_TOOLS: Final = {
    "googleSearch": "googleSearch",
    "google_search": "googleSearch",
    "googleSearchRetrieval": "googleSearchRetrieval",
    "google_search_retrieval": "googleSearchRetrieval",
    "computerUse": "computerUse",
    "computer_use": "computerUse",
    "googleMaps": "googleMaps",
    "google_maps": "googleMaps",
}
#: Tools that may be given in Google's own form, `{"urlContext": {}}`, or by type.
_OWN_TOOLS: Final = {
    **_NAMED_TOOLS,
    "urlContext": "urlContext",
    "url_context": "urlContext",
    "codeExecution": "codeExecution",
    "code_execution": "codeExecution",
    "fileSearch": "fileSearch",
    "file_search": "fileSearch",
    "mcpServers": "mcpServers",
    "mcp_servers": "mcpServers",
    "enterpriseWebSearch": "enterpriseWebSearch",
    "enterprise_web_search": "enterpriseWebSearch",
    "exaAiSearch": "exaAiSearch",
    "exa_ai_search": "exaAiSearch",
    "parallelAiSearch": "parallelAiSearch",
    "parallel_ai_search": "parallelAiSearch",
    "retrieval": "retrieval",
    "functionDeclarations": "functionDeclarations",
    "function_declarations": "functionDeclarations",
    "web_search": "googleSearch",
    "web_search_preview": "googleSearch",
}
_FREE_TEXT: Final = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}

Json = dict[str, Any]


def tools_of(tools: Any, report: Report) -> tuple[list[Json], list[str], Json]:
    """Gemini's tools, the names of the declared functions, and the members for `tool_config`.

    Raises EncodeError for what is no tool.
    """
    if tools is None:
        return [], [], {}
    if not isinstance(tools, (list, tuple)):
        raise EncodeError("tools: a list was expected", "tools")
    own: list[Json] = []
    functions: list[Json] = []
    config: Json = {}
    for position, tool in enumerate(tools):
        where = f"tools[{position}]"
        if not isinstance(tool, OBJECT):
            raise EncodeError(f"{where}: an object was expected", where)
        if tool.get("cache_control") is not None:
            report.lost(f"{where}.cache_control")
        kind = tool.get("type")
        if kind == "custom":
            functions.append(_free_text(tool.get("custom"), f"{where}.custom", report))
        elif kind == "function" or isinstance(tool.get("function"), Mapping):
            _add_function(tool.get("function"), f"{where}.function", own, functions, config)
        else:
            own.append(_own_tool(tool, where))
    if functions:
        own.append({"functionDeclarations": functions})
    return own, [function["name"] for function in functions], config


def _add_function(function: Any, where: str, own: list[Json], functions: list[Json], config: Json) -> None:
    name = _name(function, where)
    parameters = function.get("parameters")
    if name not in _NAMED_TOOLS or (isinstance(parameters, OBJECT) and parameters.get("properties")):
        functions.append(_declaration(function, name, parameters, f"{where}.parameters"))
        return
    settings = _camel_members(parameters) if isinstance(parameters, OBJECT) else {}
    if name in ("googleMaps", "google_maps") and "retrievalConfig" in settings:
        config["retrievalConfig"] = settings.pop("retrievalConfig")
    own.append({_NAMED_TOOLS[name]: settings})


def _name(function: Any, where: str) -> str:
    name = function.get("name") if isinstance(function, OBJECT) else None
    if not isinstance(name, str) or not name:
        raise EncodeError(f"{where}.name: a text was expected", f"{where}.name")
    return name


def _declaration(function: Mapping[str, Any], name: str, parameters: Any, where: str) -> Json:
    declared: Json = {"name": name}
    for member in ("description", "behavior", "response", "parametersJsonSchema", "responseJsonSchema"):
        if function.get(member) is not None:
            declared[member] = function[member]
    if parameters is None or parameters == {}:
        return declared
    form = either_form(parameters, "parameters", "parametersJsonSchema", where)
    schema = form.get("parameters")
    # The API refuses objects without properties, and wants none for a function without parameters.
    if schema is None or schema.get("properties") or schema.get("type") != "object":
        declared.update(form)
    return declared


def _free_text(custom: Any, where: str, report: Report) -> Json:
    """A tool that takes free text is a function with one parameter; a grammar cannot be carried."""
    name = _name(custom, where)
    form = custom.get("format")
    if isinstance(form, OBJECT) and form.get("type") not in (None, "text"):
        report.lost(f"{where}.format")
    declared: Json = {"name": name, "parameters": _FREE_TEXT}
    if custom.get("description") is not None:
        declared["description"] = custom["description"]
    return declared


def _own_tool(tool: Mapping[str, Any], where: str) -> Json:
    found = {_OWN_TOOLS[key]: value for key, value in tool.items() if key in _OWN_TOOLS}
    if found:
        return found
    kind = tool.get("type")
    if isinstance(kind, str) and kind in _OWN_TOOLS:
        members = {key: value for key, value in tool.items() if key not in ("type", "cache_control")}
        # The settings of OpenAI's search have other names and meanings.
        return {_OWN_TOOLS[kind]: {} if kind.startswith("web_search") else _camel_members(members)}
    raise EncodeError(f"{where}: Gemini's API knows no tool of type {kind!r:.100}", where)


def _camel_members(members: Mapping[str, Any]) -> Json:
    return {camel(name): value for name, value in members.items()}


def camel(name: str) -> str:
    """`aspect_ratio` as `aspectRatio`."""
    first, *rest = str(name).split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def calling_of(choice: Any, names: list[str], report: Report) -> Json | None:
    """`function_calling_config` for `tool_choice`; None when the model is free to choose as always."""
    if choice is None:
        return None
    mode, allowed = _choice(choice)
    if not names:
        if mode == "ANY":
            report.lost("tool_choice", "asks for a call, but no function is declared")
        return None
    config: Json = {"mode": mode}
    if allowed:
        config["allowed_function_names"] = allowed
    return config


_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}


def _choice(choice: Any) -> tuple[str, list[str]]:
    if isinstance(choice, str) and choice in _MODES:
        return _MODES[choice], []
    if isinstance(choice, OBJECT):
        kind = choice.get("type")
        if kind == "allowed_tools":
            return _allowed(choice.get("allowed_tools"))
        if kind in ("function", "custom"):
            return "ANY", [_name(choice.get(kind), f"tool_choice.{kind}")]
        if isinstance(kind, str) and kind in _MODES:
            return _MODES[kind], []
    raise EncodeError(
        "tool_choice: auto, none, required or an object that names a tool was expected", "tool_choice"
    )


def _allowed(choice: Any) -> tuple[str, list[str]]:
    """Only some of the tools. VALIDATED is the mode that leaves the model free to answer in text."""
    where = "tool_choice.allowed_tools"
    tools = choice.get("tools") if isinstance(choice, OBJECT) else None
    if not isinstance(tools, (list, tuple)) or not tools:
        raise EncodeError(f"{where}.tools: a list of tools was expected", where)
    names = []
    for position, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, OBJECT) else None
        holder = tool.get(kind) if isinstance(kind, str) else None
        names.append(_name(holder, f"{where}.tools[{position}]"))
    return ("ANY" if choice.get("mode") == "required" else "VALIDATED"), names


def custom_names(params: Mapping[str, Any]) -> frozenset[str]:
    """Names of the tools in `params` that take free text: their calls are handed out as such."""
    tools = params.get("tools")
    if not isinstance(tools, (list, tuple)):
        return frozenset()
    custom = [
        tool.get("custom") for tool in tools if isinstance(tool, OBJECT) and tool.get("type") == "custom"
    ]
    names = [tool.get("name") for tool in custom if isinstance(tool, OBJECT)]
    return frozenset(name for name in names if isinstance(name, str))
