"""Predibase: OpenAI's format, but tenant and base model stand in the path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from yarl import URL

from ..wire.hosts import path_part
from ..wire.message import WireRequest
from .base import ProviderSettings
from .catalogue import ROWS
from .openai import OpenAICompatible
from .openai_request import chat_url


class Predibase(OpenAICompatible):
    """The tenant is the parameter `user`; of a model "BASE:ADAPTER" the base goes into the path.

    Source: the recorded gateway, down to the tenant "undefined" for a request without `user`.
    """

    __slots__ = ()

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        base, _, adapter = str(params.get("model", "")).partition(":")
        request = super().encode({**params, "model": adapter}, key)
        return attrs.evolve(request, url=self._deployment_url(params, base))

    def _deployment_url(self, params: Mapping[str, Any], base: str) -> URL:
        user = params.get("user", "undefined")
        tenant = path_part("null" if user is None else str(user))
        path = self._row.path.replace("{tenant}", tenant).replace("{model}", path_part(base))
        return chat_url(self._base_url(), path)


def adapter(settings: ProviderSettings) -> Predibase:
    return Predibase(ROWS["predibase"], settings)
