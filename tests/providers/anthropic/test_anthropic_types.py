"""What is sent fits Anthropic's own types, what is returned fits OpenAI's."""

from __future__ import annotations

import collections.abc
import types
import typing
from typing import Any

import anthropic_kit as kit
import pytest
import typing_extensions
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk

CASES = kit.cases("anthropic") + kit.cases("anthropic_own")
#: Parameters of API version 2023-06-01 that are no longer in the types, which are of 2026-10-21.
OLDER = {"temperature", "top_p", "top_k"}


def problems(value: Any, hint: Any, path: str = "$") -> list[str]:
    """Where `value`, made of JSON, is not of the type `hint`. Members unknown to a TypedDict count."""
    origin, args = typing_extensions.get_origin(hint), typing_extensions.get_args(hint)
    if hint in (Any, object):
        return []
    if origin in (typing_extensions.Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        return problems(value, args[0], path)
    if typing_extensions.is_typeddict(hint):
        return _object_problems(value, hint, path)
    if origin in (typing.Union, types.UnionType):
        found = [problems(value, each, path) for each in args]
        return [] if [] in found else min(found, key=len)
    if origin is typing_extensions.Literal:
        return [] if value in args else [f"{path}: {value!r} is none of {args}"]
    if origin is dict:
        pairs = value.items() if isinstance(value, dict) else [(None, None)]
        return [each for name, item in pairs for each in problems(item, args[1], f"{path}.{name}")]
    if (isinstance(origin, type) and issubclass(origin, collections.abc.Iterable)) or args:
        if not isinstance(value, list):
            return [f"{path}: no list but {value!r}"]
        return [each for i, item in enumerate(value) for each in problems(item, args[0], f"{path}[{i}]")]
    kind = type(None) if hint is None else hint
    return [] if isinstance(kind, type) and isinstance(value, kind) else [f"{path}: {value!r} is no {hint}"]


def _object_problems(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: no object but {value!r}"]
    members = typing_extensions.get_type_hints(hint, include_extras=True)
    found = [f"{path}.{name}: missing" for name in hint.__required_keys__ if name not in value]
    for name, item in value.items():
        if name in members:
            found += problems(item, members[name], f"{path}.{name}")
        elif getattr(hint, "__pydantic_config__", {}).get("extra") != "allow":
            found.append(f"{path}.{name}: unknown")
    return found


def request_problems(body: dict[str, Any]) -> list[str]:
    hint = MessageCreateParamsStreaming if body.get("stream") else MessageCreateParamsNonStreaming
    return problems({name: value for name, value in body.items() if name not in OLDER}, hint)


def test_the_checker_finds_what_is_wrong() -> None:
    """Else the tests below would say nothing."""
    good = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": ""}}

    assert [] == request_problems(good)
    assert request_problems({**good, "wibble": 1})
    assert request_problems({**good, "max_tokens": "5"})
    assert request_problems({**good, "messages": [{"role": "user", "content": [image]}]})
    assert request_problems({**good, "tool_choice": {"type": "auto", "name": "x"}})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_request_fits_anthropic_s_types(case: dict[str, Any]) -> None:
    """No member is misspelt, misplaced or of another type."""
    call = kit.run(case).call

    assert call is None or [] == request_problems(call["json"])


FILE = {"type": "file", "file": {"file_data": "aGk=", "filename": "a.txt"}, "citations": {"enabled": True}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
FUNCTION = {
    "name": "f",
    "strict": True,
    "parameters": {"type": "object", "properties": {"x": {"minimum": 1}}},
}
SCHEMA = {"name": "n", "schema": {"type": "object", "properties": {"x": {"type": "string", "maxLength": 3}}}}
RICH: dict[str, Any] = {
    "messages": [
        {
            "role": "developer",
            "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        },
        {"role": "user", "content": [FILE, IMAGE, {"type": "file", "file": {"file_id": "file_1"}}]},
        {
            "role": "assistant",
            "content": "Look.",
            "tool_calls": [
                {"id": "a.b", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
                {"id": "c", "type": "custom", "custom": {"name": "g", "input": "ls"}},
            ],
            "provider_state": {
                "origin": "anthropic",
                "data": [
                    {"type": "thinking", "thinking": "h", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                    {"type": "tool_use", "id": "c", "caller": {"type": "direct"}},
                ],
            },
        },
        {"role": "tool", "tool_call_id": "a.b", "content": [IMAGE, {"type": "text", "text": "t"}]},
        {"role": "tool", "tool_call_id": "c", "content": "no", "is_error": True},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "function": FUNCTION, "defer_loading": True}],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "stop": "END",
    "user": "u",
    "service_tier": "default",
    "response_format": {"type": "json_schema", "json_schema": SCHEMA},
    "container": {"skills": []},
    "cache_control": {"type": "ephemeral", "ttl": "1h"},
}


@pytest.mark.parametrize(
    "model", ["claude-haiku-4-5", "claude-opus-4-5", "claude-opus-4-6", "claude-opus-5-5"]
)
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_a_request_with_everything_fits_anthropic_s_types(model: str, effort: str, choice: str) -> None:
    """For each generation of models and each level of effort."""
    body = kit.encoded(**{**RICH, "model": model, "reasoning_effort": effort, "tool_choice": choice})

    assert [] == request_problems(body)


RICH_ANSWER = kit.message(
    [
        {"type": "thinking", "thinking": "h", "signature": "s"},
        {"type": "text", "text": "a", "citations": [{"url": "https://e.org", "title": None}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
    ],
    stop_reason="pause_turn",
    container={"id": "c", "expires_at": "2026-01-01T00:00:00Z"},
    usage={
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 1},
        "service_tier": "priority",
    },
)


def test_a_rich_answer_fits_openai_s_types() -> None:
    """As a whole and as a stream."""
    completion = kit.target().decode(kit.reply(RICH_ANSWER), {})
    chunks = kit.streamed(kit.sse(*kit.events_of(RICH_ANSWER)))[0]

    ChatCompletion.model_validate({**completion, "created": 1}, strict=True)
    for chunk in chunks:
        ChatCompletionChunk.model_validate({**chunk, "created": 1}, strict=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_strict_answer_fits_openai_s_types(case: dict[str, Any]) -> None:
    """The reply of each case, read with strict compliance."""
    headers = {**case["request"]["headers"], "x-portkey-strict-open-ai-compliance": "true"}
    headers["x-portkey-config"] = headers.get("x-portkey-config", "{}").replace("false", "true")
    done = kit.run({**case, "request": {**case["request"], "headers": headers}})

    if done.chunks is not None:
        for chunk in done.chunks:
            ChatCompletionChunk.model_validate({**chunk, "created": 1}, strict=True)
    elif done.status < 300:
        ChatCompletion.model_validate({**done.body, "created": 1}, strict=True)
