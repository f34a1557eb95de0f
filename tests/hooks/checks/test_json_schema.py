"""jsonSchema: the JSON of a text against a schema."""

from __future__ import annotations

from functools import partial

import pytest
from ask_kit import after, built, data_of, judge, problems_of
from timing_kit import soon

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Sure: {"name": "A", "tags": ["x", "y"]} there', True),
        ('{"name": "}{"}', True),
        ('[{"name": 1}]', False),
        ('```JSON\n{"name": "A"}\n```', True),
        ('```json\n{"x": 1}\n``` and {"name": "A"}', True),
        ("nothing", False),
    ],
)
def test_a_scanner_finds_the_json_there_is(text, expected):
    """Nested values, braces in texts, any fence, fences and prose together."""
    assert expected is judge("jsonSchema", {"schema": PERSON, "method": "scan"}, text)


@pytest.mark.parametrize("text", ["0", "false", '""', "null"])
def test_the_scanner_takes_every_value_for_one(text):
    """The recorded way takes 0, false, null and "" for nothing."""
    assert judge("jsonSchema", {"schema": {}, "method": "scan"}, text)
    assert not judge("jsonSchema", {"schema": {}}, f"```json\n{text}\n```")


def test_every_problem_says_where_it_is():
    """`path` is empty, as recorded; `instanceLocation` is a JSON pointer that a prompt can quote."""
    errors = data_of("jsonSchema", {"schema": PERSON, "method": "scan"}, '{"name": "A", "tags": ["x", 5]}')[
        "validationErrors"
    ]

    assert [
        ("", "#", 'Property "tags" does not match schema.'),
        ("", "#/tags", "Items did not match schema."),
        ("", "#/tags/1", 'Instance type "number" is invalid. Expected "string".'),
    ] == [(error["path"], error["instanceLocation"], error["message"]) for error in errors]


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (None, "p.schema: expected an object, got nothing"),
        (True, "p.schema: expected an object"),
        ("{}", "p.schema: expected an object"),
        ([1], "p.schema: expected an object"),
        ({"type": "text"}, "p.schema.type: expected one or more of array"),
        ({"properties": {"a": {"pattern": "("}}}, "p.schema.properties.a.pattern: not a JavaScript pattern"),
        ({"items": [{"minLength": -1}]}, "p.schema.items[0].minLength: expected a whole number"),
        ({"$ref": "#/$defs/none"}, "p.schema.$ref: refers to nothing in this schema"),
        ({"$ref": "https://evil.example/schema"}, "others are never fetched"),
        ({"$dynamicRef": "#a"}, "p.schema.$dynamicRef: not supported"),
        ({"required": "name"}, "p.schema.required: expected a list of texts"),
        ({"anyOf": []}, "p.schema.anyOf: expected a list of schemas"),
        ({"properties": {"a": 5}}, "p.schema.properties.a: expected a schema"),
        ({"multipleOf": 0}, "p.schema.multipleOf: expected a number above 0"),
        ({"patternProperties": {"[": {}}}, "p.schema.patternProperties"),
    ],
)
def test_a_wrong_schema_is_refused_with_its_path(schema, problem):
    """Nothing is left to be an error of every call."""
    assert any(problem in found for found in problems_of("jsonSchema", {"schema": schema}))


def test_an_empty_list_is_an_empty_schema():
    """How PHP writes an empty object; recorded."""
    assert judge("jsonSchema", {"schema": []}, '{"a": 1}')


def test_all_problems_of_a_schema_are_reported_at_once():
    """Each with its path."""
    schema = {"type": "text", "properties": {"a": {"type": 5}, "b": {"minimum": "x"}}}

    assert 3 == len(problems_of("jsonSchema", {"schema": schema}))


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^(a+)+$"},
        {"properties": {"k": {"pattern": "^(a|a)*$"}}},
        {"patternProperties": {"^(a+)+$": False}},
        {"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False},
        {"propertyNames": {"pattern": "(x+x+)+y"}},
    ],
)
def test_patterns_of_a_schema_cannot_hold_anything_up(schema):
    """A bomb is decided or undecided within its time, and undecided is no pass."""
    long = "a" * 20_000 + "!"
    check = built("jsonSchema", {"schema": schema, "method": "scan"})
    for value in (f'"{long}"', f'{{"{long}": 1, "k": "{long}", "{"x" * 20_000}": 2}}'):
        verdict = soon(partial(check, after(value)), 0.4)

        assert verdict.error is not None or verdict.passed or verdict.data["validationErrors"]


def test_a_schema_that_branches_without_end_is_given_up():
    """Work is bounded, not only depth."""
    branch = {f"a{i}": {"anyOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(25)}
    schema = {"$defs": {**branch, "a25": {"type": "string"}}, "$ref": "#/$defs/a0"}
    circle = {"$ref": "#"}

    assert None is judge("jsonSchema", {"schema": schema}, '{"a": 1}')
    assert None is judge("jsonSchema", {"schema": circle}, '{"a": 1}')


def test_reports_are_bounded():
    """A hundred problems, each with a message of bounded length."""
    schema = {"items": {"enum": ["x" * 5_000]}}
    errors = data_of("jsonSchema", {"schema": schema, "method": "scan"}, str([1] * 500))["validationErrors"]

    assert 100 == len(errors)
    assert max(len(error["message"]) for error in errors) < 1_100


def test_text_over_the_limit_is_undecided():
    """A million characters."""
    assert None is judge("jsonSchema", {"schema": {}, "not": True}, "a" * 1_000_001)
