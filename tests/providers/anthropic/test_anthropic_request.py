"""How parameters become those of the Messages API."""

from __future__ import annotations

from typing import Any

import anthropic_kit as kit
import pytest
from anthropic_kit import HELLO, encoded, refusal, request

from llmroute.providers.base import EncodeError

TOOL = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "wind", "parameters": {"type": "object"}}}


# -- address and headers -----------------------------------------------------


def test_the_public_host_is_the_default() -> None:
    """Without custom_host requests go to api.anthropic.com."""
    assert "https://api.anthropic.com/v1/messages" == str(request().url)


def test_a_query_of_the_host_follows_the_path() -> None:
    """What a proxy needs in the query survives."""
    wire = request(settings={"base_url": "https://proxy.example/claude/?team=sea"})

    assert "https://proxy.example/claude/messages?team=sea" == str(wire.url)


def test_a_host_that_is_none_is_refused_at_the_request() -> None:
    """The adapter can be built all the same."""
    built = kit.target(base_url="not a host")

    with pytest.raises(EncodeError):
        built.encode({"model": "claude", "messages": HELLO}, None)


def test_without_a_key_no_key_is_sent() -> None:
    """Some hosts know their callers by other means."""
    assert "x-api-key" not in kit.target().encode({"model": "claude", "messages": HELLO}, None).headers


def test_versions_and_betas_of_the_body_become_headers() -> None:
    """The version of the body wins, betas add up without repetition."""
    options = {"anthropic_version": "2023-01-01", "anthropic_beta": "a,b"}
    wire = request(
        settings={"options": options}, anthropic_version="2023-06-01", anthropic_beta=["b", "c"], betas=["d"]
    )

    assert "2023-06-01" == wire.headers["anthropic-version"]
    assert "a,b,c,d" == wire.headers["anthropic-beta"]


@pytest.mark.parametrize("name", ["anthropic_version", "anthropic_beta", "user_profile_id"])
def test_no_line_end_reaches_a_header(name: str) -> None:
    """A value that would start another header is refused."""
    assert name == refusal(**{name: "a\r\nx-admin: 1"}).param


def test_a_broken_key_is_refused_and_not_shown() -> None:
    """The message names the key's place only."""
    with pytest.raises(EncodeError) as caught:
        kit.target().encode({"model": "claude", "messages": HELLO}, "sk-sec\nret")

    assert "sec" not in caught.value.message


# -- parameters --------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"max_tokens": 0}, {"max_tokens": 0}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"stop_sequences": ["x"]}, {"stop_sequences": ["x"]}),
        ({"temperature": 0.3, "top_p": 0.5, "top_k": 4}, {"temperature": 0.3, "top_p": 0.5, "top_k": 4}),
        ({"user": "u", "safety_identifier": "s"}, {"metadata": {"user_id": "u"}}),
        ({"safety_identifier": "s"}, {"metadata": {"user_id": "s"}}),
        ({"metadata": {"user_id": "m"}}, {"metadata": {"user_id": "m"}}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"service_tier": "priority"}, {"service_tier": "auto"}),
        ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ({"container": "c_1", "speed": "fast"}, {"container": "c_1", "speed": "fast"}),
        ({"mcp_servers": [{"name": "m"}]}, {"mcp_servers": [{"name": "m"}]}),
        ({"n": 1, "logprobs": False, "frequency_penalty": 0, "logit_bias": {}, "store": False}, {}),
        ({"n": None, "seed": None, "temperature": None, "tools": None, "response_format": None}, {}),
        ({"response_format": {"type": "text"}}, {}),
        ({"system": "S"}, {"system": [{"type": "text", "text": "S"}]}),
        ({"tool_choice": "auto"}, {}),
        ({"parallel_tool_calls": False}, {}),
    ],
)
def test_a_parameter_is_sent_by_its_native_name(params: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each has exactly these members of the body as its effect, and nothing is lost."""
    wire = request(**params)
    base = {"model": kit.MODEL, "messages": HELLO, "max_tokens": 64000}

    assert {**base, **expected} == encoded(**params)
    assert () == wire.warnings


LOST: list[tuple[str, Any]] = [
    ("n", 2),
    ("seed", 7),
    ("presence_penalty", 0.5),
    ("frequency_penalty", -1),
    ("logit_bias", {"5": 1}),
    ("logprobs", True),
    ("top_logprobs", 2),
    ("store", True),
    ("modalities", ["text", "audio"]),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("prediction", {"type": "content", "content": "x"}),
    ("verbosity", "low"),
    ("web_search_options", {}),
    ("prompt_cache_key", "k"),
    ("metadata", {"team": "sea"}),
    ("service_tier", "flex"),
    ("temperature", 1.5),
    ("wibble", 1),
]


@pytest.mark.parametrize(("name", "value"), LOST)
def test_a_parameter_without_counterpart_is_told(name: str, value: Any) -> None:
    """It is dropped with one warning that begins with its name."""
    wire = request(**{name: value})

    assert [name] == [text.split()[0] for text in wire.warnings]
    assert value != encoded(**{name: value}).get(name)


@pytest.mark.parametrize(("name", "value"), LOST)
def test_a_parameter_without_counterpart_can_be_refused(name: str, value: Any) -> None:
    """With on_unsupported "error" it is a local 400."""
    error = refusal(settings={"on_unsupported": "error"}, **{name: value})

    assert (name, "unsupported_parameter") == (error.param, error.code)


def test_unknown_parameters_pass_in_a_request_that_names_a_beta() -> None:
    """They may belong to the beta."""
    assert 1 == encoded(anthropic_beta="wibble-2026-01-01", wibble=1)["wibble"]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-20250219", 64000),
        ("claude-opus-4-20250514", 32000),
        ("claude-opus-4-1", 32000),
        ("claude-sonnet-4-20250514", 64000),
        ("claude-opus-4-5", 64000),
        ("claude-haiku-5-5", 64000),
        ("some-other-model", 4096),
    ],
)
def test_the_default_limit_is_what_the_model_can_write(model: str, expected: int) -> None:
    """Up to 64,000 tokens; OpenAI's API has no limit of its own either."""
    assert expected == encoded(model=model)["max_tokens"]


@pytest.mark.parametrize(
    ("model", "params", "sent"),
    [
        ("claude-sonnet-4-6", {}, True),
        ("claude-opus-4-7", {}, False),
        ("claude-sonnet-5", {}, False),
        ("claude-mythos-preview", {}, False),
        ("claude-sonnet-4-5", {"anthropic_version": "2026-10-21"}, False),
        ("claude-sonnet-4-5", {"anthropic_version": "vertex-2023-10-16"}, True),
    ],
)
def test_sampling_is_left_out_where_the_api_refuses_it(
    model: str, params: dict[str, Any], sent: bool
) -> None:
    """From Claude 4.7 and from API version 2026-10-21 on; a default value is not worth a warning."""
    wire = request(model=model, temperature=0.5, top_p=1, **params)
    body = encoded(model=model, temperature=0.5, top_p=1, **params)

    assert sent == ("temperature" in body)
    assert ([] if sent else ["temperature"]) == [text.split()[0] for text in wire.warnings]


@pytest.mark.parametrize("params", [{"model": None}, {"model": ""}, {"model": 5}])
def test_a_model_is_needed(params: dict[str, Any]) -> None:
    """Nobody's default is used."""
    assert "model" == refusal(**params).param


# -- reasoning ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("claude-opus-5-5", "high", {"output_config": {"effort": "high"}}),
        ("claude-opus-5-5", "minimal", {"output_config": {"effort": "low"}}),
        ("claude-opus-5-5", "xhigh", {"output_config": {"effort": "xhigh"}}),
        ("claude-opus-5-5", "none", {"output_config": {"effort": "low"}}),
        ("claude-opus-4-7", "max", {"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}),
        ("claude-opus-4-6", "xhigh", {"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}),
        ("claude-sonnet-4-6", "none", {}),
        (
            "claude-opus-4-5",
            "max",
            {"output_config": {"effort": "high"}, "thinking": {"type": "enabled", "budget_tokens": 32000}},
        ),
        ("claude-haiku-4-5", "medium", {"thinking": {"type": "enabled", "budget_tokens": 8192}}),
        ("claude-haiku-4-5", "none", {}),
        ("my-deployment", "low", {"output_config": {"effort": "low"}}),
    ],
)
def test_reasoning_effort_speaks_the_language_of_the_model(
    model: str, effort: str, expected: dict[str, Any]
) -> None:
    """Effort where it exists, adaptive thinking where it must be asked for, a budget before."""
    body = encoded(model=model, reasoning_effort=effort)

    assert expected == {name: body[name] for name in ("output_config", "thinking") if name in body}


@pytest.mark.parametrize(("limit", "budget"), [(4096, 2048), (1500, 1024), (1024, None), (100, None)])
def test_a_budget_leaves_room_for_the_answer(limit: int, budget: int | None) -> None:
    """It is at least 1,024 and less than max_tokens, or there is none, which is told."""
    wire = request(reasoning_effort="high", max_tokens=limit)

    assert budget == encoded(reasoning_effort="high", max_tokens=limit).get("thinking", {}).get(
        "budget_tokens"
    )
    assert (budget is None) == bool(wire.warnings)


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": 0.2},
        {"top_p": 0.5},
        {"top_k": 3},
        {"tools": [TOOL], "tool_choice": "required"},
    ],
)
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-sonnet-4-6"])
def test_thinking_is_not_asked_for_where_the_api_would_refuse_it(model: str, params: dict[str, Any]) -> None:
    """A temperature or a forced tool was asked for expressly."""
    assert "thinking" not in encoded(model=model, reasoning_effort="high", **params)


def test_what_the_caller_says_of_thinking_stands() -> None:
    """Effort is still sent where the model has it."""
    thinking = {"type": "adaptive", "display": "summarized"}
    body = encoded(
        model="claude-opus-4-6", reasoning_effort="low", thinking=thinking, output_config={"format": None}
    )

    assert thinking == body["thinking"]
    assert {"format": None, "effort": "low"} == body["output_config"]


# -- response_format ---------------------------------------------------------


def schema_request(schema: dict[str, Any], **params: Any) -> dict[str, Any]:
    described = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    return encoded(response_format=described, **params)


def test_a_schema_is_closed_and_its_bounds_are_told() -> None:
    """The API demands additionalProperties false and refuses bounds, which go to the description."""
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "Years"},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 1},
            "kind": {"oneOf": [{"const": "a"}, {"type": ["object", "null"]}]},
        },
        "required": ["age"],
    }
    expected = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": 'Years\n\n{"minimum":0}'},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": '{"maxLength":5}'},
                "minItems": 1,
            },
            "kind": {"anyOf": [{"const": "a"}, {"type": ["object", "null"], "additionalProperties": False}]},
        },
        "required": ["age"],
        "additionalProperties": False,
    }

    assert {"type": "json_schema", "schema": expected} == schema_request(schema)["output_config"]["format"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {"again": {"$ref": "#"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/B"}]}, "B": {"$ref": "#/$defs/A"}}},
        {"type": "object", "properties": {"x": {"$ref": "https://example.org/x.json"}}},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"properties": 5},
        {"anyOf": 5},
    ],
)
def test_a_schema_beyond_the_grammar_is_asked_for_in_words(schema: dict[str, Any]) -> None:
    """Open maps, recursion, foreign references: the call works, and the caller is told."""
    body = schema_request(schema)

    assert "output_config" not in body
    assert "JSON schema" in body["system"][0]["text"]


def test_shared_definitions_are_no_recursion() -> None:
    """Two references to one definition can be compiled."""
    reference = {"$ref": "#/$defs/P"}
    schema = {
        "type": "object",
        "properties": {"a": reference, "b": reference, "$ref": {"const": {"$ref": "data"}}},
        "$defs": {"P": {"type": "object", "properties": {}, "additionalProperties": False}},
        "additionalProperties": False,
    }

    assert schema == schema_request(schema)["output_config"]["format"]["schema"]


def test_an_older_model_is_asked_for_a_schema_in_words() -> None:
    """Structured outputs begin with Claude 4.5."""
    assert "output_config" not in schema_request({"type": "object"}, model="claude-3-7-sonnet-20250219")


def test_emulation_is_told_but_never_refused() -> None:
    """The parameter arrives, though by other means."""
    settings = {"on_unsupported": "error"}

    assert request(settings=settings, response_format={"type": "json_object"}).warnings


@pytest.mark.parametrize("value", [5, "json", {"type": "xml"}, {"type": "json_schema"}])
def test_an_unknown_response_format_is_refused(value: Any) -> None:
    assert "response_format" == refusal(response_format=value).param


# -- tools -------------------------------------------------------------------


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    """The API demands an input schema."""
    tool = encoded(tools=[{"type": "function", "function": {"name": "ping"}}])["tools"][0]

    assert {"type": "object", "properties": {}, "required": [], "$defs": {}} == tool["input_schema"]


def test_schemas_and_extras_of_a_tool_are_kept() -> None:
    """Every keyword of the schema, and what only Anthropic knows of tools."""
    parameters = {"type": "object", "properties": {}, "additionalProperties": False, "title": "T", "x": 1}
    function = {"name": "f", "description": "d", "parameters": parameters, "input_examples": [{}]}
    mark = {"type": "ephemeral", "ttl": "1h"}
    tool = encoded(tools=[{"type": "function", "function": function, "cache_control": mark}])["tools"][0]

    assert parameters.items() <= tool["input_schema"].items()
    assert (mark, [{}]) == (tool["cache_control"], tool["input_examples"])


def test_a_strict_tool_that_cannot_be_compiled_is_sent_without_strict() -> None:
    """Its schema stays whole, the loss is told."""
    parameters = {"type": "object", "properties": {"x": {"$ref": "#"}}}
    function = {"name": "f", "strict": True, "parameters": parameters}
    tools = [{"type": "function", "function": function}]

    assert "strict" not in encoded(tools=tools)["tools"][0]
    assert parameters["properties"] == encoded(tools=tools)["tools"][0]["input_schema"]["properties"]
    assert ["tools[0].function.strict"] == [text.split()[0] for text in request(tools=tools).warnings]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"name": "own", "input_schema": {"type": "object"}},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
    ],
)
def test_native_tools_go_through(tool: dict[str, Any]) -> None:
    assert [tool] == encoded(tools=[tool])["tools"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "tide"}}, {"type": "tool", "name": "tide"}),
        ({"type": "tool", "name": "tide"}, {"type": "tool", "name": "tide"}),
        ({"type": "any"}, {"type": "any"}),
    ],
)
def test_a_choice_of_tools(choice: Any, expected: dict[str, Any]) -> None:
    """Without parallel calls the choice says so, where calls are possible at all."""
    alone = {} if expected["type"] == "none" else {"disable_parallel_tool_use": True}

    assert expected == encoded(tools=[TOOL], tool_choice=choice)["tool_choice"]
    assert {**expected, **alone} == encoded(tools=[TOOL], tool_choice=choice, parallel_tool_calls=False)[
        "tool_choice"
    ]


def test_allowed_tools_may_be_required() -> None:
    """Only they are sent, and one of them must be called."""
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "wind"}}]}
    body = encoded(tools=[TOOL, OTHER], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})

    assert (["wind"], {"type": "any"}) == ([tool["name"] for tool in body["tools"]], body["tool_choice"])


def test_functions_are_the_older_form_of_tools() -> None:
    """`functions` and `function_call` say the same as tools and tool_choice."""
    body = encoded(functions=[TOOL["function"]], function_call={"name": "tide"})

    assert encoded(tools=[TOOL])["tools"] == body["tools"]
    assert {"type": "tool", "name": "tide"} == body["tool_choice"]


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"tools": 5}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": 5}}]}, None),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0]"),
        ({"functions": {}}, "functions"),
        ({"tools": [TOOL], "tool_choice": "perhaps"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": 5}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, None),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"output_config": 5}, "output_config"),
        ({"metadata": 5}, "metadata"),
        ({"reasoning_effort": 5}, "reasoning_effort"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(params: dict[str, Any], where: str | None) -> None:
    """A local 400; nothing was sent."""
    error = refusal(**params)

    assert where is None or where == error.param


def test_the_caller_s_objects_stay_as_they_were() -> None:
    """Encoding twice gives the same, and the parameters are not touched."""
    mark = {"type": "ephemeral"}
    messages = [
        {"role": "system", "content": "S", "cache_control": mark},
        {"role": "user", "content": [{"type": "text", "text": "Q"}], "cache_control": mark},
        {"role": "assistant", "content": "A", "content_blocks": [{"type": "text", "text": "A "}]},
    ]
    params = {"model": kit.MODEL, "messages": messages, "tools": [TOOL], "tool_choice": {"type": "auto"}}
    before = repr(params)
    built = kit.target()
    first = built.encode({**params, "parallel_tool_calls": False}, "k").body

    assert first == built.encode({**params, "parallel_tool_calls": False}, "k").body
    assert before == repr(params)


def test_nesting_without_end_is_refused() -> None:
    """Neither the translation nor the JSON writer may run out of stack."""
    deep: Any = {}
    for _ in range(5000):
        deep = {"properties": {"x": deep}}

    assert (
        "nested"
        in refusal(tools=[{"type": "function", "function": {"name": "f", "parameters": deep}}]).message
    )
    assert (
        "nested" in refusal(response_format={"type": "json_schema", "json_schema": {"schema": deep}}).message
    )
