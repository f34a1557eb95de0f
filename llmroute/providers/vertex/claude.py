"""Anthropic's models on Vertex AI: the Messages API with the model in the URL and the version in the body.

Source: platform.claude.com, "Claude on Vertex AI".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...wire.json import JSONError, dumps
from ...wire.message import WireReply, WireRequest
from ..anthropic import beta_names
from ..anthropic.request import body_of
from ..anthropic.response import completion_of
from ..anthropic.stream import Decoder
from ..anthropic.tables import HEADER_PARAMS
from ..base import EncodeError, ProviderSettings, StreamDecoder
from ..failures import parsed_reply
from ..openai_request import header_value
from ..report import Report
from .addresses import Addresses
from .format import headers_of

DEFAULT_VERSION: Final = "vertex-2023-10-16"


class ClaudeOnVertex:
    """rawPredict and streamRawPredict."""

    __slots__ = ("_addresses", "_betas", "_provider", "_refuse", "_strict", "_version")

    def __init__(self, settings: ProviderSettings, addresses: Addresses, publisher: str) -> None:
        self._addresses = addresses
        self._provider = settings.provider
        self._strict = settings.strict
        self._refuse = settings.on_unsupported == "error"
        self._version = settings.options.get("anthropic_version") or DEFAULT_VERSION
        self._betas = beta_names(settings.options.get("anthropic_beta"))

    def encode(self, params: Mapping[str, Any], model: str, key: str | None) -> WireRequest:
        report = Report("Anthropic's API", refuse=self._refuse)
        version = str(params.get("anthropic_version") or self._version)
        headers = headers_of(key)
        named = (*self._betas, *beta_names(params.get("anthropic_beta")), *beta_names(params.get("betas")))
        betas = ",".join(dict.fromkeys(named))
        if betas:
            headers["anthropic-beta"] = header_value(betas, "anthropic_beta")
        for name in HEADER_PARAMS:
            if params.get(name) is not None:
                report.lost(name, "is not sent: Vertex AI has projects instead")
        body = body_of({**params, "model": model}, report, api_version=version, betas=betas or None)
        del body["model"]
        body["anthropic_version"] = version
        try:
            data = dumps(body)
        except JSONError as problem:
            raise EncodeError(f"the request is no JSON: {problem}") from None
        except RecursionError:
            raise EncodeError("the request is nested too deeply") from None
        method = "streamRawPredict" if params.get("stream") else "rawPredict"
        url = self._addresses.model("anthropic", model, method)
        return WireRequest(url, headers, data, warnings=report.warnings())

    def decode(self, reply: WireReply, params: Mapping[str, Any], model: str) -> dict[str, Any]:
        """A target that need not be strict gets the blocks as content, too: as recorded."""
        made = completion_of(parsed_reply(reply, self._provider), self._provider, strict=self._strict)
        if not self._strict:
            message = made["choices"][0]["message"]
            message["content"] = list(message["content_blocks"])
        return made

    def decoder(self, params: Mapping[str, Any], model: str) -> StreamDecoder:
        # Here message_start has every count of the prompt; what else comes later is not counted, as recorded.
        return Decoder(self._provider, strict=self._strict, late_counts=False)
