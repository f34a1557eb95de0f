"""Sentences, as the reference counts them and as readers do."""

from __future__ import annotations

import re
from typing import Final

#: Longer texts take too long to count the sentences of.
MAX_TEXT: Final = 100_000

# Marks that end a sentence wherever they stand: CJK, Arabic, Urdu, Devanagari, Burmese, Khmer, Ethiopic,
# Armenian; and the exclamation and question marks of Latin script.
_HARD = "!?。！？｡؟۔।॥။៖។።፧։‼⁇⁈⁉"
_CLOSING = "\"'”’»›)\\]}」』）】〉》*_"
_MARKS = rf"(?P<marks>[{_HARD}.…]+)[{_CLOSING}]*"
_FOLLOWED = r"(?=(?P<after>[\s\"'“‘«(\[*_]*)(?P<next>.)?)"
_END = re.compile(rf"{_MARKS}{_FOLLOWED}|(?P<gap>\n[ \t]*\n\s*)", re.DOTALL)
_HARD_SET = frozenset(_HARD)
_WORD_BEFORE = re.compile(r"[\w.&'’-]+\Z")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_WORD = re.compile(r"\w")

# Abbreviations that are followed by a name, or by a number, and so are not the end of a sentence.
# fmt: off
_BEFORE_NAMES = frozenset({
    "mr", "mrs", "ms", "dr", "prof", "st", "mt", "ft", "gen", "col", "capt", "lt", "sgt", "rev", "hon", "sen",
    "rep", "gov", "pres", "supt", "messrs", "mme", "mlle", "herr", "fr", "hr", "ed", "eds", "cf", "vs", "viz",
    "ca", "approx", "resp", "bzw",
})
_BEFORE_NUMBERS = frozenset({
    "no", "nos", "vol", "vols", "fig", "figs", "eq", "sec", "ch", "p", "pp", "art", "op", "nr", "abs",
})
# fmt: on


def count_marks(text: str) -> int:
    """Every full stop, exclamation mark and question mark, as recorded."""
    return text.count(".") + text.count("!") + text.count("?")


def count_sentences(text: str) -> int:
    """Sentences in any script.

    Full stops in numbers, names of hosts, initials and abbreviations do not count, several marks in a row
    count once, an empty line ends a sentence, and so does the end of the text.
    """
    count, start = 0, 0
    for match in _END.finditer(text):
        if match["gap"] is None and not _ends(text, start, match):
            continue
        if _WORD.search(text, start, match.start()):
            count += 1
        start = match.end()
    return count + (_WORD.search(text, start) is not None)


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the marks found are the end of a sentence that began at `start`."""
    if not _HARD_SET.isdisjoint(match["marks"]):
        return True
    following = match["next"]
    if following is None:
        return True
    if not any(char.isspace() for char in match["after"]) or following.islower():
        # "3.14", "example.com", "wait... no"
        return False
    if match["marks"] != ".":
        return True
    word = _WORD_BEFORE.search(text, max(start, match.start() - 30), match.start())
    before = word[0].lower() if word else ""
    # A single letter is an initial or a point in a list; a number at the beginning numbers a paragraph.
    initial = (len(before) == 1 and before.isalpha() and before != "i") or _INITIALS.fullmatch(before)
    begin = match.start() - len(before)
    numbering = before.isdigit() and begin - start < 20 and not text[start:begin].strip()
    number = before in _BEFORE_NUMBERS and following.isdigit()
    return not (initial or numbering or number or before in _BEFORE_NAMES)
