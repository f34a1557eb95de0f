"""Requests and answers of any shape: no exception but the documented ones."""

from __future__ import annotations

import json
from typing import Any

import anthropic_kit as kit
from hypothesis import given
from hypothesis import strategies as st

from llmroute.providers.base import DecodeError, EncodeError, ReplyError

SCALAR = st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.text("ab:,/[{", max_size=4)
WORDS = st.sampled_from(
    [
        "user",
        "assistant",
        "tool",
        "system",
        "function",
        "text",
        "image_url",
        "file",
        "allowed_tools",
        "object",
    ]
)
MEMBERS = [
    "type", "role", "content", "text", "image_url", "url", "file", "file_data", "file_id", "tool_calls", "id",
    "function", "name", "arguments", "tool_call_id", "provider_state", "origin", "data", "content_blocks",
    "cache_control", "function_call", "refusal", "parameters", "strict", "properties", "$defs", "$ref",
    "anyOf", "json_schema", "schema", "additionalProperties", "allowed_tools", "tools", "description",
]  # fmt: skip
VALUE = st.recursive(
    SCALAR | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=8,
)
PARAMS = st.dictionaries(
    st.sampled_from(
        [
            "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format",
            "stop", "system", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens",
            "reasoning_effort", "output_config", "thinking", "metadata", "user", "service_tier", "n",
            "anthropic_beta", "betas", "anthropic_version", "user_profile_id", "logit_bias", "wibble",
        ]
    ),
    VALUE,
    max_size=4,
)  # fmt: skip
MESSAGE = st.builds(
    lambda role, members: {**members, "role": role},
    st.sampled_from(["user", "assistant", "tool", "system", "function"]),
    st.dictionaries(st.sampled_from(MEMBERS), VALUE, max_size=4),
)


@given(st.lists(MESSAGE, max_size=4), PARAMS, st.sampled_from(["drop", "error"]))
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str
) -> None:
    """Either it is refused, or JSON is sent."""
    before = repr((messages, params))
    try:
        wire = kit.request([*kit.HELLO, *messages], settings={"on_unsupported": on_unsupported}, **params)
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
        assert all(value.isprintable() for value in wire.headers.values())
    assert before == repr((messages, params))


@given(
    st.lists(VALUE, max_size=3), st.dictionaries(st.sampled_from(MEMBERS), VALUE, max_size=4), st.booleans()
)
def test_no_answer_raises_anything_but_its_errors(
    content: list[Any], members: dict[str, Any], strict: bool
) -> None:
    """Either it is a completion, or it is refused."""
    body = json.dumps({"content": content, "usage": members, **members}).encode()
    try:
        completion = kit.target(strict=strict).decode(kit.reply(body), {})
    except (DecodeError, ReplyError):
        return
    assert isinstance(completion["choices"][0]["message"]["content"], str)
