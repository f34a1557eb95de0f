"""Hugging Face: its router, dedicated endpoints, and servers with a path for each model.

The router (router.huggingface.co) took over from the serverless API at api-inference.huggingface.co in
2025; a model may name its provider, "openai/gpt-oss-120b:groq".
Source: huggingface.co/docs/inference-providers; paths for other hosts as recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from yarl import URL

from ..wire.message import WireRequest
from .base import ProviderSettings
from .failures import ErrorStyle
from .model_path import model_path
from .openai import OpenAICompatible
from .openai_request import chat_url
from .report import Report
from .row import Row

ROW: Final = Row(
    slug="huggingface",
    base_url="https://router.huggingface.co",
    path="/v1/chat/completions",
    env=("HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGINGFACEHUB_API_TOKEN"),
    rename={"max_completion_tokens": "max_tokens"},
    roles={"developer": "system"},
    finish_reasons={"eos_token": "stop", "stop_sequence": "stop"},
    errors=ErrorStyle(status_in=("code",)),
    docs="https://huggingface.co/docs/inference-providers/tasks/chat-completion",
)
#: What text-generation-inference reads (huggingface_hub, ChatCompletionInput).
_SERVER_PARAMS: Final = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "presence_penalty",
        "response_format",
        "seed",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tool_prompt",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)


class HuggingFace(OpenAICompatible):
    """One target.

    `huggingface_base_url` among the options is a server of one model (a dedicated endpoint) or a
    router. Behind a `custom_host` alone stands what stood at api-inference.huggingface.co: a path for
    each model, with text-generation-inference at its end. That takes no other parameters than its
    own, and reports usage unasked.
    """

    __slots__ = ("_root", "_serves_many")

    def __init__(self, settings: ProviderSettings) -> None:
        given = settings.options.get("huggingface_base_url")
        self._serves_many = settings.base_url is not None and not given
        self._root = settings.base_url or (given if isinstance(given, str) and given else ROW.base_url or "")
        super().__init__(ROW, settings)

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if not self._serves_many or self._settings.passthrough:
            return super().encode(params, key)
        report = Report("the text-generation-inference API", refuse=self._settings.on_unsupported == "error")
        kept = {name: value for name, value in params.items() if name in _SERVER_PARAMS}
        for name in params:
            if name not in kept and params[name] is not None and name != "stream_options":
                report.lost(name)
        request = super().encode(kept, key)
        warnings = report.warnings()
        return attrs.evolve(request, warnings=warnings + request.warnings) if warnings else request

    def _chat_url(self, params: Mapping[str, Any]) -> URL:
        if self._serves_many:
            return chat_url(self._root, f"/models/{model_path(params.get('model'))}{ROW.path}")
        self._url = chat_url(self._root, ROW.path)
        return self._url


def adapter(settings: ProviderSettings) -> HuggingFace:
    """The adapter for one target of provider `huggingface`."""
    return HuggingFace(settings)
