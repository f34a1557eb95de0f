"""From a ConfigNode to complete specs: settings pushed down once, names resolved, meanings checked.

Rules: spec/ROUTING.md section 2, trust: DESIGN.md decision 8. Strictness, provider and key belong to
the leaf alone; `settings.py` has what is inherited, `named.py` what named providers add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from ..errors import Problem
from ..secret import Secret
from ..wire.hosts import HostPolicy, check_url
from .branches import Branches
from .findings import Findings
from .guards import NO_GUARDS, CompileHook, GuardCompiler, Guards
from .named import merged, name_of, report_clash, report_steering, split_model
from .primitives import quoted
from .schema import TOGETHER, URL_OPTIONS, ConfigNode, StrategySettings
from .settings import Inherited
from .spec import Spec, StrategySpec, TargetSpec

MAX_STRATEGY_DEPTH = 60
#: Targets of one config, and of one that came with a request.
MAX_TARGETS, MAX_UNTRUSTED_TARGETS = 10_000, 1_000

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_HEADER = "headers.x-portkey-"
#: What stands at the end of a URL that was copied whole out of a provider's documentation.
_ENDPOINTS = ("/chat/completions", "/messages", ":generateContent")


@attrs.frozen
class Overlay:
    """Settings from a view or from request headers, above whatever the config says.

    `trusted` tells whose word they are. An unset member is None. A key of a view replaces the
    target's; one from headers is used where the target has none.
    """

    provider: str | None = None
    api_key: Secret | Callable[[], Any] | None = None
    custom_host: str | None = None
    request_timeout: int | None = None
    forward_headers: tuple[str, ...] | None = None
    strict: bool | None = None
    options: tuple[tuple[str, Any], ...] = ()
    trusted: bool = True
    from_headers: bool = False
    #: Default guardrails: the side, "input" or "output", their JSON, and whether that is the host's word.
    guardrails: tuple[tuple[str, str, bool], ...] = ()


@attrs.frozen
class Surroundings:
    """What the meaning of a config depends on besides the config itself.

    `known_providers` includes `own_providers`, the host's own adapters. `named` are the router's named
    providers, as nodes; `exposed` those that untrusted data may use. `refusal` says why a provider
    cannot be used, None when it can; `required` which members a target of it must have: of each group one.
    """

    known_providers: Collection[str]
    refusal: Callable[[str], str | None]
    required: Callable[[str], Sequence[Sequence[str]]] = lambda provider: ()
    named: Mapping[str, ConfigNode] = attrs.field(factory=dict)
    exposed: frozenset[str] = frozenset()
    own_providers: frozenset[str] = frozenset()
    hosts: HostPolicy = attrs.field(factory=HostPolicy.trusting)
    untrusted_hosts: HostPolicy = attrs.field(factory=HostPolicy.strict)
    #: Makes what compiles the hooks of one config; without it there are none.
    hooks: Callable[[], CompileHook] | None = None
    #: Hooks that run on every call, whatever config it brings.
    guards: Guards = NO_GUARDS


class Compiler:
    """Compiles one config; collects problems instead of stopping at the first.

    Without `complete` a target may lack what its provider requires: somebody else adds it. Without
    `hooks` no guardrail runs.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        trusted: bool,
        overlay: Overlay | None = None,
        root: str = "config",
        complete: bool = True,
        hooks: bool = True,
    ) -> None:
        self.around = around
        self.trusted = trusted
        self.overlay = overlay or Overlay()
        self.root = root
        self.complete = complete
        self.findings = Findings()
        self.warnings: list[Problem] = []
        self._report = self.findings.report
        self._branches = Branches(self.findings, self.warnings, trusted=trusted)
        compile_hook = self.around.hooks if hooks else None
        self._guards = GuardCompiler(compile_hook, self.findings, self.warnings, trusted=trusted)
        #: The hooks of headers, None when neither they nor the router have any.
        self._outer: Guards | None = None
        if hooks and (self.overlay.guardrails or around.guards is not NO_GUARDS):
            self._outer = self._guards.of_headers(self.overlay.guardrails)
        self._hosts: dict[tuple[str, bool], str | None] = {}
        self._overlaid = self.overlay.provider is not None or self.overlay.api_key is not None
        #: Providers that have passed every check of theirs.
        self._usual: set[str | None] = set()
        self._targets = 0

    def compile(self, node: ConfigNode) -> Spec:
        """The tree. Raises ConfigError with every problem."""
        spec = self._node(node, self.root, Inherited(), 0)
        if spec is None or self.findings.problems:
            raise self.findings.error()
        return spec

    # -- nodes ---------------------------------------------------------------------------------------

    def _node(self, node: ConfigNode, path: str, above: Inherited, depth: int) -> Spec | None:
        if depth > MAX_STRATEGY_DEPTH:
            self._report(path, f"strategies nested more than {MAX_STRATEGY_DEPTH} deep")
            return None
        if depth and node.deadline is not None:
            self._report(f"{path}.deadline", "the budget of a whole call stands at the root of the config")
        if depth and node.metadata is not None:
            self._report(f"{path}.metadata", "routing metadata stands at the root of the config")
        if node.retry is not None and 200 in (node.retry.on_status_codes or ()):
            text = "a listed 200 repeats good answers, which may be paid for each time"
            self.warnings.append(Problem(f"{path}.retry.on_status_codes", text))
        if node.strategy is None and node.targets is None:
            return self._target(node, path, above)
        return self._strategy(node, path, above, depth)

    def _strategy(self, node: ConfigNode, path: str, above: Inherited, depth: int) -> Spec | None:
        if node.strategy is None:
            self._report(f"{path}.strategy", "missing; `targets` need a strategy with a mode")
        if not node.targets:
            state = "missing" if node.targets is None else "empty"
            self._report(f"{path}.targets", f"{state}; a strategy needs at least one target")
        for member in ("provider", "api_key", "virtual_key"):
            if getattr(node, member) is not None:
                self._report(f"{path}.{member}", "has no effect beside `targets`; put it into a target")
        if depth == 0 and self.overlay.api_key is not None and not self.overlay.from_headers:
            self._report("api_key", "has no effect on a config with targets; put it into a target")
        if node.strategy is None or not node.targets:
            return None
        below = above.below(node, path, self._report)
        guards = self._guards.at(node, path, above.guards)
        if guards is not above.guards:
            below = attrs.evolve(below, guards=guards)
        children = self._children(node.targets, path, below, depth + 1)
        return self._strategy_spec(node, node.strategy, path, children)

    def _children(
        self, targets: tuple[ConfigNode, ...], path: str, below: Inherited, depth: int
    ) -> tuple[Spec, ...]:
        """The good ones; while there are problems the rest is looked at only for its own."""
        limit = MAX_TARGETS if self.trusted else MAX_UNTRUSTED_TARGETS
        self._targets += len(targets)
        if self._targets > limit:
            self._report(f"{path}.targets", f"expected at most {limit:,} targets in all")
            return ()
        children = []
        for index, target in enumerate(targets):
            child = self._node(target, f"{path}.targets[{index}]", below, depth)
            if child is not None:
                children.append(child)
            elif self.findings.full:
                break
        return tuple(children)

    def _strategy_spec(
        self, node: ConfigNode, strategy: StrategySettings, path: str, children: tuple[Spec, ...]
    ) -> StrategySpec:
        at = f"{path}.strategy"
        self._check_members(strategy, at)
        targets = node.targets or ()
        weights: tuple[float, ...] = ()
        if strategy.mode == "loadbalance":
            weights = tuple(1.0 if target.weight is None else target.weight for target in targets)
            if not sum(weights) > 0:
                self._report(f"{path}.targets", "every weight is 0, so no target would ever be picked")
        names = self._branches.names(targets, path) if strategy.mode == "conditional" else None
        codes = strategy.on_status_codes
        return StrategySpec(
            path=path,
            mode=strategy.mode,
            children=children,
            name=node.name,
            weights=weights,
            on_status_codes=None if codes is None else frozenset(codes),
            on_errors=frozenset(strategy.on_errors or ()),
            failover_first=strategy.failover_first,
            conditions=() if names is None else self._branches.conditions(strategy, at, names),
            default=None if names is None else self._branches.default(strategy, at, names),
        )

    def _check_members(self, strategy: StrategySettings, at: str) -> None:
        """Members of another mode: a warning where recorded configs have them, else an error."""
        mode = strategy.mode
        if mode != "fallback":
            if strategy.on_status_codes is not None:
                self.warnings.append(Problem(f"{at}.on_status_codes", f"has no effect in mode {mode!r}"))
            self._refuse_members(strategy, at, "fallback", ("on_errors", "failover_first"))
        if mode != "conditional":
            self._refuse_members(strategy, at, "conditional", ("conditions", "default"))

    def _refuse_members(
        self, strategy: StrategySettings, at: str, owner: str, members: Sequence[str]
    ) -> None:
        for member in members:
            if getattr(strategy, member) not in (None, False):
                self._report(f"{at}.{member}", f"belongs to mode {owner!r}, not to {strategy.mode!r}")

    # -- targets -------------------------------------------------------------------------------------

    def _target(self, node: ConfigNode, path: str, above: Inherited) -> TargetSpec | None:
        overlay = self.overlay
        provider, own_word = node.provider, self.trusted
        usual = provider in self._usual and node.virtual_key is None and not self._overlaid
        if not usual:
            node, own_word = self._resolved(node, path, above)
            provider = self._provider(node, path, own_word)
        here = above.nearest(node, path, self._report)
        override, default = above.params(node)
        if own_word and not self.trusted:
            # The host's credentials go to the host they were declared with and nowhere else.
            here = attrs.evolve(here, custom_host=node.custom_host, host_path=f"{path}.custom_host")
        key, env = self._key(node.api_key, path, own_word)
        custom_host, guarded = self._host(here, own_word)
        options = node.options
        if options or overlay.options:
            options, named_hosts = self._options(options, path, own_word)
            guarded = guarded or named_hosts
        guards = self._guards.at(node, path, above.guards)
        if provider is None:
            return None
        if self.complete and not usual:
            self._check_required(provider, options, custom_host, path)
        timeouts = here.timeouts
        if overlay.request_timeout:
            timeouts = attrs.evolve(timeouts, request=overlay.request_timeout / 1000)
        if self._outer is not None:
            guards = self.around.guards + guards + self._outer
        strict = node.strict_open_ai_compliance is not False
        return TargetSpec(
            path=path,
            provider=provider,
            name=node.name,
            api_key=key,
            env=env,
            ambient=own_word,
            custom_host=custom_host,
            guarded=guarded,
            options=options,
            override_params=override,
            default_params=default,
            drop_params=here.drop,
            on_unsupported=here.on_unsupported,
            passthrough=here.passthrough,
            forward_headers=here.forward if overlay.forward_headers is None else overlay.forward_headers,
            strict=strict if overlay.strict is None else overlay.strict,
            retry=here.retry,
            timeouts=timeouts,
            input_hooks=guards.input,
            output_hooks=guards.output,
        )

    def _resolved(self, node: ConfigNode, path: str, above: Inherited) -> tuple[ConfigNode, bool]:
        """The node with what its named provider and the overlay add; whether its key is the host's word."""
        overlay, at_root, trusted = self.overlay, path == self.root, self.trusted
        if at_root and overlay.provider is not None and node.provider is None:
            node = attrs.evolve(node, provider=overlay.provider)
            # From here on the target is the word of whoever named its provider.
            trusted = trusted and overlay.trusted
        used = name_of(node, path)
        if used is not None:
            node = self._with_named(node, path, above, trusted, *used)
        if at_root and overlay.api_key is not None:
            replaces = not overlay.from_headers or (used is None and node.api_key is None)
            node = attrs.evolve(node, api_key=overlay.api_key) if replaces else node
        return node, trusted or used is not None

    def _with_named(
        self, node: ConfigNode, path: str, above: Inherited, trusted: bool, name: str, name_path: str
    ) -> ConfigNode:
        named = self.around.named.get(name)
        if named is None or not (trusted or name in self.around.exposed):
            usable = self.around.named if trusted else sorted(self.around.exposed)
            hint = self.findings.hint(name, usable)
            self._report(name_path, f"no named provider {quoted(name)} is declared for this router{hint}")
            return node
        report_clash(node, named, path, self.findings)
        if not self.trusted:
            report_steering(node, path, self.findings)
            if above.custom_host is not None:
                self._report(above.host_path, "may not be combined with a named provider here")
        return merged(node, named)

    def _provider(self, node: ConfigNode, path: str, own_word: bool) -> str | None:
        provider = node.provider
        if provider is None:
            if node.virtual_key is None and split_model(node.override_params)[0] is None:
                text = "missing; a target needs a provider (or strategy and targets)"
                self._report(f"{path}.provider", text)
            return None
        if provider[:1] == "@":
            return None  # a name that nobody declared, reported as such
        around = self.around
        if provider in around.own_providers and not own_word:
            self._report(f"{path}.provider", f"the provider {quoted(provider)} may not be used by requests")
            return None
        if provider not in around.known_providers:
            refusal = around.refusal(provider)
            if refusal is None:
                hint = self.findings.hint(provider.strip().lower(), around.known_providers)
                refusal = f"unknown provider {quoted(provider)}{hint or '; see the README for the list'}"
            self._report(f"{path}.provider", refusal)
            return None
        return provider

    def _check_required(
        self, provider: str, options: Mapping[str, Any], custom_host: str | None, path: str
    ) -> None:
        if provider in self.around.own_providers:
            return
        for one, other in TOGETHER:
            if (one in options) != (other in options):
                absent = other if one in options else one
                self._report(f"{path}.{absent}", f"missing; {one} and {other} belong together")
        groups = self.around.required(provider)
        if not groups:
            self._usual.add(provider)
        for group in groups:
            if not any(name in options or (name == "custom_host" and custom_host) for name in group):
                names = " or ".join(group)
                self._report(f"{path}.{group[0]}", f"missing; the provider {provider} needs {names}")

    def _key(self, key: Any, path: str, own_word: bool) -> tuple[Any, str | None]:
        """The key, or the variable that holds it."""
        if not isinstance(key, Secret) or not key.reveal().startswith("env:"):
            return key, None
        name = key.reveal()[4:]
        if not own_word:
            self._report(f"{path}.api_key", "variables of the environment may not be named here")
        elif not _VARIABLE.fullmatch(name):
            self._report(f"{path}.api_key", "expected env: and the name of a variable")
        return None, name

    def _host(self, here: Inherited, own_word: bool) -> tuple[str | None, bool]:
        """The target's base URL and whether untrusted data named it."""
        overlay = self.overlay
        if overlay.custom_host is not None:
            path = f"{_HEADER}custom-host" if overlay.from_headers else "custom_host"
            if (own_word or self.trusted) and not overlay.trusted:
                self._report(path, "may not be combined with the router's own credentials")
            self._check_host(overlay.custom_host, path, overlay.trusted)
            return overlay.custom_host, not overlay.trusted
        if here.custom_host is None:
            return None, False
        self._check_host(here.custom_host, here.host_path, own_word)
        return here.custom_host, not own_word

    def _check_host(self, url: str, path: str, trusted: bool) -> None:
        if (url, trusted) not in self._hosts:
            policy = self.around.hosts if trusted else self.around.untrusted_hosts
            self._hosts[url, trusted] = check_url(url, policy)
        problem = self._hosts[url, trusted]
        if problem is not None:
            self._report(path, problem)
        elif url.rstrip("/").endswith(_ENDPOINTS):
            warning = Problem(path, "ends with an endpoint; the provider's own is added to it")
            if warning not in self.warnings:
                self.warnings.append(warning)

    def _options(
        self, options: Mapping[str, Any], path: str, own_word: bool
    ) -> tuple[Mapping[str, Any], bool]:
        """The provider's own members, the overlay's on top; whether untrusted data named a host in them."""
        overlay = self.overlay
        if overlay.options and (own_word or self.trusted) and not overlay.trusted:
            for name, _ in overlay.options:
                text = "may not be combined with the router's own credentials"
                self._report(f"{_HEADER}{name.replace('_', '-')}", text)
        combined = {**options, **dict(overlay.options)}
        trusted = own_word and overlay.trusted
        for name, value in combined.items():
            text = value.reveal() if isinstance(value, Secret) else value
            if not own_word and isinstance(text, str) and text.startswith("env:"):
                self._report(f"{path}.{name}", "variables of the environment may not be named here")
            if name in URL_OPTIONS:
                self._check_host(value, f"{path}.{name}", trusted)
        return combined, not trusted and not combined.keys().isdisjoint(URL_OPTIONS)
