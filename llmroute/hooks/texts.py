"""The texts of a request or an answer: reading them for a check, and writing changed ones back.

Recorded rules: before the call the last message (any role), after it the first choice; list content
piece by piece; empty pieces count as absent. `scope="all"` covers every message and every choice, with
refusals, reasoning and the arguments of tool calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]

#: Texts of a message beside its content; looked at with `scope="all"`.
_BESIDE = ("refusal", "reasoning_content", "reasoning")
#: Where the free text of a tool call stands, by the kind of the call.
_CALL_TEXTS = (("function", "arguments"), ("custom", "input"))


class Texts:
    """Pieces of text in a body and where they stand."""

    __slots__ = ("_joined", "body", "paths", "pieces")

    def __init__(self, body: Mapping[str, Any], paths: Sequence[Path], pieces: Sequence[str]) -> None:
        #: What the texts stand in.
        self.body = body
        self._joined: str | None = None
        #: Where each piece stands in the body.
        self.paths = tuple(paths)
        self.pieces = tuple(pieces)

    @classmethod
    def of(cls, event: str, body: Mapping[str, Any], scope: str) -> Texts:
        """The texts that a check of `scope` looks at, in a request ("before") or an answer."""
        found: list[tuple[Path, str]] = []
        if event == "before":
            _messages(body, scope, found)
        else:
            _choices(body, scope, found)
        return cls(body, [path for path, _ in found], [text for _, text in found])

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
        return _with(self.body, new) if new else None


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
        names = ("text", "refusal") if scope == "all" else ("text",)
        for index, part in enumerate(content):
            if isinstance(part, Mapping):
                _members(part, (*path, "content", index), names, found)
    if scope == "all":
        _members(message, path, _BESIDE, found)
        _arguments(message, path, found)


def _members(
    value: Mapping[str, Any], path: Path, names: Sequence[str], found: list[tuple[Path, str]]
) -> None:
    found.extend(((*path, name), text) for name in names if isinstance(text := value.get(name), str))


def _arguments(message: Mapping[str, Any], path: Path, found: list[tuple[Path, str]]) -> None:
    _argument(message, path, ("function_call", "arguments"), found)
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return
    for index, call in enumerate(calls):
        for place in _CALL_TEXTS:
            _argument(call, (*path, "tool_calls", index), place, found)


def _argument(value: Any, path: Path, place: tuple[str, str], found: list[tuple[Path, str]]) -> None:
    kind, name = place
    inner = value.get(kind) if isinstance(value, Mapping) else None
    if isinstance(inner, Mapping):
        _members(inner, (*path, kind), (name,), found)


def _with(body: Any, changes: Mapping[Path, str]) -> Any:
    """`body` with new texts; each container on the way is copied once."""
    if () in changes:
        return changes[()]
    below: dict[str | int, dict[Path, str]] = {}
    for path, text in changes.items():
        below.setdefault(path[0], {})[path[1:]] = text
    copy: Any = list(body) if isinstance(body, list) else dict(body)
    for key, inner in below.items():
        copy[key] = _with(body[key], inner)
    return copy
