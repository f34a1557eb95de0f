"""What another service may change of a call: messages or contents, and members that the config names.

The target, credentials, the stream and everything else stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import HookContext
from ..parameters import Parameters

MAX_MESSAGES: Final = 10_000
#: Never to be changed from outside: they decide what the call is.
_FIXED: Final = frozenset({"stream"})
_CHECKED: Final = frozenset({"messages", "choices"})
_TEXT_OR_PARTS = "text, null or a list of parts"


class NotAllowedError(Exception):
    """A change that is malformed or not allowed; the text says which."""


def read_fields(parameters: Parameters, name: str = "allowFields") -> frozenset[str]:
    """The members that may be changed beside messages and contents."""
    fields = frozenset(parameters.texts(name, (), limit=100))
    for field in sorted(fields & _FIXED):
        parameters.problem(name, f"{field!r} cannot be changed")
    return fields


def changed_body(context: HookContext, transformed: Any, fields: frozenset[str]) -> dict[str, Any] | None:
    """The body with the allowed changes; None when there are none. Raises NotAllowedError.

    `transformed` is the `transformedData` of a webhook's answer.
    """
    name = "request" if context.event == "before" else "response"
    entry = transformed.get(name) if isinstance(transformed, Mapping) else None
    change = entry.get("json") if isinstance(entry, Mapping) else None
    if not change:
        return None
    if not isinstance(change, dict):
        raise NotAllowedError("the changed body is no object")
    before = context.event == "before"
    body: Mapping[str, Any] = context.request if before else context.response or {}
    made = dict(body)
    if before and "messages" in change:
        made["messages"] = _messages(change["messages"])
    elif not before and "choices" in change:
        made["choices"] = _choices(body, change["choices"], whole="choices" in fields)
    made |= {key: value for key, value in change.items() if key in fields and key not in _CHECKED}
    return None if made == body else made


def _messages(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value or len(value) > MAX_MESSAGES:
        raise NotAllowedError("the messages are no list of messages")
    for message in value:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise NotAllowedError("a message has no role")
        _check_content(message.get("content"))
    return value


def _check_content(content: Any) -> None:
    parts = content if isinstance(content, list) else []
    if not (content is None or isinstance(content, (str, list))):
        raise NotAllowedError(f"a content is not {_TEXT_OR_PARTS}")
    if not all(isinstance(part, dict) for part in parts):
        raise NotAllowedError("a part of a content is no object")


def _choices(body: Mapping[str, Any], value: Any, *, whole: bool) -> list[Any]:
    """The choices with the new contents; all of the new choices where the config allows that."""
    if not isinstance(value, list) or not all(isinstance(choice, dict) for choice in value):
        raise NotAllowedError("the choices are no list of choices")
    messages = [choice.get("message") for choice in value]
    if not all(isinstance(message, dict) for message in messages):
        raise NotAllowedError("a choice has no message")
    for message in messages:
        _check_content(message.get("content"))
    if whole:
        return value
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != len(value):
        raise NotAllowedError("the number of choices is another one")
    return [_with_content(old, message) for old, message in zip(choices, messages, strict=True)]


def _with_content(choice: Any, message: Mapping[str, Any]) -> Any:
    old = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(old, Mapping) or "content" not in message or message["content"] == old.get("content"):
        return choice
    return {**choice, "message": {**old, "content": message["content"]}}
