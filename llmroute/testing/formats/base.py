"""Questions and answers without a format, and the checks by which the formats read requests.

The checks are those that catch a translator's mistakes: members without which the provider refuses
a request, and tool results that answer no call. Limits of numbers and sizes are not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import attrs

from ...wire.json import text_of
from ..replies import Reply, ToolCall

FormatName = Literal["openai", "anthropic", "gemini"]

_SAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True}
_SAMPLE_DEPTH = 32
_CALL = re.compile(r"\bcall\s+([\w.:-]*\w)\s*", re.ASCII)


class MalformedError(Exception):
    """The provider would refuse this request with a 400."""


@attrs.frozen
class Question:
    """What a request asks for, whatever its format.

    `text` is the last user turn's; `results` are the tool results the request ends with; `tools`
    maps names to parameter schemas; `schema` is set when the answer has to be JSON, empty for any
    object; `words` counts the prompt's. `sse` is False for a Gemini stream without `alt=sse`.
    """

    model: str
    streaming: bool = False
    text: str = ""
    results: tuple[str, ...] = ()
    tools: Mapping[str, Any] = attrs.field(factory=dict)
    schema: Mapping[str, Any] | None = None
    words: int = 0
    with_usage: bool = False
    sse: bool = True


@attrs.frozen
class Answer:
    """What the upstream says: a text, or calls of tools."""

    text: str | None
    calls: tuple[ToolCall, ...] = ()

    @property
    def words(self) -> int:
        """The answer's tokens, as far as `usage` is concerned."""
        return words_in([self.text or "", *(call.arguments_text for call in self.calls)])


class ErrorBuilder(Protocol):
    """`error` of the reply builders, in the format's own shape."""

    def __call__(
        self, status: int = ..., message: str = ..., *, retry_after: float | str | None = ...
    ) -> Reply: ...


@attrs.frozen
class Format:
    """One provider's format: how its requests are read and its answers written.

    `read` raises MalformedError. `key_header` carries the credential, `required_header` must be
    there, `bad_key` is the status for a wrong key.
    """

    name: FormatName
    read: Callable[[Mapping[str, Any]], Question]
    write: Callable[[Question, Answer, float], Reply]
    error: ErrorBuilder
    key_header: str = "authorization"
    required_header: str | None = None
    bad_key: int = 401


def answer_to(question: Question) -> Answer:
    """The same answer to the same question, always.

    Tool results are repeated; "call NAME" or "call NAME {arguments}" in the user's text calls the
    tool of that name, several if several are named; everything else is echoed.
    """
    if question.results:
        return _told(question, "The tool said: " + "; ".join(question.results))
    calls = [
        ToolCall(match[1], _arguments(question.text, match.end(), question.tools[match[1]]))
        for match in _CALL.finditer(question.text)
        if match[1] in question.tools
    ]
    if calls:
        return Answer(None, tuple(calls))
    return _told(question, f"You said: {question.text}" if question.text else "You said nothing.")


def sample(schema: Any, depth: int = _SAMPLE_DEPTH) -> Any:
    """A value for a JSON schema: required members only, the first of an `enum`, "text", 1, 1.5, true.

    References and combinations are not followed: they give null.
    """
    if not isinstance(schema, Mapping) or not depth:
        return None
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = _type_of(schema)
    if kind == "object":
        properties = mapping(schema.get("properties"))
        required = [name for name in listed(schema.get("required")) if isinstance(name, str)]
        return {name: sample(properties[name], depth - 1) for name in required if name in properties}
    if kind == "array":
        return [sample(schema["items"], depth - 1)] if "items" in schema else []
    return _SAMPLES.get(kind)


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        kind = kind[0]
    # Gemini writes its types in capitals.
    return kind.lower() if isinstance(kind, str) else "object" if "properties" in schema else ""


def _told(question: Question, text: str) -> Answer:
    if question.schema is None:
        return Answer(text)
    return Answer(text_of(sample(question.schema) if question.schema else {"answer": text}))


def _arguments(text: str, start: int, schema: Any) -> dict[str, Any]:
    """The JSON object at `start`, else made-up arguments of the right types."""
    try:
        given, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        given = None
    made = given if isinstance(given, dict) else sample(schema)
    return made if isinstance(made, dict) else {}


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def words_in(value: Any) -> int:
    """Roughly the words in all texts of a JSON value."""
    return len(text_of(value).split())


def text_member(parent: Mapping[str, Any], name: str, where: str = "") -> str:
    """A member that has to be a text with something in it. Raises MalformedError."""
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{_path(where, name)}: a text is required")
    return value


def object_members(
    parent: Mapping[str, Any], name: str, where: str = "", *, optional: bool = False
) -> Sequence[Mapping[str, Any]]:
    """A member that has to be a list of objects, at least one unless `optional`. Raises MalformedError."""
    value = parent.get(name)
    if optional and (value is None or value == []):
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(item, Mapping) for item in value):
        raise MalformedError(f"{_path(where, name)}: a list of objects is required")
    return value


def content_text(content: Any, where: str, *, optional: bool = False, filled: bool = False) -> str:
    """The text of a content member: a text, or a list of typed parts. Raises MalformedError."""
    if content is None and optional:
        return ""
    if isinstance(content, str):
        if filled and not content.strip():
            raise MalformedError(f"{where}: text must not be empty")
        return content
    if not isinstance(content, list) or not content:
        raise MalformedError(f"{where}: a text or a list of parts is required")
    texts = []
    for part in content:
        if not isinstance(mapping(part).get("type"), str):
            raise MalformedError(f"{where}: every part needs a type")
        if part["type"] == "text":
            texts.append(content_text(part.get("text"), f"{where}.text", filled=filled))
    return " ".join(texts)


def flag(body: Mapping[str, Any], name: str) -> bool:
    """An optional boolean member. Raises MalformedError."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise MalformedError(f"{name}: true or false is required")
    return bool(value)


def answered(id: Any, open_calls: set[str], where: str) -> None:
    """Strike a call off the open ones. Raises MalformedError when there is none with that id."""
    if not isinstance(id, str) or id not in open_calls:
        raise MalformedError(f"{where}: {id!r} is the id of no tool call just before")
    open_calls.discard(id)


def none_open(open_calls: set[str], where: str) -> None:
    """Raises MalformedError while there are calls without a result."""
    if open_calls:
        raise MalformedError(f"{where}: no results for the tool calls {sorted(open_calls)}")


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
