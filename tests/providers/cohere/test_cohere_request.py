"""How a request becomes Cohere's."""

from __future__ import annotations

from typing import Any

import pytest
from native_kit import HELLO, Kit

COHERE = Kit("cohere", "command-a-03-2025")
TIDE = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
WIND = {
    "type": "function",
    "function": {"name": "wind", "description": "Wind", "parameters": {"type": "object"}},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_it_goes_to_the_chat_endpoint_of_version_2() -> None:
    """With the key as a bearer token; a host of the target's own stands before the path."""
    wire = COHERE.request()

    assert "https://api.cohere.com/v2/chat" == str(wire.url)
    assert "Bearer sk-test" == wire.headers["Authorization"]
    own = COHERE.request(settings={"base_url": "http://h/x/"})
    assert "http://h/x/v2/chat" == str(own.url)


PARAMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
    ({"max_completion_tokens": 7, "max_tokens": 5}, {"max_tokens": 7}),
    ({"top_p": 0.5, "top_k": 3}, {"p": 0.5, "k": 3}),
    ({"k": 3, "p": 0.5}, {"k": 3, "p": 0.5}),
    ({"stop": "END"}, {"stop_sequences": ["END"]}),
    ({"stop": []}, {"stop_sequences": []}),
    ({"logprobs": True, "seed": 4}, {"logprobs": True, "seed": 4}),
    (
        {"documents": ["a", {"id": "d", "data": {"x": 1}}]},
        {"documents": ["a", {"id": "d", "data": {"x": 1}}]},
    ),
    ({"citation_options": {"mode": "FAST"}, "safety_mode": "OFF", "priority": 3}, None),
    ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
    ({"thinking": {"budget_tokens": 9}}, {"thinking": {"type": "enabled", "token_budget": 9}}),
    ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
    ({"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}),
    ({"reasoning_effort": "medium"}, {"thinking": {"type": "enabled", "token_budget": 8192}}),
    ({"response_format": {"type": "text"}}, {}),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": SCHEMA}}},
        {"response_format": {"type": "json_object", "json_schema": SCHEMA}},
    ),
    ({"tools": [TIDE], "tool_choice": "none"}, {"tools": [TIDE], "tool_choice": "NONE"}),
    ({"tools": [TIDE], "parallel_tool_calls": True}, {"tools": [TIDE]}),
    ({"functions": [WIND["function"]], "function_call": "auto"}, {"tools": [WIND]}),
    ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
    ({"n": 1, "store": False, "logit_bias": {}, "user": None}, {}),
]


@pytest.mark.parametrize(("given", "expected"), PARAMS)
def test_parameters_have_their_counterparts(given: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Nothing is told, as nothing is lost."""
    body = COHERE.encoded(**given)

    assert {"model": COHERE.model, "messages": HELLO, **(given if expected is None else expected)} == body
    assert () == COHERE.warnings(**given)


LOST: list[tuple[dict[str, Any], str]] = [
    ({"n": 2}, "n"),
    ({"user": "u"}, "user"),
    ({"top_logprobs": 2}, "top_logprobs"),
    ({"wibble": 1}, "wibble"),
    ({"presence_penalty": 2}, "presence_penalty"),
    ({"tools": [TIDE], "parallel_tool_calls": False}, "parallel_tool_calls"),
    ({"tools": [{**TIDE, "cache_control": {}}]}, "tools[].cache_control"),
    ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, "reasoning_effort"),
    ({"messages": [{"role": "user", "name": "ada", "content": "Hi"}]}, "messages[].name"),
    (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
        "messages[].content[].file",
    ),
]


@pytest.mark.parametrize(("given", "param"), LOST)
def test_what_has_no_counterpart_is_told_or_refused(given: dict[str, Any], param: str) -> None:
    """As the target wishes."""
    assert [param] == [text.split()[0] for text in COHERE.warnings(**given)]
    error = COHERE.refusal(settings={"on_unsupported": "error"}, **given)
    assert (param, "unsupported_parameter") == (error.param, error.code)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": "Hi"}, "messages"),
    ({"messages": ["Hi"]}, "messages[0]"),
    ({"messages": [{"role": "narrator", "content": "Hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "tool", "content": "4"}]}, "messages[0].tool_call_id"),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]},
        "messages[0].tool_calls[0].function",
    ),
    ({"model": ""}, "model"),
    ({"tools": [{"type": "web_search"}]}, "tools[0]"),
    ({"tools": [TIDE], "tool_choice": {"type": "wibble"}}, "tool_choice"),
    ({"tools": [TIDE], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"reasoning_effort": "utmost"}, "reasoning_effort"),
    ({"temperature": float("nan")}, None),
]


@pytest.mark.parametrize(("given", "param"), REFUSED)
def test_what_cannot_be_expressed_is_refused(given: dict[str, Any], param: str) -> None:
    """Before anything is sent, with the place."""
    assert param == COHERE.refusal(**given).param


def test_only_the_allowed_tools_are_offered() -> None:
    """With the mode as the choice."""
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"name": "wind"}]}}
    body = COHERE.encoded(tools=[TIDE, WIND], tool_choice=choice)

    assert ([WIND], "REQUIRED") == (body["tools"], body["tool_choice"])


def test_one_strict_tool_makes_all_strict() -> None:
    """And that is told."""
    strict = {"type": "function", "function": {**WIND["function"], "strict": True}}

    assert {"strict_tools": True, "tools": [TIDE, WIND]}.items() <= COHERE.encoded(
        tools=[TIDE, strict]
    ).items()
    assert ["tools[].function.strict"] == [text.split()[0] for text in COHERE.warnings(tools=[TIDE, strict])]
    assert () == COHERE.warnings(tools=[strict])


def test_documents_and_texts_are_results() -> None:
    """Cohere's own kind of block goes through."""
    document = {"type": "document", "document": {"id": "1", "data": {"tide": 4}}}
    result = {"role": "tool", "tool_call_id": "a", "content": [document, {"type": "text", "text": "t"}]}

    assert result == COHERE.encoded([*HELLO, result])["messages"][1]


def test_the_deprecated_kind_of_call_gets_an_id() -> None:
    """The same for its result, which is known by the function's name."""
    call = {"role": "assistant", "content": None, "function_call": {"name": "tide", "arguments": ""}}
    sent = COHERE.encoded([*HELLO, call, {"role": "function", "name": "tide", "content": "4"}])["messages"]

    assert {"name": "tide", "arguments": "{}"} == sent[1]["tool_calls"][0]["function"]
    assert {"role": "tool", "tool_call_id": sent[1]["tool_calls"][0]["id"], "content": "4"} == sent[2]


def test_a_refusal_in_the_history_is_text() -> None:
    """As a member and as a part."""
    member = {"role": "assistant", "content": None, "refusal": "No."}
    part = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    sent = COHERE.encoded([*HELLO, member, part])["messages"]

    assert ("No.", [{"type": "text", "text": "No."}]) == (sent[1]["content"], sent[2]["content"])


def test_state_of_other_origins_stays_behind() -> None:
    """So does reasoning, which is none of Cohere's."""
    foreign = {"origin": "anthropic", "data": [{"type": "thinking", "thinking": "h", "signature": "s"}]}
    message = {"role": "assistant", "content": "A", "reasoning_content": "h", "provider_state": foreign}

    assert {"role": "assistant", "content": "A"} == COHERE.encoded([*HELLO, message])["messages"][1]
