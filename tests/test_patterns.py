"""JavaScript patterns: what they mean, what is refused, and that nothing takes long."""

from __future__ import annotations

import contextlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_kit import soon

from llmroute.patterns import (
    MAX_DEPTH,
    MAX_PATTERN,
    MAX_TEXT,
    PatternError,
    PatternTimeout,
    compile_pattern,
)

CASES = Path(__file__).parent / "cases" / "patterns"
# Recorded from RegExp.prototype.exec: pattern, and for each text the span and the groups, or null.
JAVASCRIPT = [
    pytest.param(row, id=f"{topic}: {row['pattern']!a} {row.get('flags', '')}".strip())
    for file in ("javascript.json", "unicode.json")
    for topic, rows in json.loads((CASES / file).read_text()).items()
    for row in rows
]
# Recorded from String.prototype.replace and matchAll with the flag g.
REPLACEMENTS = json.loads((CASES / "replacement.json").read_text())

BOMBS = [
    r"^(a+)+$",
    r"^(a|a)*$",
    r"^a*a*a*a*a*a*b$",
    r"^(a+)\1+b$",
    r"^(?=(a+))+b",
    r"(.*)*x$",
    r"^(a{1,50}){1,50}$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+$",
    r"(x+x+)+y",
    r"^(\w+\s?)*$",
    r"(a|aa)+$",
    r".*?.*?b.*?c",
    r"(?:(?=(a*))a)*b",
]
BOMB_TEXTS = {
    "a": "a" * 50_000,
    "a!": "a" * 49_999 + "!",
    "x": "x" * 50_000,
    "ab": "ab" * 25_000,
    "words": "a1_ " * 12_500 + "\n",
    "astral": "a" * 49_999 + "\U0001f600",
}


def found(pattern: str, text: str, flags: str = "") -> list[Any] | None:
    match = compile_pattern(pattern, flags).search(text, timeout=1.0)
    return None if match is None else [match.start, match.end, *match.groups]


@pytest.mark.parametrize("case", JAVASCRIPT)
def test_a_pattern_means_what_it_means_in_javascript(case):
    """Spans and groups are those that a JavaScript engine gave, and what it refuses is refused."""
    flags = case.get("flags", "")
    if case.get("error"):
        with pytest.raises(PatternError):
            compile_pattern(case["pattern"], flags)
        return

    assert case["matches"] == [[text, found(case["pattern"], text, flags)] for text, _ in case["matches"]]


@pytest.mark.parametrize("case", REPLACEMENTS, ids=lambda case: f"{case['pattern']} -> {case['replacement']}")
def test_every_match_is_replaced_as_javascript_does_with_the_flag_g(case):
    """Templates, empty matches and the places where the search goes on are JavaScript's."""
    pattern = compile_pattern(case["pattern"], case["flags"])

    assert case["result"] == pattern.sub(case["replacement"], case["text"])
    assert case["spans"] == [list(span) for span in pattern.findall_spans(case["text"])]


def test_only_so_many_matches_are_replaced_as_asked_for():
    """`count=1` is JavaScript's replace without the flag g."""
    assert "-aa" == compile_pattern("a").sub("-", "aaa", count=1)


@pytest.mark.parametrize(
    ("pattern", "text", "span"),
    [
        ("^.$", "\U0001f600", [0, 1]),
        ("^[^a]$", "\U0001f600", [0, 1]),
        (r"^\ud83d\ude00+$", "\U0001f600\U0001f600", [0, 2]),
        (r"^[\ud83d\ude00-\ud83d\ude4f]$", "\U0001f610", [0, 1]),
        ("^[\U0001f600-\U0001f64f]$", "\U0001f610", [0, 1]),
        (r"\ud83d", "\U0001f600", None),
        (r"\ud83d", "\ud83d", [0, 1]),
    ],
)
def test_a_character_is_a_code_point(pattern, text, span):
    """A known difference: JavaScript without the flag u sees two units in an emoji."""
    assert span == found(pattern, text)


def test_named_groups_are_found_by_name():
    """`named` lists them in the order of the pattern, None for one that took no part."""
    match = compile_pattern(r"(?<year>\d{4})(-(?<month>\d\d))?").search("in 2024")
    assert match is not None

    assert {"year": "2024", "month": None} == match.named
    assert ("2024", 3, 7) == (match.text, match.start, match.end)
    assert ("2024", None, None) == match.groups


@pytest.mark.parametrize(
    ("pattern", "message", "position"),
    [
        ("a(?P<n>x)", "unknown kind of group; a group is named by '(?<name>...)'", 1),
        ("(?i)x", "unknown kind of group; there are no inline flags", 0),
        ("(?>a)", "unknown kind of group; there are no atomic groups", 0),
        ("ab(", "missing ')' for the group", 2),
        ("ab)", "unmatched ')'", 2),
        ("a[b", "missing ']' for the character class", 1),
        ("a**", "nothing to repeat", 2),
        ("a[z-a]", "range out of order in character class", 3),
        ("a{3,2}", "repeat counts out of order", 1),
        ("a\\", "lone '\\' at the end", 1),
        ("(?<n>a)(?<n>b)", "group name is used twice", 7),
        (r"(?<n>a)\k<m>", "reference to a group that does not exist", 7),
    ],
)
def test_an_error_says_what_is_wrong_and_where(pattern, message, position):
    """The message has words for a person and the position counts from 0."""
    with pytest.raises(PatternError) as error:
        compile_pattern(pattern)

    assert (message, position) == (error.value.message, error.value.position)
    assert f"{message} (position {position})" == str(pickle.loads(pickle.dumps(error.value)))


@pytest.mark.parametrize("flags", ["v", "y", "d", "x", "ii", "I"])
def test_other_flags_are_refused(flags):
    """Only g, i, m and s are known, each once."""
    with pytest.raises(PatternError):
        compile_pattern("a", flags)


def test_the_flag_g_changes_nothing_about_a_search():
    """There is no state between searches."""
    pattern = compile_pattern("a", "gi")

    assert [(0, 1), (0, 1)] == [(m.start, m.end) for m in (pattern.search("A"), pattern.search("A")) if m]


@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [
        ("a" * MAX_PATTERN, True),
        ("a" * (MAX_PATTERN + 1), False),
        ("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH, True),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), False),
        ("(?=" * 300 + "a" + ")" * 300, False),
        ("(" * 999, False),
        ("a{10000}", True),
        ("a{10001}", False),
        ("a{10001,}", False),
        ("(a{1,50}){1,50}", True),
        ("(a{1,50}){1,500}", False),
        ("((a{10}){10}){101}", False),
        ("(?:(?=a{100})b){101}", False),
        ("(?:a*){10000}", True),
        ("(a{1,50}|b){1,200}c{9999}", True),
        ("a{99999999999999999999}", False),
    ],
)
def test_the_size_of_a_pattern_is_limited(pattern, accepted):
    """Characters, groups inside one another, and the product of nested repeat counts."""
    if accepted:
        compile_pattern(pattern)
    else:
        with pytest.raises(PatternError):
            compile_pattern(pattern)


def compiled_anew(pattern, flags=""):
    """What the package regex remembers would make the second time a short one."""
    regex.purge()
    return compile_pattern(pattern, flags)


@pytest.mark.parametrize("pattern", BOMBS)
@pytest.mark.parametrize("text", BOMB_TEXTS.values(), ids=BOMB_TEXTS)
def test_a_pattern_that_explodes_is_stopped(pattern, text):
    """Within 100 ms each is compiled, and decided or given up: 50,000 characters, a limit of 20 ms."""
    compiled = soon(lambda: compiled_anew(pattern))

    def searched():
        with contextlib.suppress(PatternTimeout):
            compiled.search(text)

    soon(searched)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s" * 500,
        "[é-ࠀ]" * 200,
        r"[\x00-\uffff]" * 70,
        r"[^\w\x00-\ufff0]" * 55,
        "(a)" + r"\1" * 490,
        "(a?)" * 249,
        "(?=a)" * 200,
        "|".join(f"ab{n}" for n in range(190)),
        "(?:a{0,100}){0,100}" * 50,
    ],
    ids=lambda pattern: pattern[:12],
)
def test_no_pattern_takes_long_to_compile(pattern):
    """The costliest thousand characters known, the case table of the flag i included."""
    soon(lambda: compiled_anew(pattern[:MAX_PATTERN], "i"), 0.3)


def test_a_text_that_is_too_long_is_undecided():
    """It is not searched in part: a guard that looks at the beginning only would be no guard."""
    pattern = compile_pattern("b")
    text = "a" * MAX_TEXT + "b"

    with pytest.raises(PatternTimeout):
        pattern.search(text)
    assert pattern.search(text, max_text=len(text)) is not None


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan")])
def test_without_any_time_nothing_is_decided(timeout):
    """A limit of zero or less does not mean no limit."""
    with pytest.raises(PatternTimeout):
        compile_pattern("(a|aa)+$").search("a" * 1000 + "b", timeout=timeout)


def test_the_limit_holds_for_all_matches_together():
    """Fifty thousand quick matches are not each given the whole time."""
    with pytest.raises(PatternTimeout):
        compile_pattern("a").findall_spans("a" * 50_000, timeout=0.001)


@pytest.mark.parametrize("replacement", ["$&" * 4_000, "$'", "$`x$`", "x" * 9_000, "x" * 10_001])
def test_a_replacement_cannot_fill_the_memory(replacement):
    """What is inserted is limited, however short the template that multiplies it."""
    with pytest.raises(PatternTimeout):
        compile_pattern("a").sub(replacement, "a" * 20_000, timeout=10.0)


PIECES = [
    *r"ab01()[]{}*+?|\^$.-,:=!<>nkdwsbxucP'#&é",
    r"\p{L}",
    r"\u{61}",
    "(?:",
    "(?<n>",
    r"\k<n>",
    "{1,2}",
    "(?<=",
]


@settings(derandomize=True, max_examples=400, deadline=None, database=None)
@given(
    st.lists(st.sampled_from(PIECES)).map("".join),
    st.sampled_from(["", "i", "ms", "u", "iu"]),
    st.text(alphabet="ab01-\n\r\u2028é\ud800\U0001f600", max_size=8),
)
def test_no_pattern_raises_anything_else(pattern, flags, text):
    """Any text is a pattern or a PatternError; any search finds, does not find, or is given up."""
    try:
        compiled = compile_pattern(pattern, flags)
        match = compiled.search(text)
        replaced = compiled.sub("$&", text)
    except (PatternError, PatternTimeout):
        return
    assert match is None or text[match.start : match.end] == match.text
    assert text == replaced
