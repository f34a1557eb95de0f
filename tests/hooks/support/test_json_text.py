"""JSON in text: recorded places, and a scanner that takes linear time."""

from __future__ import annotations

from contextlib import suppress

import pytest
from timing_kit import soon

from llmroute.hooks.support.json_text import NOT_JSON, TooTangledError, braced, fenced, parse, scan


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("```json\n{}\n```", ["{}"]),
        ("```\n{}\n```", ["{}"]),
        ("```json {} ```", ["{}"]),
        ("```json5\n{}\n```", ["5\n{}"]),
        ("```JSON\n{}\n```", ["JSON\n{}"]),
        ("````json\n{}\n````", ["{}"]),
        ("```\n1\n``` a ```\n2\n```", ["1", "2"]),
        ("```json\n{}", []),
        ("``````", [""]),
        ("`````", []),
        # The run in the middle closes the first fence as a whole.
        ("```a``````b```", ["a"]),
    ],
)
def test_fences_are_found_as_recorded(text, bodies):
    """Three or more backticks on each side, a `json` tag in small letters, blanks taken away."""
    assert bodies == fenced(text)


def test_brace_spans_are_the_shortest():
    """From a brace to the next closing one."""
    assert ['{"a":{"b":1}', "{2}"] == braced('{"a":{"b":1}} {2} {')


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5", [5]),
        (' {"a": 1} ', [{"a": 1}]),
        ('a {"b": "}"} c [1, [2]] d', [{"b": "}"}, [1, [2]]]),
        ("```json\n[1]\n``` and {}", [[1], {}]),
        ('```\nx = {"a": 1}\n```', [{"a": 1}]),
        ('{"a": {"b": }, "c": {"d": 1}', [{"d": 1}]),
        ("{a} [b] {'c': 1} {,}", []),
        ('{"a": NaN} [Infinity] {"b": 1e999}', []),
        ('{"a": "\\ud800"}', [{"a": "\ud800"}]),
        ("[]", [[]]),
        ("see [1] and [2]", [[1], [2]]),
        ("", []),
    ],
)
def test_the_scanner_finds_whole_values(text, values):
    """Strict JSON only; inside of what is none it looks on."""
    assert values == scan(text)


@pytest.mark.parametrize("text", ["NaN", "[1,]", "{'a': 1}", "", "01", "[" * 300 + "]" * 300, "9" * 5_000])
def test_what_is_no_json_is_none(text):
    """Neither is what is nested too deeply or has no end."""
    assert NOT_JSON is parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 40_000,
        "[1," * 60_000,
        '["' * 60_000,
        "[[[[" * 240 + '"' + "a" * 100_000,
        '{"a":1' + " " * 99_000 + "{" * 9,
    ],
)
def test_tangled_texts_are_read_in_time_or_given_up(text):
    """Brackets that lead nowhere do not make the work grow with the square of the text."""

    def tried():
        with suppress(TooTangledError):
            scan(text)

    soon(tried, 0.5)
