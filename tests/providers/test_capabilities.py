"""The table of what providers take says what their adapters do."""

from __future__ import annotations

from typing import Any

import pytest

from llmroute.providers.base import EncodeError, ProviderSettings
from llmroute.providers.capabilities import AS_IS, CAPABILITIES, capabilities_of
from llmroute.providers.registry import ADAPTERS, adapter_for

OPTIONS: dict[str, dict[str, Any]] = {
    "azure-ai": {"azure_foundry_url": "https://r.services.ai.azure.com/models"},
    "azure-openai": {"resource_name": "r"},
    "bedrock": {"aws_region": "us-east-1"},
    "oracle": {"oracle_region": "us-chicago-1", "oracle_compartment_id": "c"},
    "vertex-ai": {"vertex_project_id": "p", "vertex_region": "us-central1"},
    "workers-ai": {"workers_ai_account_id": "a"},
}
#: Models that have what their provider offers.
MODELS = {
    "ai21": "jamba-large",
    "anthropic": "claude-sonnet-4-5",
    "bedrock": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "cohere": "command-a-reasoning-08-2025",
    "google": "gemini-3-pro",
    "oracle": "openai.gpt-oss-120b",
    "vertex-ai": "gemini-3-pro",
}
SCHEMA = {
    "type": "object",
    "properties": {"metres": {"type": "number"}},
    "required": ["metres"],
    "additionalProperties": False,
}
PNG = "data:image/png;base64,iVBORw0KGgo="
HTTPS = "https://example.com/a.png"


def _picture(url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"messages": [{"role": "user", "content": parts}]}


TOOL = {"type": "function", "function": {"name": "tide", "parameters": SCHEMA}}
JSON = {"type": "json_schema", "json_schema": {"name": "tide", "strict": True, "schema": SCHEMA}}


def _adapter(provider: str) -> Any:
    return adapter_for(ProviderSettings(provider, options=OPTIONS.get(provider, {})))


def _taken(provider: str, **params: Any) -> bool:
    """Whether the request is made, without a remark."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9000, **params}
    try:
        wire = _adapter(provider).encode({"model": MODELS.get(provider, "m"), **body}, "k")
    except EncodeError:
        return False
    assert wire.body
    return wire.warnings == ()


def test_the_table_names_providers_that_exist():
    """Those that it does not name take everything as it is."""
    assert set() == CAPABILITIES.keys() - ADAPTERS.keys()
    assert AS_IS is capabilities_of("groq")


@pytest.mark.parametrize("provider", sorted(ADAPTERS))
def test_what_is_said_to_be_taken_is_sent(provider: str):
    """Without a warning; what is not, is a warning or an error, and never silent."""
    said = capabilities_of(provider)
    assert (said.tools != "no") == _taken(provider, tools=[TOOL])
    assert (said.json_schema in ("yes", "as is")) == _taken(provider, response_format=JSON)
    assert (said.reasoning != "no") == _taken(provider, reasoning_effort="high")
    assert _taken(provider, stream=True)
    assert (said.images != "no") == _taken(provider, **_picture(PNG))


@pytest.mark.parametrize("provider", sorted(ADAPTERS))
def test_providers_of_images_as_data_ask_for_linked_ones(provider: str):
    """The others are sent the URL."""
    wants = getattr(_adapter(provider), "wants", None)
    params = {"model": MODELS.get(provider, "m"), **_picture(HTTPS)}
    wanted = [link.url for link in wants(params)] if wants else []

    assert (capabilities_of(provider).images == "data") == (wanted == [HTTPS])
    if capabilities_of(provider).images == "url, data":
        assert _taken(provider, **_picture(HTTPS))
