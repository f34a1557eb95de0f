"""Anthropic's Messages API."""

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
from .tables import DEFAULT_BASE_URL, DEFAULT_VERSION, HEADER_PARAMS


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for one target of provider `anthropic`.

    `settings.options` may hold `anthropic_version` (default "2023-06-01") and `anthropic_beta` (text
    or a list); a request's body may hold both too: its version wins, its betas are added.
    """
    return _Anthropic(settings)


class _Anthropic:
    """A target whose `custom_host` or options cannot be used raises EncodeError at every `encode`."""

    __slots__ = ("_betas", "_settings", "_url", "_version")

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._url: URL | None = None
        self._version = settings.options.get("anthropic_version") or DEFAULT_VERSION
        self._betas = beta_names(settings.options.get("anthropic_beta"))

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if self._url is None:
            self._url = chat_url(self._settings.base_url or DEFAULT_BASE_URL, "/messages")
        report = Report("Anthropic's API", refuse=self._settings.on_unsupported == "error")
        headers = self._headers(params, key)
        version, betas = headers["anthropic-version"], headers.get("anthropic-beta")
        try:
            body = dumps(body_of(params, report, api_version=version, betas=betas))
        except JSONError as problem:
            raise EncodeError(f"the request is no JSON: {problem}") from None
        except RecursionError:
            raise EncodeError("the request is nested too deeply") from None
        return WireRequest(url=self._url, headers=headers, body=body, warnings=report.warnings())

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        provider = self._settings.provider
        return completion_of(parsed_reply(reply, provider), provider, strict=self._settings.strict)

    def failure(self, reply: WireReply) -> Failure:
        return failure_of(reply, self._settings.provider)

    def decoder(self, params: Mapping[str, Any]) -> Decoder:
        return Decoder(self._settings.provider, strict=self._settings.strict)

    def _headers(self, params: Mapping[str, Any], key: str | None) -> dict[str, str]:
        version = params.get("anthropic_version") or self._version
        headers = {
            "content-type": "application/json",
            "anthropic-version": header_value(str(version), "anthropic_version"),
        }
        betas = self._betas
        if "anthropic_beta" in params or "betas" in params:
            betas = [*betas, *beta_names(params.get("anthropic_beta")), *beta_names(params.get("betas"))]
        if betas:
            headers["anthropic-beta"] = header_value(",".join(dict.fromkeys(betas)), "anthropic_beta")
        for name, header in HEADER_PARAMS.items():
            if params.get(name) is not None:
                headers[header] = header_value(str(params[name]), name)
        if key is not None:
            headers["x-api-key"] = header_value(key, "api_key")
        return headers


def beta_names(value: Any) -> list[str]:
    """The names in a comma-separated text or a list of texts."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return []
    return [name.strip() for name in value if isinstance(name, str) and name.strip()]
