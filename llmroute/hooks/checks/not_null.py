"""Passes when there is content. Parameters: `not`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript
from ..support.report import undecided

_MISSING = object()


def build(parameters: Parameters, services: Services) -> Check:
    """Blank texts, no parts and answers of tool calls only are null, as recorded."""
    negated = parameters.flag("not")
    parameters.done()

    def check(context: HookContext) -> Verdict:
        content = _content(context)
        before = context.event == "before"
        texts = _texts(content) if before or not content or not isinstance(content, list) else None
        if texts is None or not all(isinstance(text, str) for text in texts):
            return undecided("The content is not made of text.")
        null = all(not javascript.trim(text) for text in texts)
        passed = null is negated
        data = {
            "isNull": null,
            "contentType": _type_of(content),
            "textArrayLength": len(texts),
            "explanation": "There is no content." if null else "There is content.",
            "verdict": "passed" if passed else "failed",
        }
        return Verdict(passed, data)

    return check


def _content(context: HookContext) -> Any:
    """The content of the last message, or of the first choice."""
    if context.event == "before":
        messages = context.request.get("messages")
        message = messages[-1] if isinstance(messages, list) and messages else None
    else:
        choices = (context.response or {}).get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, Mapping) else None
    return message.get("content", _MISSING) if isinstance(message, Mapping) else _MISSING


def _texts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return [(part.get("text") or "") if isinstance(part, Mapping) else "" for part in content]
    # What is falsy in JavaScript counts as no text.
    return [content if content is not _MISSING and content else ""]


def _type_of(content: Any) -> str:
    """`typeof content`, with "null" for null."""
    if content is _MISSING:
        return "undefined"
    if content is None:
        return "null"
    if isinstance(content, bool):
        return "boolean"
    if isinstance(content, (int, float)):
        return "number"
    return "string" if isinstance(content, str) else "object"
