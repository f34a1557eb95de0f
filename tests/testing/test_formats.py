"""How the loopback upstream reads requests and makes up answers, without sockets."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.testing import ToolCall
from llmroute.testing.formats import ROUTES, MalformedError, Question, answer_to
from llmroute.testing.formats.base import sample

WEATHER = {"get_weather": {"type": "object"}, "now": {}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "text"),
        ({"type": ["integer", "null"]}, 1),
        ({"type": "NUMBER"}, 1.5),
        ({"type": "boolean"}, True),
        ({"const": [1]}, [1]),
        ({"enum": ["b", "a"], "type": "string"}, "b"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array"}, []),
        ({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "zz", 3]}, {"a": "text"}),
        ({"type": "object", "required": "a", "properties": []}, {}),
        ({"$ref": "#/x"}, None),
        ({"type": [[]], "enum": []}, None),
        ("no schema", None),
    ],
)
def test_a_sample_fits_its_schema(schema, expected):
    """The simplest value of the type; what cannot be told is null."""
    assert expected == sample(schema)


def test_a_sample_of_a_deep_schema_is_bounded():
    """A schema nested a thousand times ends in null, not in a RecursionError."""
    schema = {"type": "string"}
    for _ in range(1_000):
        schema = {"type": "array", "items": schema}
    value, depth = sample(schema), 0
    while value:
        value, depth = value[0], depth + 1
    assert (None, 32) == (value, depth)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("call get_weather", [ToolCall("get_weather")]),
        (
            'now call get_weather {"city": "Bern"} and call now.',
            [ToolCall("get_weather", {"city": "Bern"}), ToolCall("now")],
        ),
        ("call get_weather {broken", [ToolCall("get_weather")]),
        ("call get_weather [1]", [ToolCall("get_weather")]),
        ("recall get_weather", []),
        ("call  unknown", []),
    ],
)
def test_calls_are_found_in_the_text(text, calls):
    """Tools that were offered are called, with the arguments that follow their name."""
    assert calls == list(answer_to(Question("m", text=text, tools=WEATHER)).calls)


def test_results_come_before_calls():
    """After a tool result the same text does not call again."""
    answer = answer_to(Question("m", text="call now", tools=WEATHER, results=("noon", "")))
    assert ("The tool said: noon; ", ()) == (answer.text, answer.calls)


def test_nothing_said_is_answered_too():
    """A request without a user's text gets a text."""
    assert "You said nothing." == answer_to(Question("m")).text


NAMES = st.sampled_from(
    [
        "arguments",
        "content",
        "contents",
        "enum",
        "format",
        "function",
        "functionCall",
        "functionDeclarations",
        "functionResponse",
        "id",
        "input",
        "input_schema",
        "items",
        "json_schema",
        "name",
        "parameters",
        "parts",
        "properties",
        "required",
        "response",
        "responseJsonSchema",
        "responseMimeType",
        "role",
        "schema",
        "text",
        "tool_call_id",
        "tool_calls",
        "tool_use_id",
        "type",
    ]
)
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        7,
        -1.5,
        "",
        "x",
        "call f {}",
        "\ud800",
        "user",
        "assistant",
        "model",
        "tool",
        "system",
        "function",
        "custom",
        "text",
        "tool_use",
        "tool_result",
        "json_schema",
        "application/json",
        "object",
    ]
)
JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)
MEMBERS = (
    "messages contents tools system systemInstruction response_format generationConfig output_config stream"
)
BODIES = st.fixed_dictionaries(
    {"model": st.just("m"), "max_tokens": st.just(5)}, optional=dict.fromkeys(MEMBERS.split(), JSON)
)


@settings(max_examples=300, deadline=None)
@given(BODIES, st.sampled_from([spoken for _, spoken in ROUTES]))
def test_no_body_breaks_the_reader(body, spoken):
    """Whatever the JSON, it is answered or refused as malformed."""
    with contextlib.suppress(MalformedError):
        question = spoken.read(body)
        spoken.write(question, answer_to(question), 0.0)
