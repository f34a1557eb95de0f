"""Words and characters as readers count them."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

#: Longer texts take more than some milliseconds.
MAX_GRAPHEME_TEXT: Final = 200_000

# Scripts written without blanks, in which every character counts as a word: Han, Hiragana, Katakana,
# Bopomofo. (Hangul has blanks.)
_IDEOGRAPHS = (
    r"\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
# A word is letters, digits and their marks, with a hyphen, apostrophe, dot or comma only inside.
_LETTERS = rf"[^\W_{_IDEOGRAPHS}]"
_MARKS = r"\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e\u200c\u200d"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|{_LETTERS}(?:(?:{_LETTERS}|[{_MARKS}])|['’\-‐.,_](?={_LETTERS}))*")


def count_words(text: str) -> int:
    """Words of letters and digits; each Han ideograph or kana is one. Punctuation alone is none."""
    return sum(1 for _ in _WORD.finditer(text))


def count_graphemes(text: str) -> int:
    """Characters as a reader sees them (Unicode Standard Annex 29)."""
    return sum(1 for _ in _grapheme().finditer(text))


@functools.cache
def _grapheme() -> Any:
    import regex  # type: ignore[import-untyped,unused-ignore]

    return regex.compile(r"\X")
