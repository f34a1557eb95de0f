"""OpenAI's messages as Oracle's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...wire.json import JSONError, text_of
from ..base import EncodeError
from ..report import Report
from .parts import Json, contents_of

_ROLES: Final = {
    "system": "SYSTEM",
    "developer": "SYSTEM",
    "user": "USER",
    "assistant": "ASSISTANT",
    "tool": "TOOL",
    "function": "TOOL",
}
_SPEAKERS: Final = frozenset({"system", "developer", "user", "assistant"})
_UNSAID: Final = ("thinking", "redacted_thinking", "reasoning", "tool_use")


class Conversation:
    """Reads messages in order into `messages`.

    `stand_in` is a text for answers that have only calls: the service breaks on such an answer when
    the model is one of Google's.
    """

    def __init__(self, report: Report, stand_in: str | None = None) -> None:
        self.messages: list[Json] = []
        self._report = report
        self._stand_in = stand_in
        #: Ids of function calls (the deprecated kind, which has none of its own) without result.
        self._open_calls: dict[str, str] = {}

    def read(self, messages: Any) -> None:
        """Raises EncodeError, naming the place, for what cannot be expressed and for no message at all."""
        if not isinstance(messages, (list, tuple)) or not messages:
            raise EncodeError("messages: a list with at least one message was expected", "messages")
        for i, message in enumerate(messages):
            self._add(message, f"messages[{i}]", i)

    def _add(self, message: Any, where: str, i: int) -> None:
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in _ROLES:
            raise EncodeError(
                f"{where}.role: one of {', '.join(sorted(_ROLES))} was expected", f"{where}.role"
            )
        if len(message) == 2 and role in _SPEAKERS and type(message.get("content")) is str:
            # As most are.
            part = {"type": "TEXT", "text": message["content"]}
            self.messages.append({"role": _ROLES[role], "content": [part]})
            return
        if message.get("cache_control") is not None:
            self._report.lost(f"{where}.cache_control")
        made: Json = {"role": _ROLES[role]}
        if role == "assistant":
            self._answer(made, message, where, i)
        else:
            content = contents_of(message.get("content"), f"{where}.content", self._report)
            made["content"] = content or [{"type": "TEXT", "text": ""}]
            if role in ("tool", "function"):
                made["toolCallId"] = self._call_id(message, role, where)
        name = message.get("name")
        if isinstance(name, str) and name and role not in ("tool", "function"):
            made["name"] = name
        self.messages.append(made)

    def _answer(self, made: Json, message: Mapping[str, Any], where: str, i: int) -> None:
        content = contents_of(_said(message.get("content")), f"{where}.content", self._report)
        calls = self._calls(message, where, i)
        if calls and all(part.get("text") == "" for part in content):
            content = [{"type": "TEXT", "text": self._stand_in}] if self._stand_in is not None else []
        if content or not calls:
            made["content"] = content or [{"type": "TEXT", "text": ""}]
        for member, name in (("refusal", "refusal"), ("reasoning_content", "reasoningContent")):
            value = message.get(member)
            if isinstance(value, str) and value:
                made[name] = value
        if calls:
            made["toolCalls"] = calls
        if message.get("audio") is not None:
            self._report.lost(f"{where}.audio")

    def _calls(self, message: Mapping[str, Any], where: str, i: int) -> list[Json]:
        calls = message.get("tool_calls") or []
        if not isinstance(calls, (list, tuple)):
            raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
        found = [_call(call, f"{where}.tool_calls[{j}]") for j, call in enumerate(calls)]
        legacy = message.get("function_call")
        if legacy is not None:
            made = _call({"id": f"call_{i}", "function": legacy}, f"{where}.function_call")
            self._open_calls[made["name"]] = made["id"]
            found.append(made)
        return found

    def _call_id(self, message: Mapping[str, Any], role: str, where: str) -> str:
        if role == "function":
            name = message.get("name")
            if not isinstance(name, str) or name not in self._open_calls:
                raise EncodeError(
                    f"{where}: a function's result must follow the assistant's function_call", f"{where}.name"
                )
            return self._open_calls.pop(name)
        id = message.get("tool_call_id")
        if not isinstance(id, str) or not id:
            raise EncodeError(f"{where}.tool_call_id: a text was expected", f"{where}.tool_call_id")
        return id


def _said(content: Any) -> Any:
    """The content of an answer without what other providers put there: thoughts, and calls told twice."""
    if not isinstance(content, list):
        return content
    return [part for part in content if not isinstance(part, dict) or part.get("type") not in _UNSAID]


def _call(call: Any, where: str) -> Json:
    function = call.get("function") or call.get("custom") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise EncodeError(f"{where}: an object with a function was expected", where)
    id, name = call.get("id"), function.get("name")
    if not isinstance(id, str) or not id:
        raise EncodeError(f"{where}.id: a text was expected", f"{where}.id")
    if not isinstance(name, str) or not name:
        raise EncodeError(f"{where}.function.name: a text was expected", f"{where}.function.name")
    given = function.get("arguments") if call.get("function") else {"input": function.get("input")}
    return {"id": id, "type": "FUNCTION", "name": name, "arguments": _arguments(given, where)}


def _arguments(arguments: Any, where: str) -> str:
    """Arguments stay the text that they are; none are an object without members."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return "{}"
    if isinstance(arguments, str):
        return arguments
    try:
        return text_of(arguments)
    except JSONError as problem:
        raise EncodeError(f"{where}.function.arguments: {problem}", where) from None
