"""ConfigDict: the config language as typed dicts, for editors and type checkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict


class RetryDict(TypedDict, total=False):
    """`retry`. `attempts` from 0 to 5; backoffs in ms."""

    attempts: int
    on_status_codes: Sequence[int]
    use_retry_after_header: bool
    use_retry_after_headers: bool
    jitter: Literal["slight", "none", "full", "equal"]
    initial_backoff: int
    max_backoff: int


class ConditionDict(TypedDict):
    """One entry of `strategy.conditions`."""

    query: Mapping[str, Any]
    then: str


class StrategyDict(TypedDict, total=False):
    """`strategy`. `mode` is required."""

    mode: Literal["single", "fallback", "loadbalance", "conditional"]
    on_status_codes: Sequence[int]
    on_errors: Sequence[str]
    failover_first: bool
    conditions: Sequence[ConditionDict]
    default: str


class ConfigDict(TypedDict, total=False):
    """A config or one of its targets. Time limits in ms. Members may also be spelled in camelCase."""

    provider: str
    api_key: str | Callable[[], Any]
    virtual_key: str
    custom_host: str
    name: str
    weight: float
    strategy: StrategyDict
    targets: Sequence[ConfigDict]
    retry: RetryDict
    deadline: int
    request_timeout: int
    connect_timeout: int
    first_token_timeout: int
    stream_idle_timeout: int
    override_params: Mapping[str, Any]
    default_params: Mapping[str, Any]
    drop_params: Sequence[str]
    on_unsupported: Literal["drop", "error"]
    passthrough: bool
    forward_headers: Sequence[str]
    strict_open_ai_compliance: bool
    metadata: Mapping[str, Any]
    anthropic_beta: str
    anthropic_version: str
    openai_organization: str
    openai_project: str
