"""regexReplace: JavaScript's replacement, on every text in scope."""

from __future__ import annotations

import pytest
from ask_kit import after, before, built, completion, problems_of

from llmroute.hooks.checks.regex_replace import parse_rule


def replaced(parameters, text):
    verdict = built("regexReplace", parameters)(after(text))
    return verdict.response["choices"][0]["message"]["content"] if verdict.response else text


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("/a/g", ("a", "g")),
        ("/a/g/i", ("a/g", "i")),
        ("/a/", ("a", "")),
        ("/a/x", ("/a/x", "")),
        ("a/b", ("a/b", "")),
        ("/", ("/", "")),
        ("//", ("//", "")),
        ("/a\nb/g", ("/a\nb/g", "")),
    ],
)
def test_a_rule_is_a_literal_or_a_plain_pattern(rule, expected):
    """`/pattern/flags` with known flags is a literal; everything else is a pattern as it stands."""
    assert expected == parse_rule(rule)


def test_without_the_flag_only_the_first_match_is_replaced_unless_told():
    """As recorded; `all` closes that leak without a change of the rule."""
    assert "[REDACTED] and 22" == replaced({"rule": r"\d+"}, "11 and 22")
    assert "[REDACTED] and [REDACTED]" == replaced({"rule": r"\d+", "all": True}, "11 and 22")
    assert "[REDACTED] and [REDACTED]" == replaced({"rule": r"/\d+/", "all": True}, "11 and 22")


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("/a/y", "ab a", "#b a"),
        ("/a/y", "ba", "ba"),
        ("/a/gy", "aaba", "##ba"),
        ("/a/gi", "aA", "##"),
        (r"/\p{L}/gu", "\u00e91", "#1"),
        ("/./gu", "\U0001f600a", "##"),
        ("/^b/gm", "a\nb\nb", "a\n#\n#"),
        ("/a.b/s", "a\nb", "#"),
        ("/a/dg", "aa", "##"),
    ],
)
def test_flags_mean_what_they_mean_in_javascript(rule, text, expected):
    """Sticky, global, ignoring case, dot-all, multiline, unicode, and indices, which change nothing."""
    assert expected == replaced({"rule": rule, "redactText": "#"}, text)


def test_every_choice_is_changed_where_the_scope_says_so():
    """With n > 1 no choice leaks; tool arguments count, too."""
    answer = completion("a secret", "b secret")
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"k": "secret"}'}}
    answer["choices"][1]["message"]["tool_calls"] = [call]

    verdict = built("regexReplace", {"rule": "/secret/g"})(after(response=answer, scope="all"))

    messages = [choice["message"] for choice in verdict.response["choices"]]
    assert ["a [REDACTED]", "b [REDACTED]"] == [message["content"] for message in messages]
    assert '{"k": "[REDACTED]"}' == messages[1]["tool_calls"][0]["function"]["arguments"]
    assert "a secret" == answer["choices"][0]["message"]["content"]


def test_what_does_not_change_is_not_reported_as_transformed():
    """A match replaced by itself leaves no changed body."""
    verdict = built("regexReplace", {"rule": "/a/g", "redactText": "a"})(before("aaa"))

    assert (None, True) == (verdict.request, verdict.passed)


def test_a_bomb_gives_an_error_and_no_half_redacted_text():
    """What could not be searched in time is undecided; nothing is changed."""
    verdict = built("regexReplace", {"rule": "/^(a+)+$/g"})(before("a" * 5_000 + "!"))

    assert verdict.error is not None
    assert (True, None) == (verdict.passed, verdict.request)


def test_a_text_over_the_limit_is_undecided():
    """A long text is not passed on as if it had been searched."""
    assert built("regexReplace", {"rule": "/a/g"})(before("b" * 100_001)).error is not None


def test_a_replacement_may_empty_a_text():
    """The reference keeps the original text then, which leaks it."""
    assert "" == replaced({"rule": "/secret(x?)/", "redactText": "$1"}, "secret")


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "p.rule: expected text"),
        ({"rule": ""}, "p.rule: expected text of 1 to"),
        ({"rule": "/a/gg"}, "p.rule: a flag stands twice"),
        ({"rule": "/(/g"}, "p.rule: not a JavaScript pattern"),
        ({"rule": "a", "redactText": 5}, "p.redactText: expected text"),
    ],
)
def test_wrong_parameters_are_refused(parameters, problem):
    """Patterns are compiled when the config is read."""
    assert any(problem in found for found in problems_of("regexReplace", parameters))
