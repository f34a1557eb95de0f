"""Where a model is called, and as what: publishers, regions, and names that want to be more than names."""

from __future__ import annotations

import json
from typing import Any

import cloud_kit as kit
import pytest

from llmroute import ConfigError, Router
from llmroute.providers.base import EncodeError, ProviderSettings
from llmroute.providers.vertex import adapter
from llmroute.providers.vertex.addresses import split_model
from llmroute.secret import Secret
from llmroute.wire.message import WireRequest

PLACE = {"vertex_project_id": "p-1", "vertex_region": "europe-west4"}


def request(model: str, options: Any = PLACE, **params: Any) -> WireRequest:
    settings = ProviderSettings(provider="vertex-ai", options=options)
    return adapter(settings).encode({"model": model, "messages": kit.HELLO, **params}, "tok")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("google.gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("google/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("anthropic.claude-opus-4-1@20250805", ("anthropic", "claude-opus-4-1@20250805")),
        ("anthropic/claude-opus-4-6", ("anthropic", "claude-opus-4-6")),
        ("claude-opus-4-6", ("anthropic", "claude-opus-4-6")),
        ("meta.llama-4-scout-17b", ("openapi", "meta/llama-4-scout-17b")),
        ("deepseek-ai/deepseek-v3.1-maas", ("openapi", "deepseek-ai/deepseek-v3.1-maas")),
        ("mistralai.mistral-medium-3", ("mistralai", "mistral-medium-3")),
        ("endpoints.123", ("endpoints", "123")),
        ("xai.grok-4", ("google", "xai.grok-4")),
        ("google.", ("google", "google.")),
        ("../../admin", ("google", "../../admin")),
        ("Evil Corp/x", ("google", "Evil Corp/x")),
    ],
)
def test_the_model_names_its_publisher(model: str, expected: tuple[str, str]) -> None:
    """In front of a dot, as the gateway writes it, or of a slash, as Vertex AI's OpenAI endpoint does."""
    assert expected == split_model(model)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_the_region_makes_the_host(region: str, host: str) -> None:
    """Single regions, the two multi-regions and the global endpoint each have hosts of their own."""
    url = request("gemini-2.5-flash", {**PLACE, "vertex_region": region}).url

    assert host == url.host
    assert (
        f"/v1/projects/p-1/locations/{region}/publishers/google/models/gemini-2.5-flash:generateContent"
        == url.path
    )


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("../../admin", "..%2F..%2Fadmin"),
        ("m?x=y", "m%3Fx%3Dy"),
        ("m#x", "m%23x"),
        ("..%2f..%2fadmin", "..%252f..%252fadmin"),
        ("x@evil.example", "x@evil.example"),
        ("http://evil.example/", "http%3A%2F%2Fevil.example%2F"),
        ("m\\x", "m%5Cx"),
        ("..", "%252E%252E"),
        ("m\0x", "m%00x"),
    ],
)
@pytest.mark.parametrize(
    ("prefix", "before", "after"),
    [
        ("", "publishers/google/models/", ":generateContent"),
        ("anthropic.", "publishers/anthropic/models/", ":rawPredict"),
        ("mistralai.", "publishers/mistralai/models/", ":rawPredict"),
        ("endpoints.", "endpoints/", "/chat/completions"),
    ],
)
def test_a_model_is_one_part_of_the_path(model: str, part: str, prefix: str, before: str, after: str) -> None:
    """Whatever it holds: host, path and query stay as they are."""
    url = request(prefix + model).url

    assert "europe-west4-aiplatform.googleapis.com" == url.host
    assert f"/v1/projects/p-1/locations/europe-west4/{before}{part}{after}" == url.raw_path
    assert "" == url.query_string


def test_a_service_account_names_the_project() -> None:
    """Without vertex_project_id it is the one that the key belongs to."""
    account = {"client_email": "a@b", "private_key": "x", "project_id": "from-key"}
    options = {"vertex_region": "us-central1", "vertex_service_account_json": Secret(json.dumps(account))}

    assert "/v1/projects/from-key/locations" in request("gemini-2.5-flash", options).url.path


def test_without_a_project_nothing_is_sent() -> None:
    """A key that names no project needs vertex_project_id beside it."""
    options = {"vertex_region": "us-central1", "vertex_service_account_json": Secret("{}")}

    with pytest.raises(EncodeError, match="vertex_project_id is needed"):
        request("gemini-2.5-flash", options)


def test_streams_have_methods_of_their_own() -> None:
    """Gemini's as server-sent events; the others by their publishers' methods."""
    urls = [str(request(model, stream=True).url) for model in ("gemini-x", "claude-x", "mistralai.x")]

    assert [url.rpartition(":")[2] for url in urls] == [
        "streamGenerateContent?alt=sse",
        "streamRawPredict",
        "streamRawPredict",
    ]


def test_the_gateway_s_host_keeps_its_query() -> None:
    """A custom host stands for the host alone; its query follows the method's."""
    settings = ProviderSettings(provider="vertex-ai", base_url="https://gw.example/v?key=1", options=PLACE)
    params = {"model": "gemini-x", "messages": kit.HELLO, "stream": True}
    url = adapter(settings).encode(params, None).url

    assert "https://gw.example/v/v1/projects/p-1/locations/europe-west4" in str(url)
    assert {"alt": "sse", "key": "1"} == dict(url.query)


@pytest.mark.parametrize(
    ("missing", "path"),
    [("vertex_region", "config.vertex_region"), ("vertex_project_id", "config.vertex_project_id")],
)
def test_region_and_project_are_part_of_the_config(missing: str, path: str) -> None:
    """A target without them is refused when the config is read."""
    config = {"provider": "vertex-ai", "api_key": "k", **PLACE}
    del config[missing]

    with pytest.raises(ConfigError) as caught:
        Router(config)

    assert [path] == [problem.path for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("vertex_region", "evil.example/"),
        ("vertex_region", "us-central1-aiplatform.evil.example#"),
        ("vertex_project_id", "p/../../../x"),
        ("vertex_project_id", "p?x"),
    ],
)
def test_region_and_project_are_single_parts(member: str, text: str) -> None:
    """What would change the URL is refused by its place."""
    with pytest.raises(ConfigError) as caught:
        Router({"provider": "vertex-ai", "api_key": "k", **PLACE, member: text})

    assert [f"config.{member}"] == [problem.path for problem in caught.value.problems]
