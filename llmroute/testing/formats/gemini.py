"""Gemini's generateContent: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...wire.json import text_of
from ..native import gemini_completion, gemini_error, gemini_stream
from ..replies import Reply, reply
from .base import Answer, Format, MalformedError, Question, mapping, object_members, text_member, words_in


def read(body: Mapping[str, Any]) -> Question:
    """The question in a request body; model and streaming stand in the URL. Raises MalformedError."""
    instruction = body.get("systemInstruction")
    if instruction is not None:
        _parts(mapping(instruction), "systemInstruction")
    contents = object_members(body, "contents")
    asked, results = _conversation(contents)
    return Question(
        model="",
        text=asked,
        results=tuple(results),
        tools=_tools(body),
        schema=_schema(mapping(body.get("generationConfig"))),
        words=words_in([instruction, contents]),
    )


def write(question: Question, answer: Answer, gap: float) -> Reply:
    usage = {
        "promptTokenCount": question.words,
        "candidatesTokenCount": answer.words,
        "totalTokenCount": question.words + answer.words,
    }
    whole = gemini_completion(answer.text, model=question.model, tool_calls=answer.calls, usage=usage)
    if not question.streaming:
        return whole
    if not question.sse:
        return reply(json=[whole.json])
    return gemini_stream(answer.text, model=question.model, tool_calls=answer.calls, usage=usage, gap=gap)


def _conversation(contents: Any) -> tuple[str, list[str]]:
    """The last user text, and the tool results in the last content."""
    asked = ""
    results: list[str] = []
    calls = 0
    for at, content in enumerate(contents):
        where = f"contents[{at}]"
        role = content.get("role", "user")
        if role not in ("user", "model", "function"):
            raise MalformedError(f"{where}.role: {role!r} is neither 'user' nor 'model'")
        parts = _parts(content, where)
        answers = [mapping(part["functionResponse"]) for part in parts if "functionResponse" in part]
        if len(answers) != calls:
            raise MalformedError(f"{where}: {len(answers)} function responses to {calls} calls")
        results = [_result(answer, where) for answer in answers]
        text = " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))
        asked = text if role == "user" else asked
        calls = sum("functionCall" in part for part in parts)
    if calls:
        raise MalformedError(f"contents: 0 function responses to {calls} calls")
    return asked, results


def _parts(content: Mapping[str, Any], where: str) -> Sequence[Mapping[str, Any]]:
    parts = object_members(content, "parts", where)
    if not all(parts):
        raise MalformedError(f"{where}.parts: a part must not be empty")
    return parts


def _result(answer: Mapping[str, Any], where: str) -> str:
    text_member(answer, "name", f"{where}.functionResponse")
    if not isinstance(answer.get("response"), Mapping):
        raise MalformedError(f"{where}.functionResponse.response: an object is required")
    return text_of(answer["response"])


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools: dict[str, Any] = {}
    for tool in object_members(body, "tools", optional=True):
        for declared in object_members(tool, "functionDeclarations", "tools", optional=True):
            schema = declared.get("parametersJsonSchema") or declared.get("parameters", {})
            tools[text_member(declared, "name", "tools.functionDeclarations")] = schema
    return tools


def _schema(settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if settings.get("responseMimeType") != "application/json":
        return None
    return mapping(settings.get("responseJsonSchema") or settings.get("responseSchema"))


GEMINI = Format("gemini", read, write, gemini_error, key_header="x-goog-api-key", bad_key=400)
