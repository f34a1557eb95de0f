"""Names and values on both sides of the translation. Source: docs.cohere.com/reference/chat (API v2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: `origin` of the provider_state that this format writes and takes back.
ORIGIN: Final = "cohere"

DEFAULT_BASE_URL: Final = "https://api.cohere.com"
PATH: Final = "/v2/chat"

#: Parameters that go through as they are.
NATIVE_PARAMS: Final = frozenset(
    {
        "citation_options",
        "documents",
        "frequency_penalty",
        "k",
        "logprobs",
        "max_tokens",
        "p",
        "presence_penalty",
        "priority",
        "safety_mode",
        "seed",
        "stop_sequences",
        "stream",
        "strict_tools",
        "temperature",
    }
)

#: OpenAI's names of parameters; of both names of the limit the newer one wins.
RENAMED: Final[Mapping[str, str]] = {"max_completion_tokens": "max_tokens", "top_k": "k", "top_p": "p"}

#: Parameters that `request` translates, or that say nothing to this API (`stream_options`: usage
#: always comes with the last event).
TRANSLATED: Final = frozenset(
    {
        "function_call",
        "functions",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "stop",
        "stream_options",
        "thinking",
        "tool_choice",
        "tools",
    }
)

#: OpenAI parameters without a counterpart, with the value that asks for nothing.
NEUTRAL_VALUES: Final[Mapping[str, Any]] = {
    "audio": None,
    "logit_bias": {},
    "metadata": {},
    "modalities": ["text"],
    "n": 1,
    "prediction": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "auto",
    "store": False,
    "top_logprobs": 0,
    "user": None,
    "verbosity": "medium",
    "web_search_options": None,
}

#: finish_reason as OpenAI's; any other counts as "stop". The last two are of API v1.
FINISH_REASONS: Final[Mapping[str, str]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "content_filter",
}
#: The finish reasons that survive this mapping without loss.
PLAIN_REASONS: Final = frozenset({"COMPLETE", "MAX_TOKENS", "TOOL_CALL"})
#: Generations that came to no end of their own.
FAILED_REASONS: Final[Mapping[str, str]] = {
    "ERROR": "the generation failed",
    "TIMEOUT": "the generation was stopped at its time limit",
}
