"""What the formats of Vertex AI have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...wire.message import WireReply, WireRequest
from ..base import ProviderSettings, StreamDecoder
from ..openai_request import header_value
from .addresses import Addresses


class Format(Protocol):
    """One publisher's requests and answers; `model` is its name without the publisher."""

    def __init__(self, settings: ProviderSettings, addresses: Addresses, publisher: str) -> None: ...

    def encode(self, params: Mapping[str, Any], model: str, key: str | None) -> WireRequest:
        """As Adapter.encode."""

    def decode(self, reply: WireReply, params: Mapping[str, Any], model: str) -> dict[str, Any]:
        """As Adapter.decode."""

    def decoder(self, params: Mapping[str, Any], model: str) -> StreamDecoder:
        """As Adapter.decoder."""


def headers_of(key: str | None) -> dict[str, str]:
    """The headers of a request; `key` is an access token, None where credentials add one."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = "Bearer " + header_value(key, "api_key")
    return headers
