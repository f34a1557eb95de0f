"""The config language as attrs classes: each field is one member, its annotation the check.

`parse.py` reads mappings into these classes, `jsonschema.py` describes them for editors. Members
may be spelled in snake_case or camelCase. Source: the Portkey config object and DESIGN.md section 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import attrs

from ..secret import Secret
from ..wire.hosts import UNFORWARDABLE_HEADERS
from .free_form import Entries, Members, ServiceAccount
from .hooks import Hooks, HookSettings
from .primitives import (
    DAY_MS,
    HOST_PART,
    LINES,
    NAME,
    URL_PART,
    BaseURL,
    Choice,
    Flag,
    Invalid,
    Kind,
    Number,
    SecretText,
    Text,
    Whole,
    found,
    plain_text,
)

Milliseconds = Annotated[int, Whole(0, DAY_MS, "ms")]
PositiveMilliseconds = Annotated[int, Whole(1, DAY_MS, "ms")]
Status = Annotated[int, Whole(100, 599)]
Statuses = tuple[Status, ...]
Boolean = Annotated[bool, Flag()]
Name = Annotated[str, NAME]
Parameters = Annotated[
    Mapping[str, Any], Members(forbidden=frozenset({"custom_host", "base_url", "url", "api_key", "headers"}))
]

LongHooks = Annotated[tuple[HookSettings, ...], Hooks(short=False)]
ShortHooks = Annotated[tuple[HookSettings, ...], Hooks(short=True)]

#: Headers that a config may not ask to forward: also those of sessions and of the gateway's own control.
FORBIDDEN_FORWARDS = UNFORWARDABLE_HEADERS | {
    "cookie",
    "set-cookie",
    "x-portkey-api-key",
    "x-portkey-config",
    "x-portkey-forward-headers",
}

# RFC 9110, 5.6.2.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")


@attrs.frozen
class HeaderName:
    """A header that may be forwarded, kept in lower case."""

    def __call__(self, value: object) -> str:
        if not isinstance(value, str) or not _HEADER_NAME.fullmatch(value):
            raise Invalid(f"expected a header name, got {found(value)}")
        name = plain_text(value).lower()
        if name in FORBIDDEN_FORWARDS:
            raise Invalid(f"the header {name!r} may not be forwarded")
        return name

    def schema(self) -> dict[str, Any]:
        forbidden = "|".join(map(_any_case, sorted(FORBIDDEN_FORWARDS)))
        refused = rf"[^A-Za-z0-9!#$%&'*+.^_`|~-]|^(?:{forbidden})$"
        return {"type": "string", "minLength": 1, "maxLength": 200, "not": {"pattern": refused}}


def _any_case(name: str) -> str:
    """A pattern for a name in any case; patterns of JSON Schema have no flags."""
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else char for char in name)


@attrs.frozen(kw_only=True)
class RetrySettings:
    """`retry`: repeat a failed attempt on the same target."""

    attempts: Annotated[int, Whole(0, 5)]
    on_status_codes: Statuses | None = None
    use_retry_after_header: Boolean | None = None
    use_retry_after_headers: Boolean | None = None
    jitter: Annotated[str, Choice(("slight", "none", "full", "equal"))] = "slight"
    initial_backoff: PositiveMilliseconds = 1_000
    max_backoff: PositiveMilliseconds = 16_000


@attrs.frozen(kw_only=True)
class ConditionSettings:
    """One entry of `strategy.conditions`."""

    query: Annotated[Mapping[str, Any], Members()] = attrs.field(repr=False)
    then: Name


_NOTHING: Mapping[str, Any] = MappingProxyType({})

ERROR_GROUPS = ("context_window", "content_policy", "timeout", "connection", "rate_limit", "auth", "server")


@attrs.frozen(kw_only=True)
class StrategySettings:
    """`strategy`: how the targets beside it are tried."""

    mode: Annotated[
        str,
        Choice(
            ("single", "fallback", "loadbalance", "conditional"), later=("latency", "least_busy", "hedge")
        ),
    ]
    on_status_codes: Statuses | None = None
    on_errors: tuple[Annotated[str, Choice(ERROR_GROUPS)], ...] | None = None
    failover_first: Boolean = False
    conditions: tuple[ConditionSettings, ...] | None = None
    default: Annotated[str, Text(empty=True, limit=200)] | None = None


@attrs.frozen(kw_only=True, slots=False, repr=False)  # without slots it is made twice as fast
class ConfigNode:
    """A config or one of its targets, as written: nothing inherited, nothing resolved."""

    provider: Annotated[str, Text(limit=200)] | None = None
    api_key: Annotated[Secret | Callable[[], Any], SecretText(callables=True)] | None = None
    virtual_key: Annotated[str, Text(limit=200)] | None = None
    custom_host: Annotated[str, Text()] | None = None
    name: Name | None = None
    weight: Annotated[float, Number(0, 1e15)] | None = None
    strategy: StrategySettings | None = None
    targets: tuple[ConfigNode, ...] | None = None
    retry: RetrySettings | None = None
    deadline: PositiveMilliseconds | None = None
    request_timeout: Milliseconds | None = None
    connect_timeout: PositiveMilliseconds | None = None
    first_token_timeout: PositiveMilliseconds | None = None
    stream_idle_timeout: PositiveMilliseconds | None = None
    override_params: Parameters | None = None
    default_params: Parameters | None = None
    drop_params: tuple[Annotated[str, Text(limit=500)], ...] | None = None
    on_unsupported: Annotated[str, Choice(("drop", "error"))] | None = None
    passthrough: Boolean | None = None
    forward_headers: tuple[Annotated[str, HeaderName()], ...] | None = None
    strict_open_ai_compliance: Boolean | None = None
    metadata: Annotated[Mapping[str, Any], Members()] | None = None
    before_request_hooks: LongHooks | None = None
    after_request_hooks: LongHooks | None = None
    input_guardrails: ShortHooks | None = None
    output_guardrails: ShortHooks | None = None
    input_mutators: ShortHooks | None = None
    output_mutators: ShortHooks | None = None
    inherit_hooks: Boolean | None = None
    #: The provider's own members (`OPTIONS`), gathered under their snake_case names.
    options: Mapping[str, Any] = attrs.field(default=_NOTHING, metadata={"gathered": True})

    def __repr__(self) -> str:
        # Names only: a key may have got into any of the values.
        given = ", ".join(name for name, value in vars(self).items() if value)
        return f"<ConfigNode {given}>"


_LINES = SecretText(Text(limit=16_384, characters=LINES))

#: Members that belong to a provider and are kept in `ConfigNode.options`, with their kinds.
OPTIONS: Mapping[str, Kind] = {
    name: kind
    for kind, names in (
        (
            Text(),
            "anthropic_beta anthropic_version aws_auth_type aws_bedrock_model aws_external_id aws_role_arn "
            "azure_auth_mode azure_entra_client_id azure_entra_scope azure_extra_parameters "
            "azure_extra_params azure_managed_client_id azure_model_name azure_workload_client_id "
            "http_referer mistral_fim_completion modal_key openai_beta openai_organization openai_project "
            "openrouter_referer openrouter_title oracle_compartment_id oracle_fingerprint "
            "oracle_serving_mode oracle_tenancy oracle_user vertex_model_name x_title",
        ),
        (
            Text(limit=200, characters=URL_PART),
            "api_version azure_ad_tenant_id azure_api_version azure_deployment_name azure_endpoint_name "
            "azure_entra_tenant_id azure_workload_tenant_id deployment_id fireworks_account_id "
            "oracle_api_version vertex_project_id workers_ai_account_id",
        ),
        (HOST_PART, "aws_region oracle_region resource_name snowflake_account vertex_region"),
        (BaseURL(), "azure_foundry_url huggingface_base_url"),
        (
            SecretText(),
            "aws_access_key_id aws_secret_access_key aws_session_token azure_ad_token "
            "azure_entra_client_secret modal_secret oracle_key_passphrase",
        ),
        (_LINES, "oracle_private_key"),
        (ServiceAccount(), "vertex_service_account_json"),
        (Entries(), "deployments safety_settings"),
    )
    for name in names.split()
}

#: Options that are hosts of their own: they obey the host policy as `custom_host` does.
URL_OPTIONS = ("azure_foundry_url", "huggingface_base_url")

#: Members of a provider that mean nothing without each other.
TOGETHER = (("aws_access_key_id", "aws_secret_access_key"),)

#: Members of the documented language that this version does not carry out.
LATER_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "ConfigNode": (
        "cache",
        "cb_config",
        "max_concurrency",
        "rate_limit",
        "wait_for_capacity",
    ),
    "StrategySettings": ("cb_config", "sticky", "stream_recovery", "retry_others", "delay", "max"),
    "RetrySettings": ("budget",),
    "ConditionSettings": (),
}

#: Words that users of other libraries bring along, and what is meant by them here.
FOREIGN_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("base_url", "api_base", "url", "host", "endpoint"), "custom_host"),
    **dict.fromkeys(("model", "temperature", "max_tokens", "messages", "params"), "override_params"),
    **dict.fromkeys(("key", "apikey", "token", "authorization"), "api_key"),
    "timeout": "request_timeout",
    "retries": "retry",
    "max_retries": "retry.attempts",
    "fallbacks": "strategy and targets",
}

#: Members that are refused as a whole, but whose entries are checked too: one look mends both.
MISPLACED_MEMBERS: dict[str, Kind] = {"custom_headers": Text(), "on_status_codes": Whole(100, 599)}

#: Members that an in-process library cannot honour, with what to do instead.
REFUSED_MEMBERS: Mapping[str, str] = {
    "custom_headers": "not of this language; use forward_headers, or extra_headers in the call",
    "default_input_guardrails": "it is a header's name; use input_guardrails, to which targets only add",
    "default_output_guardrails": "it is a header's name; use output_guardrails, to which targets only add",
    "fetch_integrated_models": "it belongs to a hosted service; name the targets in the config",
    "mode": "the old form of a config; use strategy.mode",
    "options": "the old form of a config; use strategy and targets",
    "on_status_codes": "it has no effect here; put it into strategy.on_status_codes or retry.on_status_codes",
    "prompt_id": "prompts are kept by a hosted service; send messages",
}
