"""Google Gemini: the generateContent API of ai.google.dev, v1beta."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
from yarl import URL

from ...outcome import Failure
from ...wire.hosts import path_part
from ...wire.message import WireReply, WireRequest
from ..base import EncodeError, ProviderSettings, StreamDecoder
from ..failures import failure_of
from ..openai_request import chat_url, header_value
from .answer import Reading
from .dialect import GEMINI_API, Dialect
from .request import request_body
from .response import completion
from .stream import GeminiStreamDecoder
from .tools import custom_names

_HOST: Final = "https://generativelanguage.googleapis.com"
_VERSION: Final = re.compile(r"/v\d{1,3}(?:alpha|beta)?\d{0,3}$")
_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
#: URLs that a target keeps: nearly all targets use one or two models.
_MAX_KEPT: Final = 64
_COLLECTIONS: Final = ("models/", "tunedModels/")


def adapter(settings: ProviderSettings) -> GeminiAdapter:
    """The adapter for a target of provider "google"."""
    return GeminiAdapter(settings)


class GeminiAdapter:
    """The key travels in the header `x-goog-api-key`, never in the URL.

    `custom_host` stands for the host alone, or for the host with a version ("/v1beta").
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        base, _, query = (settings.base_url or _HOST).partition("#")[0].partition("?")
        self._host = base.rstrip("/")
        self._query = query
        self._urls: dict[tuple[str, bool], URL] = {}
        self._reading = Reading(settings.provider, GEMINI_API.origin, settings.strict)

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        model = requested_model(params)
        body, warnings = request_body(
            params, model, GEMINI_API, refuse=self._settings.on_unsupported == "error"
        )
        headers = {"Content-Type": "application/json"}
        if key:
            headers["x-goog-api-key"] = header_value(key, "api_key")
        return WireRequest(self._url(model, bool(params.get("stream"))), headers, body, warnings=warnings)

    def _url(self, model: str, stream: bool) -> URL:
        url = self._urls.get((model, stream))
        if url is None:
            url = self._made_url(model, stream)
            if len(self._urls) < _MAX_KEPT:
                self._urls[model, stream] = url
        return url

    def _made_url(self, model: str, stream: bool) -> URL:
        collection, name = "models/", model
        for known in _COLLECTIONS:
            if model.startswith(known):
                collection, name = known, model[len(known) :]
        version = "" if _VERSION.search(self._host) else _version_of(model)
        method = ":streamGenerateContent?alt=sse" if stream else ":generateContent"
        if self._query:
            method += ("&" if stream else "?") + self._query
        text = f"{self._host}{version}/{collection}{path_part(name)}{method}"
        return chat_url(self._host, text[len(self._host) :])

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        return completion(reply, _model_name(params), self._reading_for(params))

    def failure(self, reply: WireReply) -> Failure:
        return with_delay(failure_of(reply, self._settings.provider))

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        return GeminiStreamDecoder(self._reading_for(params), _model_name(params), expected_choices(params))

    def _reading_for(self, params: Mapping[str, Any]) -> Reading:
        custom = custom_names(params) if params.get("tools") else None
        return attrs.evolve(self._reading, custom=custom) if custom else self._reading


def requested_model(params: Mapping[str, Any]) -> str:
    """Raises EncodeError for a request without a model."""
    model = params.get("model")
    if not isinstance(model, str) or not model or model in _COLLECTIONS:
        raise EncodeError("model: the name of a model was expected", "model")
    try:
        model.encode("utf-8")
    except UnicodeEncodeError:
        raise EncodeError("model: not a usable text", "model") from None
    return model


def _model_name(params: Mapping[str, Any]) -> str:
    model = params.get("model")
    return model.removeprefix("models/") if isinstance(model, str) else ""


def _version_of(model: str) -> str:
    # The one family that was never part of v1beta.
    return "/v1alpha" if "gemini-2.0-flash-thinking-exp" in model else "/v1beta"


def expected_choices(params: Mapping[str, Any]) -> int:
    """As many choices as were asked for."""
    count = params.get("n")
    return count if type(count) is int and count > 0 else 1


def with_delay(failure: Failure) -> Failure:
    """`failure` with the wait that Google asks for in the body (google.rpc.RetryInfo), if it does."""
    body = failure.body[0] if isinstance(failure.body, list) and failure.body else failure.body
    error = body.get("error") if isinstance(body, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    for detail in details[:32] if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        match = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if match is not None:
            return attrs.evolve(failure, retry_after=float(match[1]))
    return failure


__all__ = ["GEMINI_API", "Dialect", "GeminiAdapter", "adapter"]
