"""contains: words in the text."""

from __future__ import annotations

import pytest
from ask_kit import data_of, judge, problems_of


@pytest.mark.parametrize(
    ("parameters", "text", "expected"),
    [
        ({"words": ["cat"], "operator": "any"}, "concatenate", True),
        ({"words": ["cat"], "operator": "any", "wholeWords": True}, "concatenate", False),
        ({"words": ["cat"], "operator": "any", "wholeWords": True}, "concat a cat.", True),
        ({"words": ["cat"], "operator": "any", "wholeWords": True}, "cat", True),
        ({"words": ["cat"], "operator": "any", "wholeWords": True}, "cat_s \u00e9cat", False),
        ({"words": ["c++"], "operator": "any", "wholeWords": True}, "in c++, too", True),
        ({"words": ["Fox"], "operator": "any"}, "fox", False),
        ({"words": ["Fox"], "operator": "any", "caseSensitive": False}, "FOX", True),
        ({"words": ["STRASSE"], "operator": "any", "case_sensitive": False}, "Stra\u00dfe", True),
        ({"words": ["a"], "operator": "any", "not": True}, "a", False),
        ({"words": ["a"], "operator": "any", "not": True}, "b", True),
        ({"words": [None, True, 5], "operator": "all"}, "null true 5", True),
    ],
)
def test_words_are_found(parameters, text, expected):
    """Parts of words in their case by default, as recorded; whole words, any case and `not` by parameter."""
    assert expected is judge("contains", parameters, text)


def test_an_unknown_operator_passes_nothing():
    """As recorded; with `not`, too."""
    assert False is judge("contains", {"words": ["a"], "operator": "ANY"}, "abc")
    assert False is judge("contains", {"words": ["a"], "operator": "some", "not": True}, "abc")
    assert False is judge("contains", {"words": ["a"]}, "abc")


def test_words_are_reported_as_they_were_given():
    """Also where case is ignored."""
    data = data_of("contains", {"words": ["Fox", 7], "operator": "any", "caseSensitive": False}, "fox")

    assert (["Fox"], [7]) == (data["foundWords"], data["missingWords"])


def test_too_much_work_is_undecided():
    """Many words in a long text are an error, never a pass."""
    words = [f"word{index}" for index in range(10_000)]

    assert None is judge("contains", {"words": words, "operator": "none"}, "a" * 20_000)
    assert None is judge("contains", {"words": ["a"], "operator": "none", "wholeWords": True}, "a" * 200_000)


@pytest.mark.parametrize("words", [None, "cat", [["cat"]], [{}]])
def test_words_are_a_list_of_plain_values(words):
    """Text instead of a list is refused: it would be searched letter by letter."""
    assert 1 == len(problems_of("contains", {"words": words, "operator": "any"}))
