"""Where Vertex AI's models are called.

Source: docs.cloud.google.com, Vertex AI, "Generative AI on Vertex AI locations", and the REST
reference of projects.locations.publishers.models and projects.locations.endpoints.chat.
"""

from __future__ import annotations

import re
from typing import Final

from yarl import URL

from ...secret import Secret
from ...wire.hosts import path_part
from ...wire.json import JSONError, loads
from ..base import EncodeError, ProviderSettings
from ..openai_request import chat_url

_HOSTS: Final = {
    "global": "https://aiplatform.googleapis.com",
    "us": "https://aiplatform.us.rep.googleapis.com",
    "eu": "https://aiplatform.eu.rep.googleapis.com",
}
#: Publishers in front of a dot, as the gateway writes them.
_DOTTED: Final = frozenset({"anthropic", "endpoints", "google", "meta", "mistralai"})
#: Publishers whose models have a format of their own.
_NATIVE: Final = frozenset({"anthropic", "google", "mistralai"})
_PUBLISHER: Final = re.compile(r"[a-z][a-z0-9-]{1,40}")
#: Addresses kept: a target calls few models, but a model's name is the caller's.
_KEPT: Final = 256


def split_model(model: str) -> tuple[str, str]:
    """The format ("google", "anthropic", "mistralai", "endpoints" or "openapi") and the model's name in it.

    "openapi" is Vertex's OpenAI endpoint, which serves all other publishers as "publisher/model".
    """
    head, dot, rest = model.partition(".")
    if dot and rest and head in _DOTTED:
        return ("openapi", "meta/" + rest) if head == "meta" else (head, rest)
    model = model.removeprefix("models/")
    head, slash, rest = model.partition("/")
    if slash and rest and _PUBLISHER.fullmatch(head):
        return (head, rest) if head in _NATIVE else ("openapi", model)
    return ("anthropic" if model.startswith("claude-") else "google"), model


class Addresses:
    """The URLs of one target. `custom_host` stands for the host alone."""

    __slots__ = ("_base", "_kept", "_place")

    def __init__(self, settings: ProviderSettings) -> None:
        region = settings.options.get("vertex_region") or "global"
        project = settings.options.get("vertex_project_id") or _project_of(settings)
        host = _HOSTS.get(region, f"https://{region}-aiplatform.googleapis.com")
        self._base = settings.base_url or host
        self._place = f"/projects/{path_part(project)}/locations/{path_part(region)}" if project else ""
        self._kept: dict[str, URL] = {}

    def model(self, publisher: str, model: str, method: str) -> URL:
        """The URL of a publisher's model; `method` may have a query. Raises EncodeError."""
        return self._url(f"/v1{{}}/publishers/{publisher}/models/{_part(model)}:{method}")

    def endpoint(self, id: str) -> URL:
        """The chat completions of an endpoint. Raises EncodeError."""
        return self._url(f"/v1{{}}/endpoints/{_part(id)}/chat/completions")

    def openapi(self) -> URL:
        """The chat completions of all models as a service. Raises EncodeError."""
        return self._url("/v1beta1{}/endpoints/openapi/chat/completions")

    def _url(self, path: str) -> URL:
        url = self._kept.get(path)
        if url is not None:
            return url
        if not self._place:
            raise EncodeError("vertex_project_id is needed", "vertex_project_id")
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        made = path.replace("{}", self._place, 1)
        base, _, query = self._base.partition("#")[0].partition("?")
        if query:
            made += ("&" if "?" in made else "?") + query
        url = self._kept[path] = chat_url(base, made)
        return url


def _part(name: str) -> str:
    # "claude-sonnet-4-5@20250929" is how Google writes versions; "@" may stand in a path (RFC 3986, 3.3).
    return path_part(name).replace("%40", "@")


def _project_of(settings: ProviderSettings) -> str | None:
    """The project that a service account belongs to."""
    account = settings.options.get("vertex_service_account_json")
    try:
        members = loads(account.reveal()) if isinstance(account, Secret) else None
    except JSONError:
        return None
    project = members.get("project_id") if isinstance(members, dict) else None
    return project if isinstance(project, str) and project else None
