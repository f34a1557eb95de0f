"""endsWith."""

from __future__ import annotations

import pytest
from ask_kit import judge, problems_of


@pytest.mark.parametrize(
    ("suffix", "text", "expected"),
    [
        ("\U0001f600", "done \U0001f600", True),
        (5, "chapter 5", True),
        (5, "chapter 5.", True),
        ("end", "the end\n", False),
        ("end", "end", True),
    ],
)
def test_the_end_of_the_text_is_compared(suffix, text, expected):
    """With one full stop behind or none; blanks count; a number is its digits."""
    assert expected is judge("endsWith", {"suffix": suffix}, text)


@pytest.mark.parametrize("suffix", [None, "", [], True])
def test_a_suffix_is_needed(suffix):
    """Every text ends with nothing, so an empty suffix is a mistake."""
    assert 1 == len(problems_of("endsWith", {"suffix": suffix}))
