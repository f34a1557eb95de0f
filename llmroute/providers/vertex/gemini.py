"""Google's own models on Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...wire.message import WireReply, WireRequest
from ..base import ProviderSettings, StreamDecoder
from ..gemini import expected_choices
from ..gemini.answer import Reading
from ..gemini.dialect import Dialect
from ..gemini.request import request_body
from ..gemini.response import completion
from ..gemini.stream import GeminiStreamDecoder
from ..gemini.tools import custom_names
from .addresses import Addresses
from .format import headers_of

#: Source: GenerateContentRequest in the REST reference of Vertex AI, v1 and v1beta1.
VERTEX: Final = Dialect(
    "vertex-ai",
    frozenset({
        "safetySettings",
        "cachedContent",
        "labels",
        "toolConfig",
        "systemInstruction",
        "serviceTier",
        "continuationToken",
        "modelArmorConfig",
        "outputConfig",
    }),
    # Version v1, whose URLs are used, has none.
    call_ids=False,
)  # fmt: skip


class GeminiOnVertex:
    """generateContent and streamGenerateContent."""

    __slots__ = ("_addresses", "_reading", "_refuse")

    def __init__(self, settings: ProviderSettings, addresses: Addresses, publisher: str) -> None:
        self._addresses = addresses
        self._refuse = settings.on_unsupported == "error"
        self._reading = Reading(settings.provider, VERTEX.origin, settings.strict)

    def encode(self, params: Mapping[str, Any], model: str, key: str | None) -> WireRequest:
        body, warnings = request_body(params, model, VERTEX, refuse=self._refuse)
        method = "streamGenerateContent?alt=sse" if params.get("stream") else "generateContent"
        url = self._addresses.model("google", model, method)
        return WireRequest(url, headers_of(key), body, warnings=warnings)

    def decode(self, reply: WireReply, params: Mapping[str, Any], model: str) -> dict[str, Any]:
        return completion(reply, model, self._reading_for(params))

    def decoder(self, params: Mapping[str, Any], model: str) -> StreamDecoder:
        return GeminiStreamDecoder(self._reading_for(params), model, expected_choices(params))

    def _reading_for(self, params: Mapping[str, Any]) -> Reading:
        custom = custom_names(params) if params.get("tools") else None
        return attrs.evolve(self._reading, custom=custom) if custom else self._reading
