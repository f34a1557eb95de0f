"""Models on Vertex AI that speak OpenAI's chat completions, and Mistral's, which nearly do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...wire.message import WireReply, WireRequest
from ..base import ProviderSettings, StreamDecoder
from ..failures import NUMBERS_AS_TEXT
from ..openai import OpenAICompatible
from ..row import Row
from .addresses import Addresses

ROW: Final = Row(
    slug="vertex-ai",
    base_url="https://aiplatform.googleapis.com",
    errors=NUMBERS_AS_TEXT,
    docs="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview",
)


class CompatibleOnVertex:
    """Models as a service, and endpoints of one's own."""

    __slots__ = ("_addresses", "_inner", "_publisher")

    def __init__(self, settings: ProviderSettings, addresses: Addresses, publisher: str) -> None:
        self._addresses = addresses
        self._publisher = publisher
        self._inner = OpenAICompatible(ROW, attrs.evolve(settings, base_url=None))

    def encode(self, params: Mapping[str, Any], model: str, key: str | None) -> WireRequest:
        places = self._addresses
        url = places.openapi() if self._publisher == "openapi" else places.endpoint(model)
        wire = self._inner.encode({**params, "model": model}, key)
        wire.url = url
        return wire

    def decode(self, reply: WireReply, params: Mapping[str, Any], model: str) -> dict[str, Any]:
        return self._inner.decode(reply, params)

    def decoder(self, params: Mapping[str, Any], model: str) -> StreamDecoder:
        return self._inner.decoder(params)


MISTRAL: Final = attrs.evolve(
    ROW,
    rename={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
    finish_reasons={"model_length": "length", "error": "content_filter"},
    docs="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/mistral",
)


class MistralOnVertex:
    """rawPredict and streamRawPredict with the body of Mistral's own API."""

    __slots__ = ("_addresses", "_inner")

    def __init__(self, settings: ProviderSettings, addresses: Addresses, publisher: str) -> None:
        self._addresses = addresses
        self._inner = OpenAICompatible(MISTRAL, attrs.evolve(settings, base_url=None))

    def encode(self, params: Mapping[str, Any], model: str, key: str | None) -> WireRequest:
        method = "streamRawPredict" if params.get("stream") else "rawPredict"
        url = self._addresses.model("mistralai", model, method)
        wire = self._inner.encode({**params, "model": model}, key)
        wire.url = url
        return wire

    def decode(self, reply: WireReply, params: Mapping[str, Any], model: str) -> dict[str, Any]:
        return self._inner.decode(reply, params)

    def decoder(self, params: Mapping[str, Any], model: str) -> StreamDecoder:
        return self._inner.decoder(params)
