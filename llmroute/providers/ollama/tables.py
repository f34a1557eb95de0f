"""Names on both sides. Sources: docs.ollama.com, OpenAI compatibility and /api/chat; api/types.go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: What the OpenAI-compatible endpoint reads; it ignores anything else.
COMPATIBLE_PARAMS: Final = frozenset(
    {
        "frequency_penalty",
        "logprobs",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
    }
)
#: Members of a native request that the compatible endpoint does not know.
NATIVE_PARAMS: Final = frozenset({"format", "keep_alive", "options", "shift", "truncate"})
#: Model options that a caller may name beside OpenAI's parameters.
OPTIONS: Final = frozenset(
    {
        "draft_num_predict",
        "main_gpu",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_keep",
        "num_predict",
        "num_thread",
        "repeat_last_n",
        "repeat_penalty",
        "top_k",
        "typical_p",
        "use_mmap",
    }
)
#: OpenAI's parameters as model options.
OPTION_NAMES: Final[Mapping[str, str]] = {
    "frequency_penalty": "frequency_penalty",
    "max_tokens": "num_predict",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "stop": "stop",
    "temperature": "temperature",
    "top_p": "top_p",
}
#: Parameters without a counterpart, with the value that asks for nothing.
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
    "user": None,
    "verbosity": "medium",
    "web_search_options": None,
}
#: Parameters that are translated before anything is sent.
TRANSLATED: Final = frozenset({"function_call", "functions", "max_completion_tokens", "think", "thinking"})

CHAT_PATH: Final = "/api/chat"
