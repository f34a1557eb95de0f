"""Azure AI Foundry: which format a call is in, and where it goes."""

from __future__ import annotations

import json
from typing import Any

import cloud_kit as kit
import pytest

from llmroute import Config, ConfigError, Router
from llmroute.providers.azure.foundry import adapter
from llmroute.providers.base import Adapter, ProviderSettings
from llmroute.wire.message import WireRequest

RESOURCE = "https://res-1.services.ai.azure.com"


def target(url: str | None = None, host: str | None = None, **options: Any) -> Adapter:
    if url is not None:
        options["azure_foundry_url"] = url
    return adapter(ProviderSettings(provider="azure-ai", base_url=host, options=options))


def request(built: Adapter, model: str = "Mistral-large", **params: Any) -> WireRequest:
    return built.encode({"model": model, "messages": kit.HELLO, **params}, "k")


@pytest.mark.parametrize(
    ("url", "model", "expected"),
    [
        (f"{RESOURCE}/models", "Mistral-large", f"{RESOURCE}/models/chat/completions?api-version=2024-05-01"),
        (
            f"{RESOURCE}/models/",
            "Mistral-large",
            f"{RESOURCE}/models/chat/completions?api-version=2024-05-01",
        ),
        (f"{RESOURCE}/models", "claude-sonnet-4-5", f"{RESOURCE}/anthropic/v1/messages"),
        (f"{RESOURCE}/anthropic", "my-deployment", f"{RESOURCE}/anthropic/v1/messages"),
        (f"{RESOURCE}/anthropic/v1/messages", "my-deployment", f"{RESOURCE}/anthropic/v1/messages"),
        ("https://other.example/anthropic/", "claude-x", "https://other.example/anthropic/v1/messages"),
        (
            "https://other.example/models",
            "claude-x",
            "https://other.example/models/chat/completions?api-version=2024-05-01",
        ),
    ],
)
def test_where_a_call_goes(url: str, model: str, expected: str) -> None:
    """The URL's path tells the Messages API; a resource of Foundry's serves both, and only Claude by it."""
    assert expected == str(request(target(url, azure_api_version="2024-05-01"), model).url)


def test_claude_s_requests_have_claude_s_headers() -> None:
    """The key as x-api-key, the version of the Messages API, and nothing of the other models'."""
    headers = request(target(f"{RESOURCE}/anthropic", anthropic_beta="b-1"), "claude-x").headers

    assert {"x-api-key": "k", "anthropic-version": "2023-06-01", "anthropic-beta": "b-1"} == {
        name: text for name, text in headers.items() if name != "content-type"
    }


def test_other_models_headers() -> None:
    """What becomes of unknown parameters, and which deployment of an endpoint is meant."""
    headers = request(target(f"{RESOURCE}/models", azure_deployment_name="dep")).headers

    assert ("Bearer k", "drop", "dep") == (
        headers["Authorization"],
        headers["extra-parameters"],
        headers["azureml-model-deployment"],
    )
    assert (
        "pass-through"
        == request(target("https://x.example", azure_extra_params="pass-through")).headers["extra-parameters"]
    )


def test_a_custom_host_replaces_the_url_and_not_the_format() -> None:
    """The URL that it stands for still tells which API it is; its own path does too."""
    stood_for = request(target(f"{RESOURCE}/anthropic", "https://gw.example/up"), "claude-x")
    own = request(target(None, "https://gw.example/anthropic"), "claude-x")

    assert "https://gw.example/up/v1/messages" == str(stood_for.url)
    assert "https://gw.example/anthropic/v1/messages" == str(own.url)


def test_answers_are_read_in_the_format_of_the_call() -> None:
    """One target, two formats: the model decides."""
    built = target(f"{RESOURCE}/models")
    message = {"content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn", "model": "c", "id": "1"}
    completion = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "b"}}]}

    def answer(body: Any, model: str) -> Any:
        from multidict import CIMultiDict

        from llmroute.wire.message import WireReply

        made = built.decode(WireReply(200, CIMultiDict(), json.dumps(body).encode()), {"model": model})
        return made["choices"][0]["message"]["content"], made["provider"]

    assert ("a", "azure-ai") == answer(message, "claude-x")
    assert ("b", "azure-ai") == answer(completion, "Mistral-large")


def test_a_target_needs_a_url() -> None:
    """Of Foundry's or of its own."""
    with pytest.raises(ConfigError, match=r"config\.azure_foundry_url: missing"):
        Router({"provider": "azure-ai", "api_key": "k"})


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/models", "http://10.0.0.8/models", "https://metadata/x"]
)
def test_untrusted_urls_obey_the_host_policy(url: str) -> None:
    """As custom hosts do."""
    with pytest.raises(ConfigError, match=r"config\.azure_foundry_url"):
        Router(Config({"provider": "azure-ai", "api_key": "k", "azure_foundry_url": url}, trusted=False))
