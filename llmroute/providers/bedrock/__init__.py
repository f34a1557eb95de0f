"""Amazon Bedrock: Converse and ConverseStream, and InvokeModel for the models before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
from yarl import URL

from ...outcome import Failure
from ...wire.hosts import host_part_problem, path_part
from ...wire.json import JSONError, dumps
from ...wire.message import WireReply, WireRequest
from ..base import Adapter, EncodeError, ProviderSettings, StreamDecoder
from ..failures import failure_of
from ..links import Link, links
from ..openai_request import chat_url, header_value
from ..report import Report
from .legacy import LegacyDecoder, legacy_body, legacy_completion, streams
from .models import LEGACY, Model, model_of
from .region import endpoint, region_of
from .request import body_of
from .response import completion_of
from .stream import Decoder

#: URLs and models that a target keeps: nearly all targets use one or two.
_MAX_KEPT: Final = 64


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for one target of provider `bedrock`.

    `settings.options` may hold `aws_region` (default: the usual variables, then us-east-1),
    `aws_bedrock_model` (the foundation model behind an inference profile or another opaque id) and
    `anthropic_beta`. A key is a Bedrock API key; signatures are the target's credentials' work.
    """
    return _Bedrock(settings)


class _Bedrock:
    """A target whose region or `custom_host` cannot be used raises EncodeError at every `encode`."""

    __slots__ = ("_base", "_betas", "_hint", "_models", "_settings", "_urls")

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._base: str | None = None
        self._betas = _names(settings.options.get("anthropic_beta"))
        self._hint = settings.options.get("aws_bedrock_model")
        self._models: dict[str, Model] = {}
        self._urls: dict[tuple[str, bool], URL] = {}

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        model = self._model(params)
        report = Report("Bedrock's API for this model", refuse=self._settings.on_unsupported == "error")
        try:
            if model.id in LEGACY:
                body = dumps(legacy_body(params, model, report))
            else:
                betas = self._betas
                if "anthropic_beta" in params:
                    betas = list(dict.fromkeys([*betas, *_names(params["anthropic_beta"])]))
                body = dumps(body_of(params, model, report, betas=betas))
        except JSONError as problem:
            raise EncodeError(f"the request is no JSON: {problem}") from None
        except RecursionError:
            raise EncodeError("the request is nested too deeply") from None
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["authorization"] = "Bearer " + header_value(key, "api_key")
        url = self._url(model, params.get("stream") is True)
        return WireRequest(url=url, headers=headers, body=body, warnings=report.warnings())

    def wants(self, params: Mapping[str, Any]) -> Sequence[Link]:
        """Images and files that are not in S3."""
        return links(params)

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        model, settings = self._model(params), self._settings
        if model.id in LEGACY:
            return legacy_completion(reply, model, settings.provider)
        return completion_of(reply, model, settings.provider, strict=settings.strict)

    def failure(self, reply: WireReply) -> Failure:
        """The exception's name is in a header: "ValidationException:http://internal.amazon.com/..."."""
        failure = failure_of(reply, self._settings.provider)
        named = reply.headers.get("x-amzn-errortype", "").partition(":")[0].strip()
        if not named or not named.isprintable():
            return failure
        return attrs.evolve(failure, type=named[:256])

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        model, settings = self._model(params), self._settings
        if model.id in LEGACY:
            return LegacyDecoder(model, settings.provider)
        return Decoder(model, settings.provider, strict=settings.strict)

    def _model(self, params: Mapping[str, Any]) -> Model:
        name = params.get("model")
        model = self._models.get(name) if isinstance(name, str) else None
        if model is None:
            model = model_of(name, self._hint)
            if len(self._models) < _MAX_KEPT:
                self._models[str(name)] = model
        return model

    def _url(self, model: Model, stream: bool) -> URL:
        url = self._urls.get((model.id, stream))
        if url is None:
            url = chat_url(self._base_url(), f"/model/{path_part(model.id)}/{_operation(model, stream)}")
            if len(self._urls) < _MAX_KEPT:
                self._urls[model.id, stream] = url
        return url

    def _base_url(self) -> str:
        if self._settings.base_url is not None:
            return self._settings.base_url
        if self._base is None:
            region = region_of(self._settings.options, self._settings.variable)
            problem = host_part_problem(region)
            if problem is not None:
                raise EncodeError(f"aws_region {problem}", "aws_region")
            self._base = endpoint("bedrock-runtime", region)
        return self._base


def _operation(model: Model, stream: bool) -> str:
    if model.id in LEGACY:
        return "invoke-with-response-stream" if stream and streams(model) else "invoke"
    return "converse-stream" if stream else "converse"


def _names(value: Any) -> list[str]:
    """The names in a comma-separated text or a list of texts."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return []
    return [name.strip() for name in value if isinstance(name, str) and name.strip()]
