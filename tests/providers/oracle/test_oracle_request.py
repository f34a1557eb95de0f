"""Requests to Oracle: addresses, parameters, parts, tools, and what is refused or told as lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from oracle_kit import COHERE, GEMINI, LLAMA, OPTIONS, OracleKit, problems, text

from llmroute import ConfigError, Router
from llmroute.providers.base import EncodeError

HELLO = [{"role": "user", "content": "Hi"}]
TOOL = {
    "type": "function",
    "function": {"name": "tide", "description": "d", "parameters": {"type": "object"}},
}
CALL = {"id": "a", "type": "function", "function": {"name": "tide", "arguments": '{"at": 1.0}'}}

# -- addresses ---------------------------------------------------------------


def url(base_url: str | None = None, **options: Any) -> str:
    settings = {"base_url": base_url, "options": {**OPTIONS, **options}}
    return str(LLAMA.request(settings=settings).url)


def test_the_region_stands_in_the_host() -> None:
    """And a version of the API in the path."""
    assert "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com/20231130/actions/chat" == url()
    assert url(oracle_api_version="20251001").endswith("/20251001/actions/chat")


def test_another_host_needs_no_region() -> None:
    """It stands for the service's, as for other realms; its query is kept."""
    found = url("https://inference.example/base/?k=v", oracle_region=None)

    assert "https://inference.example/base/20231130/actions/chat?k=v" == found
    with pytest.raises(EncodeError, match="oracle_region or custom_host"):
        LLAMA.target(options={}).encode(LLAMA.params(), None)


@pytest.mark.parametrize(
    ("model", "options", "mode"),
    [
        ("xai.grok-4", {}, {"servingType": "ON_DEMAND", "modelId": "xai.grok-4"}),
        (
            "ocid1.generativeaiendpoint.oc1..x",
            {},
            {"servingType": "DEDICATED", "endpointId": "ocid1.generativeaiendpoint.oc1..x"},
        ),
        ("mine", {"oracle_serving_mode": "DEDICATED"}, {"servingType": "DEDICATED", "endpointId": "mine"}),
    ],
)
def test_models_of_one_s_own_are_endpoints(model: str, options: dict[str, Any], mode: dict[str, str]) -> None:
    """By their OCID, or as the target says."""
    settings = {"options": {**OPTIONS, **options}}
    body = json.loads(OracleKit("oracle", model).request(settings=settings).body)

    assert mode == body["servingMode"]
    assert OPTIONS["oracle_compartment_id"] == body["compartmentId"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("oracle_region", "evil.example/"),
        ("oracle_region", "a@evil"),
        ("oracle_region", "us.evil.example#"),
        ("oracle_api_version", "../admin"),
        ("oracle_api_version", "2?x=1"),
    ],
)
def test_the_config_s_members_are_single_parts(member: str, value: str) -> None:
    """What would change host or path is refused by its place."""
    config = {"provider": "oracle", **OPTIONS, member: value}
    with pytest.raises(ConfigError) as caught:
        Router(config)

    first, *others = caught.value.problems
    assert f"config.{member}" == first.path
    assert all("missing" in problem.message for problem in others)


@pytest.mark.parametrize("member", ["oracle_region", "oracle_compartment_id"])
def test_a_target_needs_a_place(member: str) -> None:
    """When the config is read, not at the first call."""
    config = {"provider": "oracle", **{n: v for n, v in OPTIONS.items() if n != member}}
    with pytest.raises(ConfigError, match=rf"config\.{member}: missing"):
        Router(config)


# -- parameters --------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop": ["x", "y"]}),
        ({"n": 2}, {"numGenerations": 2}),
        ({"max_tokens": 5}, {"maxTokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"maxTokens": 7}),
        ({"logprobs": True}, {"logProbs": 1}),
        ({"logprobs": True, "top_logprobs": 3}, {"logProbs": 3}),
        ({"logprobs": False}, {}),
        ({"logit_bias": {"1": -2}}, {"logitBias": {"1": -2}}),
        ({"parallel_tool_calls": False}, {"isParallelToolCalls": False}),
        ({"stream_options": {"include_usage": True}}, {"streamOptions": {"isIncludeUsage": True}}),
        ({"reasoning_effort": "low"}, {"reasoningEffort": "LOW"}),
        ({"verbosity": "high"}, {"verbosity": "HIGH"}),
        ({"service_tier": "auto"}, {"serviceTier": "AUTO"}),
        ({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
        ({"response_format": {"type": "text"}}, {"responseFormat": {"type": "TEXT"}}),
        ({"response_format": {"type": "json_object"}}, {"responseFormat": {"type": "JSON_OBJECT"}}),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}},
                }
            },
            {
                "responseFormat": {
                    "type": "JSON_SCHEMA",
                    "jsonSchema": {"name": "n", "isStrict": True, "schema": {"type": "object"}},
                }
            },
        ),
        (
            {"prediction": {"type": "content", "content": [{"type": "text", "text": "p"}]}},
            {"prediction": {"type": "CONTENT", "content": [text("p")]}},
        ),
        (
            {
                "web_search_options": {
                    "search_context_size": "low",
                    "user_location": {"type": "approximate", "approximate": {"city": "Ulm"}},
                }
            },
            {"webSearchOptions": {"searchContextSize": "LOW", "userLocation": {"city": "Ulm"}}},
        ),
        ({"store": False, "modalities": ["text"], "temperature": None}, {}),
        ({"maxTokens": 9, "isEcho": True}, {"maxTokens": 9, "isEcho": True}),
    ],
)
def test_parameters_keep_their_meaning(params: dict[str, Any], sent: dict[str, Any]) -> None:
    """Under Oracle's names, in its forms; null says nothing."""
    wire = LLAMA.request(**params)
    body = json.loads(wire.body)
    chat = body["chatRequest"]

    assert sent == {name: value for name, value in chat.items() if name not in ("apiFormat", "messages")}
    assert () == wire.warnings
    assert [] == problems(body)


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"user": "u"}, "user"),
        ({"store": True}, "store"),
        ({"reasoning_effort": "xhigh"}, "reasoning_effort"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"tools": [{**TOOL, "cache_control": {"type": "ephemeral"}}]}, "tools[0].cache_control"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]},
            "tools[0].function.strict",
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar"}}}]},
            "tools[0].custom.format",
        ),
    ],
)
def test_what_has_no_counterpart_is_told_or_refused(params: dict[str, Any], place: str) -> None:
    """As `on_unsupported` asks."""
    (warning,) = LLAMA.warnings(**params)
    assert place == warning.split()[0]

    refused = LLAMA.refusal(settings={"on_unsupported": "error"}, **params)
    assert (place, "unsupported_parameter") == (refused.param, refused.code)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": 1}}]}, "tools[0].function.name"),
        ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {}}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"stream_options": True}, "stream_options"),
        ({"prediction": {}}, "prediction"),
        ({"web_search_options": 1}, "web_search_options"),
        ({"model": ""}, "model"),
        ({"seed": float("nan")}, None),
    ],
)
def test_nonsense_is_refused_by_its_place(params: dict[str, Any], param: str | None) -> None:
    """With status 400, before anything is sent."""
    assert param == LLAMA.refusal(**params).param


# -- tools -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "AUTO"}),
        ("none", {"type": "NONE"}),
        ("required", {"type": "REQUIRED"}),
        ({"type": "function", "function": {"name": "tide"}}, {"type": "FUNCTION", "name": "tide"}),
        ({"type": "custom", "custom": {"name": "say"}}, {"type": "FUNCTION", "name": "say"}),
    ],
)
def test_a_choice_among_tools(choice: Any, sent: Any) -> None:
    """All of OpenAI's have a counterpart."""
    chat = LLAMA.chat(tools=[TOOL, {"type": "custom", "custom": {"name": "say"}}], tool_choice=choice)

    assert sent == chat["toolChoice"]
    assert ["tide", "say"] == [tool["name"] for tool in chat["tools"]]


def test_allowed_tools_are_a_shorter_list() -> None:
    """The API has no such choice."""
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "tide"}}]}
    chat = LLAMA.chat(
        tools=[TOOL, {"type": "custom", "custom": {"name": "say"}}],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
    )

    assert {"type": "REQUIRED"} == chat["toolChoice"]
    assert ["tide"] == [tool["name"] for tool in chat["tools"]]


def test_functions_of_the_deprecated_kind() -> None:
    """`functions`, `function_call`, and results by name: they get ids that belong together."""
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": {"name": "tide", "arguments": "{}"}},
        {"role": "function", "name": "tide", "content": "high"},
    ]
    chat = LLAMA.chat(messages, functions=[TOOL["function"]], function_call={"name": "tide"})

    assert {"type": "FUNCTION", "name": "tide"} == chat["toolChoice"]
    assert "tide" == chat["tools"][0]["name"]
    assert chat["messages"][1]["toolCalls"][0]["id"] == chat["messages"][2]["toolCallId"]


def test_a_choice_without_tools_is_not_sent() -> None:
    """The service refuses it."""
    assert "toolChoice" not in LLAMA.chat(tool_choice="auto")


# -- messages ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        ({"type": "text", "text": "a"}, text("a")),
        (
            {"type": "image_url", "image_url": {"url": "https://e.org/a.png", "detail": "low"}},
            {"type": "IMAGE", "imageUrl": {"url": "https://e.org/a.png", "detail": "LOW"}},
        ),
        (
            {"type": "image_url", "image_url": "https://e.org/a.png"},
            {"type": "IMAGE", "imageUrl": {"url": "https://e.org/a.png"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://e.org/a.mp4"}},
            {"type": "VIDEO", "videoUrl": {"url": "https://e.org/a.mp4"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            {"type": "AUDIO", "audioUrl": {"url": "data:audio/mp3;base64,UklG"}},
        ),
        (
            {"type": "file", "file": {"file_data": "JVBE", "filename": "a.pdf"}},
            {"type": "DOCUMENT", "documentUrl": {"url": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:image/png;base64,QUJD"}},
            {"type": "IMAGE", "imageUrl": {"url": "data:image/png;base64,QUJD"}},
        ),
        (
            {"type": "file", "file": {"file_data": "YSxi", "filename": "A.CSV"}},
            {"type": "DOCUMENT", "documentUrl": {"url": "data:text/csv;base64,YSxi"}},
        ),
        (
            {"type": "file", "file": {"file_url": "https://e.org/a.pdf"}},
            {"type": "DOCUMENT", "documentUrl": {"url": "https://e.org/a.pdf"}},
        ),
        (text("own"), text("own")),
    ],
)
def test_parts_of_every_kind(part: dict[str, Any], sent: dict[str, Any]) -> None:
    """Each as a part of Oracle's, between other parts."""
    body = LLAMA.encoded([{"role": "user", "content": [text("x"), part, {"type": "text", "text": "y"}]}])

    assert [text("x"), sent, text("y")] == body["chatRequest"]["messages"][0]["content"]
    assert [] == problems(body)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "narrator", "content": "x"}, "messages[0].role"),
        ({"role": "user", "content": 1}, "messages[0].content"),
        ({"role": "user", "content": [1]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
            "messages[0].content[0].file",
        ),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "function", "name": "f", "content": "x"}, "messages[0].name"),
        ({"role": "assistant", "tool_calls": {"a": 1}}, "messages[0].tool_calls"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "messages[0].tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [{**CALL, "id": None}]}, "messages[0].tool_calls[0].id"),
    ],
)
def test_a_wrong_message_is_named(message: dict[str, Any], param: str) -> None:
    """Which one, and what of it."""
    assert param == LLAMA.refusal([message]).param


def test_messages_are_needed() -> None:
    """The service answers an empty list with an error of its own."""
    assert "messages" == LLAMA.refusal([]).param
    assert "messages" == LLAMA.refusal(None).param


def test_lists_of_texts_arrive_whole() -> None:
    """In every role that may have them: the gateway loses all of them."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "text", "text": "b"}]
    messages = [
        *({"role": role, "content": parts} for role in ("system", "developer", "user", "assistant")),
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": parts},
    ]
    sent = LLAMA.chat(messages)["messages"]

    listed = [text("a"), text(""), text("b")]
    assert [listed] * 4 + [None, listed] == [each.get("content") for each in sent]
    assert ["SYSTEM", "SYSTEM", "USER", "ASSISTANT", "ASSISTANT", "TOOL"] == [each["role"] for each in sent]


def test_calls_and_results_arrive_whole() -> None:
    """With ids, in order, the arguments letter by letter."""
    calls = [CALL, {"id": "b", "type": "custom", "custom": {"name": "say", "input": 'x "y"'}}]
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]
    _, said, *results = LLAMA.chat(messages)["messages"]

    assert [
        {"id": "a", "type": "FUNCTION", "name": "tide", "arguments": '{"at": 1.0}'},
        {"id": "b", "type": "FUNCTION", "name": "say", "arguments": '{"input":"x \\"y\\""}'},
    ] == said["toolCalls"]
    assert "content" not in said
    assert [("b", "2"), ("a", "1")] == [(r["toolCallId"], r["content"][0]["text"]) for r in results]


@pytest.mark.parametrize("content", [None, "", []])
def test_calls_of_google_s_models_need_a_text(content: Any) -> None:
    """Else the service breaks; a text of the model's own stays alone."""
    messages = [*HELLO, {"role": "assistant", "content": content, "tool_calls": [CALL]}]
    assert [text(".")] == GEMINI.chat(messages)["messages"][1]["content"]

    messages[1] = {"role": "assistant", "content": "See", "tool_calls": [CALL]}
    assert [text("See")] == GEMINI.chat(messages)["messages"][1]["content"]


def test_thoughts_and_refusals_go_back_as_such() -> None:
    """What other providers keep in the content does not."""
    content = [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, {"type": "text", "text": "42"}]
    said = {
        "role": "assistant",
        "content": content,
        "reasoning_content": "Hm",
        "refusal": "no",
        "name": "ann",
    }
    sent = LLAMA.chat([*HELLO, said])["messages"][1]

    assert {
        "role": "ASSISTANT",
        "content": [text("42")],
        "reasoningContent": "Hm",
        "refusal": "no",
        "name": "ann",
    } == sent


# -- Cohere's models ---------------------------------------------------------


def test_cohere_s_models_have_a_request_of_their_own() -> None:
    """It is Cohere's, in Oracle's spelling."""
    messages = [
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "reasoning_content": "Hm", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]
    params = {
        "tools": [TOOL],
        "tool_choice": "required",
        "top_p": 0.5,
        "top_k": 3,
        "stop": "x",
        "max_completion_tokens": 5,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}},
        },
        "thinking": {"type": "enabled", "token_budget": 100},
        "safety_mode": "STRICT",
        "citation_options": {"mode": "FAST"},
        "seed": 1,
        "logprobs": True,
    }
    body = COHERE.encoded(messages, **params)
    chat = body["chatRequest"]

    assert [] == problems(body)
    assert "COHEREV2" == chat["apiFormat"]
    assert ["SYSTEM", "USER", "ASSISTANT", "TOOL"] == [each["role"] for each in chat["messages"]]
    assert [text("a"), text("b")] == chat["messages"][1]["content"]
    call = chat["messages"][2]["toolCalls"][0]
    assert ("a", "FUNCTION", "tide") == (call["id"], call["type"], call["function"]["name"])
    assert {"at": 1} == json.loads(call["function"]["arguments"])
    assert "a" == chat["messages"][3]["toolCallId"]
    assert {
        "toolsChoice": "REQUIRED",
        "topP": 0.5,
        "topK": 3,
        "stopSequences": ["x"],
        "maxTokens": 5,
        "isStream": True,
        "streamOptions": {"isIncludeUsage": True},
        "thinking": {"type": "ENABLED", "tokenBudget": 100},
        "safetyMode": "STRICT",
        "citationOptions": {"mode": "FAST"},
        "seed": 1,
        "isLogProbsEnabled": True,
    }.items() <= chat.items()
    assert {"type": "JSON_OBJECT", "schema": {"type": "object"}} == chat["responseFormat"]
