"""characterCount: code points, or what a reader takes for a character."""

from __future__ import annotations

import pytest
from ask_kit import data_of, judge, problems_of

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "points", "graphemes"),
    [
        ("\U0001f600", 1, 1),
        (FAMILY, 5, 1),
        ("e\u0301", 2, 1),
        ("\U0001f1ee\U0001f1f3", 2, 1),
        ("\U00020bb7", 1, 1),
        ("abc\r\n", 5, 4),
        ("\ud800", 1, 1),
    ],
)
def test_an_emoji_is_one_character(text, points, graphemes):
    """Code points by default (the reference counts UTF-16 units), graphemes where asked for."""
    bounds = {"minCharacters": 0, "maxCharacters": 99}

    assert points == data_of("characterCount", bounds, text)["characterCount"]
    assert graphemes == data_of("characterCount", {**bounds, "method": "graphemes"}, text)["characterCount"]


def test_a_text_too_long_for_graphemes_is_undecided():
    """Code points are counted in a text of any length."""
    long = "a" * 200_001

    assert None is judge("characterCount", {"minCharacters": 1, "method": "graphemes"}, long)
    assert judge("characterCount", {"minCharacters": 1, "method": "codePoints"}, long)


def test_the_excerpt_is_cut_between_characters():
    """A hundred code points and dots; an emoji is never cut in half."""
    text = "a" * 99 + "\U0001f600\U0001f600"

    data = data_of("characterCount", {"minCharacters": 0, "maxCharacters": 500}, text)

    assert "a" * 99 + "\U0001f600..." == data["textExcerpt"]


def test_wrong_bounds_are_refused():
    """Both are needed unless a method is given, and they are whole numbers."""
    assert 2 == len(problems_of("characterCount", {}))
    assert 1 == len(problems_of("characterCount", {"minCharacters": 0.5, "maxCharacters": 9}))
    assert 1 == len(problems_of("characterCount", {"method": "graphemes"}))
    assert [] == problems_of("characterCount", {"method": "codePoints", "max_characters": 9})
