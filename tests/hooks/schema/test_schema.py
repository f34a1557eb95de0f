"""JSON Schema: the verdicts of the jsonschema package, the words of the recorded validator, and limits."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from timing_kit import soon

from llmroute.hooks.schema import MAX_DEPTH, Run, TooMuchWorkError, compile_schema
from llmroute.hooks.schema.formats import FORMATS

# Recorded from the formats of @cfworker/json-schema 4.0.3, where ours mean to be the same.
RECORDED_FORMATS = json.loads((Path(__file__).parents[2] / "cases" / "schema" / "formats.json").read_text())


def problems(schema, value):
    """What is wrong with a value, as "location: message"."""
    refused = []
    node, tracked = compile_schema(schema, lambda path, message: refused.append(f"{path}: {message}"))
    assert [] == refused
    found = node.validate(value, Run(lambda: 0.0), tracked=tracked)
    return [f"{problem.location}: {problem.message}" for problem in found]


def refused(schema):
    found = []
    compile_schema(schema, lambda path, message: found.append(f"{path}: {message}"))
    return found


# -- the verdict -------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "ab", "c1"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.0, "", "a", "ab", "c1", "\U0001f600"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
COUNT = st.integers(0, 2)
LIMIT = st.sampled_from([-1, 0, 0.5, 1, 2])
PATTERN = st.sampled_from(["^a", "b$", "1", "^$", "."])


def schemas(inner):
    many = st.lists(inner, min_size=1, max_size=2)
    named = st.dictionaries(NAMES, inner, max_size=2)
    keywords = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
        "const": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "not": inner,
        "anyOf": many,
        "allOf": many,
        "oneOf": many,
        "if": inner,
        "then": inner,
        "else": inner,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "minProperties": COUNT,
        "maxProperties": COUNT,
        "propertyNames": inner,
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
        "dependentSchemas": named,
        "properties": named,
        "patternProperties": st.dictionaries(PATTERN, inner, max_size=2),
        "additionalProperties": inner,
        "unevaluatedProperties": inner,
        "minItems": COUNT,
        "maxItems": COUNT,
        "uniqueItems": st.booleans(),
        "prefixItems": many,
        "items": inner,
        "contains": inner,
        "minContains": COUNT,
        "maxContains": COUNT,
        "unevaluatedItems": inner,
        "minimum": LIMIT,
        "maximum": LIMIT,
        "exclusiveMinimum": LIMIT,
        "exclusiveMaximum": LIMIT,
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": COUNT,
        "maxLength": COUNT,
        "pattern": PATTERN,
        "$ref": st.sampled_from(["#/$defs/d", "#e"]),
    }
    names = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen}))


# References lead to schemas without references, so that none goes round in circles.
LEAVES = st.sampled_from(
    [True, False, {"type": "string"}, {"minimum": 1}, {"required": ["a"]}, {"properties": {"a": True}}]
)
SCHEMAS = st.recursive(st.booleans(), schemas, max_leaves=8).filter(lambda schema: isinstance(schema, dict))


@settings(derandomize=True, max_examples=600, deadline=None, database=None)
@given(schema=SCHEMAS, first=LEAVES, second=LEAVES, value=VALUES)
def test_the_verdict_is_that_of_the_jsonschema_package(schema, first, second, value):
    """On every keyword of draft 2020-12 that is there, in any combination."""
    anchored = {"$anchor": "e", **second} if isinstance(second, dict) else {"$anchor": "e"}
    whole = {**schema, "$defs": {"d": first, "f": anchored}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = Draft202012Validator(whole).is_valid(value)

    assert expected is (problems(whole, value) == [])


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"items": [{"type": "string"}], "additionalItems": False}, ["a"], ["a", 1]),
        ({"items": [True, {"type": "null"}]}, [1, None, 2], [1, 2]),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "b": 1}, {"c": 1}),
        ({"definitions": {"x": {"type": "string"}}, "$ref": "#/definitions/x"}, "a", 1),
        ({"definitions": {"x": {"$id": "#x", "type": "string"}}, "$ref": "#x"}, "a", 1),
        (
            {"properties": {"n": {"$recursiveRef": "#"}, "v": {"type": "string"}}},
            {"n": {"v": "a"}},
            {"n": {"v": 1}},
        ),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True}, 2, 1),
        ({"multipleOf": 0.1}, 0.3, 0.35),
        ({"multipleOf": 0.01}, -4.35, -4.355),
        ({"$id": "https://a.example/s", "$defs": {"t": {"$id": "t", "type": "null"}}, "$ref": "t"}, None, 1),
        ({"$id": "urn:x:y", "$defs": {"t": {"type": "null"}}, "$ref": "#/$defs/t"}, None, 1),
        ({"$defs": {"a/b": {"c~%": {"type": "null"}}}, "$ref": "#/$defs/a~1b/c~0%25"}, None, 1),
        ({"contains": {"const": 1}, "maxContains": 1}, [1], [0]),
        ({"pattern": r"^\p{L}$"}, "\u00e9", "1"),
        ({"format": "nobody-knows"}, "x", None),
    ],
)
def test_older_and_further_forms(schema, good, bad):
    """Drafts 4 and 7, references of all kinds, the tolerance of multiples, unknown formats."""
    assert [] == problems(schema, good)
    assert bad is None or [] != problems(schema, bad)


@pytest.mark.parametrize(
    ("format_", "text", "expected"),
    [(name, text, good) for name, rows in RECORDED_FORMATS.items() for text, good in rows],
)
def test_formats_are_as_loose_as_recorded(format_, text, expected):
    """Asserted, but the 29th of February is a day of every year."""
    assert expected is FORMATS[format_](text)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_takes_long(name):
    """Texts that make careless patterns go astray are decided at once."""

    hostile = [
        "a" * 50_000,
        "a." * 25_000,
        "a-" * 25_000,
        "%41" * 15_000,
        "1:" * 25_000,
        "{a" * 25_000,
        "/" * 50_000,
    ]
    hostile += ["http://" + "a:" * 25_000 + "@", "P" + "1" * 50_000, "\ud800\x00", "", "x@" + "a-" * 20_000]

    assert soon(lambda: all(FORMATS[name](text) in (True, False) for text in hostile), 0.5)


# -- the words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (
            {"type": ["string", "null"]},
            1,
            ['#: Instance type "number" is invalid. Expected "string", "null".'],
        ),
        ({"const": {"a": [1.0, True]}}, 1, ['#: Instance does not match {"a":[1,true]}.']),
        ({"enum": ["\u00e9", None]}, 1, ['#: Instance does not match any of ["\u00e9",null].']),
        ({"minProperties": 2}, {}, ["#: Instance does not have at least 2 properties."]),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            ['#: Property name "ab" does not match schema.', "#/ab: String is too long (2 > 1)."],
        ),
        (
            {"patternProperties": {"^a": False}},
            {"a/~": 1},
            [
                '#: Property "a/~" matches pattern "^a" but does not match associated schema.',
                "#/a~1~0: False boolean schema.",
            ],
        ),
        (
            {"dependentSchemas": {"a": {"required": ["b"]}}},
            {"a": 1},
            [
                '#: Instance has "a" but does not match dependant schema.',
                '#: Instance does not have required property "b".',
            ],
        ),
        (
            {"maxItems": 1, "uniqueItems": True},
            [1, {"a": 1}, {"a": 1.0}],
            ["#: Array has too many items (3 > 1).", "#: Duplicate items at indexes 1 and 2."],
        ),
        (
            {"contains": {"type": "string"}},
            [],
            ["#: Array is empty. It must contain at least one item matching the schema."],
        ),
        ({"contains": {"type": "string"}}, [1], ["#: Array does not contain item matching schema."]),
        (
            {"contains": True, "maxContains": 1},
            [1, 2],
            ["#: Array may contain at most 1 items matching schema. 2 items were found."],
        ),
        ({"exclusiveMaximum": 1.0}, 1.5, ["#: 1.5 is greater than or equal to 1."]),
        ({"multipleOf": 2}, 3, ["#: 3 is not a multiple of 2."]),
        (
            {"prefixItems": [True], "unevaluatedItems": False},
            [1, 2],
            ["#: Items did not match unevaluated items schema.", "#/1: False boolean schema."],
        ),
        (
            {"if": True, "then": False},
            1,
            ['#: Instance does not match "then" schema.', "#: False boolean schema."],
        ),
        ({"oneOf": [True, True]}, 1, ["#: Instance does not match exactly one subschema (2 matches)."]),
    ],
)
def test_problems_are_told_in_the_recorded_words(schema, value, expected):
    """In the reference's order, with a place for each."""
    assert expected == problems(schema, value)


# -- limits ------------------------------------------------------------------------------------------


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_depth_is_bounded():
    """By schemas within one another; a circle of references has no end otherwise."""
    schema = {"items": {"$ref": "#"}}

    assert [] == problems(schema, nested(MAX_DEPTH // 2 - 1))
    for endless in ((schema, nested(MAX_DEPTH)), ({"$ref": "#"}, 1), ({"allOf": [{"$ref": "#"}]}, 1)):
        with pytest.raises(TooMuchWorkError):
            problems(*endless)


def test_work_is_bounded():
    """Wide values end, too."""
    with pytest.raises(TooMuchWorkError):
        problems({"items": {}}, [1] * 60_000)
    assert [] == problems({"items": {"type": "integer"}}, [1] * 40_000)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"items": nested(200)}, ": expected at most 100 levels"),
        ({"enum": list(range(60_000))}, ": expected at most 50,000 values in the schema"),
        (
            {"anyOf": [{"pattern": "a" * 900 + str(i)} for i in range(12)]},
            "anyOf[11].pattern: expected at most 10,000",
        ),
        ({"allOf": [{"x": 1} for _ in range(6_000)]}, ": expected at most 5,000 schemas"),
        (
            {
                "$defs": {str(i): {"$ref": f"#/$defs/{i + 1}"} for i in range(2_000)} | {"2000": True},
                "$ref": "#/$defs/0",
            },
            ": expected fewer references one behind the other",
        ),
        ({"$defs": {"a": {"$id": "x"}, "b": {"$id": "x"}}}, ": two schemas have the same $id 'x'"),
        ({"$ref": "http://["}, "$ref: refers to nothing in this schema; others are never fetched"),
        ({"$ref": "#/$defs/a/0/1"}, "$ref: refers to nothing in this schema; others are never fetched"),
        ({"$ref": 5}, "$ref: expected text, got 5"),
        ({"properties": []}, "properties: expected an object of schemas, got a list"),
        ({"dependentRequired": {"a": "b"}}, "dependentRequired: expected a list of texts, got an object"),
        ({"uniqueItems": "yes"}, "uniqueItems: expected true or false"),
        ({"minimum": True}, "minimum: expected a number"),
        ({"maxLength": 1.5}, "maxLength: expected a whole number from 0 on"),
        ({"minimum": float("nan")}, "minimum: expected a number"),
        ({"format": 5}, "format: expected text"),
        ({"pattern": 5}, "pattern: expected text"),
        ({"enum": 5}, "enum: expected a list"),
        ({"$defs": {"unused": {"type": "txt"}}}, "$defs.unused.type: expected one or more of"),
    ],
)
def test_what_cannot_be_compiled_is_refused(schema, problem):
    """Sizes, references that lead nowhere, keywords of a wrong form; also where nobody refers to them."""
    assert any(found.startswith(problem) for found in refused(schema))


SOUP = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["#", "string", "^a"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "$ref", "$id", "properties", "items", "anyOf", "pattern", "required", "contains", "if",
                         "enum", "const", "minLength", "dependencies", "not", "$defs", "patternProperties", "format"]),
        inner,
        max_size=3,
    ),
    max_leaves=10,
)  # fmt: skip


@settings(derandomize=True, max_examples=300, deadline=None, database=None)
@given(schema=SOUP, value=VALUES)
def test_no_schema_raises_anything_else(schema, value):
    """Whatever stands in a config is compiled or refused, and then judges or gives up."""
    found = []
    node, tracked = compile_schema(schema, lambda path, message: found.append(message))
    try:
        node.validate(value, Run(lambda: 0.0), tracked=tracked)
    except TooMuchWorkError:
        return
