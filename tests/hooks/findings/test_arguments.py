"""Findings in JSON: escapes are no letters, and replacements leave JSON."""

from __future__ import annotations

import json

import pytest

from llmroute.hooks.findings.arguments import quoting, readable, value_of
from llmroute.hooks.findings.spans import Finding, replaced


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        (r"\na", "  a"),
        (r"\\na", "  na"),
        (r"\u00fc", "xxxxxx"),
        (r"\u0020a", "      a"),
        ("\\", "\\"),
    ],
)
def test_escapes_keep_their_places(text, expected):
    """As long as before."""
    assert expected == readable(text)


@pytest.mark.parametrize(("text", "expected"), [("a", "a"), (r"\u00fc", "ü"), (r"\x", r"\x"), ("\\", "\\")])
def test_a_part_of_a_string_has_a_value(text, expected):
    """What is no JSON stands for itself."""
    assert expected == value_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 42, "b": "x42"}', {"a": '"', "b": 'x"'}),
        ('{"a": [42, "42"], "b": 42}', {"a": ['"', '"'], "b": '"'}),
        ('{"a": "\\"42"}', {"a": '""'}),
    ],
)
def test_a_replacement_leaves_json(text, expected):
    """Whatever is put in; a number becomes a text."""
    findings = [Finding("k", at, at + 2) for at in range(len(text)) if text.startswith("42", at)]

    new = replaced(text, findings, quoting(text, findings, lambda kind, found: '"'))

    assert expected == json.loads(new)


def test_what_is_no_json_gets_no_quotation_marks():
    """A part of a stream, say."""
    findings = [Finding("k", 0, 2)]

    assert "X, " == replaced("42, ", findings, quoting("42, ", findings, lambda kind, found: "X"))
