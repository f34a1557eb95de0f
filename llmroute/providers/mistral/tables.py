"""Names and values of Mistral's chat completions. Source: docs.mistral.ai/api (2026)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..row import Row

#: `origin` of the provider_state that this format writes and takes back.
ORIGIN: Final = "mistral"

ROW: Final = Row(
    slug="mistral-ai",
    base_url="https://api.mistral.ai/v1",
    env=("MISTRAL_API_KEY",),
    roles={"developer": "system"},
    finish_reasons={"model_length": "length"},
    docs="https://docs.mistral.ai/api",
)
#: Code completion: the text between a prompt and a suffix.
FIM_PATH: Final = "/fim/completions"

#: Parameters of the API; whatever else a request holds it refuses.
NATIVE_PARAMS: Final = frozenset(
    {
        "frequency_penalty",
        "guardrails",
        "logprobs",
        "max_tokens",
        "metadata",
        "min_tokens",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_logprobs",
        "prompt_mode",
        "random_seed",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "safe_prompt",
        "stop",
        "stream",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
        "top_prompt_logprobs",
    }
)
#: Other names of parameters; of both names of the limit the newer one wins.
RENAMED: Final[Mapping[str, str]] = {
    "max_completion_tokens": "max_tokens",
    "safe_mode": "safe_prompt",
    "seed": "random_seed",
}
#: Parameters that `request` translates, or that say nothing to this API (`stream_options`: usage
#: always comes with the last chunk).
TRANSLATED: Final = frozenset(
    {
        "function_call",
        "functions",
        "messages",
        "model",
        "prediction",
        "service_tier",
        "stream_options",
        "tool_choice",
        "tools",
    }
)
#: Parameters without a counterpart, with the value that asks for nothing.
NEUTRAL_VALUES: Final[Mapping[str, Any]] = {
    "audio": None,
    "logit_bias": {},
    "modalities": ["text"],
    "safety_identifier": None,
    "store": False,
    "thinking": {"type": "disabled"},  # these models think when told to by reasoning_effort
    "user": None,
    "verbosity": "medium",
    "web_search_options": None,
}
#: The highest temperature; OpenAI's is 2.
MAX_TEMPERATURE: Final = 1.5

#: OpenAI's `service_tier`; a tier that is not listed does not exist here.
SERVICE_TIERS: Final[Mapping[str, str]] = {
    "auto": "auto",
    "default": "standard_only",
    "priority": "auto",
    "standard_only": "standard_only",
}
#: OpenAI's name for the tier that served a request.
SERVED_TIERS: Final[Mapping[str, str]] = {"standard": "default", "priority": "priority"}
