"""Puts originals back in the place of the placeholders that a check took them out for.

Not inside URLs: whoever the model names in a link must not be told what the placeholders stood for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from .base import RESTORATIONS
from .chunks import Lane
from .texts import Path, Texts

#: Characters of what has been handed on that may belong to a URL which goes on.
MAX_URL: Final = 4_096
#: How URLs begin. In a text they go on to the next blank, in JSON to the end of the string: a
#: placeholder may hold characters that no URL does.
_URL_START: Final = r"(?:[A-Za-z][A-Za-z0-9+.-]{1,20}://|(?<![^\s(\"'<=\[])//|\bwww\.|\b(?:data|mailto):)"
_IN_TEXT: Final = _URL_START + r"\S*"
_IN_JSON: Final = _URL_START + r"(?:\\.|[^\s\"\\])*"
NOTHING: Final[Mapping[Lane, str]] = {}


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

    def text(self, text: str, behind: str = "") -> str:
        """The text with the originals, where it goes on `behind` another."""
        # A URL may have begun there. What stands there has been handed on and stays as it is.
        begun = behind.rsplit(maxsplit=1)[-1] if behind and not behind[-1].isspace() else ""

        def put_back(match: re.Match[str]) -> str:
            kept = match[1] is not None or match.start() < len(begun)
            return match[0] if kept else self._table[match[2]]

        return self._in_text.sub(put_back, begun + text)[len(begun) :]

    def json_text(self, text: str) -> str:
        """The same inside the strings of a JSON text."""
        return self._in_json.sub(lambda match: match[1] or json.dumps(self._table[match[2]])[1:-1], text)

    def body(self, response: Mapping[str, Any], tails: Mapping[Lane, str] = NOTHING) -> Mapping[str, Any]:
        """An answer with the originals in its texts and tool arguments; the same one where there are none.

        `tails` are the ends of the texts that these go on behind.
        """
        texts = Texts.of("after", response, "all")
        pieces = []
        for path, piece in zip(texts.paths, texts.pieces, strict=True):
            if path[-1] == "arguments":
                pieces.append(self.json_text(piece))
            else:
                pieces.append(self.text(piece, tails.get(_lane(response, path), "") if tails else ""))
        return texts.replaced(pieces) or response


def _lane(response: Mapping[str, Any], path: Path) -> Lane:
    position = path[1]
    assert isinstance(position, int)
    index = response["choices"][position].get("index", position)
    return index, str(path[-1])
