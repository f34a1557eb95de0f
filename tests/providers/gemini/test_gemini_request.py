"""Where a request goes, and what its parameters become."""

from __future__ import annotations

import json
from typing import Any

import gemini_kit as kit
import pytest
from yarl import URL

from llmroute.providers.base import EncodeError

GOOGLE = "https://generativelanguage.googleapis.com"

# -- the URL and the key -----------------------------------------------------


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("tunedModels/mine-1", "/v1beta/tunedModels/mine-1:generateContent"),
        (
            "gemini-2.0-flash-thinking-exp-1219",
            "/v1alpha/models/gemini-2.0-flash-thinking-exp-1219:generateContent",
        ),
        ("../../admin", "/v1beta/models/..%2F..%2Fadmin:generateContent"),
        ("models/../../admin", "/v1beta/models/..%2F..%2Fadmin:generateContent"),
        ("m?x=y", "/v1beta/models/m%3Fx%3Dy:generateContent"),
        ("m#x", "/v1beta/models/m%23x:generateContent"),
        ("m/x", "/v1beta/models/m%2Fx:generateContent"),
        ("m\0", "/v1beta/models/m%00:generateContent"),
        ("m%2Fx é", "/v1beta/models/m%252Fx%20%C3%A9:generateContent"),
    ],
)
def test_the_model_is_one_part_of_the_path(model: str, path: str) -> None:
    """Whatever is in its name; only the names of Google's collections are read."""
    url = kit.request(model=model).url

    assert URL(GOOGLE + path, encoded=True) == url
    assert {} == dict(url.query)


def test_a_stream_asks_for_server_sent_events() -> None:
    """`alt=sse`, and no member `stream` in the body."""
    wire = kit.request(stream=True)

    assert URL(GOOGLE + "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse") == wire.url
    assert {"contents"} == json.loads(wire.body).keys()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("http://proxy", "http://proxy/v1beta/models/m:generateContent"),
        ("http://proxy/", "http://proxy/v1beta/models/m:generateContent"),
        ("http://proxy/google//", "http://proxy/google/v1beta/models/m:generateContent"),
        ("http://proxy/v1beta", "http://proxy/v1beta/models/m:generateContent"),
        ("http://proxy/v1/", "http://proxy/v1/models/m:generateContent"),
        ("http://proxy/x?team=1#top", "http://proxy/x/v1beta/models/m:generateContent?team=1"),
    ],
)
def test_a_host_of_ones_own_takes_the_place_of_googles(host: str, url: str) -> None:
    """With or without a version; a slash at its end is not doubled, its query follows the path."""
    assert URL(url, encoded=True) == kit.request(model="m", settings={"base_url": host}).url


def test_a_second_request_goes_to_the_same_place() -> None:
    """An adapter is shared by all calls of its target."""
    adapter = kit.target(base_url="http://proxy/x?team=1")
    params = {"model": "m", "messages": kit.HELLO, "stream": True}
    first, second = adapter.encode(params, "a"), adapter.encode(params, "b")

    assert "http://proxy/x/v1beta/models/m:streamGenerateContent?alt=sse&team=1" == str(first.url)
    assert first.url == second.url


@pytest.mark.parametrize("host", ["ftp://proxy", "proxy", "http://", "http://a b", "http://a\n"])
def test_an_unusable_host_is_refused(host: str) -> None:
    """With a 400 that names the member."""
    assert "custom_host" == kit.refusal(settings={"base_url": host}).param


@pytest.mark.parametrize("model", [None, "", "models/", 7, "\ud800"])
def test_a_request_without_a_usable_model_is_refused(model: Any) -> None:
    """Nobody's default takes its place."""
    assert "model" == kit.refusal(model=model).param


def test_the_key_travels_in_a_header() -> None:
    """Never in the URL, and not at all where there is none."""
    assert "key-1" == kit.request().headers["x-goog-api-key"]
    wire = kit.target().encode({"model": "m", "messages": kit.HELLO}, None)
    assert {"Content-Type": "application/json"} == dict(wire.headers)


def test_a_key_that_would_break_a_header_is_refused() -> None:
    """Without quoting it."""
    with pytest.raises(EncodeError) as caught:
        kit.target().encode({"model": "m", "messages": kit.HELLO}, "secret\r\nx: y")
    assert "secret" not in str(caught.value)


# -- parameters --------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5, "top_k": 40, "seed": 7}, {"topP": 0.5, "topK": 40, "seed": 7}),
        ({"stop": "END"}, {"stopSequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"n": 3}, {"candidateCount": 3}),
        ({"presence_penalty": 1, "frequency_penalty": -1}, {"presencePenalty": 1, "frequencyPenalty": -1}),
        ({"logprobs": True, "top_logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"maxOutputTokens": 6}),
        ({"max_tokens": 5, "max_completion_tokens": None}, {"maxOutputTokens": 5}),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"image_config": {"aspect_ratio": "16:9"}}, {"imageConfig": {"aspectRatio": "16:9"}}),
        (
            {"audio": {"voice": "Kore", "format": "pcm16"}},
            {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}},
        ),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"media_resolution": "MEDIA_RESOLUTION_LOW"}, {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
        ({"thinking_config": {"thinkingBudget": 1}}, {"thinkingConfig": {"thinkingBudget": 1}}),
        (
            {"temperature": 1, "generationConfig": {"temperature": 0, "top_k": 1}},
            {"temperature": 0, "topK": 1},
        ),
        ({"generation_config": {"response_mime_type": "text/x.enum"}}, {"responseMimeType": "text/x.enum"}),
    ],
)
def test_a_parameter_of_generation(params: dict[str, Any], expected: dict[str, Any]) -> None:
    """Every one that Gemini knows, under its name; nothing is lost."""
    assert expected == kit.generation(**params)
    assert [] == kit.lost(**params)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"safety_settings": [{"category": "C"}]}, {"safety_settings": [{"category": "C"}]}),
        ({"safetySettings": [{"category": "C"}]}, {"safetySettings": [{"category": "C"}]}),
        ({"cached_content": "cachedContents/1"}, {"cached_content": "cachedContents/1"}),
        ({"labels": {"team": "sea"}}, {"labels": {"team": "sea"}}),
        ({"store": False}, {"store": False}),
        (
            {"systemInstruction": {"parts": [{"text": "x"}]}},
            {"systemInstruction": {"parts": [{"text": "x"}]}},
        ),
        ({"service_tier": "flex"}, {"serviceTier": "flex"}),
        ({"service_tier": "auto"}, {}),
        ({"web_search_options": {}}, {"tools": [{"googleSearch": {}}]}),
        ({"tool_config": {"retrievalConfig": {}}}, {"tool_config": {"retrievalConfig": {}}}),
        ({"temperature": None, "tools": None}, {"generationConfig": {}, "tools": []}),
        (
            {"seed": None, "stream": False, "stream_options": {"include_usage": True}},
            {"generationConfig": {}},
        ),
        ({"parallel_tool_calls": True, "n": 1, "logit_bias": {}, "metadata": {}}, {}),
    ],
)
def test_a_member_of_the_request(params: dict[str, Any], expected: dict[str, Any]) -> None:
    """Gemini's own members keep their spelling; what asks for nothing is no loss."""
    body = kit.encoded(**params)
    del body["contents"]

    assert expected == body
    assert [] == kit.lost(**params)


@pytest.mark.parametrize(
    "params",
    [
        {"user": "u"},
        {"metadata": {"a": "b"}},
        {"logit_bias": {"1": 5}},
        {"verbosity": "low"},
        {"prediction": {"type": "content", "content": "x"}},
        {"prompt_cache_key": "k"},
        {"wibble": 1},
        {"service_tier": "scale"},
        {"parallel_tool_calls": False},
        {"tool_choice": "required"},
        {"web_search_options": {"search_context_size": "low"}},
    ],
)
def test_a_parameter_that_cannot_be_carried(params: dict[str, Any]) -> None:
    """Is told, or refused where the target says so; the rest of the request is the same."""
    assert [*params] == kit.lost(**params)
    assert kit.encoded()["contents"] == kit.encoded(**params)["contents"]
    error = kit.refusal(settings={"on_unsupported": "error"}, **params)
    assert ([*params], "unsupported_parameter") == ([error.param], error.code)


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"modalities": "text"}, "modalities"),
        ({"image_config": 1}, "image_config"),
        ({"audio": {}}, "audio.voice"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 1}}},
            "response_format.json_schema.schema",
        ),
        ({"reasoning_effort": 1}, "reasoning_effort"),
        ({"thinking": {"type": "maybe"}}, "thinking"),
        ({"generationConfig": []}, "generationConfig"),
        ({"functions": {}}, "functions"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": 1}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [{"type": "shell"}]}, "tools[0]"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
    ],
)
def test_a_malformed_parameter_is_refused(params: dict[str, Any], place: str) -> None:
    """With a 400 that names the place."""
    error = kit.refusal(**params)

    assert place == error.param
    assert place.partition(".")[0] in error.message


def test_what_is_no_json_is_refused() -> None:
    """A set in an argument is the caller's mistake, not a crash."""
    assert "no JSON" in kit.refusal(labels={1}).message


def test_the_request_of_the_caller_is_not_changed() -> None:
    """Neither messages nor tools nor schemas."""
    params = {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "user", "content": "b"},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "description": "d", "schema": {}},
        },
        "tools": [
            {"type": "function", "function": {"name": "googleMaps", "parameters": {"retrievalConfig": {}}}}
        ],
        "tool_config": {"functionCallingConfig": {}},
    }
    before = json.dumps(params)
    kit.encoded(**params)

    assert before == json.dumps(params)


# -- thinking ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "config", "whole"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, True),
        ("gemini-2.5-flash", "minimal", {"thinkingBudget": 1024}, True),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024}, True),
        ("gemini-2.5-flash-lite", "medium", {"thinkingBudget": 8192}, True),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24576}, True),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}, False),
        ("gemini-2.5-flash", "enormous", None, False),
        ("gemini-2.0-flash", "low", None, False),
        ("gemini-2.0-flash", "none", None, True),
        ("gemini-3-pro-preview", "low", {"thinkingLevel": "low"}, True),
        ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "low"}, False),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "minimal"}, False),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "minimal"}, True),
        ("gemini-3.5-flash", "medium", {"thinkingLevel": "medium"}, True),
        ("gemini-flash-latest", "high", {"thinkingLevel": "high"}, True),
    ],
)
def test_reasoning_effort_by_generation(
    model: str, effort: str, config: dict[str, Any] | None, whole: bool
) -> None:
    """Levels from Gemini 3 on, budgets for Gemini 2.5; where it says less than was asked for, that is told.

    Source: ai.google.dev, OpenAI compatibility and thinking.
    """
    assert config == kit.generation(model=model, reasoning_effort=effort).get("thinkingConfig")
    assert ([] if whole else ["reasoning_effort"]) == kit.lost(model=model, reasoning_effort=effort)


@pytest.mark.parametrize(
    ("model", "thinking", "config"),
    [
        (kit.MODEL, {"type": "enabled", "budget_tokens": 9}, {"includeThoughts": True, "thinkingBudget": 9}),
        (kit.MODEL, {"type": "adaptive"}, {"includeThoughts": True, "thinkingBudget": -1}),
        (kit.CURRENT, {"type": "enabled"}, {"includeThoughts": True}),
        (kit.MODEL, {"type": "disabled"}, {"thinkingBudget": 0}),
    ],
)
def test_thinking_in_anthropics_form(model: str, thinking: dict[str, Any], config: dict[str, Any]) -> None:
    """The caller sees the thoughts, with the budget given."""
    assert config == kit.generation(model=model, thinking=thinking)["thinkingConfig"]


def test_a_budget_and_a_level_are_not_sent_together() -> None:
    """The API refuses the pair; the budget is the more exact of them."""
    params = {
        "model": kit.CURRENT,
        "thinking": {"type": "enabled", "budget_tokens": 9},
        "reasoning_effort": "low",
    }

    assert {"includeThoughts": True, "thinkingBudget": 9} == kit.generation(**params)["thinkingConfig"]
    assert ["reasoning_effort"] == kit.lost(**params)


def test_effort_and_visible_thoughts_go_together() -> None:
    """`thinking` without a budget only says that thoughts are shown."""
    config = kit.generation(model=kit.CURRENT, thinking={"type": "enabled"}, reasoning_effort="low")

    assert {"includeThoughts": True, "thinkingLevel": "low"} == config["thinkingConfig"]


# -- tools -------------------------------------------------------------------


def tool(name: str, **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


TIDE = tool("tide", parameters={"type": "object", "properties": {"at": {"type": "string"}}})


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([tool("f")], [{"functionDeclarations": [{"name": "f"}]}]),
        (
            [tool("f", description="d", strict=True)],
            [{"functionDeclarations": [{"name": "f", "description": "d"}]}],
        ),
        (
            [tool("f", parameters={"type": "object", "properties": {}})],
            [{"functionDeclarations": [{"name": "f"}]}],
        ),
        ([tool("google_search")], [{"googleSearch": {}}]),
        (
            [tool("google_search", parameters={"type": "object", "properties": {"q": {"type": "string"}}})],
            [
                {
                    "functionDeclarations": [
                        {
                            "name": "google_search",
                            "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
                        }
                    ]
                }
            ],
        ),
        (
            [tool("f"), tool("googleSearch"), tool("g")],
            [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}, {"name": "g"}]}],
        ),
        ([{"type": "url_context"}, {"code_execution": {}}], [{"urlContext": {}}, {"codeExecution": {}}]),
        (
            [{"type": "file_search", "file_search_store_names": ["s"]}],
            [{"fileSearch": {"fileSearchStoreNames": ["s"]}}],
        ),
        ([{"type": "web_search", "search_context_size": "low"}], [{"googleSearch": {}}]),
        (
            [{"type": "custom", "custom": {"name": "c", "description": "d"}}],
            [
                {
                    "functionDeclarations": [
                        {
                            "name": "c",
                            "description": "d",
                            "parameters": {
                                "type": "object",
                                "properties": {"input": {"type": "string"}},
                                "required": ["input"],
                            },
                        }
                    ]
                }
            ],
        ),
    ],
)
def test_tools(tools: list[Any], expected: list[Any]) -> None:
    """Functions are declared together, Google's own tools stand beside them."""
    assert expected == kit.encoded(tools=tools)["tools"]


def test_functions_in_the_legacy_form() -> None:
    """`functions` and `function_call` are tools and a choice."""
    body = kit.encoded(functions=[TIDE["function"]], function_call={"name": "tide"})

    assert kit.encoded(tools=[TIDE])["tools"] == body["tools"]
    assert {"mode": "ANY", "allowed_function_names": ["tide"]} == body["tool_config"][
        "function_calling_config"
    ]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "tide"}},
            {"mode": "ANY", "allowed_function_names": ["tide"]},
        ),
        ({"type": "custom", "custom": {"name": "c"}}, {"mode": "ANY", "allowed_function_names": ["c"]}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "tide"}}],
                },
            },
            {"mode": "ANY", "allowed_function_names": ["tide"]},
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "tide"}}],
                },
            },
            {"mode": "VALIDATED", "allowed_function_names": ["tide"]},
        ),
    ],
)
def test_tool_choice(choice: Any, config: dict[str, Any]) -> None:
    """Every form; VALIDATED leaves the model free to answer in text. Source: FunctionCallingConfig."""
    assert {"function_calling_config": config} == kit.encoded(tools=[TIDE], tool_choice=choice)["tool_config"]


@pytest.mark.parametrize("tools", [None, [], [tool("google_search")]])
def test_a_choice_without_functions_is_not_sent(tools: Any) -> None:
    """The API refuses it; only a call that was asked for is a loss."""
    for choice, told in (("auto", []), ("none", []), ("required", ["tool_choice"])):
        assert "tool_config" not in kit.encoded(tools=tools, tool_choice=choice)
        assert told == kit.lost(tools=tools, tool_choice=choice)


def test_a_tool_configuration_of_ones_own_joins_the_choice() -> None:
    """In snake_case member by member; `toolConfig` is taken as the whole."""
    body = kit.encoded(tools=[TIDE], tool_choice="auto", tool_config={"retrievalConfig": {"a": 1}})
    assert {"function_calling_config": {"mode": "AUTO"}, "retrievalConfig": {"a": 1}} == body["tool_config"]

    params = {
        "tools": [TIDE],
        "tool_choice": "auto",
        "toolConfig": {"functionCallingConfig": {"mode": "NONE"}},
    }
    assert "tool_config" not in kit.encoded(**params)
    assert ["tool_choice"] == kit.lost(**params)


def test_a_grammar_of_a_custom_tool_is_lost() -> None:
    """Only the text itself can be asked for."""
    tools = [{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar"}}}]

    assert ["tools[0].custom.format"] == kit.lost(tools=tools)
