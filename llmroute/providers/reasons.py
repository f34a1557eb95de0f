"""Which errors mean "too long for this model" or "against the content policy": the same for all providers."""

from __future__ import annotations

from typing import Any, Final, Literal

Reason = Literal["context_window", "content_policy"]

#: Statuses that never mean either, however the text is worded: credentials, quotas, rate limits.
_OTHER_MEANING: Final = frozenset({401, 402, 404, 408, 429, 503, 529})
#: Codes that claim a text which otherwise looks like a full context window.
_LIMIT_CODES: Final = frozenset({"rate_limit_exceeded", "rate_limit_error", "insufficient_quota", "tokens"})

#: Values of `code` or `type`, in lower case.
_CODES: Final[dict[str, Reason]] = {
    "context_length_exceeded": "context_window",  # OpenAI, Azure OpenAI, Groq, Cerebras, DeepInfra
    "context_window_exceeded": "context_window",
    "model_context_window_exceeded": "context_window",
    "exceed_context_size_error": "context_window",  # llama.cpp
    "max_tokens_exceeded": "context_window",
    "prompt_too_long": "context_window",
    "content_filter": "content_policy",  # Azure OpenAI, Moonshot
    "content_policy_violation": "content_policy",  # OpenAI
    "content_policy": "content_policy",
    "content_filter_error": "content_policy",
    "responsibleaipolicyviolation": "content_policy",  # Azure OpenAI, inner error
    "datainspectionfailed": "content_policy",  # DashScope
    "data_inspection_failed": "content_policy",
    "moderation_blocked": "content_policy",
    "safety_check_failed": "content_policy",
}

#: Parts of messages, in lower case, with where they were first met.
_TEXTS: Final[tuple[tuple[str, Reason], ...]] = (
    ("maximum context length", "context_window"),  # OpenAI, vLLM, DeepSeek, OpenRouter, Mistral
    ("context length exceeded", "context_window"),
    ("context_length_exceeded", "context_window"),
    ("exceeds the context window", "context_window"),
    ("exceed context limit", "context_window"),  # Anthropic: input length and `max_tokens` exceed
    ("context window exceed", "context_window"),
    ("exceeds the available context size", "context_window"),  # llama.cpp
    ("exceeds context length", "context_window"),
    ("exceeds the model's context", "context_window"),
    ("exceeds the context length", "context_window"),  # Ollama
    ("context window limit", "context_window"),  # Workers AI
    ("`inputs` must have less than", "context_window"),  # text-generation-inference
    ("longer than the model's context length", "context_window"),  # Together, SGLang
    ("is longer than the maximum context", "context_window"),
    ("maximum prompt length", "context_window"),  # xAI
    ("prompt is too long", "context_window"),  # Anthropic, Fireworks
    ("input is too long", "context_window"),  # Bedrock
    ("number of input tokens exceeds maximum length", "context_window"),  # Bedrock, Nova
    ("prompt too long", "context_window"),
    ("exceeds the maximum number of tokens allowed", "context_window"),  # Gemini
    ("maximum number of tokens allowed", "context_window"),
    ("too many tokens: ", "context_window"),  # Cohere
    ("exceeded model token limit", "context_window"),  # Moonshot
    ("reduce the length of the messages", "context_window"),  # Groq, Cerebras
    ("reduce the length of your prompt", "context_window"),
    ("`max_new_tokens` must be <=", "context_window"),  # text-generation-inference
    ("range of input length should be", "context_window"),  # DashScope
    ("content management policy", "content_policy"),  # Azure OpenAI
    ("content filtering policy", "content_policy"),  # Anthropic, Bedrock
    ("content policy", "content_policy"),
    ("our safety system", "content_policy"),  # OpenAI
    ("violating our usage policy", "content_policy"),  # OpenAI reasoning models
    ("violates our usage policies", "content_policy"),
    ("content exists risk", "content_policy"),  # DeepSeek
    ("considered high risk", "content_policy"),  # Moonshot
    ("inappropriate content", "content_policy"),  # DashScope
    ("your input was flagged", "content_policy"),  # OpenRouter
    ("unsafe or sensitive content", "content_policy"),  # Zhipu
    ("violates usage guidelines", "content_policy"),  # xAI
    ("prohibited content", "content_policy"),
    ("prohibited_content", "content_policy"),  # Gemini
)
_READ: Final = 4096


def reason_of(status: int, kind: Any, code: Any, message: str, body: Any = None) -> Reason | None:
    """The reason of an error with HTTP `status` and these members, None for all other errors.

    `body` is looked into for the inner error of Azure. Only the first 4,096 characters are read.
    """
    if status in _OTHER_MEANING:
        return None
    labels = [label.lower() for label in (code, kind, _inner_code(body)) if isinstance(label, str)]
    for label in labels:
        if label in _CODES:
            return _CODES[label]
    if not _LIMIT_CODES.isdisjoint(labels):
        return None
    text = message[:_READ].lower()
    return next((reason for part, reason in _TEXTS if part in text), None)


def _inner_code(body: Any) -> Any:
    error = body.get("error") if isinstance(body, dict) else None
    inner = (error.get("innererror") or error.get("inner_error")) if isinstance(error, dict) else None
    return inner.get("code") if isinstance(inner, dict) else None
