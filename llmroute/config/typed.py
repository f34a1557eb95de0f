"""ConfigDict: the config language as typed dicts, for editors and type checkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Required, TypedDict


class RetryDict(TypedDict, total=False):
    """`retry`. `attempts` from 0 to 5; backoffs in ms."""

    attempts: Required[int]
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
    """`strategy`: how the targets beside it are tried."""

    mode: Required[Literal["single", "fallback", "loadbalance", "conditional"]]
    on_status_codes: Sequence[int]
    on_errors: Sequence[
        Literal["context_window", "content_policy", "timeout", "connection", "rate_limit", "auth", "server"]
    ]
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
    before_request_hooks: Sequence[Mapping[str, Any]]
    after_request_hooks: Sequence[Mapping[str, Any]]
    input_guardrails: Sequence[str | Mapping[str, Any]]
    output_guardrails: Sequence[str | Mapping[str, Any]]
    input_mutators: Sequence[str | Mapping[str, Any]]
    output_mutators: Sequence[str | Mapping[str, Any]]
    inherit_hooks: bool
    anthropic_beta: str
    anthropic_version: str
    api_version: str
    aws_access_key_id: str
    aws_auth_type: str
    aws_bedrock_model: str
    aws_external_id: str
    aws_region: str
    aws_role_arn: str
    aws_secret_access_key: str
    aws_session_token: str
    azure_ad_tenant_id: str
    azure_ad_token: str
    azure_api_version: str
    azure_auth_mode: str
    azure_deployment_name: str
    azure_endpoint_name: str
    azure_entra_client_id: str
    azure_entra_client_secret: str
    azure_entra_scope: str
    azure_entra_tenant_id: str
    azure_extra_parameters: str
    azure_extra_params: str
    azure_foundry_url: str
    azure_managed_client_id: str
    azure_model_name: str
    azure_workload_client_id: str
    azure_workload_tenant_id: str
    deployment_id: str
    deployments: Sequence[Any]
    fireworks_account_id: str
    http_referer: str
    huggingface_base_url: str
    mistral_fim_completion: str
    modal_key: str
    modal_secret: str
    openai_beta: str
    openai_organization: str
    openai_project: str
    openrouter_referer: str
    openrouter_title: str
    oracle_api_version: str
    oracle_compartment_id: str
    oracle_fingerprint: str
    oracle_key_passphrase: str
    oracle_private_key: str
    oracle_region: str
    oracle_serving_mode: str
    oracle_tenancy: str
    oracle_user: str
    resource_name: str
    safety_settings: Sequence[Any]
    snowflake_account: str
    vertex_model_name: str
    vertex_project_id: str
    vertex_region: str
    vertex_service_account_json: str | Mapping[str, Any]
    workers_ai_account_id: str
    x_title: str
