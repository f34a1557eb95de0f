"""Models on Vertex AI that speak OpenAI's chat completions, and Mistral's, which nearly do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...wire.message import WireReply, WireRequest
from ..base import EncodeError, ProviderSettings, StreamDecoder
from ..failures import NUMBERS_AS_TEXT
from ..mistral import Mistral
from ..mistral.tables import MAX_TEMPERATURE
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


class MistralOnVertex:
    """rawPredict and streamRawPredict with the body of Mistral's own API."""

    __slots__ = ("_addresses", "_inner", "_refuse")

    def __init__(self, settings: ProviderSettings, addresses: Addresses, publisher: str) -> None:
        self._addresses = addresses
        self._refuse = settings.on_unsupported == "error"
        self._inner = _Mistral(attrs.evolve(settings, base_url=None))

    def encode(self, params: Mapping[str, Any], model: str, key: str | None) -> WireRequest:
        method = "streamRawPredict" if params.get("stream") else "rawPredict"
        url = self._addresses.model("mistralai", model, method)
        temperature = params.get("temperature")
        warnings: tuple[str, ...] = ()
        if isinstance(temperature, (int, float)) and temperature > MAX_TEMPERATURE:
            params, warnings = {**params, "temperature": 1}, (self._lowered(),)
        wire = self._inner.encode({**params, "model": model}, key)
        wire.url = url
        wire.warnings = (*warnings, *wire.warnings)
        return wire

    def _lowered(self) -> str:
        """What is out of range becomes 1, as recorded."""
        text = f"temperature is above Mistral's {MAX_TEMPERATURE} and was lowered to 1"
        if self._refuse:
            raise EncodeError(text, "temperature", "unsupported_parameter")
        return text

    def decode(self, reply: WireReply, params: Mapping[str, Any], model: str) -> dict[str, Any]:
        return self._inner.decode(reply, params)

    def decoder(self, params: Mapping[str, Any], model: str) -> StreamDecoder:
        return self._inner.decoder(params)


class _Mistral(Mistral):
    """Mistral's adapter under the name and with the errors of Vertex AI."""

    __slots__ = ()

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._row = attrs.evolve(self._row, slug=ROW.slug, errors=NUMBERS_AS_TEXT)
