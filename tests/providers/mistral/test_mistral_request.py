"""How a request becomes Mistral's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, Kit

from llmroute.providers.mistral.ids import short_id

MISTRAL = Kit("mistral-ai", "mistral-large-latest")
ELSEWHERE = {"base_url": "http://vllm/v1"}
TIDE = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
WIND = {"type": "function", "function": {"name": "wind", "parameters": {"type": "object"}}}
CALL = {"id": "call_t1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}


def test_it_goes_to_mistral_s_chat_completions() -> None:
    """With the key as a bearer token; a host of the target's own stands before the path."""
    wire = MISTRAL.request()

    assert "https://api.mistral.ai/v1/chat/completions" == str(wire.url)
    assert "Bearer sk-test" == wire.headers["Authorization"]
    assert "http://vllm/v1/chat/completions" == str(MISTRAL.request(settings=ELSEWHERE).url)


def test_code_completion_has_prompt_and_suffix() -> None:
    """The prompt may be the text of the last message; what it does not take is told."""
    settings = {"options": {"mistral_fim_completion": "true"}}
    wire = MISTRAL.request(settings=settings, suffix="return x", max_tokens=5, top_k=3)

    assert "https://api.mistral.ai/v1/fim/completions" == str(wire.url)
    assert {"model": MISTRAL.model, "prompt": "Hi", "suffix": "return x", "max_tokens": 5} == json.loads(
        wire.body
    )
    assert ["top_k"] == [text.split()[0] for text in wire.warnings]
    assert "def" == MISTRAL.encoded(settings=settings, prompt="def")["prompt"]
    assert "prompt" == MISTRAL.refusal([], settings=settings).param


PARAMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
    ({"max_tokens": 0}, {"max_tokens": 0}),
    ({"seed": 4}, {"random_seed": 4}),
    ({"safe_mode": True}, {"safe_prompt": True}),
    ({"stop": []}, {}),
    ({"stop": "END", "n": 2, "logprobs": True, "top_k": 3, "metadata": {"a": 1}}, None),
    (
        {"prompt_mode": "reasoning", "reasoning_effort": "high", "guardrails": [], "prompt_cache_key": "k"},
        None,
    ),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}}, None),
    ({"service_tier": "default"}, {"service_tier": "standard_only"}),
    ({"service_tier": "auto"}, {"service_tier": "auto"}),
    ({"thinking": {"type": "disabled"}, "user": None, "store": False, "logit_bias": {}}, {}),
    ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
    ({"tools": [TIDE], "tool_choice": "required"}, {"tools": [TIDE], "tool_choice": "any"}),
    ({"tools": [TIDE], "tool_choice": "none", "parallel_tool_calls": False}, None),
    ({"tools": [{"type": "web_search"}]}, {"tools": [{"type": "web_search"}]}),
    (
        {"functions": [WIND["function"]], "function_call": {"name": "wind"}},
        {
            "tools": [WIND],
            "tool_choice": {"type": "function", "function": {"name": "wind"}},
        },
    ),
    (
        {
            "prediction": {
                "type": "content",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            }
        },
        {"prediction": {"type": "content", "content": "ab"}},
    ),
]


@pytest.mark.parametrize(("given_", "expected"), PARAMS)
def test_parameters_have_their_counterparts(given_: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Nothing is told, as nothing is lost."""
    body = MISTRAL.encoded(**given_)

    assert {"model": MISTRAL.model, "messages": HELLO, **(given_ if expected is None else expected)} == body
    assert () == MISTRAL.warnings(**given_)


LOST: list[tuple[dict[str, Any], str]] = [
    ({"user": "u"}, "user"),
    ({"wibble": 1}, "wibble"),
    ({"thinking": {"type": "enabled"}}, "thinking"),
    ({"temperature": 2}, "temperature"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"tools": [{**TIDE, "cache_control": {}}]}, "tools[].cache_control"),
    ({"messages": [{"role": "user", "name": "ada", "content": "Hi"}]}, "messages[].name"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}]},
        "cache_control",
    ),
]


@pytest.mark.parametrize(("given_", "param"), LOST)
def test_what_has_no_counterpart_is_told_or_refused(given_: dict[str, Any], param: str) -> None:
    """As the target wishes."""
    assert [param] == [text.split()[0] for text in MISTRAL.warnings(**given_)]
    error = MISTRAL.refusal(settings={"on_unsupported": "error"}, **given_)
    assert (param, "unsupported_parameter") == (error.param, error.code)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "narrator", "content": "Hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "4"}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "function", "name": "x", "content": "4"}]}, "messages[0].name"),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]},
        "messages[0].tool_calls[0].function",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
        "messages[0].content[0].file",
    ),
    ({"model": None}, "model"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]"),
]


@pytest.mark.parametrize(("given_", "param"), REFUSED)
def test_what_cannot_be_expressed_is_refused(given_: dict[str, Any], param: str) -> None:
    """Before anything is sent, with the place."""
    assert param == MISTRAL.refusal(**given_).param


# -- ids ---------------------------------------------------------------------


@given(st.text(max_size=40), st.text(max_size=40))
def test_ids_have_nine_letters_or_digits(one: str, other: str) -> None:
    """Always the same for the same id, different for different ones, and fitting ones as they are."""
    assert re.fullmatch("[a-zA-Z0-9]{9}", short_id(one))
    assert short_id(one) == short_id(short_id(one))
    assert (one == other) is (short_id(one) == short_id(other))


@pytest.mark.parametrize("settings", [{}, ELSEWHERE])
def test_calls_and_results_of_other_providers_keep_a_common_id(settings: dict[str, Any]) -> None:
    """Whatever server stands behind."""
    history = [
        {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "toolu_01A"}]},
        {"role": "tool", "tool_call_id": "toolu_01A", "content": "1"},
        {"role": "tool", "tool_call_id": "call_t1", "content": "2"},
    ]
    _, assistant, first, second = MISTRAL.encoded([*HELLO, *history], settings=settings)["messages"]

    assert [short_id("call_t1"), short_id("toolu_01A")] == [call["id"] for call in assistant["tool_calls"]]
    assert [short_id("toolu_01A"), short_id("call_t1")] == [first["tool_call_id"], second["tool_call_id"]]


# -- content -----------------------------------------------------------------

PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"type": "image_url", "image_url": "https://e.org/a.png"},
        {"type": "image_url", "image_url": "https://e.org/a.png"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVA="}},
        {"type": "document_url", "document_url": "data:application/pdf;base64,JVA="},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVA="}},
        {
            "type": "document_url",
            "document_url": "data:application/pdf;base64,JVA=",
            "document_name": "a.pdf",
        },
    ),
    (
        {"type": "file", "file": {"file_data": "JVA=", "mime_type": "text/plain"}},
        {"type": "document_url", "document_url": "data:text/plain;base64,JVA="},
    ),
    ({"type": "file", "file": {"file_id": "f-1"}}, {"type": "file", "file_id": "f-1"}),
    (
        {"type": "file", "file": {"file_url": "https://e.org/a"}},
        {"type": "document_url", "document_url": "https://e.org/a"},
    ),
    (
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "input_audio", "input_audio": "UklG"},
    ),
    ({"type": "reference", "reference_ids": [1]}, {"type": "reference", "reference_ids": [1]}),
]


@pytest.mark.parametrize(("part", "chunk"), PARTS)
def test_parts_are_chunks_for_mistral_s_own_hosts_only(part: dict[str, Any], chunk: dict[str, Any]) -> None:
    """Behind other hosts are other servers: they get what the caller gives."""
    messages = [{"role": "user", "content": [part]}]

    assert [chunk] == MISTRAL.encoded(messages)["messages"][0]["content"]
    codestral = {"base_url": "https://codestral.mistral.ai/v1"}
    assert [chunk] == MISTRAL.encoded(messages, settings=codestral)["messages"][0]["content"]
    assert [part] == MISTRAL.encoded(messages, settings=ELSEWHERE)["messages"][0]["content"]


def test_allowed_tools_are_a_shorter_list() -> None:
    """Which other servers may know by OpenAI's name."""
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [WIND]}}
    body = MISTRAL.encoded(tools=[TIDE, WIND], tool_choice=choice)
    other = MISTRAL.encoded(tools=[TIDE, WIND], tool_choice=choice, settings=ELSEWHERE)

    assert ([WIND], "any") == (body["tools"], body["tool_choice"])
    assert ([TIDE, WIND], choice) == (other["tools"], other["tool_choice"])


def test_what_answers_of_others_left_is_not_sent() -> None:
    """Neither to Mistral, which refuses it, nor to anybody else."""
    message = {
        "role": "assistant",
        "content": "A",
        "reasoning_content": "h",
        "annotations": [],
        "refusal": None,
        "provider_state": {"origin": "anthropic", "data": []},
    }
    for settings in ({}, ELSEWHERE):
        sent = MISTRAL.encoded([*HELLO, message, *HELLO], settings=settings)["messages"][1]
        assert {"role": "assistant", "content": "A"} == sent


def test_an_assistant_s_last_message_is_a_prefix() -> None:
    """The API takes none other there."""
    messages = [*HELLO, {"role": "assistant", "content": "1, 2,"}]

    assert MISTRAL.encoded(messages)["messages"][-1]["prefix"] is True
    assert ["messages"] == [text.split()[0] for text in MISTRAL.warnings(messages)]
    assert messages == MISTRAL.encoded(messages, settings=ELSEWHERE)["messages"]


def test_the_deprecated_kind_of_call_gets_an_id() -> None:
    """The same for its result, which is known by the function's name."""
    call = {"role": "assistant", "content": None, "function_call": {"name": "tide", "arguments": ""}}
    sent = MISTRAL.encoded([*HELLO, call, {"role": "function", "name": "tide", "content": "4"}])["messages"]
    identifier = sent[1]["tool_calls"][0]["id"]

    assert identifier == short_id(identifier)
    assert {"role": "tool", "tool_call_id": identifier, "name": "tide", "content": "4"} == sent[2]


def test_a_passthrough_target_sends_the_body_as_it_is() -> None:
    """Ids and parameters included."""
    messages = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [CALL]}]
    body = MISTRAL.encoded(messages, settings={"passthrough": True}, wibble=1)

    assert {"model": MISTRAL.model, "messages": messages, "wibble": 1} == body
