"""Tools and the choice among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..anthropic.schema import fitted
from ..base import EncodeError
from ..report import Report
from .models import Model
from .parts import cache_point

Json = dict[str, Any]

_EMPTY_SCHEMA: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
_NATIVE_TOOLS: Final = ("cachePoint", "systemTool", "toolSpec")
_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "required": "any", "any": "any", "none": "none"}


class Tools:
    """What a request says of tools: `config` is Converse's `toolConfig` (None: leave it out).

    `fields` belongs into `additionalModelRequestFields`: tools of Anthropic's own and what
    `toolChoice` cannot say. Raises EncodeError for what is no tool or no choice.
    """

    __slots__ = ("_model", "_report", "_specs", "fields")

    def __init__(self, model: Model, report: Report) -> None:
        self.fields: Json = {}
        self._model = model
        self._report = report
        self._specs: list[Json] = []

    def config(self, params: Mapping[str, Any], called: Iterable[str]) -> Json | None:
        """`called` are the functions that the conversation has called already."""
        self._read(params)
        choice = _choice_of(params)
        if choice.get("type") == "allowed":
            names = choice["names"]
            self._specs = [spec for spec in self._specs if _name_of_spec(spec) in names]
            choice = {"type": choice["mode"]}
        history = list(called)
        if not any("toolSpec" in spec for spec in self._specs) and history:
            # "The toolConfig field must be defined when using toolUse and toolResult content blocks."
            self._specs += [{"toolSpec": _spec(name, None, _EMPTY_SCHEMA)} for name in history]
            self._report.told("tools", "are declared as the conversation calls them: Converse demands it")
        return self._chosen(choice, params.get("parallel_tool_calls"), bool(history))

    def _chosen(self, choice: Json, parallel: Any, has_history: bool) -> Json | None:
        kind = choice.get("type")
        if not self._specs:
            return None  # there is nothing to choose from
        config: Json = {"tools": self._specs}
        if kind == "none":
            return self._without_calls(config, has_history)
        if parallel is False:
            if self._model.claude is not None and self._model.takes_schemas:
                # Converse refuses a field that both it and the model's own fields set.
                self.fields["tool_choice"] = {
                    "type": "auto",
                    **choice,
                    "disable_parallel_tool_use": True,
                }
                return config
            self._report.lost("parallel_tool_calls")
        if kind == "tool":
            config["toolChoice"] = {"tool": {"name": choice["name"]}}
        elif kind is not None:
            config["toolChoice"] = {kind: {}}
        return config

    def _without_calls(self, config: Json, has_history: bool) -> Json | None:
        """`tool_choice: "none"`, which Converse has no word for."""
        if not has_history:
            self._report.told("tool_choice", "none is carried out by sending no tools")
            return None
        if self._model.claude is not None:
            self.fields["tool_choice"] = {"type": "none"}
        else:
            self._report.lost("tool_choice", "none is not sent: Converse has no such choice")
        return config

    # -- tools ---------------------------------------------------------------

    def _read(self, params: Mapping[str, Any]) -> None:
        for name in ("tools", "functions"):
            tools = params.get(name)
            if tools is None:
                continue
            if not isinstance(tools, (list, tuple)):
                raise EncodeError(f"{name}: a list was expected", name)
            for i, tool in enumerate(tools):
                where = f"{name}[{i}]"
                if not isinstance(tool, dict):
                    raise EncodeError(f"{where}: an object was expected", where)
                if name == "functions":
                    self._function(tool, where)
                else:
                    self._tool(tool, where)

    def _tool(self, tool: Json, where: str) -> None:
        kind = tool.get("type")
        if kind == "function" or (kind is None and "function" in tool):
            self._function(tool.get("function"), f"{where}.function")
        else:
            self._other(tool, kind, where)
            return
        mark = tool.get("cache_control")
        if mark is None:
            return
        if self._model.takes_tool_cache_points:
            self._specs.append({"cachePoint": cache_point(mark)})
        else:
            self._report.lost("tools[].cache_control", "is not sent: the model caches no tools")

    def _function(self, function: Any, where: str) -> None:
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise EncodeError(f"{where}.name: a text was expected", f"{where}.name")
        parameters = function.get("parameters")
        if parameters is not None and not isinstance(parameters, dict):
            raise EncodeError(f"{where}.parameters: an object was expected", f"{where}.parameters")
        schema: Mapping[str, Any] = parameters or _EMPTY_SCHEMA
        strict = None
        if function.get("strict"):
            strict = fitted(schema) if self._model.takes_schemas else None
            if strict is None:
                self._report.lost(f"{where}.strict", "is not sent: the model cannot be held to this schema")
        spec = _spec(function["name"], function.get("description"), strict or schema)
        if strict is not None:
            spec["strict"] = True
        self._specs.append({"toolSpec": spec})

    def _other(self, tool: Json, kind: Any, where: str) -> None:
        """Tools that are no functions: Converse's own form, Amazon's system tools, Anthropic's tools."""
        native = [name for name in _NATIVE_TOOLS if isinstance(tool.get(name), dict)]
        inner = tool.get(kind) if isinstance(kind, str) else None
        if len(native) == 1:
            self._specs.append({native[0]: tool[native[0]]})
        elif not isinstance(kind, str) or kind == "custom":
            raise EncodeError(f"{where}: the Converse API has no such tools", where)
        elif self._model.family == "amazon":
            self._specs.append({"systemTool": {"name": kind}})
        elif self._model.family == "anthropic":
            self.fields.setdefault("tools", []).append(_builtin(tool, kind, inner))
        else:
            raise EncodeError(f"{where}: the model has no tools of its own", where)


def _builtin(tool: Json, kind: str, inner: Any) -> Json:
    """Anthropic's own tool in the gateway's form `{"type": X, X: {"name": TYPE, ...}}`, or as it is."""
    if not isinstance(inner, dict):
        return dict(tool)
    return {
        "name": kind,
        **{name: value for name, value in inner.items() if name != "name"},
        **{name: value for name, value in tool.items() if name not in ("type", kind)},
        "type": inner.get("name", kind),
    }


def _spec(name: str, description: Any, schema: Mapping[str, Any]) -> Json:
    spec: Json = {"name": name}
    if description:
        spec["description"] = description
    spec["inputSchema"] = {"json": dict(schema)}
    return spec


def _name_of_spec(spec: Json) -> Any:
    inner = spec.get("toolSpec") or spec.get("systemTool")
    return inner.get("name") if isinstance(inner, dict) else None


# -- the choice --------------------------------------------------------------


def _choice_of(params: Mapping[str, Any]) -> Json:
    """The choice as `{"type": T}` with T auto, any, tool (and `name`), none or allowed; {} for none given."""
    choice, legacy = params.get("tool_choice"), params.get("function_call")
    if choice is None and legacy is not None:
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    if choice is None:
        return {}
    if isinstance(choice, str) and choice in _CHOICES:
        return {"type": _CHOICES[choice]}
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "allowed_tools":
        return _allowed(choice)
    if kind in ("function", "custom", "tool"):
        return {"type": "tool", "name": _name_of(choice)}
    if kind in ("auto", "any", "none"):
        return {"type": kind}
    raise EncodeError("tool_choice: unknown choice", "tool_choice")


def _allowed(choice: Mapping[str, Any]) -> Json:
    allowed = choice.get("allowed_tools", choice)
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(listed, (list, tuple)):
        raise EncodeError("tool_choice.allowed_tools.tools: a list was expected", "tool_choice")
    mode = "any" if allowed.get("mode") == "required" else "auto"
    return {"type": "allowed", "mode": mode, "names": [_name_of(tool) for tool in listed]}


def _name_of(tool: Any) -> str:
    """The name in `{"type": T, T: {"name": N}}` or `{"type": T, "name": N}`."""
    if isinstance(tool, dict):
        kind = tool.get("type")
        inner = tool.get(kind) if isinstance(kind, str) else None
        name = inner.get("name") if isinstance(inner, dict) else tool.get("name")
        if isinstance(name, str):
            return name
    raise EncodeError("tool_choice: a tool has no name", "tool_choice")
