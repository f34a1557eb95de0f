"""JSON Schema in Gemini's words: its own Schema where that says it all, JSON Schema where it does not."""

from __future__ import annotations

from typing import Any

import gemini_kit as kit
import pytest

TEXT = {"type": "string"}


def written(schema: Any) -> dict[str, Any]:
    """The members of generationConfig that a schema for the answer becomes."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    config = kit.generation(response_format=form)
    assert "application/json" == config.pop("responseMimeType")
    return config


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (TEXT, TEXT),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [TEXT, {"type": "null"}], "description": "d"},
            {"type": "string", "nullable": True, "description": "d"},
        ),
        ({"oneOf": [TEXT, {"type": "integer"}]}, {"anyOf": [TEXT, {"type": "integer"}]}),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"allOf": [TEXT], "title": "t"}, {"type": "string", "title": "t"}),
        (
            {
                "allOf": [
                    {"properties": {"a": TEXT}, "required": ["a"]},
                    {"properties": {"b": TEXT}, "required": ["b"]},
                ]
            },
            {"properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]},
        ),
        (
            {
                "$schema": "s",
                "type": "object",
                "properties": {"a": {**TEXT, "x-note": 1}},
                "additionalProperties": False,
            },
            {"type": "object", "properties": {"a": TEXT}},
        ),
        (
            {
                "type": "array",
                "items": {"$ref": "#/$defs/A"},
                "minItems": 1,
                "$defs": {"A": {"$ref": "#/definitions/B"}},
                "definitions": {"B": TEXT},
            },
            {"type": "array", "items": TEXT, "minItems": 1},
        ),
        (
            {
                "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": TEXT}}],
                "$defs": {"A": {"properties": {"a": TEXT}}},
            },
            {"properties": {"a": TEXT, "b": TEXT}},
        ),
        (
            {"$ref": "#/$defs/A", "description": "d", "$defs": {"A": TEXT}},
            {"type": "string", "description": "d"},
        ),
        (
            {"type": "object", "properties": {"type": TEXT, "enum": TEXT, "$ref": TEXT}},
            {"type": "object", "properties": {"type": TEXT, "enum": TEXT, "$ref": TEXT}},
        ),
        ({}, {}),
    ],
)
def test_what_schema_can_say(schema: Any, expected: Any) -> None:
    """References in place, null as `nullable`, one of several as anyOf. Source: Schema, v1beta."""
    assert {"responseSchema": expected} == written(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "integer"]}, {"type": ["string", "integer"]}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
        ({"const": 1}, {"enum": [1]}),
        ({"type": "object", "additionalProperties": TEXT}, {"type": "object", "additionalProperties": TEXT}),
        ({"type": "array", "prefixItems": [TEXT]}, {"type": "array", "prefixItems": [TEXT]}),
        (
            {"$schema": "s", "type": "number", "exclusiveMinimum": 0},
            {"type": "number", "exclusiveMinimum": 0},
        ),
        ({"type": "array", "items": True}, {"type": "array", "items": True}),
        ({"$ref": "https://x.example/s"}, {"$ref": "https://x.example/s"}),
        (
            {
                "$ref": "#/definitions/A",
                "definitions": {"A": {"properties": {"a": {"$ref": "#/definitions/A", "description": "d"}}}},
            },
            {
                "$ref": "#/$defs/A",
                "$defs": {"A": {"properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}}}},
            },
        ),
        (
            {"allOf": [{"type": "string"}, {"type": "integer"}]},
            {"allOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"not": TEXT, "default": {"$schema": 1}}, {"not": TEXT, "default": {"$schema": 1}}),
    ],
)
def test_what_only_json_schema_can_say(schema: Any, expected: Any) -> None:
    """References stay, under `$defs` and alone beside no other keyword. Source: responseJsonSchema."""
    assert {"responseJsonSchema": expected} == written(schema)


def test_a_description_of_the_format_describes_the_schema() -> None:
    """Where the schema has none of its own."""
    named = {"name": "x", "description": "d", "schema": TEXT}
    form = {"type": "json_schema", "json_schema": named}

    assert {**TEXT, "description": "d"} == kit.generation(response_format=form)["responseSchema"]


def test_a_schema_in_place_of_its_wrapping() -> None:
    """Some clients send the schema itself as json_schema."""
    form = {"type": "json_schema", "json_schema": TEXT}

    assert TEXT == kit.generation(response_format=form)["responseSchema"]


def test_parameters_of_a_function_are_written_the_same_way() -> None:
    """`parameters`, or `parametersJsonSchema` for what that would lose."""
    schemas = [
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": TEXT}},
        {"additionalProperties": TEXT},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}} for schema in schemas]
    first, second = kit.encoded(tools=tools)["tools"][0]["functionDeclarations"]

    assert {"name": "f", "parameters": {"properties": {"a": TEXT}}} == first
    assert {"name": "f", "parametersJsonSchema": {"additionalProperties": TEXT}} == second


def test_references_that_multiply_stay_references() -> None:
    """Twenty definitions that each mention the next one twice would be a million schemas."""
    definitions: dict[str, Any] = {"D20": TEXT}
    for i in range(20):
        twice = {"$ref": f"#/$defs/D{i + 1}"}
        definitions[f"D{i}"] = {"type": "object", "properties": {"a": twice, "b": twice}}
    schema = {"$ref": "#/$defs/D0", "$defs": definitions}

    assert {"responseJsonSchema": schema} == written(schema)


def test_a_schema_nested_without_end_is_refused() -> None:
    """Also one that contains itself, which only code can build."""
    deep: dict[str, Any] = {}
    deep["items"] = deep
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": deep}}

    assert "nested too deeply" in kit.refusal(response_format=form).message


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 7},
        {"anyOf": {}},
        {"enum": "a"},
        {"enum": []},
        {"properties": []},
        {"properties": {"a": 1}},
        {"items": []},
        {"allOf": {}},
        {"allOf": [1]},
        {"allOf": [1, 2]},
        {"$ref": 7},
        {"$ref": ["x"]},
        {"$ref": "#/$defs/A", "$defs": {"A": 1}},
        {"$defs": 1, "type": []},
        {"anyOf": [TEXT], "oneOf": [TEXT]},
        {"required": {}, "pattern": 3},
    ],
)
def test_a_broken_schema_is_passed_on(schema: Any) -> None:
    """What it lacks is for the API to say; nothing breaks here."""
    assert 1 == len(written(schema))
