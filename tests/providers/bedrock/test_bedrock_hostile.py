"""Hostile input: any JSON, anywhere, leads to a request, an answer, or one of the documented errors."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from typing import Any

import bedrock_kit as kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmroute.outcome import Failure
from llmroute.providers.base import DecodeError, EncodeError, ReplyError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}}
#: A request with something of everything, to be broken in one place.
RICH: dict[str, Any] = {
    "model": kit.CLAUDE,
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {"ttl": "1h"}}]},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "QUJD"}},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            ],
        },
        {
            "role": "assistant",
            "content": "x",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            "provider_state": {
                "origin": "bedrock",
                "data": {"family": "anthropic", "blocks": [{"block": THOUGHT}, {"text": 1}, {"call": "c"}]},
            },
        },
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}], "is_error": True},
        {"role": "assistant", "content_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]},
    ],
    "tools": [TOOL, {"type": "computer", "computer": {"name": "c1"}}],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "reasoning_effort": "low",
    "output_config": {"effort": "low"},
    "inferenceConfig": {"maxTokens": 5},
    "additional_model_request_fields": {"tools": [], "tool_choice": {}, "output_config": {}},
    "metadata": {"a": "b"},
    "stop": ["x"],
    "max_tokens": 9,
    "temperature": 1,
    "top_k": 1,
    "user": "u",
    "service_tier": "flex",
    "outputConfig": {"effort": "low"},
    "anthropic_beta": ["b"],
}
MODELS = (
    kit.CLAUDE,
    kit.NOVA,
    "us.amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-20b-1:0",
    "x",
    "cohere.command-text-v14",
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member and entry."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += places(each, (*path, key))
    return found


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    copied = copy.deepcopy(value)
    inner = copied
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copied


WRONG = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "\ud800",
    [],
    [None],
    [[]],
    {},
    {"type": 7},
    {"a": {"b": []}},
    10**400,
    float("nan"),
)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", places(RICH), ids=lambda path: ".".join(map(str, path)))
def test_a_request_that_is_wrong_in_one_place(model: str, path: tuple[Any, ...]) -> None:
    """It is sent, with whatever Amazon will say of it, or refused as the caller's; and never modified."""
    for wrong in WRONG:
        params = with_value({**RICH, "model": model}, path, wrong)
        before = repr(params)
        with suppress(EncodeError):
            kit.target().encode(params, None)
        assert before == repr(params)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(RICH)), JSON, st.sampled_from(MODELS))
def test_a_request_with_any_json_in_it(path: tuple[Any, ...], value: Any, model: str) -> None:
    """Whatever it is."""
    with suppress(EncodeError):
        kit.target().encode(with_value({**RICH, "model": model}, path, value), None)


def test_deep_nesting_is_refused() -> None:
    """As the caller's mistake."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for params in (
        {"messages": [{"role": "user", "content": deep}]},
        {"additionalModelRequestFields": {"a": deep}},
    ):
        with pytest.raises(EncodeError):
            kit.target().encode({"model": kit.CLAUDE, "messages": kit.HELLO, **params}, None)


ANSWER = kit.message(
    [
        {"text": "a"},
        THOUGHT,
        {"reasoningContent": {"redactedContent": "cmVk"}},
        {
            "citationsContent": {
                "content": [{"text": "x"}],
                "citations": [{"location": {"web": {"url": "https://e"}}}],
            }
        },
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "s", "name": "g", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "s", "content": [{"text": "x"}]}},
        {"image": {"format": "png", "source": {"bytes": "QUJD"}}},
    ],
    usage={
        "inputTokens": 1,
        "outputTokens": 1,
        "totalTokens": 2,
        "cacheReadInputTokens": 1,
        "cacheDetails": [],
    },
    serviceTier={"type": "flex"},
    trace={"guardrail": {}},
    route={"target": "evil"},
    hook_results={"x": 1},
)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("path", places(ANSWER), ids=lambda path: ".".join(map(str, path)))
def test_an_answer_that_is_wrong_in_one_place(strict: bool, path: tuple[Any, ...]) -> None:
    """A completion, or one of the two errors; members of the router's own never come from outside."""
    for wrong in WRONG:
        try:
            data = json.dumps(with_value(ANSWER, path, wrong)).encode()
        except ValueError:
            continue
        with suppress(DecodeError, ReplyError):
            made = kit.target(strict=strict).decode(kit.reply(data), {"model": kit.CLAUDE})
            assert not {"route", "hook_results"} & made.keys()


EVENTS = kit.events_of(ANSWER)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("path", places(EVENTS), ids=lambda path: ".".join(map(str, path)))
def test_a_stream_that_is_wrong_in_one_place(strict: bool, path: tuple[Any, ...]) -> None:
    """It ends, or it has failed."""
    events = [list(event) for event in EVENTS]
    if path[-1] == 0 and len(path) == 2:
        return  # the event's name
    for wrong in WRONG:
        changed = with_value(events, path, wrong)
        try:
            data = b"".join(
                kit.frame(*event) for event in changed if isinstance(event, list) and len(event) == 2
            )
        except (TypeError, ValueError):
            continue
        chunks, decoder = kit.streamed(data, strict=strict)
        assert decoder.done != (decoder.failure is not None)
        assert all(not {"route", "hook_results"} & chunk.keys() for chunk in chunks)


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_of_damaged_bytes(seed: int) -> None:
    """Checksums find every damage; nothing is raised."""
    chance = random.Random(seed)
    data = bytearray(kit.frames(*EVENTS))
    for _ in range(chance.randint(1, 5)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    _, decoder = kit.streamed(bytes(data), step=chance.randint(1, 99))

    assert isinstance(decoder.failure, Failure)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes(data: bytes, step: int) -> None:
    """As a stream, as an answer, as an error."""
    _, decoder = kit.streamed(data, step=step)
    assert decoder.failure is not None
    with suppress(DecodeError, ReplyError):
        kit.target().decode(kit.reply(data), {"model": kit.CLAUDE})
    assert kit.target().failure(kit.reply(data, 500)).message
