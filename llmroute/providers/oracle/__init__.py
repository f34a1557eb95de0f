"""Oracle Cloud's Generative AI service: the chat action of its inference API.

Source: docs.oracle.com, Generative AI Service Inference API 20231130, ChatDetails and ChatResult.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from yarl import URL

from ...outcome import Failure
from ...wire.hosts import path_part
from ...wire.json import JSONError, dumps
from ...wire.message import WireReply, WireRequest
from ..base import Adapter, EncodeError, ProviderSettings, StreamDecoder
from ..failures import failure_of, parsed_reply
from ..links import Link, links
from ..openai_request import chat_url
from ..report import Report
from .answer import Reading, completion_of, reading_of, with_type
from .cohere import cohere_request
from .generic import generic_request
from .stream import OracleStreamDecoder

DEFAULT_VERSION: Final = "20231130"
#: Names of models of one's own on a dedicated cluster.
_ENDPOINT: Final = "ocid1.generativeaiendpoint."


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for a target of provider "oracle".

    `settings.options` holds `oracle_region` (unless the target has a `custom_host`),
    `oracle_compartment_id`, `oracle_api_version` and `oracle_serving_mode` ("ON_DEMAND", the default,
    or "DEDICATED", where the model is the OCID of an endpoint).
    """
    return OracleAdapter(settings)


class OracleAdapter:
    """Cohere's models have a format of their own, all others share one.

    A target whose options cannot be used raises EncodeError at every `encode`. Requests are signed
    afterwards, by the target's credentials.
    """

    __slots__ = ("_settings", "_url")

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._url: URL | None = None

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        settings = self._settings
        model = params.get("model")
        if not isinstance(model, str) or not model:
            raise EncodeError("model: the name of a model was expected", "model")
        url = self._url or self._chat_url()
        report = Report("the Oracle API", refuse=settings.on_unsupported == "error")
        make = cohere_request if model.startswith("cohere.") else generic_request
        details = {
            "chatRequest": make(params, model, report),
            "compartmentId": settings.options.get("oracle_compartment_id"),
            "servingMode": _serving(model, settings.options.get("oracle_serving_mode")),
        }
        try:
            body = dumps(details)
        except JSONError as problem:
            raise EncodeError(f"the request is no JSON: {problem}") from None
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        return WireRequest(url, headers, body, warnings=report.warnings())

    def _chat_url(self) -> URL:
        options = self._settings.options
        region = options.get("oracle_region")
        base = self._settings.base_url
        if base is None:
            if not region:
                raise EncodeError("oracle_region or custom_host is needed", "oracle_region")
            base = f"https://inference.generativeai.{region}.oci.oraclecloud.com"
        version = options.get("oracle_api_version") or DEFAULT_VERSION
        self._url = chat_url(base, f"/{path_part(version)}/actions/chat")
        return self._url

    def wants(self, params: Mapping[str, Any]) -> Sequence[Link]:
        """Images and files: only their data is documented (API reference, ImageUrl)."""
        return links(params)

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        body = parsed_reply(reply, self._settings.provider)
        return completion_of(body, self._reading(params), reply.headers.get("opc-request-id"), reply.body)

    def failure(self, reply: WireReply) -> Failure:
        return with_type(failure_of(reply, self._settings.provider))

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        return OracleStreamDecoder(self._reading(params))

    def _reading(self, params: Mapping[str, Any]) -> Reading:
        return reading_of(params, self._settings)


def _serving(model: str, mode: Any) -> dict[str, str]:
    if mode == "DEDICATED" or model.startswith(_ENDPOINT):
        return {"servingType": "DEDICATED", "endpointId": model}
    return {"servingType": "ON_DEMAND", "modelId": model}
