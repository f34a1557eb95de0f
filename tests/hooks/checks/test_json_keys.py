"""jsonKeys: keys in the JSON of a text."""

from __future__ import annotations

import pytest
from ask_kit import data_of, judge, problems_of


@pytest.mark.parametrize(
    ("keys", "operator", "text", "expected"),
    [
        (["a"], "all", 'x {"a": {"b": [1, {"c": 2}]}} y', True),
        (["a.b.1.c"], "all", 'x {"a": {"b": [1, {"c": 2}]}} y', True),
        (["a.b.2"], "all", 'x {"a": {"b": [1, {"c": 2}]}} y', False),
        (["a"], "any", '{"a":"}","b":1}', True),
        (["a"], "all", '```JSON\n{"a":1,"b":{"c":1}}\n```', True),
        (["a"], "all", '~~~\n{"a":1}\n~~~', True),
        (["0.a"], "any", '[{"a":1}]', True),
        (["a"], "none", '{"a":1} {"b":2}', False),
        (["z"], "none", '{"a":1} {"b":2}', True),
        (["a"], "none", "no JSON at all", True),
        (["a"], "any", "no JSON at all", False),
        (["a"], "any", "```json\nnull\n```", False),
        (["a.b"], "any", '{"a.b": 1}', True),
        (["a"], "any", "{'a': 1}", False),
        (["a"], "any", 'function f() { return {"a": 1} }', True),
    ],
)
def test_a_scanner_finds_the_json_there_is(keys, operator, text, expected):
    """Nested objects, braces in texts, any fence, paths; "none" means in no value."""
    assert expected is judge("jsonKeys", {"keys": keys, "operator": operator, "method": "scan"}, text)


def test_shortest_spans_are_the_default():
    """As recorded: nested JSON outside of a fence is not seen."""
    nested = '{"outer":{"inner":1},"z":2}'

    assert False is judge("jsonKeys", {"keys": ["outer"], "operator": "any"}, nested)
    assert True is judge("jsonKeys", {"keys": ["outer"], "operator": "any", "method": "scan"}, nested)


def test_the_report_names_the_keys_as_given():
    """Numbers stay numbers."""
    data = data_of("jsonKeys", {"keys": [1, "b"], "operator": "all", "method": "scan"}, '{"1": {}}')

    assert ({"1": {}}, [1], ["b"]) == (data["matchedJson"], data["presentKeys"], data["missingKeys"])


def test_too_much_to_read_is_undecided():
    """A long text, and brackets that lead nowhere, are errors and never passes."""
    parameters = {"keys": ["a"], "operator": "none", "method": "scan"}

    assert None is judge("jsonKeys", parameters, "a" * 1_000_001)
    assert None is judge("jsonKeys", parameters, "[[[[" * 250 + '"' + "a" * 400_000)


@pytest.mark.parametrize("keys", [None, [], "a", [["a"]], [None]])
def test_keys_are_a_list_of_texts(keys):
    """At least one."""
    assert 1 == len(problems_of("jsonKeys", {"keys": keys, "operator": "any"}))


def test_an_operator_is_needed():
    """One of three."""
    assert 1 == len(problems_of("jsonKeys", {"keys": ["a"]}))
    assert 1 == len(problems_of("jsonKeys", {"keys": ["a"], "operator": "some"}))
