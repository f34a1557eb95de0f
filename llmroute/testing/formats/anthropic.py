"""Anthropic's messages: https://docs.anthropic.com/en/api/messages"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..native import anthropic_completion, anthropic_error, anthropic_stream
from ..replies import Reply
from .base import (
    Answer,
    Format,
    MalformedError,
    Question,
    answered,
    content_text,
    flag,
    listed,
    mapping,
    none_open,
    object_members,
    text_member,
    words_in,
)


def read(body: Mapping[str, Any]) -> Question:
    """The question in a request body. Raises MalformedError."""
    model = text_member(body, "model")
    limit = body.get("max_tokens")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise MalformedError("max_tokens: a whole number greater than 0 is required")
    if body.get("system") is not None:
        content_text(body["system"], "system")
    messages = object_members(body, "messages")
    asked, results = _conversation(messages)
    form = mapping(mapping(body.get("output_config")).get("format"))
    return Question(
        model=model,
        streaming=flag(body, "stream"),
        text=asked,
        results=tuple(results),
        tools=_tools(body),
        schema=mapping(form.get("schema")) if form.get("type") == "json_schema" else None,
        words=words_in([body.get("system"), messages]),
    )


def write(question: Question, answer: Answer, gap: float) -> Reply:
    usage = {"input_tokens": question.words, "output_tokens": answer.words}
    if not question.streaming:
        return anthropic_completion(answer.text, model=question.model, tool_calls=answer.calls, usage=usage)
    return anthropic_stream(answer.text, model=question.model, tool_calls=answer.calls, usage=usage, gap=gap)


def _conversation(messages: Any) -> tuple[str, list[str]]:
    """The last user text, and the tool results in the last message."""
    if messages[0].get("role") != "user":
        raise MalformedError("messages: the first message must be the user's")
    asked = ""
    results: list[str] = []
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        role = message.get("role")
        if role not in ("user", "assistant"):
            raise MalformedError(f"{where}.role: {role!r} is neither 'user' nor 'assistant'")
        text = content_text(message.get("content"), f"{where}.content", filled=True)
        results = [_result(block, open_calls, where) for block in _blocks(message, "tool_result")]
        none_open(open_calls, where)
        asked = text if role == "user" else asked
        calls = _blocks(message, "tool_use")
        open_calls = {text_member(call, "id", f"{where}.content") for call in calls}
        if not all(isinstance(call.get("input"), Mapping) for call in calls):
            raise MalformedError(f"{where}.content.input: an object is required")
    none_open(open_calls, "messages")
    return asked, results


def _blocks(message: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [block for block in listed(message.get("content")) if block["type"] == kind]


def _result(block: Mapping[str, Any], open_calls: set[str], where: str) -> str:
    answered(block.get("tool_use_id"), open_calls, f"{where}.content.tool_use_id")
    return content_text(block.get("content"), f"{where}.content.content", optional=True)


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools: dict[str, Any] = {}
    for tool in object_members(body, "tools", optional=True):
        name = text_member(tool, "name", "tools")
        if tool.get("type", "custom") == "custom":
            if not isinstance(tool.get("input_schema"), Mapping):
                raise MalformedError(
                    f"tools.{name}.input_schema: an object is required", "tools.input_schema"
                )
            tools[name] = tool["input_schema"]
    return tools


ANTHROPIC = Format(
    "anthropic",
    read,
    write,
    anthropic_error,
    key_header="x-api-key",
    required_header="anthropic-version",
)
