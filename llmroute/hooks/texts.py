"""The texts of a request or an answer: reading them for a check, and writing changed ones back.

Recorded rules: before the call the last message (any role), after it the first choice; list content
piece by piece; empty pieces count as absent. `scope="all"` covers every message, every choice, and
the arguments of tool calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

Path = tuple[str | int, ...]


class Texts:
    """Pieces of text in a body and where they stand."""

    __slots__ = ("__dict__", "_body", "paths", "pieces")

    def __init__(self, body: Mapping[str, Any], paths: Sequence[Path], pieces: Sequence[str]) -> None:
        self._body = body
        #: Where each piece stands in the body.
        self.paths = tuple(paths)
        self.pieces = tuple(pieces)

    @classmethod
    def of(
        cls, event: str, request: Mapping[str, Any], response: Mapping[str, Any] | None, scope: str
    ) -> Texts:
        """The texts that a check of `scope` looks at."""
        found: list[tuple[Path, str]] = []
        if event == "before":
            _messages(request, scope, found)
            return cls(request, [path for path, _ in found], [text for _, text in found])
        body = response or {}
        _choices(body, scope, found)
        return cls(body, [path for path, _ in found], [text for _, text in found])

    @cached_property
    def joined(self) -> str:
        """The pieces that are not empty, joined by newlines."""
        return "\n".join(piece for piece in self.pieces if piece)

    def rewritten(self, change: Callable[[str], str]) -> Mapping[str, Any] | None:
        """The body with `change` made to every piece; None when that changes nothing."""
        return self.replaced([change(piece) for piece in self.pieces])

    def replaced(self, pieces: Sequence[str]) -> Mapping[str, Any] | None:
        """The body with new pieces in the old places, sharing what is the same; None when nothing is new."""
        body: Any = self._body
        changed = False
        for path, old, new in zip(self.paths, self.pieces, pieces, strict=True):
            if new != old:
                body = _with(body, path, new)
                changed = True
        return body if changed else None


def _messages(request: Mapping[str, Any], scope: str, found: list[tuple[Path, str]]) -> None:
    messages = request.get("messages")
    if not isinstance(messages, list):
        return
    start = 0 if scope == "all" else max(0, len(messages) - 1)
    for index in range(start, len(messages)):
        _message(messages[index], ("messages", index), scope, found)


def _choices(response: Mapping[str, Any], scope: str, found: list[tuple[Path, str]]) -> None:
    choices = response.get("choices")
    if not isinstance(choices, list):
        return
    for index, choice in enumerate(choices if scope == "all" else choices[:1]):
        if isinstance(choice, Mapping):
            _message(choice.get("message"), ("choices", index, "message"), scope, found)


def _message(message: Any, path: Path, scope: str, found: list[tuple[Path, str]]) -> None:
    if not isinstance(message, Mapping):
        return
    content = message.get("content")
    if isinstance(content, str):
        found.append(((*path, "content"), content))
    elif isinstance(content, list):
        for index, part in enumerate(content):
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                found.append(((*path, "content", index, "text"), part["text"]))
    if scope == "all":
        _arguments(message, path, found)


def _arguments(message: Mapping[str, Any], path: Path, found: list[tuple[Path, str]]) -> None:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("arguments"), str):
            found.append(((*path, "tool_calls", index, "function", "arguments"), function["arguments"]))


def _with(body: Any, path: Path, value: str) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(body, list) and isinstance(key, int):
        return [*body[:key], _with(body[key], rest, value), *body[key + 1 :]]
    return {**body, key: _with(body[key], rest, value)}
