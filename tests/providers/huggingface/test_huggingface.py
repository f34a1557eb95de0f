"""Hugging Face: the router, dedicated endpoints, and servers with a path for each model."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from hypothesis import given
from native_kit import HELLO, Kit, sse

HUB = Kit("huggingface", "openai/gpt-oss-120b:groq")
ROUTER: dict[str, Any] = {}
ENDPOINT = {"options": {"huggingface_base_url": "https://x.eu-west-1.aws.endpoints.huggingface.cloud"}}
SERVERS = {"base_url": "http://h/x"}
BOTH = {**SERVERS, **ENDPOINT}


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (ROUTER, "https://router.huggingface.co/v1/chat/completions"),
        (ENDPOINT, "https://x.eu-west-1.aws.endpoints.huggingface.cloud/v1/chat/completions"),
        (SERVERS, "http://h/x/models/openai/gpt-oss-120b%3Agroq/v1/chat/completions"),
        (BOTH, "http://h/x/v1/chat/completions"),
    ],
)
def test_each_kind_of_host_has_its_path(settings: dict[str, Any], url: str) -> None:
    """A custom host replaces any other; the model stands in the path only behind one."""
    assert url == str(HUB.request(settings=settings).url)


def test_a_model_stays_a_model() -> None:
    """Whatever it is called, and for each request its own."""
    adapter = HUB.target(**SERVERS)

    paths = [
        adapter.encode({"model": model, "messages": HELLO}, None).url.raw_path
        for model in ("../../admin", "m?x=y", "a/b")
    ]
    assert [
        "/x/models/%252E%252E/%252E%252E/admin/v1/chat/completions",
        "/x/models/m%3Fx%3Dy/v1/chat/completions",
        "/x/models/a/b/v1/chat/completions",
    ] == paths


EVERYTHING = {"reasoning_effort": "low", "stream_options": {"include_usage": True}, "seed": 3, "wibble": 1}


def test_the_router_and_endpoints_get_everything() -> None:
    """They pass it on to whoever serves the model."""
    for settings in (ROUTER, ENDPOINT):
        body = HUB.encoded(settings=settings, max_completion_tokens=5, **EVERYTHING)
        assert {"model": HUB.model, "messages": HELLO, "max_tokens": 5, **EVERYTHING} == body
        assert () == HUB.warnings(settings=settings, **EVERYTHING)


def test_servers_get_what_they_document() -> None:
    """The rest is told, or refused where the target wishes; usage they report unasked."""
    body = HUB.encoded(settings=SERVERS, **EVERYTHING)

    assert {"model": HUB.model, "messages": HELLO, "seed": 3} == body
    assert ["reasoning_effort", "wibble"] == kit.told(HUB.warnings(settings=SERVERS, **EVERYTHING))
    refusal = HUB.refusal(settings={**SERVERS, "on_unsupported": "error"}, **EVERYTHING)
    assert "reasoning_effort" == refusal.param


def test_a_passthrough_target_sends_the_body_as_it_is() -> None:
    """To the path of its model."""
    wire = HUB.request(settings={**SERVERS, "passthrough": True}, **EVERYTHING)

    assert EVERYTHING.items() <= json.loads(wire.body).items()
    assert wire.url.raw_path.startswith("/x/models/")


def test_finish_reasons_of_the_server_are_openai_s() -> None:
    """For strict callers, in streams too."""

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "i", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [choice]}

    data = sse(chunk({"content": "a"}), chunk({}, "stop_sequence"), b"[DONE]")

    assert "stop" == kit.assembled(HUB.check_stream(data))["finish_reason"]
    assert "stop_sequence" == kit.assembled(HUB.check_stream(data, strict=False))["finish_reason"]


def test_a_prompt_that_is_too_long_is_told_apart() -> None:
    """By the words of the server's error."""
    text = "Input validation error: `inputs` must have less than 1024 tokens. Given: 4096"

    assert "context_window" == HUB.failed({"error": text, "error_type": "validation"}, 422).reason


@given(given_by.conversations())
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else."""
    assert given_by.said_in(messages) == given_by.said_in(HUB.encoded(messages)["messages"])
