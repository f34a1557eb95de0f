"""wordCount: runs without whitespace as recorded, or words."""

from __future__ import annotations

import re

import pytest
from ask_kit import data_of, judge, problems_of

from llmroute.hooks.support.javascript import WHITESPACE, count_words

WORDS = [
    ("state-of-the-art isn't", 2),
    ("a , b !", 2),
    ("\u4f60\u597d\u4e16\u754c", 4),
    ("\u65e5\u672c\u8a9e text", 4),
    ("\u30ab\u30bf\u30ab\u30ca\u30fb\u30c6\u30b9\u30c8", 7),
    ("\ud55c\uad6d\uc5b4 \ub2e8\uc5b4", 2),
    ("e-mail: a_b 3.14", 3),
    ("caf\u00e9 nai\u0308ve", 2),
    ("\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", 2),
    ("--", 0),
    ("\U0001f600 hello", 1),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_words_are_counted_as_a_word_processor_does(text, expected):
    """No punctuation, and in scripts without blanks every character."""
    assert expected == data_of("wordCount", {"minWords": 0, "method": "words"}, text)["wordCount"]


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a b",
        "a  b",
        "a\nb\tc",
        "a\x1fb",
        "a\x1fb\nc",
        "a\x85b",
        "a\u00a0b",
        "a\ufeffb c",
        "a\u200bb",
        "a\vb\fc",
    ],
)
def test_the_quick_ways_of_counting_agree_with_javascript(text):
    """Whatever blanks there are, the runs are those of `split(/\\s+/)`."""
    assert len(re.split(f"[{WHITESPACE}]+", text)) == count_words(text)


def test_blank_text_is_nothing_to_judge():
    """It is reported as the recorded error."""
    assert None is judge("wordCount", {"minWords": 0, "maxWords": 5}, " \n ")


@pytest.mark.parametrize(("text", "expected"), [("a b c", False), ("a b", True)])
def test_one_bound_is_enough_with_a_method(text, expected):
    """An upper bound alone leaves the lower one open."""
    assert expected is judge("wordCount", {"maxWords": 2, "method": "whitespace"}, text)


def test_bounds_are_whole_numbers():
    """1.0 is whole, 0.5, true and text are not."""
    assert [] == problems_of("wordCount", {"minWords": 1.0, "maxWords": 2})
    for wrong in (0.5, True, "1", float("nan"), float("inf")):
        assert 1 == len(problems_of("wordCount", {"minWords": wrong, "maxWords": 2}))
