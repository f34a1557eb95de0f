"""Google Vertex AI: models of several publishers, each in the format of its own.

The model names its publisher: "anthropic.claude-sonnet-4-5@20250929", "meta.llama-...",
"mistralai.mistral-...", "endpoints.ID" for an endpoint of one's own, as the Portkey gateway has it,
or "publisher/model" as Vertex's own OpenAI endpoint has it. Without a publisher it is Google's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...outcome import Failure
from ...wire.message import WireReply, WireRequest
from ..base import Adapter, ProviderSettings, StreamDecoder
from ..failures import NUMBERS_AS_TEXT, failure_of
from ..gemini import requested_model, with_delay
from ..links import Link, links
from .addresses import Addresses, split_model
from .claude import ClaudeOnVertex
from .compatible import CompatibleOnVertex, MistralOnVertex
from .format import Format
from .gemini import GeminiOnVertex

FORMATS: Final[Mapping[str, type[Format]]] = {
    "anthropic": ClaudeOnVertex,
    "endpoints": CompatibleOnVertex,
    "google": GeminiOnVertex,
    "mistralai": MistralOnVertex,
    "openapi": CompatibleOnVertex,
}


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for a target of provider "vertex-ai".

    `settings.options` holds `vertex_region` and `vertex_project_id` (or a service account's key, which
    names its project); with `anthropic_version` and `anthropic_beta` as for provider anthropic.
    """
    return VertexAdapter(settings)


class VertexAdapter:
    """Hands each call to the format of its model's publisher."""

    __slots__ = ("_addresses", "_formats", "_provider", "_settings")

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._provider = settings.provider
        self._addresses = Addresses(settings)
        self._formats: dict[str, Format] = {}

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        publisher, model = split_model(requested_model(params))
        return self._format(publisher).encode(params, model, key)

    def wants(self, params: Mapping[str, Any]) -> Sequence[Link]:
        """Everything for Anthropic's models: on Vertex AI they take no URLs. The others do."""
        return links(params) if _named(params)[0] == "anthropic" else ()

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        publisher, model = _named(params)
        return self._format(publisher).decode(reply, params, model)

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        publisher, model = _named(params)
        return self._format(publisher).decoder(params, model)

    def failure(self, reply: WireReply) -> Failure:
        return with_delay(failure_of(reply, self._provider, NUMBERS_AS_TEXT))

    def _format(self, publisher: str) -> Format:
        found = self._formats.get(publisher)
        if found is None:
            found = self._formats[publisher] = FORMATS[publisher](self._settings, self._addresses, publisher)
        return found


def _named(params: Mapping[str, Any]) -> tuple[str, str]:
    model = params.get("model")
    return split_model(model if isinstance(model, str) else "")
