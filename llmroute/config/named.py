"""Named providers: credentials that the host declared, put below the members of a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from .findings import Findings
from .guards import MEMBERS as HOOKS
from .primitives import quoted
from .schema import ConfigNode

#: Members of a named provider that mean nothing: they belong to one place of a tree.
PLACE_MEMBERS = (
    "name",
    "weight",
    "strategy",
    "targets",
    "deadline",
    "metadata",
    "virtual_key",
    "inherit_hooks",
)

#: What untrusted data may not add to the host's credentials: it could send them elsewhere.
_STEERING_MEMBERS = ("custom_host", "api_key", "options")

_MERGED = tuple(
    field.name
    for field in attrs.fields(ConfigNode)
    if field.name not in (*PLACE_MEMBERS, *HOOKS, "provider", "options", "override_params")
)


def name_of(node: ConfigNode, path: str) -> tuple[str, str] | None:
    """The name that a target uses and where it stands; None when the target uses none.

    Written as `"virtual_key": "name"`, `"provider": "@name"` or, without a provider, as
    `"override_params": {"model": "@name/model"}`.
    """
    provider = node.provider
    if node.virtual_key is not None:
        return node.virtual_key.removeprefix("@"), f"{path}.virtual_key"
    if provider is not None:
        return (provider[1:], f"{path}.provider") if provider[:1] == "@" else None
    named, _ = split_model(node.override_params)
    return None if named is None else (named, f"{path}.override_params.model")


def split_model(params: Mapping[str, Any] | None) -> tuple[str | None, Any]:
    """The name and the rest of a model `@name/rest`; (None, the model) for any other."""
    model = params.get("model") if params else None
    if isinstance(model, str) and model[:1] == "@" and "/" in model:
        name, rest = model[1:].split("/", 1)
        return name, rest
    return None, model


def merged(node: ConfigNode, named: ConfigNode) -> ConfigNode:
    """The target with the named provider's members where it has none of its own."""
    changes: dict[str, Any] = {
        name: value
        for name in _MERGED
        if getattr(node, name) is None and (value := getattr(named, name)) is not None
    }
    override = {**(named.override_params or {}), **(node.override_params or {})}
    _, model = split_model(override)
    if model is not None:
        override["model"] = model
    for name in HOOKS:
        # They add up, and stay the word of the host that declared them.
        if (hooks := getattr(named, name)) is not None:
            declared = tuple(attrs.evolve(hook, host_word=True) for hook in hooks)
            changes[name] = declared + (getattr(node, name) or ())
    return attrs.evolve(
        node,
        provider=named.provider,
        virtual_key=None,
        options={**named.options, **node.options},
        override_params=override or None,
        **changes,
    )


def report_clash(node: ConfigNode, named: ConfigNode, path: str, findings: Findings) -> None:
    """A provider written beside a `virtual_key` has to be the named one's."""
    if node.virtual_key is None or node.provider is None:
        return
    if node.provider.removeprefix("@") not in (named.provider, node.virtual_key):
        text = f"expected {named.provider}, the provider behind the virtual_key, or nothing"
        findings.report(f"{path}.provider", f"{text}, got {quoted(node.provider)}")


def report_steering(node: ConfigNode, path: str, findings: Findings) -> None:
    """Untrusted data may use the host's credentials, but only as they were declared."""
    for member in _steering(node):
        findings.report(f"{path}.{member}", "may not be combined with a named provider here")


def _steering(node: ConfigNode) -> Iterable[str]:
    for member in _STEERING_MEMBERS:
        value = getattr(node, member)
        if member == "options":
            yield from value
        elif value is not None:
            yield member
