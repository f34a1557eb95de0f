"""What a router has for its guardrails: the compiler that reads them and the engine that runs them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import attrs

from ..clock import Clock
from ..config.hooks import HookSettings
from ..transport.base import Transport
from .base import Check, Services
from .compile import HookCompiler
from .engine import Engine
from .fetch import Fetcher
from .threads import Threads


@attrs.frozen
class HookKit:
    """Shared by all plans of a router."""

    compiler: HookCompiler
    engine: Engine


@attrs.frozen
class KitSettings:
    """What the host gave for the guardrails of its router; see `compile.HookCompiler` and `base.Services`."""

    checks: Mapping[str, Check] = attrs.field(factory=dict)
    guardrails: Mapping[str, HookSettings] = attrs.field(factory=dict)
    errors: Literal["pass", "deny"] | None = None
    hosts: tuple[str, ...] = ()


def make_kit(
    settings: KitSettings,
    transport: Transport,
    clock: Clock,
    ask: Callable[[str, Mapping[str, Any], float], Awaitable[str]],
    provider: Callable[[str], Mapping[str, Any] | None],
    variable: Callable[[str], str | None],
) -> HookKit:
    """The kit of one router; nothing is contacted."""
    services = Services(
        clock=clock,
        fetch=Fetcher(transport, clock, settings.hosts),
        nonce=lambda: secrets.token_hex(8),
        ask=ask,
        provider=provider,
        variable=variable,
    )
    compiler = HookCompiler(services, settings.checks, settings.guardrails, settings.errors)
    return HookKit(compiler, Engine(clock, Threads()))
