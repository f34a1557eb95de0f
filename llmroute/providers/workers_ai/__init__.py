"""Cloudflare Workers AI: /ai/run, where the model stands in the path.

The endpoint answers in a form of its own, or in OpenAI's, depending on the model; both are read.
Source: developers.cloudflare.com/workers-ai (models, function calling, JSON mode).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from yarl import URL

from ...outcome import Failure
from ...wire.hosts import path_part
from ...wire.json import JSONError, dumps
from ...wire.message import WireReply, WireRequest
from ..base import EncodeError, ProviderSettings
from ..failures import failure_of, parsed_reply
from ..links import Link, links
from ..model_path import model_path
from ..openai_request import chat_url, header_value
from ..report import Report
from .answer import ROW, completion_of
from .request import body_of
from .stream import Decoder

_HOST: Final = "https://api.cloudflare.com/client/v4/accounts/"


class WorkersAI:
    """One target: `workers_ai_account_id` among the options, or a `custom_host` before the model."""

    __slots__ = ("_settings",)

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        report = Report("the Workers AI API", refuse=self._settings.on_unsupported == "error")
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = "Bearer " + header_value(key, "api_key")
        try:
            body = dumps(body_of(params, report))
        except JSONError as problem:
            raise EncodeError(f"the request cannot be written as JSON: {problem}") from None
        return WireRequest(self._url(params), headers, body, warnings=report.warnings())

    def _url(self, params: Mapping[str, Any]) -> URL:
        base_url = self._settings.base_url
        if base_url is None:
            account = self._settings.options.get("workers_ai_account_id")
            if not isinstance(account, str) or not account:
                raise EncodeError("workers-ai needs workers_ai_account_id", "workers_ai_account_id")
            base_url = f"{_HOST}{path_part(account)}/ai/run"
        return chat_url(base_url, "/" + model_path(params.get("model")))

    def wants(self, params: Mapping[str, Any]) -> Sequence[Link]:
        """Images: "HTTP URL will not be accepted" (schemas of the models with vision)."""
        return links(params, files=False)

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        body = parsed_reply(reply, ROW.slug)
        identifier = reply.headers.get("cf-ai-req-id") or reply.headers.get("cf-ray") or ""
        return completion_of(body, params, identifier)

    def failure(self, reply: WireReply) -> Failure:
        return failure_of(reply, ROW.slug)

    def decoder(self, params: Mapping[str, Any]) -> Decoder:
        return Decoder(params, strict=self._settings.strict)


def adapter(settings: ProviderSettings) -> WorkersAI:
    """The adapter for one target of provider `workers-ai`."""
    return WorkersAI(settings)
