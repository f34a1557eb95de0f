"""Reka: the OpenAI-compatible API of today, and the one before it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, Kit

from llmroute.providers.base import DecodeError, EncodeError, ReplyError

FLASH = Kit("reka-ai", "reka-flash-3")
CORE = Kit("reka-ai", "reka-core")


def test_it_goes_to_the_chat_completions() -> None:
    """With everything that the caller gives and the key as a bearer token."""
    wire = FLASH.request(max_completion_tokens=5, wibble=1)

    assert "https://api.reka.ai/v1/chat/completions" == str(wire.url)
    assert "Bearer sk-test" == wire.headers["Authorization"]
    assert {"model": "reka-flash-3", "messages": HELLO, "max_tokens": 5, "wibble": 1} == json.loads(wire.body)


def test_the_former_api_is_spoken_for_its_model() -> None:
    """In its own words."""
    messages = [*HELLO, {"role": "assistant", "content": "Ho"}, *HELLO]
    wire = CORE.request(messages, top_p=0.5, seed=4, stop="END", max_tokens=5, max_completion_tokens=7, n=2)

    assert ("https://api.reka.ai/chat", "sk-test") == (str(wire.url), wire.headers["x-api-key"])
    assert {
        "model_name": "reka-core",
        "conversation_history": [
            {"type": "human", "text": "Hi"},
            {"type": "model", "text": "Ho"},
            {"type": "human", "text": "Hi"},
        ],
        "runtime_top_p": 0.5,
        "random_seed": 4,
        "stop_words": ["END"],
        "request_output_len": 7,
    } == json.loads(wire.body)
    assert ["n"] == kit.told(wire.warnings)


@pytest.mark.parametrize(
    "beyond",
    [
        {"tools": [{"type": "function", "function": {"name": "x"}}]},
        {"stream": True},
        {"messages": [*HELLO, *HELLO]},
        {"messages": [{"role": "system", "content": "s"}, *HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
    ],
)
def test_what_the_former_api_could_not_do_goes_to_the_current_one(beyond: dict[str, Any]) -> None:
    """The service then says what became of the model."""
    assert "/v1/chat/completions" == CORE.request(**beyond).url.path


FORMER = {
    "type": "model",
    "text": "A",
    "finish_reason": "length",
    "metadata": {"input_tokens": 9, "generated_tokens": 4},
}
BETWEEN = {
    "id": "i",
    "model": "reka-flash",
    "responses": [{"finish_reason": "context", "message": {"role": "assistant", "content": "A"}}],
    "usage": {"input_tokens": 9, "output_tokens": 4},
}


@pytest.mark.parametrize("body", [FORMER, BETWEEN])
def test_former_answers_are_completions(body: dict[str, Any]) -> None:
    """Of both APIs before today's; asked to stream, an answer becomes a stream."""
    found = FLASH.decoded(body)
    chunks, decoder = FLASH.streamed(json.dumps(body).encode())

    assert ("A", "length") == (
        found["choices"][0]["message"]["content"],
        found["choices"][0]["finish_reason"],
    )
    assert {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13} == found["usage"]
    assert (None, "A") == (decoder.failure, kit.assembled(chunks)["message"]["content"])


@given(given_by.conversations())
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else."""
    assert given_by.said_in(messages) == given_by.said_in(FLASH.encoded(messages)["messages"])


@given(
    st.lists(given_by.MESSAGE, max_size=4),
    given_by.PARAMS,
    st.sampled_from(["drop", "error"]),
    st.sampled_from([FLASH, CORE]),
)
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str, model: Kit
) -> None:
    """Either it is refused, or JSON is sent; what was given is not modified."""
    before = repr((messages, params))
    try:
        wire = model.request([*HELLO, *messages], settings={"on_unsupported": on_unsupported}, **params)
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
    assert before == repr((messages, params))


@given(given_by.OBJECT | given_by.VALUE, st.booleans())
def test_no_answer_raises_anything_but_its_errors(body: Any, streamed: bool) -> None:
    """Either it is a completion, or it is refused."""
    data = json.dumps(body).encode()
    if streamed:
        FLASH.streamed(data)
    else:
        with contextlib.suppress(DecodeError, ReplyError):
            FLASH.decoded(data)
