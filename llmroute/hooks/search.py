"""Where the texts of a message stand: the tables of it, and the search that goes by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

#: A path through members; a "*" stands for every entry of a list.
_Place = tuple[str, ...]
#: - "text": a text. Of an object or a list in its place, the texts in it.
#: - "parts": a text, or a list of texts and parts as the content of a message.
#: - "data": what a model fills in, JSON or its value. Names and numbers are the model's words as well.
_Kind = Literal["text", "parts", "data"]
_Table = Sequence[tuple[_Place, _Kind]]

#: What is text in a message beside its content.
_BESIDE: Final[_Table] = (
    (("refusal",), "text"),  # OpenAI
    (("reasoning_content",), "text"),  # DeepSeek; this library, for all providers
    (("reasoning",), "text"),  # OpenRouter, Groq; an object in some
    (("thinking",), "parts"),  # Ollama
    (("reasoning_details", "*", "text"), "text"),  # OpenRouter; their `data` is encrypted
    (("reasoning_details", "*", "summary"), "parts"),
    (("audio", "transcript"), "text"),  # OpenAI, spoken answers
    (("function_call", "arguments"), "data"),  # OpenAI, before there were tool calls
    (("tool_calls", "*", "function", "arguments"), "data"),  # OpenAI; an object in Ollama
    (("tool_calls", "*", "custom", "input"), "data"),  # OpenAI
)
#: What is text in a part. Images, audio and files are not listed: what they hold is base64 or a URL.
_IN_PART: Final[_Table] = (
    (("text",), "text"),  # all
    (("refusal",), "text"),  # OpenAI
    (("thinking",), "parts"),  # Anthropic, a text; Mistral, parts
    (("content",), "parts"),  # Anthropic, tool_result
    (("input",), "data"),  # Anthropic, tool_use
    (("title",), "text"),  # Anthropic, document
    (("context",), "text"),  # Anthropic, document
)
#: By the type of a part's `source`, what of it is text. Anthropic, document; other types are files.
_IN_SOURCE: Final[Mapping[str, _Table]] = {
    "text": ((("data",), "text"),),
    "content": ((("content",), "parts"),),
}
#: What is looked at in the last message or the first choice, as recorded.
_RECORDED: Final = _IN_PART[:1]

#: How deep a text may stand, and how many values may stand in the place of texts.
MAX_DEPTH: Final = 64
MAX_VALUES: Final = 10_000


@attrs.frozen
class Name:
    """Ends the path to a text that is itself the name of a member, as in the arguments of a tool."""

    name: str


Path = tuple[str | int | Name, ...]


class Search:
    """Looks for the texts of one body, and notes where they stand.

    It goes no deeper and no further than the bounds, and is not `complete` where there is more.
    """

    __slots__ = ("_everything", "_left", "complete", "paths", "pieces")

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything
        self._left = MAX_VALUES
        self.complete = True
        self.paths: list[Path] = []
        self.pieces: list[str] = []

    def messages(self, request: Mapping[str, Any]) -> None:
        """The last message of a request, or all of them."""
        messages = request.get("messages")
        if isinstance(messages, list):
            start = 0 if self._everything else max(0, len(messages) - 1)
            for index in range(start, len(messages)):
                self._message(messages[index], ("messages", index))

    def choices(self, response: Mapping[str, Any]) -> None:
        """The first choice of an answer, or all of them."""
        choices = response.get("choices")
        if not isinstance(choices, list):
            return
        for index, choice in enumerate(choices if self._everything else choices[:1]):
            if isinstance(choice, Mapping):
                self._message(choice.get("message"), ("choices", index, "message"))
                if self._everything:
                    # Hosts that repeat the message there.
                    self.text(choice.get("text"), ("choices", index, "text"))

    def _message(self, message: Any, path: Path) -> None:
        if isinstance(message, Mapping):
            self._parts(message.get("content"), (*path, "content"))
            if self._everything:
                self._members(message, path, _BESIDE)

    def _members(self, value: Mapping[str, Any], path: Path, table: _Table) -> None:
        for place, kind in table:
            if place[0] in value:
                for at, found in _standing(value, path, place):
                    if kind == "parts":
                        self._parts(found, at)
                    else:
                        self.text(found, at, data=kind == "data")

    def _parts(self, value: Any, path: Path) -> None:
        if isinstance(value, str):
            self._note(path, value)
        elif isinstance(value, Mapping):
            self._part(value, path)
        elif isinstance(value, list):
            for index, part in enumerate(value):
                if isinstance(part, str):
                    self._note((*path, index), part)
                elif isinstance(part, Mapping):
                    self._part(part, (*path, index))

    def _part(self, part: Mapping[str, Any], path: Path) -> None:
        if len(path) > MAX_DEPTH:
            self.complete = False
            return
        self._members(part, path, _IN_PART if self._everything else _RECORDED)
        source = part.get("source") if self._everything else None
        if isinstance(source, Mapping) and isinstance(kind := source.get("type"), str):
            self._members(source, (*path, "source"), _IN_SOURCE.get(kind, ()))

    def text(self, value: Any, path: Path, *, data: bool = False) -> None:
        """A text, or every text in a value that stands in its place; of `data` names and numbers too."""
        if isinstance(value, str):
            self._note(path, value)
        elif isinstance(value, (Mapping, list)):
            if len(path) > MAX_DEPTH or len(value) > self._left:
                self.complete = False
                return
            self._left -= len(value)
            for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
                if data and isinstance(key, str):
                    self._note((*path, Name(key)), key)
                self.text(inner, (*path, key), data=data)
        elif data and isinstance(value, (int, float)) and not isinstance(value, bool):
            self._note(path, str(value))

    def _note(self, path: Path, text: str) -> None:
        self.paths.append(path)
        self.pieces.append(text)


def _standing(value: Any, path: Path, place: _Place) -> Iterator[tuple[Path, Any]]:
    """What stands in a place, with the path to it."""
    if not place:
        yield path, value
    elif place[0] != "*":
        if isinstance(value, Mapping) and place[0] in value:
            yield from _standing(value[place[0]], (*path, place[0]), place[1:])
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _standing(entry, (*path, index), place[1:])
    else:
        # One object where there should be a list of them.
        yield from _standing(value, path, place[1:])
