"""How answers become completions and chunks, and what of them goes back."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import pytest
from native_kit import HELLO, Kit, sse

MISTRAL = Kit("mistral-ai", "magistral-medium-latest")
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def thought(text: str, **members: Any) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **members}


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


CALLS = [
    {"id": "D681PevKs", "function": {"name": "tide", "arguments": '{"at":"Brest"}'}, "index": 0},
    {"id": "E781PevKs", "function": {"name": "tide", "arguments": {"at": "Cork"}}, "index": 1},
]
REFERENCE = {"type": "reference", "reference_ids": [0, 2]}


def answer(content: Any, reason: str = "stop", **members: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **members}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    base = {"id": "cmpl-1", "object": "chat.completion", "created": 1763880000, "model": "m-1"}
    return {**base, "choices": [choice], "usage": USAGE}


def chunk(delta: dict[str, Any], reason: str | None = None, **members: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    base = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1763880000, "model": "m-1"}
    return {**base, "choices": [choice], **members}


CONTENTS = [
    [thought("Der Wal 🐋"), said("灯台")],
    [thought("h", signature="sig", closed=True), said("a")],
    [said("As told "), REFERENCE, said(" here.")],
    [{"type": "thinking", "thinking": [said("a"), REFERENCE]}, said("b")],
]


@pytest.mark.parametrize("content", CONTENTS)
def test_an_answer_goes_back_as_it_came(content: list[dict[str, Any]]) -> None:
    """Chunks in their order, signatures included."""
    message = json.loads(json.dumps(MISTRAL.message(answer(content))))

    assert content == MISTRAL.encoded([*HELLO, message, *HELLO])["messages"][1]["content"]
    assert (
        content
        == MISTRAL.encoded([*HELLO, message], settings={"base_url": "http://h"})["messages"][1]["content"]
    )


def test_content_is_one_text_and_thinking_is_reasoning() -> None:
    """Also where thinking comes as bare text."""
    message = MISTRAL.message(
        answer([{"type": "thinking", "thinking": "hm"}, said("a"), REFERENCE, said("b")])
    )

    assert ("ab", "hm") == (message["content"], message["reasoning_content"])


def test_changed_text_stands_after_the_thinking() -> None:
    """Whole, where the first text was."""
    message = MISTRAL.message(answer([thought("h"), said("a"), REFERENCE, said("b")]))
    sent = MISTRAL.encoded([*HELLO, {**message, "content": "Other"}, *HELLO])["messages"][1]["content"]

    assert [thought("h"), said("Other"), REFERENCE] == sent


def test_a_damaged_state_is_refused() -> None:
    """It is the caller's to keep as it was given."""
    state = {"origin": "mistral", "data": [5]}

    error = MISTRAL.refusal([*HELLO, {"role": "assistant", "content": "x", "provider_state": state}])
    assert "messages[1].provider_state" == error.param


def test_calls_are_openai_s() -> None:
    """With a type, without an index, with arguments as text and an id of their own."""
    nameless = [{**call, "id": "null"} for call in CALLS]
    calls = MISTRAL.message(answer("", "tool_calls", tool_calls=nameless))["tool_calls"]

    assert ["function", "function"] == [call["type"] for call in calls]
    assert ['{"at":"Brest"}', '{"at":"Cork"}'] == [call["function"]["arguments"] for call in calls]
    assert 2 == len({call["id"] for call in calls} - {"null"})
    assert not any("index" in call for call in calls)


def test_a_failed_generation_is_a_failure() -> None:
    """As a whole and in a stream."""
    assert "error" == MISTRAL.failed(answer("x", "error")).type
    chunks, decoder = MISTRAL.streamed(sse(chunk({"content": "x"}), chunk({}, "error")))
    assert (1, "error") == (len(chunks), decoder.failure and decoder.failure.type)


def test_model_length_is_length() -> None:
    """With the native reason beside it, for strict callers only."""
    choice = MISTRAL.decoded(answer("x", "model_length"))["choices"][0]

    assert ("length", "model_length") == (choice["finish_reason"], choice["native_finish_reason"])
    loose = MISTRAL.decoded(answer("x", "model_length"), strict=False)["choices"][0]
    assert "model_length" == loose["finish_reason"]


def test_usage_has_openai_s_names() -> None:
    """For cached tokens and for the tier that served the request."""
    body = {**answer("x"), "usage": {**USAGE, "num_cached_tokens": 4, "service_tier": "priority"}}
    found = MISTRAL.decoded(body)

    assert ({"cached_tokens": 4}, "priority") == (
        found["usage"]["prompt_tokens_details"],
        found["service_tier"],
    )


def test_the_last_of_several_messages_is_the_answer() -> None:
    """Connectors leave a list of them, which is kept."""
    body = answer("")
    choice = body["choices"][0]
    choice["messages"] = [{"role": "tool", "content": "4"}, {"role": "assistant", "content": "It is 4."}]
    del choice["message"]
    found = MISTRAL.decoded(body)["choices"][0]

    assert ("It is 4.", 2) == (found["message"]["content"], len(found["messages"]))


# -- streams -----------------------------------------------------------------

STREAM = sse(
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": [thought("Der ")]}),
    chunk({"content": [thought("Wal 🐋")]}),
    chunk({"content": [{"type": "thinking", "thinking": [], "signature": "sig", "closed": True}]}),
    chunk({"content": "灯"}),
    chunk({"content": [said("台"), REFERENCE]}),
    chunk({"tool_calls": CALLS}),
    chunk({"content": ""}, "tool_calls", usage={**USAGE, "num_cached_tokens": 4}),
    b"[DONE]",
)


def test_a_stream_says_what_the_whole_answer_says() -> None:
    """Whatever the cuts of the network; neighbouring pieces of thinking are one."""
    content = [thought("Der Wal 🐋", signature="sig", closed=True), said("灯台"), REFERENCE]
    whole = MISTRAL.message(answer(content, "tool_calls", tool_calls=CALLS))
    found = kit.assembled(MISTRAL.check_stream(STREAM))

    assert whole == found["message"]
    assert ("tool_calls", {"cached_tokens": 4}) == (
        found["finish_reason"],
        found["usage"]["prompt_tokens_details"],
    )


def test_a_chunk_without_choices_is_no_end() -> None:
    """It brings the usage."""
    data = sse(chunk({"content": "x"}, "stop"), {**chunk({}), "choices": [], "usage": USAGE}, b"[DONE]")

    assert USAGE == kit.assembled(MISTRAL.check_stream(data))["usage"]


def test_calls_with_one_native_index_are_told_apart_by_their_ids() -> None:
    """In one chunk or in several, whole or in pieces."""
    first, second = ({**call, "index": 0, "function": {"name": "tide", "arguments": "{"}} for call in CALLS)
    rest = {"index": 0, "function": {"arguments": "}"}}
    data = sse(
        chunk({"tool_calls": [first]}),
        chunk({"tool_calls": [{**rest, "id": "null"}]}),
        chunk({"tool_calls": [second]}),
        chunk({"tool_calls": [rest]}, "tool_calls"),
        b"[DONE]",
    )
    calls = kit.assembled(MISTRAL.check_stream(data))["message"]["tool_calls"]

    assert [("D681PevKs", "{}"), ("E781PevKs", "{}")] == [
        (call["id"], call["function"]["arguments"]) for call in calls
    ]


BROKEN: list[tuple[bytes, str]] = [
    (sse(chunk({"content": "x"})), "interrupted"),
    (sse(chunk({"tool_calls": "x"})), "parse"),
    (sse(chunk({"tool_calls": [{"function": {"arguments": "x"}}]})), "parse"),
    (sse(chunk({"tool_calls": [5]})), "parse"),
    (sse({**chunk({}), "choices": [{"index": 5000, "delta": {"content": "x"}}]}), "parse"),
    (sse({"object": "error", "message": "boom", "type": "internal", "code": "1"}), "status"),
]


@pytest.mark.parametrize(("data", "kind"), BROKEN)
def test_a_broken_stream_is_a_failure(data: bytes, kind: str) -> None:
    """Of the kind that says what happened."""
    _, decoder = MISTRAL.streamed(data)

    assert decoder.failure is not None
    assert kind == decoder.failure.kind


def test_an_answer_in_one_piece_becomes_a_stream() -> None:
    """For a request that asked for one."""
    body = answer(CONTENTS[1], "tool_calls", tool_calls=CALLS)
    chunks, decoder = MISTRAL.streamed(json.dumps(body).encode(), step=7)

    assert decoder.failure is None
    assert MISTRAL.message(body) == kit.assembled(chunks)["message"]


ERRORS = [
    (
        400,
        "Prompt contains 40001 tokens, too large for model with 32768 maximum context length",
        "context_window",
    ),
    (400, "Tool call id was call_x but must be a-z, A-Z, 0-9, with a length of 9.", None),
    (422, {"detail": [{"loc": ["body", "n"], "msg": "Input should be an integer"}]}, None),
]


@pytest.mark.parametrize(("status", "message", "reason"), ERRORS)
def test_errors_say_what_mistral_says(status: int, message: Any, reason: str | None) -> None:
    """A prompt that is too long is told apart."""
    body = {"object": "error", "message": message, "type": "invalid_request_error", "code": "3051"}
    failure = MISTRAL.failed(body, status)

    assert (reason, "invalid_request_error", "3051") == (failure.reason, failure.type, failure.code)
    assert failure.message.startswith("mistral-ai error: ")
