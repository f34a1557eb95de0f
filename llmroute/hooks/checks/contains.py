"""Looks for words in the text.

Parameters: `words`, `operator` "any", "all" or "none"; `not`; `caseSensitive` (true), `wholeWords` (false:
a part of a longer word counts, as recorded).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from operator import not_
from typing import Any, Final

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript, reading
from ..support.report import excerpt, undecided

#: Words times characters of a text.
MAX_WORK: Final = 100_000_000
#: Places where a word stands that are looked at, with `wholeWords`.
MAX_PLACES: Final = 100_000


def build(parameters: Parameters, services: Services) -> Check:
    """An unknown operator passes nothing, and empty text is judged, both as recorded."""
    given = reading.scalars(
        parameters, "words", (str, int, float, bool, type(None)), "a plain value", limit=10_000
    )
    operator = parameters.text("operator", "", limit=100)
    negated = parameters.flag("not")
    sensitive = parameters.flag("caseSensitive", True)
    whole = parameters.flag("wholeWords")
    parameters.done()
    if given is None:
        if parameters.raw("words") is None:
            parameters.problem("words", "expected a list of words, got nothing")
        given = ()
    words = [javascript.text_of(word) for word in given]
    if not sensitive:
        words = [word.casefold() for word in words]
    verdict = _OPERATORS.get(operator)

    def check(context: HookContext) -> Verdict:
        text = context.text
        if len(text) * len(words) > MAX_WORK:
            return undecided("The text is too long for so many words.", {"operator": operator})
        searched = text if sensitive else text.casefold()
        try:
            found = _whole_words(words, searched) if whole else [word in searched for word in words]
        except OverflowError:
            return undecided("A word stands in too many places.", {"textExcerpt": excerpt(text)})
        there, missing = list(compress(given, found)), list(compress(given, map(not_, found)))
        passed = verdict is not None and verdict(there, missing) is not negated
        data = {
            "explanation": _explanation(operator, there, missing, verdict is not None),
            "foundWords": there,
            "missingWords": missing,
            "operator": operator,
        }
        return Verdict(passed, {**data, "not": True} if negated else data)

    return check


_OPERATORS: Final[dict[str, Callable[[Sequence[Any], Sequence[Any]], bool]]] = {
    "any": lambda found, missing: bool(found),
    "all": lambda found, missing: not missing,
    "none": lambda found, missing: not found,
}


def _explanation(operator: str, found: Sequence[Any], missing: Sequence[Any], known: bool) -> str:
    if not known:
        return f"There is no operator {operator[:40]!r}; nothing passes."
    return f"{len(found)} of {len(found) + len(missing)} words were found, of which {operator} should be."


def _whole_words(words: Sequence[str], text: str) -> list[bool]:
    places = 0
    result = []
    for word in words:
        start = text.find(word)
        while start >= 0 and not _stands_alone(text, start, start + len(word)):
            places += 1
            if places > MAX_PLACES:
                raise OverflowError
            start = text.find(word, start + 1)
        result.append(start >= 0)
    return result


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter, digit or underscore goes on before or behind."""
    return not (_joins(text, start - 1, start) or _joins(text, end - 1, end))


def _joins(text: str, left: int, right: int) -> bool:
    return left >= 0 and right < len(text) and _is_word(text[left]) and _is_word(text[right])


def _is_word(char: str) -> bool:
    return char == "_" or char.isalnum()
