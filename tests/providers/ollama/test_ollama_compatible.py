"""Ollama's OpenAI-compatible endpoint, and what makes a request go to the native one."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import pytest
from native_kit import HELLO, Kit, sse

OLLAMA = Kit("ollama", "qwen3:8b")
TIDE = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}
WIND = {"type": "function", "function": {"name": "wind", "parameters": {"type": "object"}}}


def test_it_goes_to_the_local_server() -> None:
    """With a key only where there is one, as for the hosted Ollama."""
    wire = OLLAMA.target().encode(OLLAMA.params(), None)

    assert "http://localhost:11434/v1/chat/completions" == str(wire.url)
    assert "Authorization" not in wire.headers
    hosted = OLLAMA.request(settings={"base_url": "https://ollama.com"})
    assert "https://ollama.com/v1/chat/completions" == str(hosted.url)
    assert "Bearer sk-test" == hosted.headers["Authorization"]


PARAMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, {"reasoning_effort": "high"}),
    ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
    ({"think": True}, {"reasoning_effort": "medium"}),
    ({"think": False}, {"reasoning_effort": "none"}),
    ({"think": "high"}, {"reasoning_effort": "high"}),
    ({"think": False, "reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    ({"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
    ({"stream": True, "stream_options": {"include_usage": True}}, None),
    ({"logprobs": True, "top_logprobs": 2, "seed": 3, "stop": ["a"]}, None),
    ({"tools": [TIDE], "tool_choice": "auto"}, None),
    ({"tools": [TIDE], "tool_choice": "none"}, {"tool_choice": "none"}),
    ({"functions": [TIDE["function"]]}, {"tools": [TIDE]}),
    ({"n": 1, "user": None, "store": False}, {}),
]


@pytest.mark.parametrize(("given", "expected"), PARAMS)
def test_parameters_have_their_counterparts(given: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Nothing is told, as nothing is lost."""
    body = OLLAMA.encoded(**given)

    assert {"model": OLLAMA.model, "messages": HELLO, **(given if expected is None else expected)} == body
    assert () == OLLAMA.warnings(**given)


@pytest.mark.parametrize("param", ["n", "user", "logit_bias", "metadata", "wibble"])
def test_what_the_endpoint_ignores_is_told_or_refused(param: str) -> None:
    """As the target wishes."""
    assert [param] == [text.split()[0] for text in OLLAMA.warnings(**{param: 2})]
    assert param == OLLAMA.refusal(settings={"on_unsupported": "error"}, **{param: 2}).param


CHOICES = [
    ("required", [TIDE, WIND]),
    ({"type": "function", "function": {"name": "wind"}}, [WIND]),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [TIDE]}}, [TIDE]),
]


@pytest.mark.parametrize(("choice", "offered"), CHOICES)
def test_a_choice_is_made_by_offering_less(choice: Any, offered: list[Any]) -> None:
    """And sent, for servers that know it; that Ollama does not force a call is told."""
    body = OLLAMA.encoded(tools=[TIDE, WIND], tool_choice=choice)

    assert (offered, choice) == (body["tools"], body["tool_choice"])
    assert ["tool_choice"] == [
        text.split()[0] for text in OLLAMA.warnings(tools=[TIDE], tool_choice="required")
    ]


def test_reasoning_goes_back_under_ollama_s_name() -> None:
    """State of others stays behind."""
    message = {
        "role": "assistant",
        "content": "A",
        "reasoning_content": "h",
        "provider_state": {"origin": "x"},
    }

    assert {"role": "assistant", "content": "A", "reasoning": "h"} == OLLAMA.encoded([*HELLO, message])[
        "messages"
    ][1]


@pytest.mark.parametrize(
    "given",
    [{"options": {"num_ctx": 9}}, {"keep_alive": "5m"}, {"format": "json"}, {"top_k": 3}, {"num_ctx": 9}],
)
def test_what_only_the_native_endpoint_takes_goes_there(given: dict[str, Any]) -> None:
    """Null asks for nothing; a target that passes bodies through keeps its endpoint."""
    assert "http://localhost:11434/api/chat" == str(OLLAMA.request(**given).url)
    assert "/v1/chat/completions" == OLLAMA.request(**dict.fromkeys(given)).url.path
    passed = OLLAMA.request(settings={"passthrough": True}, **given)
    assert "/v1/chat/completions" == passed.url.path
    assert given.items() <= json.loads(passed.body).items()


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def test_calls_that_all_have_index_0_are_told_apart() -> None:
    """As older servers number them; thinking is reasoning."""
    calls = [
        {"id": f"call_{name}", "index": 0, "type": "function", "function": {"name": name, "arguments": "{}"}}
        for name in ("tide", "wind")
    ]
    data = sse(
        chunk({"role": "assistant", "content": "", "reasoning": "hm"}),
        *(chunk({"tool_calls": [call]}) for call in calls),
        chunk({}, "tool_calls"),
        b"[DONE]",
    )
    message = kit.assembled(OLLAMA.check_stream(data))["message"]

    assert "hm" == message["reasoning_content"]
    assert ["call_tide", "call_wind"] == [call["id"] for call in message["tool_calls"]]


def test_a_prompt_that_is_too_long_is_told_apart() -> None:
    """By the words of Ollama's error."""
    body = {"error": {"message": "the input length exceeds the context length", "type": "api_error"}}

    assert "context_window" == OLLAMA.failed(body, 400).reason
