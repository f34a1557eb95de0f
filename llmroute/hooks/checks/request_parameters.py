"""Allows or blocks tools, members of the request's body and their values.

Parameters, all optional: `tools` with `allowedTypes`, `blockedTypes`, `allowedFunctionNames` and
`blockedFunctionNames`; `params` with `allowedKeys`, `blockedKeys` and `values`, an object of
`{"allowedValues": [...], "blockedValues": [...]}` by key. An empty list asks for nothing.
Source: the hosted product's documentation of the Request Parameters Check. The older `functions` of a
request count as tools of the type "function", so that they are no way around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from ...config.primitives import found
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading

#: Findings that are reported.
MAX_FINDINGS: Final = 100


def build(parameters: Parameters, services: Services) -> Check:
    """Numbers are compared as numbers, true and 1 are different."""
    tools = reading.section(parameters, "tools")
    params = reading.section(parameters, "params")
    parameters.done()
    types = _rule(tools, "allowedTypes", "blockedTypes")
    names = _rule(tools, "allowedFunctionNames", "blockedFunctionNames")
    keys = _rule(params, "allowedKeys", "blockedKeys")
    values = _values(params) if params else {}
    for section in (tools, params):
        if section is not None:
            section.done()

    def check(context: HookContext) -> Verdict:
        body = context.request
        blocked_tools = list(_blocked_tools(body, types, names)) if types or names else []
        blocked_params = list(_blocked_params(body, keys, values))
        passed = not blocked_tools and not blocked_params
        data = {
            "verdict": passed,
            "explanation": _explanation(blocked_tools, blocked_params),
            "blockedToolsFound": blocked_tools[:MAX_FINDINGS],
            "blockedParamsFound": blocked_params[:MAX_FINDINGS],
        }
        return Verdict(passed, data)

    return check


@attrs.frozen
class _Rule:
    """What is allowed and what is blocked; nothing allowed means that everything is."""

    allowed: frozenset[Any] = frozenset()
    blocked: frozenset[Any] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.allowed or self.blocked)

    def reasons(self, value: Any, what: str) -> list[str]:
        """Codes such as `type_blocked` and `type_not_allowed`."""
        key = _key(value)
        found = [f"{what}_blocked"] if key in self.blocked else []
        return [*found, f"{what}_not_allowed"] if self.allowed and key not in self.allowed else found


def _rule(section: Parameters | None, allowed: str, blocked: str, *, plain: bool = False) -> _Rule:
    if section is None:
        return _Rule()
    kinds, words = ((str, int, float, bool), "text, a number, true or false") if plain else ((str,), "text")
    lists = [reading.scalars(section, name, kinds, words) or () for name in (allowed, blocked)]
    rule = _Rule(*(frozenset(map(_key, entries)) for entries in lists))
    if rule.allowed & rule.blocked:
        section.problem(blocked, f"has an entry that is also in {allowed}")
    return rule


def _values(params: Parameters) -> dict[str, _Rule]:
    rules = {}
    for key, value in params.mapping("values", {}).items():
        if not isinstance(value, Mapping):
            params.problem(f"values.{str(key)[:60]}", f"expected an object, got {found(value)}")
            continue
        section = reading.part(params, value, f"values.{str(key)[:60]}")
        rules[str(key)] = _rule(section, "allowedValues", "blockedValues", plain=True)
        section.done()
    return rules


def _key(value: Any) -> Any:
    """Something that equal values share, and only they."""
    if isinstance(value, bool):
        return ("flag", value)
    return value if isinstance(value, (str, int, float)) else None


def _blocked_tools(body: Mapping[str, Any], types: _Rule, names: _Rule) -> Iterator[dict[str, Any]]:
    for tool in _tools(body):
        members = tool if isinstance(tool, Mapping) else {}
        type_ = members.get("type")
        inner = [entry for entry in map(members.get, ("function", "custom")) if isinstance(entry, Mapping)]
        name = next((entry["name"] for entry in inner if entry.get("name")), members.get("name") or type_)
        reasons = [*types.reasons(type_, "type"), *names.reasons(name, "name")]
        if reasons:
            yield {"type": _shown(type_), "name": _shown(name), "reasons": reasons}


def _tools(body: Mapping[str, Any]) -> Iterator[Any]:
    tools, functions = body.get("tools"), body.get("functions")
    yield from tools if isinstance(tools, list) else [] if tools is None else [tools]
    for function in functions if isinstance(functions, list) else [] if functions is None else [functions]:
        yield {"type": "function", "function": function}


def _blocked_params(
    body: Mapping[str, Any], keys: _Rule, values: Mapping[str, _Rule]
) -> Iterator[dict[str, Any]]:
    for key, value in body.items():
        reasons = keys.reasons(key, "key")
        if key in values:
            reasons += values[key].reasons(value, "value")
        if reasons:
            yield {"param": _shown(key), "value": _shown(value), "reasons": reasons}


def _shown(value: Any) -> Any:
    """Plain values as they are, containers not at all."""
    if isinstance(value, str):
        return value[:200]
    return value if isinstance(value, (bool, int, float)) else None


def _explanation(tools: Iterable[Mapping[str, Any]], params: Iterable[Mapping[str, Any]]) -> str:
    named = [f"tool {tool['name']!r} ({', '.join(tool['reasons'])})" for tool in tools]
    named += [f"parameter {param['param']!r} ({', '.join(param['reasons'])})" for param in params]
    if not named:
        return "The tools and parameters of the request are allowed."
    more = f" and {len(named) - 10} more" if len(named) > 10 else ""
    return f"Not allowed: {', '.join(named[:10])}{more}."
