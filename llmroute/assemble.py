"""Puts a router's core together from what its constructor was given."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs

from .clock import Clock, SystemClock
from .config.document import Config
from .config.inherit import Surroundings
from .config.parse import parse
from .config.schema import ConfigNode
from .core import Core, RequestConfig
from .environment import Environment, Randomness
from .errors import ConfigError, Problem
from .providers.registry import known_providers, refusal
from .routing.plan import Planner
from .telemetry.events import Event, Observer
from .transport.base import Transport
from .wire.hosts import HostPolicy

_log = logging.getLogger("llmroute")


@attrs.frozen
class Setup:
    """The constructor's arguments that make the shared half of a router."""

    providers: Mapping[str, Any]
    configs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    request_config: RequestConfig
    unknown: Literal["error", "warn"]
    transport: Transport | None
    hosts: tuple[str, ...]
    observers: tuple[Observer, ...]
    clock: Clock | None
    seed: int | None


def make_core(setup: Setup) -> Core:
    """The core. Raises ConfigError for wrong named providers and configs."""
    named, exposed, adapters = _named_providers(setup.providers)
    untrusted = _untrusted_hosts(setup.hosts)
    randomness = Randomness(setup.seed)
    transport = setup.transport
    if transport is None:
        from .transport.aiohttp import AiohttpTransport

        transport = AiohttpTransport(untrusted_hosts=untrusted)
    env = Environment(
        transport=transport,
        clock=setup.clock or SystemClock(),
        random=randomness.next,
        variable=os.environ.get,
        emit=_emitter(setup.observers),
        adapters=adapters,
        keyless=getattr(transport, "keyless", False),
    )
    around = Surroundings(
        known_providers=(*known_providers(), *adapters),
        refusal=refusal,
        named=named,
        exposed=exposed,
        untrusted_hosts=untrusted,
    )
    configs = {name: _named_config(name, source, setup.unknown) for name, source in setup.configs.items()}
    return Core(
        env,
        Planner(around, env),
        randomness,
        request_config=setup.request_config,
        unknown=setup.unknown,
        metadata=setup.metadata,
        configs=configs,
    )


def _untrusted_hosts(hosts: tuple[str, ...]) -> HostPolicy:
    problem: Problem
    try:
        return HostPolicy.strict(hosts)
    except ValueError as error:
        problem = Problem("hosts", str(error))
    raise ConfigError([problem])


def shorthand_config(members: Mapping[str, Any]) -> Config:
    """A one-target config from keywords. `Authorization` is an `api_key` with or without "Bearer "."""
    made = dict(members)
    for name in ("Authorization", "authorization"):
        if name in made:
            text = made.pop(name)
            bearer = isinstance(text, str) and text[:7].lower() == "bearer "
            made.setdefault("api_key", text[7:] if bearer else text)
    return Config(made)


def _named_config(name: str, source: Any, unknown: Literal["error", "warn"]) -> Config:
    if isinstance(source, Config):
        return source
    try:
        return Config(source, unknown=unknown)
    except ConfigError as error:
        problems = _renamed(error, f"configs.{name}")
    raise ConfigError(problems)


def _named_providers(
    providers: Mapping[str, Any],
) -> tuple[dict[str, ConfigNode], frozenset[str], dict[str, Callable[..., Any]]]:
    named: dict[str, ConfigNode] = {}
    exposed: set[str] = set()
    adapters: dict[str, Callable[..., Any]] = {}
    problems: list[Problem] = []
    for name, declared in providers.items():
        if callable(declared):
            adapters[name] = declared
            continue
        members = dict(declared) if isinstance(declared, Mapping) else declared
        if isinstance(members, dict) and members.pop("expose", False) is True:
            exposed.add(name)
        try:
            node = parse(members, root=f"providers.{name}").node
        except ConfigError as error:
            problems += error.problems
            continue
        if node.provider is None or node.provider.startswith("@") or node.targets is not None:
            problems.append(Problem(f"providers.{name}.provider", "missing; a named provider is one target"))
        named[name] = node
    if problems:
        raise ConfigError(problems)
    return named, frozenset(exposed), adapters


def _renamed(error: ConfigError, root: str) -> list[Problem]:
    return [Problem(root + problem.path.removeprefix("config"), problem.message) for problem in error.problems]


def _emitter(observers: tuple[Observer, ...]) -> Callable[[Event], None] | None:
    if not observers:
        return None

    def emit(event: Event) -> None:
        for observer in observers:
            try:
                observer(event)
            except Exception as error:
                # An observer must not be able to break a call.
                _log.warning("an observer raised %s", type(error).__name__)

    return emit
