"""Puts a router's core together from what its constructor was given."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .clock import Clock, SystemClock
from .config.document import Config
from .config.findings import Findings, path_text
from .config.free_form import Members
from .config.guards import NO_GUARDS, GuardCompiler, Guards
from .config.inherit import Compiler, Surroundings
from .config.named import PLACE_MEMBERS
from .config.parse import parse
from .config.primitives import Choice, Flag, Invalid, Text, did_you_mean, found
from .config.schema import OPTIONS, ConfigNode
from .core import Core, RequestConfig
from .environment import Environment, Randomness
from .errors import ConfigError, Problem
from .hooks.setup import members_of, once, own_checks, own_guardrails, own_hooks
from .providers.registry import known_providers, refusal, required
from .routing.plan import Planner
from .telemetry.events import Event, Observer
from .transport.base import Transport
from .wire.fetching import FetchPolicy
from .wire.hosts import HostPolicy

if TYPE_CHECKING:
    from .hooks.kit import HookKit

_log = logging.getLogger("llmroute")


@attrs.frozen
class Setup:
    """The constructor's arguments that make the shared half of a router."""

    providers: Mapping[str, Any]
    configs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    request_config: RequestConfig
    unknown: Literal["error", "warn"]
    require_keys: bool
    transport: Transport | None
    hosts: tuple[str, ...]
    observers: tuple[Observer, ...]
    clock: Clock | None
    seed: int | None
    checks: Mapping[str, Any]
    guardrails: Mapping[str, Any]
    input_guardrails: tuple[Any, ...]
    output_guardrails: tuple[Any, ...]
    guardrail_errors: Literal["pass", "deny"] | None
    fetch: FetchPolicy | None


def checked_setup(given: Mapping[str, object]) -> Setup:
    """The arguments as they were given, checked. Raises ConfigError that names each wrong one."""
    made: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, check in _CHECKS.items():
        try:
            made[name] = check(given[name])
        except Invalid as error:
            problems += [Problem(name + path_text(part.at), part.message) for part in error.parts]
    if problems:
        raise ConfigError(problems)
    return Setup(**made)


def _declared(value: object) -> Mapping[str, Any]:
    """Named things: an object whose members have names."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Invalid(f"expected an object, got {found(value)}")
    for name in value:
        if not isinstance(name, str) or not name:
            raise Invalid(f"expected names as text, got {found(name)}")
    return value


def _metadata(value: object) -> Mapping[str, Any]:
    return {} if value is None else Members()(value)


def _hosts(value: object) -> tuple[str, ...]:
    """One host or several."""
    hosts = (value,) if isinstance(value, str) else _several(value, "host names")
    for index, host in enumerate(hosts):
        try:
            HostPolicy.strict([Text()(host)])
        except ValueError as error:
            raise Invalid(str(error), (index,)) from None
    return hosts


def _observers(value: object) -> tuple[Any, ...]:
    observers = (value,) if callable(value) else _several(value, "functions")
    for index, observer in enumerate(observers):
        if not callable(observer):
            raise Invalid(f"expected a function that takes an event, got {found(observer)}", (index,))
    return observers


def _several(value: object, what: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise Invalid(f"expected {what}, got {found(value)}")
    return tuple(value)


def _with_methods(*methods: str) -> Callable[[object], Any]:
    def check(value: object) -> Any:
        lacking = [name for name in methods if not callable(getattr(value, name, None))]
        if value is not None and (lacking or isinstance(value, type)):
            raise Invalid(f"expected an object with the methods {', '.join(methods)}, got {found(value)}")
        return value

    return check


def _seed(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise Invalid(f"expected a whole number, got {found(value)}")
    return value


def _fetch(value: object) -> FetchPolicy | None:
    if isinstance(value, FetchPolicy):
        return value
    if value is None or isinstance(value, bool):
        return FetchPolicy() if value else None
    raise Invalid(f"expected true, false or a FetchPolicy, got {found(value)}")


#: What each argument has to be; the result is what is kept.
_CHECKS: Mapping[str, Callable[[object], Any]] = {
    "providers": _declared,
    "configs": _declared,
    "metadata": _metadata,
    "request_config": Choice(("deny", "untrusted", "trusted")),
    "unknown": Choice(("error", "warn")),
    "require_keys": Flag(),
    "transport": _with_methods("send", "aclose"),
    "hosts": _hosts,
    "observers": _observers,
    "clock": _with_methods("now", "time", "sleep", "call_at", "timeout"),
    "seed": _seed,
    "checks": lambda value: own_checks(_declared(value)),
    "guardrails": lambda value: own_guardrails(_declared(value)),
    "input_guardrails": own_hooks,
    "output_guardrails": own_hooks,
    "guardrail_errors": lambda value: None if value is None else Choice(("pass", "deny"))(value),
    "fetch": _fetch,
}


def make_core(setup: Setup) -> Core:
    """The core. Raises ConfigError for wrong named providers and configs."""
    named, exposed, adapters = _named_providers(setup.providers)
    untrusted = HostPolicy.strict(setup.hosts)
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
        fetch=setup.fetch,
        hook_kit=once(lambda: _hook_kit(setup, env, named, lambda: core)),
    )
    around = Surroundings(
        known_providers=frozenset((*known_providers(), *adapters)),
        refusal=refusal,
        required=required,
        named=named,
        exposed=exposed,
        own_providers=frozenset(adapters),
        untrusted_hosts=untrusted,
        hooks=lambda: env.hook_kit().compiler.session(),
    )
    _check_named(around)
    around = attrs.evolve(around, guards=_own_guards(setup, around))
    configs = {name: _named_config(name, source, setup.unknown) for name, source in setup.configs.items()}
    core = Core(
        env,
        Planner(around, env),
        randomness,
        request_config=setup.request_config,
        unknown=setup.unknown,
        metadata=setup.metadata,
        configs=configs,
    )
    return core


def _hook_kit(
    setup: Setup, env: Environment, named: Mapping[str, ConfigNode], core: Callable[[], Core]
) -> HookKit:
    # Imported here: most routers have no guardrails, and attrs classes take their time.
    from .hooks.kit import KitSettings, make_kit

    settings = KitSettings(setup.checks, setup.guardrails, setup.guardrail_errors, setup.hosts)

    async def ask(name: str, body: Mapping[str, Any], seconds: float) -> str:
        return await core().ask(name, body, seconds)

    return make_kit(settings, env.transport, env.clock, ask, members_of(named, env.variable), env.variable)


def _own_guards(setup: Setup, around: Surroundings) -> Guards:
    """The router's own guardrails, and its named ones looked at. Raises ConfigError."""
    if not (setup.input_guardrails or setup.output_guardrails or setup.guardrails):
        return NO_GUARDS
    findings = Findings()
    compiler = GuardCompiler(around.hooks, findings, [], trusted=True)
    guards = Guards(
        compiler.listed(setup.input_guardrails, "input_guardrails", "input"),
        compiler.listed(setup.output_guardrails, "output_guardrails", "output"),
    )
    for name, hook in setup.guardrails.items():
        compiler.declared(hook, f"guardrails{path_text((name,))}")
    if findings.problems:
        raise findings.error()
    return guards


def shorthand_config(members: Mapping[str, Any], unknown: Literal["error", "warn"] = "error") -> Config:
    """A one-target config from keywords. `Authorization` is an `api_key` with or without "Bearer ".

    Raises ConfigError, with the keywords as paths.
    """
    made = dict(members)
    for name in ("Authorization", "authorization"):
        if name in made:
            text = made.pop(name)
            bearer = isinstance(text, str) and text[:7].lower() == "bearer "
            made.setdefault("api_key", text[7:] if bearer else text)
    try:
        return Config(made, unknown=unknown)
    except ConfigError as error:
        problems = [
            Problem(path, problem.message + did_you_mean(path, tuple(_CHECKS)))
            if problem.message == "unknown member"
            else Problem(path or "config", problem.message)
            for problem in error.problems
            for path in (problem.path.removeprefix("config").lstrip("."),)
        ]
    raise ConfigError(problems)


def misplaced_keywords(names: Iterable[str]) -> ConfigError:
    """What to say about keywords beside a config: members of one, or arguments that do not exist."""
    members = {
        *(field.name for field in attrs.fields(ConfigNode)),
        *OPTIONS,
        "Authorization",
        "authorization",
    }
    return ConfigError(
        [
            Problem(name, "may not stand beside a config; use with_options")
            if name in members
            else Problem(name, "unknown argument" + did_you_mean(name, tuple(_CHECKS)))
            for name in names
        ]
    )


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
        root = f"providers{path_text((name,))}"
        if callable(declared):
            adapters[name] = declared
            continue
        if not isinstance(declared, Mapping):
            problems.append(Problem(root, f"expected an object or a function, got {found(declared)}"))
            continue
        members = dict(declared)
        if members.pop("expose", False) is True:
            exposed.add(name)
        try:
            named[name] = parse(members, root=root).node
        except ConfigError as error:
            problems += error.problems
            continue
        problems += _misplaced(named[name], root)
    if problems:
        raise ConfigError(problems)
    return named, frozenset(exposed), adapters


def _misplaced(node: ConfigNode, root: str) -> list[Problem]:
    problems = [
        Problem(f"{root}.{member}", "has no effect here: a named provider is credentials, not a target")
        for member in PLACE_MEMBERS
        if getattr(node, member) is not None
    ]
    if node.provider is None or node.provider[:1] == "@":
        text = "missing; a named provider needs the provider's own name"
        problems.append(Problem(f"{root}.provider", text))
    return problems


def _check_named(around: Surroundings) -> None:
    """Raise ConfigError for named providers that no target could use, whatever it adds."""
    problems: list[Problem] = []
    for name, node in around.named.items():
        compiler = Compiler(around, trusted=True, root=f"providers{path_text((name,))}", complete=False)
        try:
            compiler.compile(node)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def _renamed(error: ConfigError, root: str) -> list[Problem]:
    problems = error.problems
    return [Problem(root + problem.path.removeprefix("config"), problem.message) for problem in problems]


def _emitter(observers: tuple[Observer, ...]) -> Callable[[Event], None] | None:
    if not observers:
        return None

    def emit(event: Event) -> None:
        for observer in observers:
            try:
                observer(event)
            except Exception as error:
                # An observer must not be able to break a call. The error's text may quote anything.
                name = _name_of(observer)
                _log.debug("the observer %s raised", name, exc_info=error)
                _log.warning("the observer %s raised %s", name, type(error).__name__)

    return emit


def _name_of(observer: Observer) -> str:
    """Where to find it: the name of a function or method, otherwise that of its class."""
    name = getattr(observer, "__qualname__", None)
    return name if isinstance(name, str) else type(observer).__qualname__
