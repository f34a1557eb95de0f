"""Cohere's and OpenAI's own types, random conversations and rubbish as judges."""

from __future__ import annotations

import json
import typing
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from cohere.types import (
    AssistantChatMessageV2,
    SystemChatMessageV2,
    ToolChatMessageV2,
    ToolV2,
    UserChatMessageV2,
)
from cohere.v2.client import V2Client
from cohere.v2.types import V2ChatResponse
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, Kit, sse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from test_cohere_answers import ANSWERS, events_of

from llmroute.providers.base import DecodeError, EncodeError, ReplyError

COHERE = Kit("cohere", "command-a-03-2025")
ROLES = {
    "assistant": AssistantChatMessageV2,
    "system": SystemChatMessageV2,
    "tool": ToolChatMessageV2,
    "user": UserChatMessageV2,
}
PARAMS = typing.get_type_hints(V2Client.chat, include_extras=True)


def request_problems(body: dict[str, Any]) -> list[str]:
    """Where a request is not what Cohere's own client would send. Undocumented files are left out."""
    found = []
    for name, value in body.items():
        if name == "messages":
            for i, message in enumerate(value):
                found += kit.type_problems(message, ROLES[message["role"]], f"$.messages[{i}]")
        elif name == "tools":
            found += kit.type_problems(value, list[ToolV2], "$.tools")
        elif name != "stream":
            found += kit.type_problems(value, PARAMS.get(name, None), f"$.{name}")
    return found


def test_the_checker_finds_what_is_wrong() -> None:
    """Else the tests below would say nothing."""
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}], "k": 3}

    assert [] == request_problems(good)
    assert request_problems({**good, "wibble": 1})
    assert request_problems({**good, "k": "3"})
    assert request_problems({**good, "messages": [{"role": "user", "content": [{"type": "wibble"}]}]})
    assert request_problems({**good, "messages": [{"role": "tool", "content": "x"}]})
    assert request_problems({**good, "messages": [{"role": "user", "name": "x", "content": "x"}]})


@pytest.mark.parametrize("case", kit.cases("cohere") + kit.cases("cohere_own"), ids=kit.by_id)
def test_every_request_fits_cohere_s_types(case: dict[str, Any]) -> None:
    """No member is misspelt, misplaced or of another type."""
    call = kit.run(case).call

    if call is not None and '"file"' not in json.dumps(call["json"]):
        assert [] == request_problems(call["json"])


RICH: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "s"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            ],
        },
        COHERE.message(ANSWERS[-1]),
        {"role": "tool", "tool_call_id": "tide_1", "content": [{"type": "text", "text": "4"}]},
        {"role": "tool", "tool_call_id": "tide_2", "content": "5"},
        COHERE.message(ANSWERS[3]),
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "function": {"name": "tide", "strict": True}}],
    "tool_choice": "required",
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "thinking": {"type": "enabled", "budget_tokens": 5},
    "stop": "END",
    "top_k": 4,
    "top_p": 0.5,
    "seed": 3,
    "logprobs": True,
    "documents": ["d", {"data": {"x": 1}}],
    "citation_options": {"mode": "FAST"},
}


def test_a_request_with_everything_fits_cohere_s_types() -> None:
    """Thinking, plans and citations that go back included."""
    assert [] == request_problems(COHERE.encoded(**RICH))


@pytest.mark.parametrize("body", ANSWERS)
def test_answers_of_the_tests_are_cohere_s_and_become_openai_s(body: dict[str, Any]) -> None:
    """As a whole and as a stream."""
    assert [] == kit.type_problems(body, V2ChatResponse)
    ChatCompletion.model_validate({**COHERE.decoded(body), "created": 1}, strict=True)
    for chunk in COHERE.streamed(sse(*events_of(body)))[0]:
        ChatCompletionChunk.model_validate({**chunk, "created": 1}, strict=True)


# -- properties --------------------------------------------------------------


@given(given_by.conversations())
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else; in Cohere's types."""
    body = COHERE.encoded(messages)

    assert given_by.said_in(messages) == given_by.said_in(body["messages"])
    assert [] == request_problems(body)


BLOCK = given_by.TEXT.flatmap(
    lambda text: st.sampled_from([{"type": "text", "text": text}, {"type": "thinking", "thinking": text}])
)
CALL = st.builds(
    lambda name, value: {"type": "function", "function": {"name": name, "arguments": json.dumps(value)}},
    given_by.NAME,
    given_by.INPUT,
)
MESSAGES = st.builds(
    lambda content, calls, plan: {
        "role": "assistant",
        **({"content": content} if content else {}),
        **({"tool_calls": [{"id": f"c{i}", **call} for i, call in enumerate(calls)]} if calls else {}),
        **({"tool_plan": plan} if plan and calls else {}),
    },
    st.lists(BLOCK, max_size=4),
    st.lists(CALL, max_size=3),
    st.none() | given_by.TEXT,
)


def answered(message: dict[str, Any]) -> dict[str, Any]:
    return {"id": "i", "finish_reason": "COMPLETE", "message": message, "usage": {}}


@given(MESSAGES)
def test_an_answer_goes_back_as_it_came(message: dict[str, Any]) -> None:
    """Its blocks in their order where any is more than text; else its text in one piece."""
    ours = COHERE.message(answered(message))
    sent = COHERE.encoded([*HELLO, json.loads(json.dumps(ours))])["messages"][1]

    content = message.get("content", [])
    if all(block["type"] == "text" for block in content):
        text = "".join(block["text"] for block in content)
        assert text == "".join(part for _, part in given_by.parts_in(sent.pop("content", [])))
        message = {name: value for name, value in message.items() if name != "content"}
    assert message == sent


@given(MESSAGES, st.integers(1, 9), st.integers(1, 60))
def test_a_stream_says_what_the_whole_answer_says(message: dict[str, Any], piece: int, cut: int) -> None:
    """Joined, its chunks are the message, whatever the pieces of the model and of the network."""
    body = answered(message)
    chunks, decoder = COHERE.streamed(sse(*events_of(body, piece)), step=cut)

    assert (True, None) == (decoder.done, decoder.failure)
    assert COHERE.message(body) == kit.assembled(chunks)["message"]


@given(st.lists(given_by.MESSAGE, max_size=4), given_by.PARAMS, st.sampled_from(["drop", "error"]))
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str
) -> None:
    """Either it is refused, or JSON is sent; what was given is not modified."""
    before = repr((messages, params))
    try:
        wire = COHERE.request([*HELLO, *messages], settings={"on_unsupported": on_unsupported}, **params)
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
    assert before == repr((messages, params))


@given(given_by.OBJECT | given_by.VALUE, given_by.OBJECT, st.booleans())
def test_no_answer_raises_anything_but_its_errors(body: Any, message: Any, strict: bool) -> None:
    """Either it is a completion, or it is refused."""
    whole = {**body, "message": message} if isinstance(body, dict) else body
    try:
        completion = COHERE.decoded(json.dumps(whole).encode(), strict=strict)
    except (DecodeError, ReplyError):
        return
    assert isinstance(completion["choices"][0]["message"]["content"], str)


KINDS = st.sampled_from([event["type"] for event in events_of(ANSWERS[-1])])
EVENT = st.builds(
    lambda kind, index, message: {"type": kind, "index": index, "delta": {"message": message}},
    KINDS,
    st.integers(-1, 2),
    st.fixed_dictionaries(
        {},
        optional={"content": given_by.VALUE, "tool_calls": given_by.VALUE, "citations": given_by.VALUE},
    ),
)


@given(st.lists(EVENT | given_by.OBJECT, max_size=6), st.integers(1, 40))
def test_no_stream_raises(events: list[Any], cut: int) -> None:
    """It ends, or it fails."""
    _, decoder = COHERE.streamed(sse(*events), step=cut)

    assert decoder.done is (decoder.failure is None)
