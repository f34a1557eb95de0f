"""Azure OpenAI: OpenAI's chat completions behind deployments.

Source: learn.microsoft.com, "Azure OpenAI in Microsoft Foundry Models REST API reference" (dated
versions) and "v1 REST API reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from yarl import URL

from ...outcome import Failure
from ...wire.hosts import path_part
from ...wire.message import WireReply, WireRequest
from ..base import Adapter, EncodeError, ProviderSettings, StreamDecoder
from ..openai import OpenAICompatible
from ..openai_request import chat_url
from ..row import Row

ROW: Final = Row(
    slug="azure-openai",
    base_url="https://openai.azure.com/openai",
    auth_header="api-key",
    auth_scheme="",
    headers={"OpenAI-Beta": "openai_beta"},
    adds_provider=False,
    history={"reasoning_content": "", "reasoning": ""},
    docs="https://learn.microsoft.com/azure/foundry/openai/latest",
)

#: What the API takes: it refuses requests with a parameter that it does not know.
PARAMETERS: Final = frozenset({
    "audio", "data_sources", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n",
    "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools",
    "top_logprobs", "top_p", "user", "user_security_context", "verbosity", "web_search_options",
})  # fmt: skip
#: The version without dates, whose path names no deployment.
V1: Final = "v1"
_KEPT: Final = 256


@attrs.frozen
class Deployment:
    """What a model's name leads to; without `id` the deployment has the model's own name."""

    id: str | None
    version: str


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for a target of provider "azure-openai".

    `settings.options` holds `resource_name` (unless the target has a `custom_host`), `deployment_id`
    (default: the request's model), `api_version` (a date or "v1", the default), or `deployments`: a
    list of objects with `deployment_id`, `alias` (the request's model that leads there), `api_version`
    and `is_default` (for all other models).
    """
    return AzureOpenAI(settings)


class AzureOpenAI:
    """A target whose options cannot be used raises EncodeError at every `encode`."""

    __slots__ = ("_base", "_default", "_inner", "_kept", "_listed", "_problem", "_settings")

    def __init__(self, settings: ProviderSettings) -> None:
        options = settings.options
        resource = options.get("resource_name")
        self._settings = settings
        self._base = settings.base_url or (
            f"https://{resource}.openai.azure.com/openai" if resource else None
        )
        self._inner = OpenAICompatible(ROW, attrs.evolve(settings, base_url=None))
        version = options.get("api_version") or V1
        self._default: Deployment | None = Deployment(options.get("deployment_id"), version)
        self._listed: dict[str, Deployment] = {}
        self._problem = self._read_list(options.get("deployments"), version)
        self._kept: dict[Deployment, URL] = {}

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        place = self._deployment(params.get("model"))
        body, warnings = self._body(params, place)
        url = self._kept.get(place) or self._url(place)
        wire = self._inner.encode(body, key)
        wire.url = url
        if warnings:
            wire.warnings = (*warnings, *wire.warnings)
        return wire

    def _deployment(self, model: Any) -> Deployment:
        if self._problem is not None:
            raise EncodeError(self._problem, "deployments")
        if not isinstance(model, str) or not model:
            raise EncodeError("model: the name of a model was expected", "model")
        place = self._listed.get(model, self._default)
        if place is None:
            names = ", ".join(list(self._listed)[:10])
            raise EncodeError(f"model {model[:100]!r} is none of this target's deployments: {names}", "model")
        return place if place.id is not None else attrs.evolve(place, id=model)

    def _body(self, params: Mapping[str, Any], place: Deployment) -> tuple[dict[str, Any], list[str]]:
        if place.version == V1:
            params = {**params, "model": place.id}
        if self._settings.passthrough:
            return dict(params), []
        if not params.get("messages"):
            raise EncodeError("messages: a list with at least one message was expected", "messages")
        lost = [name for name, value in params.items() if name not in PARAMETERS and value is not None]
        if lost and self._settings.on_unsupported == "error":
            raise EncodeError(f"{lost[0]} is unknown to Azure OpenAI", lost[0], "unsupported_parameter")
        # A parameter that is null is as good as absent, but some versions refuse it.
        body = {name: value for name, value in params.items() if name in PARAMETERS and value is not None}
        return body, [f"{name} is unknown to Azure OpenAI and is not sent" for name in lost]

    def _url(self, place: Deployment) -> URL:
        if self._base is None:
            raise EncodeError("resource_name or custom_host is needed", "resource_name")
        base, _, query = self._base.partition("#")[0].partition("?")
        if place.version == V1:
            path = "/v1/chat/completions"
        else:
            path = f"/deployments/{path_part(place.id or '')}/chat/completions"
            query = f"api-version={path_part(place.version)}" + ("&" + query if query else "")
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        url = self._kept[place] = chat_url(base + ("?" + query if query else ""), path)
        return url

    def _read_list(self, deployments: Any, version: str) -> str | None:
        """Fill the table from the target's list; what is wrong with it."""
        if not deployments:
            return None
        self._default = self._default if self._default and self._default.id else None
        for position, entry in enumerate(deployments):
            where = f"deployments[{position}]"
            if not isinstance(entry, Mapping):
                return f"{where}: an object was expected"
            found = _member(entry, "deployment_id", "deployment_name")
            if not isinstance(found, str) or not found:
                return f"{where}.deployment_id: the name of a deployment was expected"
            own = _member(entry, "api_version") or version
            if not isinstance(own, str):
                return f"{where}.api_version: a version was expected"
            place = Deployment(found, own)
            alias = _member(entry, "alias", "model")
            self._listed[alias if isinstance(alias, str) and alias else found] = place
            if _member(entry, "is_default") in (True, "true"):
                self._default = place
        return None

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._inner.decode(reply, params)

    def failure(self, reply: WireReply) -> Failure:
        return self._inner.failure(reply)

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        return self._inner.decoder(params)


def _member(entry: Mapping[str, Any], *names: str) -> Any:
    """A member under one of its names, in snake_case or camelCase."""
    for name in names:
        head, *rest = name.split("_")
        for spelling in (name, head + "".join(map(str.capitalize, rest))):
            if entry.get(spelling) is not None:
                return entry[spelling]
    return None
