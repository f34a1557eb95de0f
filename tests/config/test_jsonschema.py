"""The JSON Schema and ConfigDict say what Config says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Required, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from config_kit import FULL, places, replaced
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from llmroute import Config, ConfigDict, ConfigError
from llmroute.config import typed
from llmroute.config.parse import snake_to_camel

CASES = Path(__file__).parents[1] / "cases"
VALIDATION = json.loads((CASES / "config" / "validation.json").read_text())
HOSTILE = [case for case in json.loads((CASES / "hostile.json").read_text()) if "config" in case]
SCHEMA = Config.json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

#: What a schema cannot tell: which services exist, what a URL leads to, what a pattern or a check means.
BEYOND = (
    "lone surrogate",
    "two spellings",
    "not a URL",
    "host",
    "key file",
    "service account",
    "cloud metadata",
    "JSON",
    "id of a check",
)


def problems_of(source: Any) -> list[str]:
    try:
        Config(source)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def agrees(source: Any) -> bool:
    """Whether the schema takes what Config takes, and refuses what it refuses for plain reasons."""
    problems = problems_of(source)
    valid = VALIDATOR.is_valid(source)
    if valid:
        return all(any(word in problem for word in BEYOND) for problem in problems)
    return bool(problems)


def test_the_schema_is_one():
    """Of the draft it says, and small enough for an editor."""
    Draft202012Validator.check_schema(SCHEMA)

    assert "https://json-schema.org/draft/2020-12/schema" == SCHEMA["$schema"]
    assert len(json.dumps(SCHEMA)) < 200_000


@pytest.mark.parametrize("case", VALIDATION, ids=lambda case: case["name"])
def test_the_schema_judges_recorded_configs_as_config_does(case):
    """The configs that the reference was asked to validate."""
    assert agrees(case["config"]), problems_of(case["config"])


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["name"])
def test_the_schema_judges_hostile_configs_as_config_does(case):
    """As far as a schema can tell."""
    source = json.loads(json.dumps(case["config"]).replace("@UP@", "https://up.example.com/v1"))

    assert agrees(source), problems_of(source)


def test_a_config_with_everything_is_valid():
    """In both spellings."""
    assert VALIDATOR.is_valid(FULL)
    assert VALIDATOR.is_valid(camel(FULL))
    assert [] == problems_of(camel(FULL))


def camel(value: Any) -> Any:
    """A config whose own members are written in camelCase."""
    if isinstance(value, list):
        return [camel(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    free = ("override_params", "default_params", "metadata", "query")
    return {snake_to_camel(name): child if name in free else camel(child) for name, child in value.items()}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=300)
def test_the_schema_judges_changed_configs_as_config_does(data):
    """Any JSON in any place of a good config."""
    place = data.draw(st.sampled_from(list(places(FULL))))

    assert agrees(replaced(FULL, place, data.draw(JSON)))


@given(st.data())
@settings(max_examples=100)
def test_the_schema_judges_lacking_and_unknown_members_as_config_does(data):
    """One member away, or one more."""
    objects = [()] + [place for place in places(FULL) if isinstance(at(FULL, place), dict)]
    place = data.draw(st.sampled_from(objects))
    members = dict(at(FULL, place))
    if members and data.draw(st.booleans()):
        del members[data.draw(st.sampled_from(sorted(members)))]
    else:
        members[data.draw(st.sampled_from(["_note", "__class__", "$schema", "wieght", "cache", "x"]))] = "x"

    assert agrees(replaced(FULL, place, members))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


# -- ConfigDict ----------------------------------------------------------------------------------------

DEFINITIONS = SCHEMA["$defs"]
TYPED = {
    "config": ConfigDict,
    "strategy": typed.StrategyDict,
    "retry": typed.RetryDict,
    "condition": typed.ConditionDict,
}


@pytest.mark.parametrize("name", TYPED)
def test_typed_dicts_list_every_member(name):
    """In snake_case, and require what is required."""
    members = {
        member
        for member in DEFINITIONS[name]["properties"]
        if member == member.lower() and member != "$schema"
    }

    assert members == TYPED[name].__annotations__.keys()
    assert set(DEFINITIONS[name].get("required", ())) == required_of(TYPED[name])


def required_of(kind: Any) -> set[str]:
    if kind.__total__:
        return set(kind.__annotations__)
    hints = get_type_hints(kind, vars(typed), include_extras=True)
    return {name for name, hint in hints.items() if get_origin(hint) is Required}


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name, made in TYPED.items() for member in made.__annotations__]
)
def test_typed_dicts_have_the_schemas_types(name, member):
    """Texts are str, whole numbers int, words Literals; objects are mappings or typed dicts."""
    hint = get_type_hints(TYPED[name], vars(typed))[member]

    assert fits(hint, DEFINITIONS[name]["properties"][member])


def fits(hint: Any, schema: dict[str, Any]) -> bool:
    if hint is Any:
        return True
    if "$ref" in schema:
        return hint is TYPED[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return get_origin(hint) is Literal and list(get_args(hint)) == schema["enum"]
    if "anyOf" in schema:
        return {str} < set(get_args(hint)) or is_typeddict(hint)
    kind = schema["type"]
    if isinstance(kind, list):
        return len(kind) == len(get_args(hint))
    if kind == "array":
        items = schema.get("items")
        return hint.__name__ == "Sequence" and (items is None or fits(get_args(hint)[0], items))
    if kind == "object":
        return is_typeddict(hint) or getattr(hint, "__name__", "") == "Mapping"
    plain = {"string": str, "integer": int, "number": float, "boolean": bool}[kind]
    return hint is plain or plain in get_args(hint)


def test_every_reference_of_the_schema_leads_somewhere():
    """A schema that points nowhere fails only when it is used."""
    try:
        errors = list(VALIDATOR.iter_errors(FULL))
    except Unresolvable as error:
        errors = [error]

    assert [] == errors
