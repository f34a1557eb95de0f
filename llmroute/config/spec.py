"""What a config means, complete: nothing is looked up or merged once these are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..secret import Secret
from .conditions import Condition

#: Retried when `retry.on_status_codes` is absent (documented default, 529 included).
DEFAULT_RETRY_CODES = frozenset({429, 500, 502, 503, 504, 529})

CONNECT_TIMEOUT = 5.0
CALL_TIMEOUT = 600.0
STREAM_IDLE_TIMEOUT = 120.0


@attrs.frozen
class RetrySpec:
    """How often and after which statuses a target is tried again. Times in seconds."""

    attempts: int
    on_status_codes: frozenset[int] = DEFAULT_RETRY_CODES
    use_retry_after: bool = False
    jitter: str = "slight"
    initial_backoff: float = 1.0
    max_backoff: float = 16.0


@attrs.frozen
class Timeouts:
    """Limits of one attempt in seconds; None is no limit of its own."""

    request: float | None = None
    connect: float = CONNECT_TIMEOUT
    first_token: float | None = None
    stream_idle: float = STREAM_IDLE_TIMEOUT


@attrs.frozen(slots=False)  # without slots it is made twice as fast
class TargetSpec:
    """One leaf of the tree.

    `api_key` is None (the provider's usual variables may be asked when `ambient`), a Secret, or a
    callable of the host's. `env` names a variable instead. `guarded` targets have a host that
    untrusted data named. `drop_params` are key paths; -1 stands for every entry of a list. The hooks are
    `hooks.hook.Hook`s, the ancestors' first.
    """

    path: str
    provider: str
    name: str | None = None
    api_key: Secret | Callable[[], Any] | None = None
    env: str | None = None
    ambient: bool = True
    custom_host: str | None = None
    guarded: bool = False
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    override_params: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    default_params: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    drop_params: tuple[tuple[str | int, ...], ...] = ()
    on_unsupported: str = "drop"
    passthrough: bool = False
    forward_headers: tuple[str, ...] = ()
    strict: bool = True
    retry: RetrySpec | None = None
    timeouts: Timeouts = Timeouts()
    input_hooks: tuple[Any, ...] = ()
    output_hooks: tuple[Any, ...] = ()


@attrs.frozen
class ConditionSpec:
    """A compiled condition and the index of the target it leads to."""

    condition: Condition
    target: int


@attrs.frozen
class StrategySpec:
    """An inner node of the tree and its children, in the order of the config."""

    path: str
    mode: str
    children: tuple[Spec, ...]
    name: str | None = None
    weights: tuple[float, ...] = ()
    on_status_codes: frozenset[int] | None = None
    on_errors: frozenset[str] = frozenset()
    failover_first: bool = False
    conditions: tuple[ConditionSpec, ...] = ()
    default: int | None = None


Spec = TargetSpec | StrategySpec
