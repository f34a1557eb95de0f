"""Passes or blocks kinds of requests ("chatComplete", ...).

Parameters: `allowedTypes`, `blockedTypes`, each a list or text with commas. For a list that is not given
the metadata's `supported_endpoints` or `blocked_endpoints` count.
"""

from __future__ import annotations

from typing import Any

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.report import undecided


def build(parameters: Parameters, services: Services) -> Check:
    """A type in both lists is a contradiction: refused in the parameters, undecided with the metadata."""
    allowed = _read(parameters, "allowedTypes")
    blocked = _read(parameters, "blockedTypes")
    parameters.done()
    if set(allowed) & set(blocked):
        parameters.problem("blockedTypes", "has an entry that is allowed, too")

    def check(context: HookContext) -> Verdict:
        current = context.request_type
        allow = allowed or _entries(context.metadata.get("supported_endpoints"))
        block = blocked or _entries(context.metadata.get("blocked_endpoints"))
        lists = {"allowedTypes": allow, "blockedTypes": block}
        if set(allow) & set(block):
            return undecided("A type is allowed and blocked.", {"currentRequestType": current, **lists})
        if not allow and not block:
            lists, mode = {"allowedTypes": ["all"]}, "unrestricted"
        else:
            lists = {name: types for name, types in lists.items() if types}
            mode = "combined" if len(lists) == 2 else "allowlist" if allow else "blocklist"
        passed = current not in block and (not allow or current in allow)
        source = "parameters" if allowed or blocked else "metadata" if allow or block else "default"
        data = {
            "currentRequestType": current,
            **lists,
            "verdict": passed,
            "explanation": f"Requests of this type are {'allowed' if passed else 'not allowed'}.",
            "source": source,
            "mode": mode,
        }
        return Verdict(passed, data)

    return check


def _read(parameters: Parameters, name: str) -> list[str]:
    value = parameters.raw(name)
    return _entries(value) if isinstance(value, str) else list(parameters.texts(name, ()))


def _entries(value: Any) -> list[str]:
    if isinstance(value, str):
        return [entry.strip() for entry in value.split(",")] if value else []
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, (list, tuple)) else []
