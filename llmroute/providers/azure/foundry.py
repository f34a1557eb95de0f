"""Azure AI Foundry: models of many makers behind one URL, Anthropic's in their own format.

Source: learn.microsoft.com, "Azure AI Model Inference REST API reference"; platform.claude.com,
"Claude in Microsoft Foundry".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from ...outcome import Failure
from ...wire.hosts import path_part
from ...wire.message import WireReply, WireRequest
from ..anthropic import adapter as anthropic_adapter
from ..base import Adapter, ProviderSettings, StreamDecoder
from ..failures import failure_of
from ..openai import OpenAICompatible
from ..row import Row

ROW: Final = Row(
    slug="azure-ai",
    base_url=None,
    headers={
        "azureml-model-deployment": "azure_deployment_name",
        "extra-parameters": "azure_extra_parameters",
    },
    fixed_headers={"extra-parameters": "drop"},
    docs="https://learn.microsoft.com/rest/api/aifoundry/modelinference",
)
_FOUNDRY: Final = ".services.ai.azure.com"


def adapter(settings: ProviderSettings) -> Adapter:
    """The adapter for a target of provider "azure-ai".

    `settings.options` holds `azure_foundry_url` (unless the target has a `custom_host`): for example
    "https://NAME.services.ai.azure.com/models", or ".../anthropic" for Anthropic's models; with
    `azure_api_version`, `azure_deployment_name` and `azure_extra_parameters` ("drop" by default:
    what becomes of parameters that a model does not know).
    """
    return AzureFoundry(settings)


class AzureFoundry:
    """A call goes to the Messages API when the URL's path says so, or when a resource serves both."""

    __slots__ = ("_anthropic", "_both", "_compatible", "_provider")

    def __init__(self, settings: ProviderSettings) -> None:
        url = settings.options.get("azure_foundry_url") or ""
        self._provider = settings.provider
        base = settings.base_url or url or None
        named = any("anthropic" in _path(each) for each in (url, settings.base_url or ""))
        self._both = not named and settings.base_url is None and _is_resource(url)
        self._compatible = None if named else _compatible(settings, base)
        claude = _anthropic_base(url) if self._both else base
        self._anthropic = _anthropic(settings, claude) if named or self._both else None

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        return self._adapter(params).encode(params, key)

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._adapter(params).decode(reply, params)

    def failure(self, reply: WireReply) -> Failure:
        return failure_of(reply, self._provider)

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        return self._adapter(params).decoder(params)

    def _adapter(self, params: Mapping[str, Any]) -> Adapter:
        """Claude is not among the models that a resource serves in OpenAI's format."""
        model = params.get("model")
        claude = isinstance(model, str) and model.startswith("claude-")
        if self._anthropic is not None and (self._compatible is None or claude):
            return self._anthropic
        assert self._compatible is not None
        return self._compatible


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.lower()
    except ValueError:
        return ""


def _is_resource(url: str) -> bool:
    try:
        return (urlsplit(url).hostname or "").endswith(_FOUNDRY)
    except ValueError:
        return False


def _anthropic_base(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/anthropic"


def _compatible(settings: ProviderSettings, base: str | None) -> Adapter:
    options = dict(settings.options)
    options.setdefault("azure_extra_parameters", options.get("azure_extra_params"))
    # The gateway's header for all of Azure is `api_version`.
    version = options.get("azure_api_version") or options.get("api_version")
    if base is not None and version:
        base, _, query = base.partition("#")[0].partition("?")
        base += f"?api-version={path_part(version)}" + ("&" + query if query else "")
    return _Compatible(ROW, attrs.evolve(settings, base_url=base, options=options))


class _Compatible(OpenAICompatible):
    """OpenAI's format but for the tier that is no tier: these models know none, as recorded."""

    __slots__ = ()

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if params.get("service_tier") == "auto":
            params = {name: value for name, value in params.items() if name != "service_tier"}
        return super().encode(params, key)


def _anthropic(settings: ProviderSettings, base: str | None) -> Adapter:
    """The Messages API: it has versions of its own, in a header."""
    base, _, query = (base or "").partition("#")[0].partition("?")
    base = base.rstrip("/").removesuffix("/messages").removesuffix("/v1")
    return anthropic_adapter(attrs.evolve(settings, base_url=f"{base}/v1" + ("?" + query if query else "")))
