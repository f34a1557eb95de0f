"""Puts originals back in the place of the placeholders that a check took them out for.

Not inside URLs: whoever the model names in a link must not be told what the placeholders stood for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from .base import RESTORATIONS
from .chunks import Lane
from .texts import Path, Texts

#: How URLs begin. In a text they go on to the next blank, in JSON to the end of the string: a
#: placeholder may hold characters that no URL does.
_URL_START: Final = r"(?:[A-Za-z][A-Za-z0-9+.-]{1,20}://|\bwww\.|\b(?:data|mailto):)"
_IN_TEXT: Final = _URL_START + r"\S*"
_IN_JSON: Final = _URL_START + r"(?:\\.|[^\s\"\\])*"
_OPEN_URL: Final = re.compile(_URL_START + r"\S*\Z")
_BLANK: Final = re.compile(r"\s")


class Restorer:
    """The placeholders of one call."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table
        # The longest first: one placeholder may begin like another.
        names = "|".join(re.escape(name) for name in sorted(table, key=len, reverse=True)) or r"(?!)"
        self._in_text = re.compile(f"({_IN_TEXT})|({names})")
        self._in_json = re.compile(f"({_IN_JSON})|({names})")

    @classmethod
    def of(cls, memory: Mapping[str, Any]) -> Restorer | None:
        """What there is to restore in a call, None for nothing."""
        table = memory.get(RESTORATIONS)
        return cls(table) if table else None

    @property
    def reach(self) -> int:
        """The characters of the longest placeholder."""
        return max(map(len, self._table))

    def text(self, text: str, *, inside: bool = False) -> str:
        """The text with the originals; it begins `inside` a URL when that is not over yet."""
        if inside:
            end = _BLANK.search(text)
            at = len(text) if end is None else end.start()
            return text[:at] + self.text(text[at:])
        return self._in_text.sub(lambda match: match[1] or self._table[match[2]], text)

    def json_text(self, text: str) -> str:
        """The same inside the strings of a JSON text."""
        return self._in_json.sub(lambda match: match[1] or json.dumps(self._table[match[2]])[1:-1], text)

    def body(self, response: Mapping[str, Any], inside: Collection[Lane] = ()) -> Mapping[str, Any]:
        """An answer with the originals in its texts and tool arguments; the same one where there are none.

        `inside` names the texts that begin inside of a URL.
        """
        texts = Texts.of("after", response, "all")
        pieces = []
        for path, piece in zip(texts.paths, texts.pieces, strict=True):
            if path[-1] == "arguments":
                pieces.append(self.json_text(piece))
            else:
                pieces.append(self.text(piece, inside=bool(inside) and _lane(response, path) in inside))
        return texts.replaced(pieces) or response


def ends_in_url(text: str) -> bool:
    """Whether a URL stands at the end of `text`, so that it may go on."""
    return _OPEN_URL.search(text) is not None


def _lane(response: Mapping[str, Any], path: Path) -> Lane:
    position = path[1]
    assert isinstance(position, int)
    index = response["choices"][position].get("index", position)
    return index, str(path[-1])
