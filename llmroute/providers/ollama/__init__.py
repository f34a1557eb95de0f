"""Ollama: its OpenAI-compatible endpoint, and its own for what that one ignores.

Model options (`options`, or `top_k`, `num_ctx` and the like beside the other parameters), `keep_alive`
and `format` exist at /api/chat only, so a request that names one goes there.
Source: docs.ollama.com, OpenAI compatibility.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ...outcome import Failure
from ...wire.json import JSONError, dumps
from ...wire.message import WireReply, WireRequest
from ..base import EncodeError, ProviderSettings, StreamDecoder
from ..catalogue import ROWS
from ..failures import parsed_reply
from ..links import Link, links
from ..openai import OpenAICompatible
from ..openai_request import chat_url, constant_headers, header_value
from ..report import Report
from .answer import ChatDecoder, chat_completion_of
from .common import common_params, is_native
from .native import chat_body_of
from .stream import Decoder
from .tables import CHAT_PATH


class Ollama:
    """One target; each request chooses its endpoint."""

    __slots__ = ("_compatible", "_row", "_settings")

    def __init__(self, settings: ProviderSettings) -> None:
        self._row = ROWS["ollama"]
        self._settings = settings
        self._compatible = OpenAICompatible(self._row, settings)

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if self._settings.passthrough:
            return self._compatible.encode(params, key)
        report = Report("the Ollama API", refuse=self._settings.on_unsupported == "error")
        common = common_params(params, report)
        if is_native(params):
            return self._native_request(common, key, report)
        request = self._compatible.encode(common, key)
        warnings = report.warnings()
        return attrs.evolve(request, warnings=warnings + request.warnings) if warnings else request

    def _native_request(self, params: Mapping[str, Any], key: str | None, report: Report) -> WireRequest:
        base_url = self._settings.base_url or self._row.base_url or ""
        headers = constant_headers(self._row, self._settings)
        if key:
            headers["Authorization"] = "Bearer " + header_value(key, "api_key")
        try:
            body = dumps(chat_body_of(params, report))
        except JSONError as problem:
            raise EncodeError(f"the request cannot be written as JSON: {problem}") from None
        return WireRequest(chat_url(base_url, CHAT_PATH), headers, body, warnings=report.warnings())

    def wants(self, params: Mapping[str, Any]) -> Sequence[Link]:
        """Images, at both endpoints; files are taken at neither."""
        return links(params, files=False)

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        if not self._is_native(params) or b'"choices"' in reply.body:
            return self._compatible.decode(reply, params)
        body = parsed_reply(reply, self._row.slug)
        return chat_completion_of(body, self._row.slug, strict=self._settings.strict)

    def failure(self, reply: WireReply) -> Failure:
        return self._compatible.failure(reply)

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        if self._is_native(params):
            return ChatDecoder(self._row.slug, strict=self._settings.strict)
        return Decoder(self._row, self._settings.strict)

    def _is_native(self, params: Mapping[str, Any]) -> bool:
        return not self._settings.passthrough and is_native(params)


def adapter(settings: ProviderSettings) -> Ollama:
    """The adapter for one target of provider `ollama`."""
    return Ollama(settings)
