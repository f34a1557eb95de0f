"""Names and values on both sides of the translation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: `origin` of the provider_state that this format writes and takes back. Signatures are valid on all
#: of Anthropic's platforms, so it does not depend on the provider's name.
ORIGIN: Final = "anthropic"

DEFAULT_BASE_URL: Final = "https://api.anthropic.com/v1"
#: Default of the `anthropic-version` header: the one that still takes sampling parameters.
DEFAULT_VERSION: Final = "2023-06-01"

#: Parameters of the Messages API (beta ones included) that go through as they are.
NATIVE_PARAMS: Final = frozenset(
    {
        "billing_policy",
        "cache_control",
        "compaction",
        "container",
        "context_management",
        "diagnostics",
        "fallback_credit_token",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "output_format",
        "speed",
        "stop_sequences",
        "stream",
        "thinking",
        "thread",
    }
)

#: Parameters that `request` translates, or that say nothing to this API (`stream_options`: usage
#: always comes with the last chunk).
TRANSLATED: Final = frozenset(
    {
        "anthropic_beta",
        "anthropic_version",
        "betas",
        "function_call",
        "functions",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "service_tier",
        "stop",
        "stream_options",
        "system",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user",
        "user_profile_id",
        "workspace_id",
    }
)

#: OpenAI parameters without a counterpart, with the value that asks for nothing.
NEUTRAL_VALUES: Final[Mapping[str, Any]] = {
    "audio": None,
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "modalities": ["text"],
    "moderation": None,
    "n": 1,
    "prediction": None,
    "presence_penalty": 0,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "seed": None,
    "store": False,
    "top_logprobs": 0,
    "verbosity": "medium",
    "web_search_options": None,
}

#: Parameters that the API takes as headers.
HEADER_PARAMS: Final[Mapping[str, str]] = {
    "user_profile_id": "anthropic-user-profile-id",
    "workspace_id": "anthropic-workspace-id",
}

#: OpenAI's `service_tier`; None stands for a tier that does not exist here.
SERVICE_TIERS: Final[Mapping[str, str | None]] = {
    "auto": "auto",
    "default": "standard_only",
    "priority": "auto",  # priority capacity where it was bought
    "standard_only": "standard_only",
    "flex": None,
    "scale": None,
}

#: OpenAI's name for the tier that served a request.
SERVED_TIERS: Final[Mapping[str, str]] = {"standard": "default", "priority": "priority"}

#: stop_reason as OpenAI's finish_reason; any other counts as "stop".
FINISH_REASONS: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
#: The stop reasons that survive this mapping without loss.
PLAIN_REASONS: Final = frozenset({"end_turn", "max_tokens", "tool_use", "refusal", "stop_sequence"})

#: Content blocks that callers may put between OpenAI's parts; types ending in `_tool_result` too.
NATIVE_BLOCKS: Final = frozenset(
    {
        "browser_state",
        "compaction",
        "container_upload",
        "document",
        "image",
        "mcp_tool_use",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "thinking",
        "tool_reference",
        "tool_result",
        "tool_use",
    }
)

#: Media types by file name ending, for files that do not tell theirs.
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "gif": "image/gif",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "webp": "image/webp",
    "xml": "text/xml",
}
