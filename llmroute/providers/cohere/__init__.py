"""Cohere's Chat API, version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from ...outcome import Failure
from ...wire.json import JSONError, dumps
from ...wire.message import WireReply, WireRequest
from ..base import Adapter, EncodeError, ProviderSettings
from ..failures import failure_of, parsed_reply
from ..openai_request import chat_url, header_value
from ..report import Report
from .request import body_of
from .response import completion_of
from .stream import Decoder
from .tables import DEFAULT_BASE_URL, PATH


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for one target of provider `cohere`; `custom_host` stands before "/v2/chat"."""
    return _Cohere(settings)


class _Cohere:
    """A target whose `custom_host` cannot be used raises EncodeError at every `encode`."""

    __slots__ = ("_settings", "_url")

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._url: URL | None = None

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if self._url is None:
            self._url = chat_url(self._settings.base_url or DEFAULT_BASE_URL, PATH)
        report = Report("the Cohere API", refuse=self._settings.on_unsupported == "error")
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = "Bearer " + header_value(key, "api_key")
        try:
            body = dumps(body_of(params, report))
        except JSONError as problem:
            raise EncodeError(f"the request is no JSON: {problem}") from None
        except RecursionError:
            raise EncodeError("the request is nested too deeply") from None
        return WireRequest(url=self._url, headers=headers, body=body, warnings=report.warnings())

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        settings = self._settings
        body = parsed_reply(reply, settings.provider)
        return completion_of(body, settings.provider, _model(params), strict=settings.strict)

    def failure(self, reply: WireReply) -> Failure:
        return failure_of(reply, self._settings.provider)

    def decoder(self, params: Mapping[str, Any]) -> Decoder:
        return Decoder(self._settings.provider, _model(params), strict=self._settings.strict)


def _model(params: Mapping[str, Any]) -> str:
    """Answers do not name their model."""
    model = params.get("model")
    return model if isinstance(model, str) else ""
