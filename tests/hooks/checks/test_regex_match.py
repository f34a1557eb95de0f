"""regexMatch: JavaScript patterns with limits."""

from __future__ import annotations

import pytest
from ask_kit import after, before, built, data_of, judge, problems_of
from timing_kit import soon

BOMBS = [r"^(a+)+$", r"^(a|a)*$", r"(x+x+)+y", r"^(\w+\s?)*$", r"(?=(a+))\1+b", r"(.*)*x$"]


def test_indexes_count_code_points():
    """An emoji before the match is one character, and "." matches it whole."""
    found = data_of("regexMatch", {"rule": "b(.)"}, "\U0001f600b\U0001f602")

    assert {"matchedText": "b\U0001f602", "index": 1, "groups": {}, "captures": ["\U0001f602"]} == found[
        "matchDetails"
    ]


@pytest.mark.parametrize(
    ("flags", "rule", "text", "expected"),
    [
        ("i", "hello", "HELLO", True),
        ("", "hello", "HELLO", False),
        ("m", "^b$", "a\nb\nc", True),
        ("s", "a.b", "a\nb", True),
        ("u", r"^\p{Lu}\p{Ll}+$", "\u00c9t\u00e9", True),
        ("", r"\p{L}", "\u00e9", False),
    ],
)
def test_flags_are_a_parameter(flags, rule, text, expected):
    """The rule itself takes no flags, as recorded; ours stand beside it."""
    assert expected is judge("regexMatch", {"rule": rule, "flags": flags}, text)


def test_a_number_is_a_rule_of_its_digits():
    """A rule that YAML or JSON made a number still means its text."""
    assert judge("regexMatch", {"rule": 12}, "a 12 b")
    assert judge("regexMatch", {"rule": 1.0}, "1")


@pytest.mark.parametrize("pattern", BOMBS)
def test_a_bomb_is_decided_or_given_up_in_time(pattern):
    """No pattern holds the caller's loop up; what cannot be decided is an error, never a pass."""
    check = built("regexMatch", {"rule": pattern})

    assert soon(lambda: check(after("a" * 50_000 + "!")), 0.3).passed is False


def test_a_text_over_the_limit_is_undecided():
    """With `not` a search that was never made must not look like one without matches."""
    verdict = built("regexMatch", {"rule": "secret", "not": True})(after("a" * 100_001))

    assert (False, True, False) == (verdict.passed, verdict.error is not None, verdict.skipped)


def test_no_text_is_nothing_to_judge():
    """An answer of tool calls only is skipped, and reported as the error that was recorded."""
    verdict = built("regexMatch", {"rule": "a"})(after(None))

    assert (True, True) == (verdict.skipped, verdict.error is not None)
    assert "No text available" == verdict.data["textExcerpt"]


def test_all_messages_are_searched_where_the_scope_says_so():
    """The pieces of a conversation are joined by newlines."""
    messages = [{"role": "system", "content": "top"}, {"role": "user", "content": "bottom"}]
    context = before(request={"messages": messages}, scope="all")

    assert built("regexMatch", {"rule": r"^top\nbottom$"})(context).passed


def test_long_findings_are_cut_in_the_report():
    """What a group captured is quoted up to a limit."""
    captured = data_of("regexMatch", {"rule": "(a+)"}, "a" * 5_000)["matchDetails"]["captures"][0]

    assert "a" * 1_000 + "..." == captured


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "p.rule: expected text of 1 to 1,000 characters, got nothing"),
        ({"rule": ""}, "p.rule: expected text of 1 to 1,000 characters"),
        ({"rule": "("}, "p.rule: not a JavaScript pattern"),
        ({"rule": "(?i)a"}, "there are no inline flags"),
        ({"rule": "a", "flags": "x"}, "p.rule: not a JavaScript pattern: flags 'x'"),
        ({"rule": "a", "not": "yes"}, "p.not: expected true or false"),
        ({"rule": ["a"]}, "p.rule: expected text"),
        ({"rule": "a" * 1_001}, "p.rule: expected text of 1 to 1,000 characters"),
    ],
)
def test_wrong_parameters_are_refused(parameters, problem):
    """A pattern that cannot be compiled is a problem of the config, not of a call."""
    assert any(problem in found for found in problems_of("regexMatch", parameters))
