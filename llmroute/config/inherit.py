"""From a ConfigNode to complete specs: settings pushed down once, names resolved, meanings checked.

Rules: spec/ROUTING.md section 2. `override_params` and `default_params` merge root to leaf, the leaf
winning per key; `retry`, time limits, `custom_host`, `forward_headers` and the rest are the nearest
one given; strictness, provider and key belong to the leaf alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..errors import Problem
from ..secret import Secret
from ..wire.hosts import HostPolicy, check_url
from .conditions import compile_query
from .primitives import did_you_mean
from .schema import ConfigNode, RetrySettings, StrategySettings
from .spec import ConditionSpec, RetrySpec, Spec, StrategySpec, TargetSpec, Timeouts

MAX_STRATEGY_DEPTH = 60


@attrs.frozen
class Overlay:
    """Settings from a view or from request headers, above whatever the config says.

    `trusted` tells whose word they are. An unset member is None. With `rekeys` the key replaces that of
    the config; else it only stands in where the config has none.
    """

    provider: str | None = None
    api_key: Secret | Callable[[], Any] | None = None
    custom_host: str | None = None
    request_timeout: int | None = None
    forward_headers: tuple[str, ...] | None = None
    strict: bool | None = None
    options: tuple[tuple[str, Any], ...] = ()
    trusted: bool = True
    rekeys: bool = False


@attrs.frozen
class Surroundings:
    """What the meaning of a config depends on besides the config itself.

    `named` are the router's named providers, as nodes; `exposed` those that untrusted data may use.
    `refusal` says why a provider cannot be used, None when it can.
    """

    known_providers: tuple[str, ...]
    refusal: Callable[[str], str | None]
    named: Mapping[str, ConfigNode] = attrs.field(factory=dict)
    exposed: frozenset[str] = frozenset()
    hosts: HostPolicy = HostPolicy.trusting()
    untrusted_hosts: HostPolicy = HostPolicy.strict()


@attrs.frozen
class _Inherited:
    override: Mapping[str, Any] = attrs.field(factory=dict)
    default: Mapping[str, Any] = attrs.field(factory=dict)
    drop: tuple[str, ...] = ()
    on_unsupported: str = "drop"
    passthrough: bool = False
    forward: tuple[str, ...] = ()
    custom_host: str | None = None
    host_path: str = ""
    retry: RetrySettings | None = None
    request_timeout: int = 0
    connect_timeout: int | None = None
    first_token_timeout: int | None = None
    stream_idle_timeout: int | None = None


@attrs.frozen
class _Resolved:
    """A target with its named provider's settings below its own.

    `named` is that provider; `ambient` whether the usual variables may give the key; `host_trusted`
    whether the host is the host code's word.
    """

    node: ConfigNode
    named: ConfigNode | None
    ambient: bool
    host_trusted: bool


class Compiler:
    """Compiles one config; collects problems instead of stopping at the first."""

    def __init__(
        self, around: Surroundings, *, trusted: bool, overlay: Overlay | None = None, root: str = "config"
    ) -> None:
        self.around = around
        self.trusted = trusted
        self.overlay = overlay or Overlay()
        self.root = root
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def compile(self, node: ConfigNode) -> Spec | None:
        """The tree, or None when `problems` says why not."""
        if self.overlay.rekeys and self.overlay.api_key is not None and node.targets is not None:
            self.report("api_key", "one key cannot serve several targets; put keys into the targets")
        spec = self._node(node, self.root, _Inherited(), 0)
        return None if self.problems else spec

    def report(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    # -- nodes ---------------------------------------------------------------------------------

    def _node(self, node: ConfigNode, path: str, above: _Inherited, depth: int) -> Spec | None:
        if depth > MAX_STRATEGY_DEPTH:
            self.report(path, f"strategies nested more than {MAX_STRATEGY_DEPTH} deep")
            return None
        if depth and node.deadline is not None:
            self.report(f"{path}.deadline", "the budget of a whole call stands at the root of the config")
        if depth and node.metadata is not None:
            self.report(f"{path}.metadata", "routing metadata stands at the root of the config")
        if node.strategy is None and node.targets is None:
            return self._target(node, path, above)
        return self._strategy(node, path, above, depth)

    def _strategy(self, node: ConfigNode, path: str, above: _Inherited, depth: int) -> Spec | None:
        if node.strategy is None:
            self.report(f"{path}.strategy", "missing; `targets` need a strategy with a mode")
        if not node.targets:
            state = "missing" if node.targets is None else "empty"
            self.report(f"{path}.targets", f"{state}; a strategy needs at least one target")
        for member in ("provider", "api_key", "virtual_key"):
            if getattr(node, member) is not None:
                self.report(f"{path}.{member}", "has no effect beside `targets`; put it into a target")
        if node.strategy is None or not node.targets:
            return None
        below = self._inherit(above, node, path)
        children = [
            self._node(target, f"{path}.targets[{i}]", below, depth + 1)
            for i, target in enumerate(node.targets)
        ]
        names = self._names(node.targets, path, node.strategy.mode == "conditional")
        spec = self._strategy_spec(node, node.strategy, path, names)
        good = tuple(child for child in children if child is not None)
        return attrs.evolve(spec, children=good) if len(good) == len(children) else None

    def _names(self, targets: tuple[ConfigNode, ...], path: str, unique: bool) -> dict[str, int]:
        names: dict[str, int] = {}
        for index, target in enumerate(targets):
            if target.name is not None:
                if unique and target.name in names:
                    first = names[target.name]
                    self.report(f"{path}.targets[{index}].name", f"is also the name of targets[{first}]")
                names.setdefault(target.name, index)
        return names

    def _strategy_spec(
        self, node: ConfigNode, strategy: StrategySettings, path: str, names: Mapping[str, int]
    ) -> StrategySpec:
        at = f"{path}.strategy"
        self._check_members(strategy, at)
        codes = strategy.on_status_codes
        targets = node.targets or ()
        weights = tuple(1.0 if target.weight is None else float(target.weight) for target in targets)
        if strategy.mode == "loadbalance" and not sum(weights) > 0:
            self.report(f"{path}.targets", "every weight is 0, so no target would ever be picked")
        conditional = strategy.mode == "conditional"
        return StrategySpec(
            path=path,
            mode=strategy.mode,
            children=(),
            name=node.name,
            weights=weights if strategy.mode == "loadbalance" else (),
            on_status_codes=None if codes is None else frozenset(codes),
            on_errors=frozenset(strategy.on_errors or ()),
            failover_first=strategy.failover_first,
            conditions=self._conditions(strategy, at, names) if conditional else (),
            default=self._default(strategy, at, names) if conditional else None,
        )

    def _check_members(self, strategy: StrategySettings, at: str) -> None:
        """Members of another mode change nothing: a warning where recorded configs have them, else an error."""
        mode = strategy.mode
        if mode != "fallback":
            if strategy.on_status_codes is not None:
                self.warnings.append(Problem(f"{at}.on_status_codes", f"has no effect in mode {mode!r}"))
            for member, value in (
                ("on_errors", strategy.on_errors),
                ("failover_first", strategy.failover_first),
            ):
                if value:
                    self.report(f"{at}.{member}", f"belongs to mode 'fallback', not to {mode!r}")
        if mode != "conditional":
            for member, found in (("conditions", strategy.conditions), ("default", strategy.default)):
                if found is not None:
                    self.report(f"{at}.{member}", f"belongs to mode 'conditional', not to {mode!r}")

    def _conditions(
        self, strategy: StrategySettings, at: str, names: Mapping[str, int]
    ) -> tuple[ConditionSpec, ...]:
        if strategy.conditions is None:
            self.report(f"{at}.conditions", "missing; mode 'conditional' needs conditions")
            return ()
        if not strategy.conditions and strategy.default is None:
            self.report(f"{at}.conditions", "empty, and there is no default")
        specs = []
        for index, entry in enumerate(strategy.conditions):
            here = f"{at}.conditions[{index}]"
            condition = compile_query(entry.query, f"{here}.query", self.report)
            target = self._name(entry.then, f"{here}.then", names)
            if condition is not None and target is not None:
                specs.append(ConditionSpec(condition, target))
        return tuple(specs)

    def _default(self, strategy: StrategySettings, at: str, names: Mapping[str, int]) -> int | None:
        if not strategy.default:
            self.warnings.append(Problem(f"{at}.default", "absent: a call that matches no condition gets a 400"))
            return None
        return self._name(strategy.default, f"{at}.default", names)

    def _name(self, name: str, path: str, names: Mapping[str, int]) -> int | None:
        if name not in names:
            known = f"; the targets' names are {', '.join(map(repr, names))}" if names else ""
            self.report(path, f"no target has the name {name!r}{did_you_mean(name, list(names)) or known}")
        return names.get(name)

    # -- targets -------------------------------------------------------------------------------

    def _target(self, node: ConfigNode, path: str, above: _Inherited) -> TargetSpec | None:
        resolved = self._resolve_names(node, path)
        node = resolved.node
        here = self._inherit(above, node, path)
        self._keep_credentials(resolved, here)
        provider = node.provider
        if provider is None:
            self.report(f"{path}.provider", "missing; a target needs a provider (or strategy and targets)")
            return None
        if not self._check_provider(provider, f"{path}.provider"):
            return None
        overlay = self.overlay
        key, env = self._key(node.api_key, f"{path}.api_key", self.trusted or resolved.named is not None)
        custom_host, guarded = self._host(here, resolved.host_trusted)
        strict = node.strict_open_ai_compliance is not False
        if overlay.strict is not None:
            strict = overlay.strict
        return TargetSpec(
            path=path,
            provider=provider,
            name=node.name,
            api_key=key,
            env=env,
            ambient=resolved.ambient,
            custom_host=custom_host,
            guarded=guarded,
            options=self._target_options(node),
            override_params=here.override,
            default_params=here.default,
            drop_params=tuple(self._drop_path(text, path) for text in here.drop),
            on_unsupported=here.on_unsupported,
            passthrough=here.passthrough,
            forward_headers=here.forward if overlay.forward_headers is None else overlay.forward_headers,
            strict=strict,
            retry=self._retry(here.retry),
            timeouts=self._timeouts(here),
        )

    def _target_options(self, node: ConfigNode) -> Mapping[str, Any]:
        return {**node.options, **dict(self.overlay.options)} if self.overlay.options else node.options

    def _resolve_names(self, node: ConfigNode, path: str) -> _Resolved:
        overlay, trusted = self.overlay, self.trusted
        at_root = path == self.root
        if at_root and overlay.provider is not None and node.provider is None:
            node = attrs.evolve(node, provider=overlay.provider)
            # The target is now as trustworthy as whoever named its provider.
            trusted = trusted and overlay.trusted
        name = self._named_provider(node, path, trusted)
        if name is not None:
            named = self.around.named[name]
            node = self._merge_named(node, named, path)
            declared = node.custom_host is None or node.custom_host == named.custom_host
            return _Resolved(node, named, True, self.trusted or declared)
        if at_root and overlay.api_key is not None and (overlay.rekeys or node.api_key is None):
            node = attrs.evolve(node, api_key=overlay.api_key)
        return _Resolved(node, None, trusted, self.trusted)

    def _keep_credentials(self, resolved: _Resolved, here: _Inherited) -> None:
        """Credentials of the host's code go to the host they were declared with, whoever asks."""
        overlay = self.overlay
        text = "may not be combined with a named provider here"
        if resolved.named is not None and not self.trusted and here.custom_host != resolved.node.custom_host:
            self._report_once(here.host_path, text)
        if overlay.trusted or not (self.trusted or resolved.named is not None):
            return
        text = "may not be combined with a config or a named provider of this router"
        if overlay.custom_host is not None:
            self._report_once("headers.x-portkey-custom-host", text)
        for name, _ in overlay.options:
            self._report_once(f"headers.{name}", text)

    def _report_once(self, path: str, message: str) -> None:
        if Problem(path, message) not in self.problems:
            self.report(path, message)

    def _named_provider(self, node: ConfigNode, path: str, trusted: bool) -> str | None:
        model = node.override_params.get("model") if node.override_params else None
        if node.virtual_key is not None:
            return self._known_name(node.virtual_key, f"{path}.virtual_key", trusted)
        if node.provider is not None and node.provider.startswith("@"):
            return self._known_name(node.provider[1:], f"{path}.provider", trusted)
        if node.provider is None and isinstance(model, str) and model.startswith("@") and "/" in model:
            return self._known_name(model[1:].split("/", 1)[0], f"{path}.override_params.model", trusted)
        return None

    def _known_name(self, name: str, path: str, trusted: bool) -> str | None:
        usable = list(self.around.named) if trusted else sorted(self.around.exposed)
        if name not in usable:
            hint = did_you_mean(name, usable)
            self.report(path, f"no named provider {name!r} is declared for this router{hint}")
            return None
        return name

    def _merge_named(self, node: ConfigNode, named: ConfigNode, path: str) -> ConfigNode:
        if not self.trusted:
            # Credentials of the host may only go to the host they were declared with.
            for member in ("custom_host", "api_key"):
                if getattr(node, member) is not None:
                    self.report(f"{path}.{member}", "may not be combined with a named provider here")
        changes: dict[str, Any] = {"provider": named.provider, "virtual_key": None}
        for field in attrs.fields(ConfigNode):
            if field.name in ("provider", "virtual_key", "options", "override_params"):
                continue
            if getattr(node, field.name) is None and getattr(named, field.name) is not None:
                changes[field.name] = getattr(named, field.name)
        changes["options"] = {**named.options, **(node.options if self.trusted else {})}
        override = {**(named.override_params or {}), **(node.override_params or {})}
        model = override.get("model")
        if isinstance(model, str) and model.startswith("@") and "/" in model:
            override["model"] = model.split("/", 1)[1]
        changes["override_params"] = override or None
        return attrs.evolve(node, **changes)

    def _check_provider(self, provider: str, path: str) -> bool:
        known = self.around.known_providers
        if provider.startswith("@"):
            return False
        if provider not in known:
            refusal = self.around.refusal(provider)
            hint = did_you_mean(provider.strip().lower(), known) or "; see the README for the list"
            self.report(path, refusal or f"unknown provider {provider[:60]!r}{hint}")
            return False
        return True

    def _key(self, key: Any, path: str, may_use_env: bool) -> tuple[Any, str | None]:
        if isinstance(key, Secret) and key.reveal().startswith("env:"):
            name = key.reveal()[4:]
            if not may_use_env:
                self.report(path, "variables of the environment may not be named here")
            elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,199}", name):
                self.report(path, "expected env: and the name of a variable")
            return None, name
        return key, None

    def _host(self, here: _Inherited, trusted: bool) -> tuple[str | None, bool]:
        """The target's base URL and whether untrusted data named it."""
        overlay = self.overlay
        if overlay.custom_host is not None:
            self._check_host(overlay.custom_host, "headers.x-portkey-custom-host", overlay.trusted)
            return overlay.custom_host, not overlay.trusted
        if here.custom_host is not None:
            self._check_host(here.custom_host, here.host_path, trusted)
        return here.custom_host, here.custom_host is not None and not trusted

    def _check_host(self, url: str, path: str, trusted: bool) -> None:
        problem = check_url(url, self.around.hosts if trusted else self.around.untrusted_hosts)
        if problem is not None:
            self.report(path, problem)

    def _drop_path(self, text: str, path: str) -> tuple[str | int, ...]:
        parts = parse_drop_path(text)
        if parts is None:
            self.report(f"{path}.drop_params", f"expected a parameter path such as tools[0].strict, got {text!r}")
            return ()
        return parts

    # -- settings ------------------------------------------------------------------------------

    def _inherit(self, above: _Inherited, node: ConfigNode, path: str) -> _Inherited:
        changes: dict[str, Any] = {}
        for member, value in (
            ("drop", node.drop_params),
            ("on_unsupported", node.on_unsupported),
            ("passthrough", node.passthrough),
            ("forward", node.forward_headers),
            ("retry", node.retry),
            ("request_timeout", node.request_timeout or None),
            ("connect_timeout", node.connect_timeout),
            ("first_token_timeout", node.first_token_timeout),
            ("stream_idle_timeout", node.stream_idle_timeout),
        ):
            if value is not None:
                changes[member] = value
        if node.custom_host is not None:
            changes["custom_host"] = node.custom_host
            changes["host_path"] = f"{path}.custom_host"
        if node.override_params:
            changes["override"] = {**above.override, **node.override_params}
        if node.default_params:
            changes["default"] = {**above.default, **node.default_params}
        return attrs.evolve(above, **changes) if changes else above

    @staticmethod
    def _retry(settings: RetrySettings | None) -> RetrySpec | None:
        if settings is None or settings.attempts == 0:
            return None
        codes = settings.on_status_codes
        return RetrySpec(
            attempts=settings.attempts,
            use_retry_after=bool(settings.use_retry_after_header or settings.use_retry_after_headers),
            jitter=settings.jitter,
            initial_backoff=settings.initial_backoff / 1000,
            max_backoff=max(settings.max_backoff, settings.initial_backoff) / 1000,
            **({} if codes is None else {"on_status_codes": frozenset(codes)}),
        )

    def _timeouts(self, here: _Inherited) -> Timeouts:
        request = self.overlay.request_timeout or here.request_timeout
        defaults = Timeouts()
        return Timeouts(
            request=request / 1000 if request else None,
            connect=here.connect_timeout / 1000 if here.connect_timeout else defaults.connect,
            first_token=here.first_token_timeout / 1000 if here.first_token_timeout else None,
            stream_idle=here.stream_idle_timeout / 1000 if here.stream_idle_timeout else defaults.stream_idle,
        )


_DROP_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,4})\]|\[\*\]|\[(['\"])(.*?)\3\]")


def parse_drop_path(text: str) -> tuple[str | int, ...] | None:
    """`tools[0].function.strict`, `metadata["a.b"]`, `messages[*].name` as keys; None when it is no path.

    The index of `[*]` is -1: every entry.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _DROP_PART.match(text, position)
        if match is None or len(parts) >= 20:
            return None
        plain, index, quote, quoted = match.groups()
        if plain is not None:
            parts.append(plain)
        elif index is not None:
            parts.append(int(index))
        elif quote is not None:
            parts.append(quoted)
        else:
            parts.append(-1)
        position = match.end()
    return tuple(parts) if parts and isinstance(parts[0], str) else None
