"""What the routing headers of a request change, as far as the router's `request_config` lets them."""

from __future__ import annotations

from typing import Any

import attrs

from .config.document import Config
from .config.headers import RoutingHeaders, config_value
from .config.inherit import Overlay
from .config.schema import ConfigNode
from .core import Core
from .errors import ConfigError, Problem
from .routing.plan import Plan
from .view import View


def overlay_of(routing: RoutingHeaders, core: Core, view: View) -> Overlay:
    """The settings of the headers above the view's."""
    return view.overlay if core.request_config == "deny" else above(view.overlay, routing.overlay)


def above(view: Overlay, asked: Overlay) -> Overlay:
    """What a request's headers ask for, above the view's settings. A view's own key stays."""
    names = ("provider", "custom_host", "request_timeout", "forward_headers", "strict")
    given: dict[str, Any] = {name: value for name in names if (value := getattr(asked, name)) is not None}
    if view.api_key is None:
        given.update(api_key=asked.api_key, from_headers=True)
    if asked.guardrails:
        given["guardrails"] = (*view.guardrails, *asked.guardrails)
    if asked.options:
        given["options"] = (*view.options, *asked.options)
    if not asked.trusted and (asked.options or "custom_host" in given or "provider" in given):
        given["trusted"] = False
    return attrs.evolve(view, **given)


def plan_of(
    routing: RoutingHeaders, overlay: Overlay, core: Core, view: View, own: Plan | None
) -> Plan | None:
    """The plan that the headers ask for; `own` is the view's. Raises ConfigError."""
    if core.request_config == "deny":
        if routing.routing:
            name = routing.routing[0]
            text = "this router has its own config and takes no routing from requests"
            raise ConfigError([Problem(f"headers.{name}", text)])
        return own
    trusted = core.request_config == "trusted"
    if routing.config is None and routing.provider is None:
        return _plan_of_settings(routing, overlay, core, view, own)
    named = core.configs.get(routing.config or "")
    if named is not None:
        return core.planner.plan(named, overlay)

    def compiled() -> Plan:
        if routing.config is None:
            return core.planner.compile(ConfigNode(), "", trusted, overlay)
        config = Config(config_value(routing.config), trusted=trusted, unknown=core.unknown)
        return core.planner.compile(config.node, config.digest, trusted, overlay)

    return core.planner.cached((routing.config, overlay, trusted), compiled)


def _plan_of_settings(
    routing: RoutingHeaders, overlay: Overlay, core: Core, view: View, own: Plan | None
) -> Plan | None:
    """The view's config with other settings, where the headers name neither a config nor a provider."""
    config = view.config or core.config
    if config is not None and (routing.routing or routing.request_timeout is not None):
        return core.planner.plan(config, overlay)
    if own is None and not core.planner.around.named:
        text = "the request names no target: send x-portkey-config or x-portkey-provider"
        raise ConfigError([Problem("headers", text)])
    return own


def timeout_of(routing: RoutingHeaders, core: Core, view: View) -> float | None:
    """Seconds for the whole call: with `request_config="deny"` a request may still ask for less time."""
    if routing.request_timeout is None or core.request_config != "deny":
        return None
    asked = routing.request_timeout / 1000
    return asked if view.timeout is None else min(asked, view.timeout)
