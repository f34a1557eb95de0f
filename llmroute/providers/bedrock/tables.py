"""Names and values on both sides of the translation.

Source: docs.aws.amazon.com/bedrock/latest/APIReference, Converse and ConverseStream, and the service
model of bedrock-runtime 2023-09-30.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: `origin` of the provider_state that this format writes and takes back.
ORIGIN: Final = "bedrock"
DEFAULT_REGION: Final = "us-east-1"

#: Parameters that callers may give under Converse's name or the gateway's; sent as they are.
NATIVE: Final[Mapping[str, str]] = {
    "additionalModelResponseFieldPaths": "additionalModelResponseFieldPaths",
    "additional_model_response_field_paths": "additionalModelResponseFieldPaths",
    "guardrailConfig": "guardrailConfig",
    "guardrail_config": "guardrailConfig",
    "outputConfig": "outputConfig",
    "performanceConfig": "performanceConfig",
    "performance_config": "performanceConfig",
    "promptVariables": "promptVariables",
    "prompt_variables": "promptVariables",
    "requestMetadata": "requestMetadata",
    "request_metadata": "requestMetadata",
    "serviceTier": "serviceTier",
}
ADDITIONAL: Final = ("additional_model_request_fields", "additionalModelRequestFields")

#: Parameters of `inferenceConfig`.
INFERENCE: Final[Mapping[str, str]] = {"temperature": "temperature", "top_p": "topP"}

#: Parameters that `request` and `fields` translate, or that say nothing here (`stream` is in the
#: path, usage always comes with the last chunk).
TRANSLATED: Final = frozenset(
    {
        *ADDITIONAL,
        "anthropic_beta",
        "anthropic_version",
        "function_call",
        "functions",
        "inferenceConfig",
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
        "stop_sequences",
        "stream",
        "stream_options",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user",
    }
)

#: OpenAI parameters that Converse itself has not, with the value that asks for nothing.
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

#: OpenAI's `service_tier`; "auto" is what happens without one.
SERVICE_TIERS: Final[Mapping[str, str]] = {
    "default": "default",
    "flex": "flex",
    "priority": "priority",
    "reserved": "reserved",
}
#: The tiers that OpenAI has a name for.
SERVED_TIERS: Final = frozenset({"default", "flex", "priority"})

#: stopReason as OpenAI's finish_reason; any other counts as "stop".
FINISH_REASONS: Final[Mapping[str, str]] = {
    "content_filtered": "content_filter",
    "end_turn": "stop",
    "guardrail_intervened": "content_filter",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}
#: The stop reasons that survive this mapping without loss.
PLAIN_REASONS: Final = frozenset({"content_filtered", "end_turn", "max_tokens", "tool_use"})
#: The generation broke off: passing it off as complete would hide that.
BROKEN_REASONS: Final = frozenset({"malformed_model_output", "malformed_tool_use"})

IMAGE_FORMATS: Final[Mapping[str, str]] = {
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
}
DOCUMENT_FORMATS: Final[Mapping[str, str]] = {
    "application/json": "txt",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/xhtml+xml": "html",
    "application/xml": "txt",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "text/x-markdown": "md",
    "text/xml": "txt",
}
VIDEO_FORMATS: Final[Mapping[str, str]] = {
    "video/3gpp": "three_gp",
    "video/mp4": "mp4",
    "video/mpeg": "mpeg",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/x-matroska": "mkv",
    "video/x-ms-wmv": "wmv",
}
AUDIO_FORMATS: Final[Mapping[str, str]] = {
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/wav": "wav",
    "audio/webm": "webm",
    "audio/x-wav": "wav",
}
#: Media types by file name ending, for files that do not tell theirs.
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "wmv": "video/x-ms-wmv",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "text/xml",
}

#: Content blocks of Converse that callers may put between OpenAI's parts.
NATIVE_BLOCKS: Final = frozenset(
    {
        "audio",
        "cachePoint",
        "citationsContent",
        "document",
        "guardContent",
        "image",
        "reasoningContent",
        "searchResult",
        "text",
        "toolResult",
        "toolUse",
        "video",
    }
)
