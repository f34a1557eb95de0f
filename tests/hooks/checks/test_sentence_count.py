"""sentenceCount: marks as recorded, or sentences as a reader counts them."""

from __future__ import annotations

import pytest
from ask_kit import after, built, data_of, judge, problems_of

SENTENCES = [
    ("Hello world", 1),
    ("Hello world.", 1),
    ("Dr. Smith vs. Mr. Jones.", 1),
    ("Pi is 3.14 today.", 1),
    ("Go! Go!", 2),
    ("See https://a.b/c.d?e=f. Next.", 2),
    ("10.0.0.1", 1),
    ("`foo.bar.baz()`", 1),
    ("Wait... no. Yes.", 2),
    ("Wait... No.", 2),
    ("What?! Really?!", 2),
    ('He said "Stop!" Then he left.', 2),
    ("The U.S. Army came. It won.", 2),
    ("J. R. R. Tolkien wrote it.", 1),
    ("So am I. Me too.", 2),
    ("See fig. 3. It shows no. 5.", 2),
    ("\u4f60\u597d\u3002\u518d\u89c1\uff01", 2),
    ("\u0643\u064a\u0641\u061f \u062c\u064a\u062f", 2),
    ("\u092f\u0939 \u0939\u0948\u0964 \u0935\u0939 \u0939\u0948\u0964", 2),
    ("A heading\n\nA text", 2),
    ("a\nb\nc", 1),
    ("", 0),
    ("...", 0),
    ("\n\n \n\n", 0),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentences_are_counted_as_a_reader_does(text, expected):
    """Decimals, abbreviations, hosts and dots in a row are no ends; other scripts have marks of their own."""
    assert (
        expected
        == data_of("sentenceCount", {"minSentences": 0, "method": "sentences"}, text)["sentenceCount"]
    )


def test_marks_are_counted_by_default():
    """As recorded: every full stop, exclamation mark and question mark."""
    data = data_of("sentenceCount", {"minSentences": 0, "maxSentences": 9}, "Dr. No... 3.14?")

    assert 6 == data["sentenceCount"]


@pytest.mark.parametrize(
    ("bounds", "text", "expected"),
    [
        ({"minSentences": 2}, "One. Two.", True),
        ({"minSentences": 3}, "One. Two.", False),
        ({"maxSentences": 1}, "One. Two.", False),
        ({"maxSentences": 2, "not": True}, "One. Two.", False),
    ],
)
def test_one_bound_is_enough_with_a_method(bounds, text, expected):
    """The other one is open."""
    assert expected is judge("sentenceCount", {"method": "sentences", **bounds}, text)


def test_a_missing_bound_is_refused_rather_than_passed():
    """The reference makes an error of it at every call, which passes."""
    assert problems_of("sentenceCount", {"minSentences": 1}) == [
        "p.maxSentences: expected a number, got nothing; it may be left out where `method` is given"
    ]
    assert problems_of("sentenceCount", {"method": "marks"}) == [
        "p.minSentences: expected minSentences, maxSentences or both, got nothing"
    ]


def test_a_text_too_long_for_counting_sentences_is_undecided():
    """Marks are counted in a text of any length."""
    long = "a. " * 40_000

    assert None is judge("sentenceCount", {"minSentences": 0, "method": "sentences"}, long)
    assert judge("sentenceCount", {"minSentences": 0, "maxSentences": 40_000}, long)


def test_an_answer_of_tool_calls_only_counts_as_no_sentence():
    """Empty text is judged, as recorded, so a lower bound fails it."""
    verdict = built("sentenceCount", {"minSentences": 1, "maxSentences": 5})(after(None))

    assert (False, None, False) == (verdict.passed, verdict.error, verdict.skipped)
