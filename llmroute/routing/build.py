"""Puts a plan together: specs to nodes, each target with the layers that its config asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..config.spec import Spec, StrategySpec, TargetSpec
from ..environment import Environment
from ..errors import ConfigError, Problem
from ..layers.base import Layer
from ..layers.exchange import Exchange
from ..layers.observe import Observe
from ..layers.retry import Retry
from ..node import Node
from ..providers.auth.base import Credentials, CredentialSettings, fetch_over
from ..providers.auth.key import KeySource
from ..providers.base import ProviderSettings, no_variable
from ..providers.registry import adapter_for, credentials_for, env_names, key_optional
from .conditional import Conditional
from .fallback import Fallback
from .loadbalance import LoadBalance
from .single import Single
from .target import Chain, Target

Strategy = Callable[[StrategySpec, Sequence[Node], Environment], Node]

#: To add a strategy: one file and one line here.
STRATEGIES: Mapping[str, Strategy] = {
    "conditional": Conditional,
    "fallback": Fallback,
    "loadbalance": LoadBalance,
    "single": Single,
}


def build(spec: Spec, env: Environment) -> Node:
    """The node of `spec`, children first.

    One target of each provider is put together at once, so that its modules are imported now and not
    during a call, and each with an adapter of the host's own, whose function may refuse it.
    """
    return _build(spec, env, set())


def _build(spec: Spec, env: Environment, providers: set[str]) -> Node:
    if isinstance(spec, StrategySpec):
        children = [_build(child, env, providers) for child in spec.children]
        return STRATEGIES[spec.mode](spec, children, env)
    target = Target(spec, env, chain_of)
    if spec.provider not in providers:
        if spec.provider not in env.adapters:
            providers.add(spec.provider)
        target.prepare()
    return target


def chain_of(spec: TargetSpec, env: Environment) -> Chain:
    """The layers of a leaf. The order, from the inside out, and what would break otherwise:"""
    key = key_source(spec, env)
    credentials = credentials_of(spec, key, env)
    state = env.states.get(_state_key(spec, credentials or key))
    service: Layer = Exchange(spec, _adapter(spec, env), key, env, credentials)
    if guarded(spec):
        # Imported here: most configs have no guardrails, and their classes take time to import.
        from ..layers.hooks import InputHooks, OutputHooks, restores

        if spec.output_hooks or restores(spec):
            # Inside Retry: a denied answer (446) may be a retryable status.
            service = OutputHooks(service, spec, env)
    retry: Retry | None = None
    if spec.retry is not None:
        # Around the exchange: each attempt has its own time limit.
        service = retry = Retry(service, spec.retry, env, state)
    if spec.input_hooks:
        # Outside Retry: the input stays the same, and a denial costs nothing.
        service = InputHooks(service, spec, env)
    if env.emit is not None:
        # Outermost: sees the target's final result, retries counted.
        service = Observe(service, env)
    return Chain(service, retry, state)


def guarded(spec: TargetSpec) -> bool:
    """Whether the target has hooks at all."""
    return bool(spec.input_hooks or spec.output_hooks)


def key_source(spec: TargetSpec, env: Environment) -> KeySource:
    """Where the target's key comes from: the config, a named variable, or the provider's usual ones."""
    names: tuple[str, ...] = ()
    if spec.env is not None:
        names = (spec.env,)
    elif spec.api_key is None and spec.ambient:
        names = env_names(spec.provider)
    # A host of the target's own may ask for none: a server in the same network, or a proxy that has the key.
    named = spec.env is not None
    optional = env.keyless or (not named and (spec.custom_host is not None or key_optional(spec.provider)))
    return KeySource(spec.path, spec.api_key, names, variable=env.variable, optional=optional)


def credentials_of(spec: TargetSpec, key: KeySource, env: Environment) -> Credentials | None:
    """What signs the target's requests or fetches their token; None where the key is all."""
    if env.keyless or spec.provider in env.adapters:
        return None
    settings = CredentialSettings(
        target=spec.path,
        provider=spec.provider,
        options=spec.options,
        key=key,
        key_given=spec.api_key is not None or spec.env is not None,
        ambient=spec.ambient,
        base_url=spec.custom_host,
        variable=env.variable,
        clock=env.clock,
        fetch=fetch_over(env.transport),
        tokens=env.tokens,
    )
    return credentials_for(settings)


def missing_credential(spec: TargetSpec, env: Environment) -> str | None:
    """What a target's calls would lack; nothing is asked over the network."""
    key = key_source(spec, env)
    return (credentials_of(spec, key, env) or key).missing()


def _adapter(spec: TargetSpec, env: Environment) -> Any:
    settings = ProviderSettings(
        provider=spec.provider,
        path=spec.path,
        base_url=spec.custom_host,
        options=spec.options,
        strict=spec.strict,
        on_unsupported=spec.on_unsupported,
        passthrough=spec.passthrough,
        variable=env.variable if spec.ambient else no_variable,
    )
    own = env.adapters.get(spec.provider)
    if own is None:
        return adapter_for(settings)
    try:
        return own(settings)
    except Exception as error:
        text = f"its function raised {type(error).__name__}"
        raise ConfigError([Problem(f"{spec.path}.provider", text)]) from error


def _state_key(spec: TargetSpec, key: KeySource | Credentials) -> tuple[Any, ...]:
    # Regions, resources and deployments have limits of their own, whoever calls them.
    places = tuple(sorted((name, text) for name, text in spec.options.items() if isinstance(text, str)))
    return spec.provider, spec.custom_host, places, key.fingerprint(), spec.override_params.get("model")
