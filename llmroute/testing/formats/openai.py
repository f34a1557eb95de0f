"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..replies import Reply, completion, error, stream
from .base import (
    Answer,
    Format,
    MalformedError,
    Question,
    answered,
    content_text,
    flag,
    mapping,
    none_open,
    object_members,
    text_member,
    words_in,
)

_ROLES = ("developer", "system", "user", "assistant", "tool", "function")


def read(body: Mapping[str, Any]) -> Question:
    """The question in a request body. Raises MalformedError."""
    model = text_member(body, "model")
    messages = object_members(body, "messages")
    asked, results = _conversation(messages)
    return Question(
        model=model,
        streaming=flag(body, "stream"),
        text=asked,
        results=tuple(results),
        tools=_tools(body),
        schema=_schema(mapping(body.get("response_format"))),
        words=words_in(messages),
        with_usage=bool(mapping(body.get("stream_options")).get("include_usage")),
    )


def write(question: Question, answer: Answer, gap: float) -> Reply:
    usage = {
        "prompt_tokens": question.words,
        "completion_tokens": answer.words,
        "total_tokens": question.words + answer.words,
    }
    if not question.streaming:
        return completion(answer.text, model=question.model, tool_calls=answer.calls, usage=usage)
    shown = usage if question.with_usage else None
    return stream(answer.text, model=question.model, tool_calls=answer.calls, usage=shown, gap=gap)


def _conversation(messages: Any) -> tuple[str, list[str]]:
    """The last user text, and the tool results at the end."""
    asked = ""
    results: list[str] = []
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        role = message.get("role")
        if role not in _ROLES:
            raise MalformedError(f"{where}.role: {role!r} is not a role")
        text = content_text(message.get("content"), f"{where}.content", optional=role == "assistant")
        if role == "tool":
            answered(message.get("tool_call_id"), open_calls, f"{where}.tool_call_id")
            results.append(text)
            continue
        none_open(open_calls, where)
        results = []
        asked = text if role == "user" else asked
        open_calls = _call_ids(message, where)
    none_open(open_calls, "messages")
    return asked, results


def _call_ids(message: Mapping[str, Any], where: str) -> set[str]:
    calls = object_members(message, "tool_calls", where, optional=True)
    for call in calls:
        if call.get("type") == "function":
            function = mapping(call.get("function"))
            text_member(function, "name", f"{where}.tool_calls.function")
            if not isinstance(function.get("arguments"), str):
                raise MalformedError(f"{where}.tool_calls.function.arguments: a text is required")
        elif call.get("type") != "custom":
            raise MalformedError(f"{where}.tool_calls: every call needs a type")
    return {text_member(call, "id", f"{where}.tool_calls") for call in calls}


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools: dict[str, Any] = {}
    for tool in object_members(body, "tools", optional=True):
        if tool.get("type") not in ("function", "custom"):
            raise MalformedError(f"tools.type: {tool.get('type')!r} is not a type of tool")
        if tool["type"] == "function":
            function = mapping(tool.get("function"))
            tools[text_member(function, "name", "tools.function")] = function.get("parameters", {})
    return tools


def _schema(response_format: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if response_format.get("type") == "json_schema":
        return mapping(mapping(response_format.get("json_schema")).get("schema"))
    return {} if response_format.get("type") == "json_object" else None


OPENAI = Format("openai", read, write, error)
