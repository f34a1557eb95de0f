"""The texts of a request or an answer: reading them for a check, and writing changed ones back.

Recorded rules: before the call the last message (any role), after it the first choice; list content
piece by piece; empty pieces count as absent. `scope="all"` covers every message and every choice, with
refusals, reasoning, the arguments of tool calls and whatever else `search` lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .search import Name, Search
from .search import Path as Path


class TooDeepError(ValueError):
    """Not every text could be read, so there is no verdict on them."""

    def __init__(self) -> None:
        super().__init__("texts stand too deep, or are too many, to be read")


class Texts:
    """Pieces of text in a body and where they stand.

    Not `complete` where some are beyond the bounds of the search. `on_body` hears of it when somebody
    reads the body.
    """

    __slots__ = ("_body", "_joined", "_on_body", "complete", "paths", "pieces")

    def __init__(
        self,
        body: Mapping[str, Any],
        paths: Sequence[Path],
        pieces: Sequence[str],
        *,
        complete: bool = True,
        on_body: Callable[[], None] | None = None,
    ) -> None:
        self._body = body
        self._joined: str | None = None
        self._on_body = on_body
        #: Where each piece stands in the body.
        self.paths = tuple(paths)
        self.pieces = tuple(pieces)
        self.complete = complete

    @classmethod
    def of(cls, event: str, body: Mapping[str, Any], scope: str) -> Texts:
        """The texts that a check of `scope` looks at, in a request ("before") or an answer."""
        search = Search(everything=scope == "all")
        if event == "before":
            search.messages(body)
        else:
            search.choices(body)
        return cls(body, search.paths, search.pieces, complete=search.complete)

    @property
    def body(self) -> Mapping[str, Any]:
        """What the texts stand in."""
        if self._on_body is not None:
            self._on_body()
        return self._body

    def stand_in(self, body: Mapping[str, Any]) -> bool:
        """Whether they are the texts of this very body."""
        return self._body is body

    def shown(self, on_body: Callable[[], None]) -> Texts:
        """The same texts for one reader."""
        return Texts(self._body, self.paths, self.pieces, complete=self.complete, on_body=on_body)

    @property
    def joined(self) -> str:
        """The pieces that are not empty, joined by newlines."""
        if self._joined is None:
            self._joined = "\n".join(piece for piece in self.pieces if piece)
        return self._joined

    def rewritten(self, change: Callable[[str], str]) -> Mapping[str, Any] | None:
        """The body with `change` made to every piece; None when that changes nothing."""
        return self.replaced([change(piece) for piece in self.pieces])

    def replaced(self, pieces: Sequence[str]) -> Mapping[str, Any] | None:
        """The body with new pieces in the old places, sharing what is the same; None when nothing is new."""
        new = {
            path: text for path, old, text in zip(self.paths, self.pieces, pieces, strict=True) if text != old
        }
        return _with(self._body, new) if new else None


def usual_text(event: str, body: Mapping[str, Any]) -> str | None:
    """What `Texts.of(event, body, "last").joined` is where it is the content of one message, and that a text.

    None where it takes a closer look.
    """
    before = event == "before"
    entries = body.get("messages" if before else "choices")
    if type(entries) is not list or not entries:
        return None
    try:
        content = entries[-1]["content"] if before else entries[0]["message"]["content"]
    except (LookupError, TypeError):
        return None
    return content if type(content) is str else None


def texts_in(value: Any) -> list[str] | None:
    """The texts in a value that stands in the place of one; None when they could not all be read."""
    search = Search(everything=True)
    search.text(value, ())
    return search.pieces if search.complete else None


def _with(body: Any, changes: Mapping[Path, str]) -> Any:
    """`body` with new texts; each container on the way is copied once."""
    if () in changes:
        return changes[()]
    below: dict[str | int | Name, dict[Path, str]] = {}
    for path, text in changes.items():
        below.setdefault(path[0], {})[path[1:]] = text
    copy: Any = list(body) if isinstance(body, list) else dict(body)
    names: dict[str, str] = {}
    for key, inner in below.items():
        if isinstance(key, Name):
            names[key.name] = inner[()]
        else:
            copy[key] = _with(body[key], inner)
    return {names.get(key, key): value for key, value in copy.items()} if names else copy
