"""Which adapter serves a provider: looked up by name, imported when a plan needs it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

from .auth.base import Credentials, CredentialSettings
from .base import Adapter, ProviderSettings
from .catalogue import ROWS
from .openai import OpenAICompatible

#: Providers with code of their own: "module:name" of a callable that takes ProviderSettings.
ADAPTERS: Final[Mapping[str, str]] = {
    "ai21": "llmroute.providers.ai21:adapter",
    "anthropic": "llmroute.providers.anthropic:adapter",
    "azure-ai": "llmroute.providers.azure:foundry_adapter",
    "azure-openai": "llmroute.providers.azure:openai_adapter",
    "bedrock": "llmroute.providers.bedrock:adapter",
    "bytez": "llmroute.providers.bytez:adapter",
    "cohere": "llmroute.providers.cohere:adapter",
    "google": "llmroute.providers.gemini:adapter",
    "huggingface": "llmroute.providers.huggingface:adapter",
    "mistral-ai": "llmroute.providers.mistral:adapter",
    "ollama": "llmroute.providers.ollama:adapter",
    "oracle": "llmroute.providers.oracle:adapter",
    "predibase": "llmroute.providers.predibase:adapter",
    "reka-ai": "llmroute.providers.reka:adapter",
    "vertex-ai": "llmroute.providers.vertex:adapter",
    "workers-ai": "llmroute.providers.workers_ai:adapter",
}

#: Providers whose requests are signed or need a fetched token: "module:name" of a callable that takes
#: CredentialSettings and returns Credentials, or None where the target's key is all it needs.
CREDENTIALS: Final[Mapping[str, str]] = {
    "azure-ai": "llmroute.providers.azure.credentials:credentials",
    "azure-openai": "llmroute.providers.azure.credentials:credentials",
    "bedrock": "llmroute.providers.bedrock.credentials:credentials",
    "oracle": "llmroute.providers.oracle.credentials:credentials",
    "vertex-ai": "llmroute.providers.vertex.credentials:credentials",
}

#: Members that a target of a provider must have: of each group one.
_REQUIRED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "azure-ai": (("azure_foundry_url", "custom_host"),),
    "azure-openai": (("resource_name", "custom_host"),),
    "oracle": (
        ("oracle_region", "custom_host"),
        ("oracle_compartment_id",),
        ("oracle_tenancy",),
        ("oracle_user",),
        ("oracle_fingerprint",),
        ("oracle_private_key",),
    ),
    "vertex-ai": (("vertex_project_id", "vertex_service_account_json"), ("vertex_region",)),
    "workers-ai": (("workers_ai_account_id", "custom_host"),),
}

_ENV: Final[Mapping[str, tuple[str, ...]]] = {
    "ai21": ("AI21_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure-ai": ("AZURE_AI_API_KEY", "AZURE_INFERENCE_CREDENTIAL"),
    "azure-openai": ("AZURE_OPENAI_API_KEY",),
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK",),
    "bytez": ("BYTEZ_API_KEY", "BYTEZ_KEY"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "huggingface": ("HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGINGFACEHUB_API_TOKEN"),
    "mistral-ai": ("MISTRAL_API_KEY",),
    "reka-ai": ("REKA_API_KEY",),
    "workers-ai": ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
}

#: Providers of the Portkey gateway that no adapter serves yet, with what comes closest.
_LATER: Final[Mapping[str, str]] = {
    "cortex": "",
    "sagemaker": "",
    "triton": "",
}
#: What people call a provider who come from its own documentation or from other libraries.
_MEANT: Final[Mapping[str, str]] = {
    "aws": "bedrock",
    "azure": "azure-openai",
    "claude": "anthropic",
    "gemini": "google",
    "grok": "x-ai",
    "nim": "nvidia-nim",
    "vertex": "vertex-ai",
    "vertex_ai": "vertex-ai",
    "zai": "z-ai",
}
_NO_CHAT: Final = frozenset(
    {"jina", "milvus", "nomic", "qdrant", "recraft-ai", "segmind", "stability-ai", "tripo3d", "voyage"}
)


def adapter_for(settings: ProviderSettings) -> Adapter:
    """A new adapter for `settings.provider`. Raises LookupError, with the refusal, for unknown ones."""
    place = ADAPTERS.get(settings.provider)
    if place is not None:
        module, _, name = place.partition(":")
        return cast(Adapter, getattr(import_module(module), name)(settings))
    row = ROWS.get(settings.provider)
    if row is None:
        raise LookupError(refusal(settings.provider) or f"unknown provider {settings.provider!r}")
    return OpenAICompatible(row, settings)


def credentials_for(settings: CredentialSettings) -> Credentials | None:
    """New credentials for a target, None where it needs nothing but a key."""
    place = CREDENTIALS.get(settings.provider)
    if place is None:
        return None
    module, _, name = place.partition(":")
    return cast("Credentials | None", getattr(import_module(module), name)(settings))


def known_providers() -> tuple[str, ...]:
    """Every provider that `adapter_for` serves, sorted."""
    return tuple(sorted({*ADAPTERS, *ROWS}))


def env_names(provider: str) -> tuple[str, ...]:
    """Environment variables that usually hold the provider's key; the first one set counts."""
    row = ROWS.get(provider)
    return _ENV.get(provider, () if row is None else row.env)


def required(provider: str) -> tuple[tuple[str, ...], ...]:
    """Members of the config that a target of the provider must have: of each group one."""
    return _REQUIRED.get(provider, ())


def key_optional(provider: str) -> bool:
    """Whether requests without a key make sense."""
    row = ROWS.get(provider)
    return row is not None and row.key_optional


def refusal(provider: str) -> str | None:
    """Why a provider that users of the gateway may name is not served; None for all other names."""
    if provider in ADAPTERS or provider in ROWS:
        return None
    if provider == "palm":
        return "palm was shut down by Google; use provider google"
    if provider in _NO_CHAT:
        return f"{provider} has no chat completions"
    meant = _MEANT.get(provider.lower())
    if meant is not None:
        return f"unknown provider {provider!r}, did you mean {meant!r}?"
    hint = _LATER.get(provider)
    if hint is None:
        return None
    return f"{provider} is not supported yet" + (f"; {hint}" if hint else "")
