"""How an event stream becomes chunks."""

from __future__ import annotations

import json
from typing import Any

import anthropic_kit as kit
import pytest
from anthropic_kit import sse, streamed
from hypothesis import given
from hypothesis import strategies as st

START = {"type": "message_start", "message": kit.message([], stop_reason=None)}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
STOP = {"type": "content_block_stop", "index": 0}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
END = {"type": "message_stop"}


def piece(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


ANSWER = kit.message(
    [
        {"type": "thinking", "thinking": "Der Wal 🐋 …", "signature": "c2ln"},
        {"type": "text", "text": "灯台 says “hi”\r\n\r\ndata: x"},
        {"type": "tool_use", "id": "toolu_1", "name": "tide", "input": {"harbour": "Brest", "n": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "ping", "input": {}},
        {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "q"}},
    ],
    stop_reason="tool_use",
)
WHOLE = sse(*kit.events_of(ANSWER))


@pytest.mark.parametrize("data", [WHOLE, WHOLE.replace(b"\n", b"\r\n"), b": hi\n\n" + WHOLE])
@pytest.mark.parametrize("strict", [True, False])
def test_the_cuts_of_the_network_do_not_matter(data: bytes, strict: bool) -> None:
    """Whole, byte by byte, and with more bytes after the end."""
    chunks, decoder = streamed(data, strict=strict)

    assert (True, None) == (decoder.done, decoder.failure)
    assert chunks == streamed(data, strict=strict, step=1)[0]
    assert chunks == streamed(data + b"data: unfini", strict=strict)[0]
    assert [] == decoder.feed(b"data: {}\n\n") + decoder.close()


def test_a_stream_says_what_the_whole_answer_says() -> None:
    """Message, finish reason and usage are the same."""
    choice = kit.target().decode(kit.reply(ANSWER), {})["choices"][0]
    found = kit.assembled(streamed(WHOLE)[0])

    for call in (*found["message"]["tool_calls"], *choice["message"]["tool_calls"]):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert choice["message"] == found["message"]
    assert ("tool_calls", 5) == (found["finish_reason"], found["usage"]["total_tokens"])


def test_every_chunk_is_told_apart_by_the_message_s_id() -> None:
    """Id, model and provider stand on each; the time is the router's to add."""
    chunks = streamed(WHOLE)[0]

    assert {("msg_1", "claude-sonnet-4-5-20250929", "anthropic")} == {
        (chunk["id"], chunk["model"], chunk["provider"]) for chunk in chunks
    }
    assert not any("created" in chunk for chunk in chunks)


def test_the_last_chunk_has_the_finish_reason_and_the_usage() -> None:
    """Later counts replace earlier ones; members of the message are there too."""
    last = {
        "type": "message_delta",
        "delta": {"stop_reason": "refusal", "stop_details": {"type": "refusal"}, "container": {"id": "c"}},
        "usage": {"output_tokens": 9, "cache_read_input_tokens": 4, "input_tokens": None},
        "context_management": {"applied_edits": []},
    }
    chunk = streamed(sse(START, TEXT, piece("x"), last, END))[0][-1]

    assert "content_filter" == chunk["choices"][0]["finish_reason"]
    assert {"type": "refusal"} == chunk["choices"][0]["stop_details"]
    assert (7, 9) == (chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"])
    assert ({"id": "c"}, {"applied_edits": []}) == (chunk["container"], chunk["context_management"])


def test_citations_are_annotations_at_the_end_of_their_block() -> None:
    """Their place is known only then."""
    citation = {"type": "web_search_result_location", "url": "https://e.org", "title": "E"}
    cited = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": citation},
    }
    found = kit.assembled(streamed(sse(START, TEXT, cited, piece("ab"), STOP, DELTA, END))[0])

    assert [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 0, "end_index": 2, "url": "https://e.org", "title": "E"},
        }
    ] == found["message"]["annotations"]


def test_tool_calls_are_numbered_through_the_stream() -> None:
    """Whatever stands between them, and although server tools have inputs too."""
    positions = [
        call["index"]
        for chunk in streamed(WHOLE)[0]
        for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]

    assert [0, 1] == sorted(set(positions))
    assert positions == sorted(positions)


@pytest.mark.parametrize("reply", [ANSWER, {**ANSWER, "usage": None, "stop_reason": None}])
@pytest.mark.parametrize("strict", [True, False])
def test_a_json_answer_is_replayed_as_chunks(reply: dict[str, Any], strict: bool) -> None:
    """Some proxies do not stream."""
    data = b"\xef\xbb\xbf \n" + json.dumps(reply, indent=1).encode()
    chunks, decoder = streamed(data, strict=strict, step=7)
    choice = kit.target(strict=True).decode(kit.reply(reply), {})["choices"][0]

    assert (True, None) == (decoder.done, decoder.failure)
    assert choice["message"] == kit.assembled(chunks)["message"]


@pytest.mark.parametrize(
    "data",
    [
        sse(START, TEXT, piece("x"), DELTA, END),
        sse(START, TEXT, piece("x"), DELTA),
        sse(START, TEXT, piece("x"), DELTA, END)[:-2],
        sse(START, TEXT, piece("x"), DELTA) + b"data: [DONE]\n\n",
        sse(START, TEXT, piece("x"), END),
        sse(START, piece("x"), DELTA, END),
        sse(TEXT, piece("x"), DELTA, END),
        sse(START, {**TEXT, "content_block": {"type": "text", "text": "x"}}, DELTA, END),
        sse(START, TEXT, {"type": "sparkle"}, {"no": "type"}, piece("x"), {"type": "ping"}, DELTA, END),
        sse(START, TEXT, piece("x"), DELTA, DELTA, END),
        b"event: ping\ndata:\n\n" + sse(START, TEXT, piece("x"), STOP, STOP, DELTA, END),
    ],
)
def test_what_may_vary_without_harm(data: bytes) -> None:
    """Missing events that carry nothing, further ones, a last line without its end."""
    chunks, decoder = streamed(data)
    found = kit.assembled(chunks)

    assert (True, None) == (decoder.done, decoder.failure)
    assert ("x", "stop") == (found["message"]["content"], found["finish_reason"])
    assert 1 == sum(bool(chunk["choices"][0]["finish_reason"]) for chunk in chunks)


ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("data", "kind", "type"),
    [
        (b"", "interrupted", "invalid_response_error"),
        (b"\n\n", "interrupted", "invalid_response_error"),
        (sse(START, TEXT, piece("x")), "interrupted", "invalid_response_error"),
        (sse(START, TEXT, piece("x"), DELTA)[:-40], "interrupted", "invalid_response_error"),
        (sse(START, TEXT, piece("x")) + b"data: [DONE]\n\n", "interrupted", "invalid_response_error"),
        (sse(START, TEXT, ERROR, piece("x"), DELTA, END), "status", "overloaded_error"),
        (
            sse(START, {"error": {"type": "overloaded_error", "message": "Busy"}}),
            "status",
            "overloaded_error",
        ),
        (json.dumps(ERROR).encode(), "status", "overloaded_error"),
        (sse(START) + json.dumps(ERROR).encode() + b"\n\n", "status", "overloaded_error"),
        (sse(START) + b"data: {broken\n\n" + sse(DELTA, END), "parse", "invalid_response_error"),
        (sse(START) + b"data: \xff\n\n", "parse", "invalid_response_error"),
        (sse(START, 5, DELTA, END), "parse", "invalid_response_error"),
        (sse(START, [], DELTA, END), "parse", "invalid_response_error"),
        (sse({"type": "message_start"}), "parse", "invalid_response_error"),
        (sse(START, {"type": ["ping"]}), "parse", "invalid_response_error"),
        (sse(START, {"type": "content_block_start", "index": 0}), "parse", "invalid_response_error"),
        (sse(START, {**TEXT, "index": "0"}), "parse", "invalid_response_error"),
        (sse(START, {**TEXT, "content_block": {"type": "tool_use"}}), "parse", "invalid_response_error"),
        (sse(START, TEXT, piece(5)), "parse", "invalid_response_error"),  # type: ignore[arg-type]
        (sse(START, TEXT, {**piece("x"), "delta": "x"}), "parse", "invalid_response_error"),
        (sse(START, {**piece("x"), "delta": {"type": "other"}}), "parse", "invalid_response_error"),
        (sse(START, {"type": "message_delta"}), "parse", "invalid_response_error"),
        (sse(START, *[{**TEXT, "index": 0}] * 1025), "parse", "invalid_response_error"),
        (b'{"content": [', "parse", "invalid_response_error"),
        (b"[1]", "parse", "invalid_response_error"),
        (b'{"content": [{"type": "tool_use"}]}', "parse", "invalid_response_error"),
        (b"<html>\n\n", "interrupted", "invalid_response_error"),
    ],
)
def test_a_stream_that_fails_says_how(data: bytes, kind: str, type: str) -> None:
    """What was complete before comes first; nothing after the fault is read."""
    for step in (None, 1):
        chunks, decoder = streamed(data, step=step)

        assert decoder.failure is not None
        assert (kind, type) == (decoder.failure.kind, decoder.failure.type)
        assert decoder.failure.message.startswith("anthropic error: ")
        assert not any(chunk["choices"][0]["finish_reason"] for chunk in chunks)
        assert [] == decoder.feed(sse(piece("late"))) + decoder.close()


def test_an_error_keeps_its_text_and_request_id() -> None:
    failure = streamed(sse(START, ERROR))[1].failure

    assert ("anthropic error: Busy", "req_1") == (failure.message, failure.body["request_id"])


def test_an_endless_event_is_refused() -> None:
    """More than 16 MiB without a blank line."""
    decoder = kit.target().decoder({})
    line = b"data: " + b"x" * 2**20
    for _ in range(18):
        decoder.feed(line)

    assert decoder.failure is not None
    assert "too_large" == decoder.failure.kind


def test_an_endless_json_answer_is_refused() -> None:
    """More than 64 MiB; what was kept is let go."""
    decoder = kit.target().decoder({})
    decoder.feed(b"{")
    for _ in range(65):
        decoder.feed(b" " * 2**20)

    assert decoder.failure is not None
    assert "too_large" == decoder.failure.kind


def test_broken_input_of_a_server_tool_is_kept() -> None:
    """In the way the API documents for sending it back."""
    tool = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    broken = {"type": "input_json_delta", "partial_json": '{"q'}
    events = [
        START,
        {**TEXT, "content_block": tool},
        {"type": "content_block_delta", "index": 0, "delta": broken},
        DELTA,
    ]
    state = kit.assembled(streamed(sse(*events, END))[0])["message"]["provider_state"]

    assert [{**tool, "input": {"INVALID_JSON": '{"q'}}] == state["data"]


JSON = st.none() | st.booleans() | st.integers(-1, 3) | st.text("ab", max_size=3) | st.just([]) | st.just({})
MEMBERS = [
    "index",
    "content_block",
    "delta",
    "message",
    "usage",
    "error",
    "stop_reason",
    "type",
    "text",
    "input",
]
KINDS = [
    "text",
    "text_delta",
    "tool_use",
    "thinking",
    "thinking_delta",
    "input_json_delta",
    "citations_delta",
]
OBJECTS = st.dictionaries(st.sampled_from(MEMBERS), JSON | st.sampled_from(KINDS), max_size=4)
NAMES = [
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "error",
    "message_delta",
    "message_start",
    "message_stop",
]
EVENTS = st.builds(
    lambda kind, members: {**members, "type": kind},
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(MEMBERS), OBJECTS | JSON, max_size=4),
)


@given(st.lists(EVENTS, max_size=6), st.binary(max_size=20), st.booleans())
def test_no_stream_raises(events: list[Any], tail: bytes, strict: bool) -> None:
    """Whatever comes, the decoder ends with chunks, a failure, or both."""
    chunks, decoder = streamed(sse(START, TEXT, *events) + tail, strict=strict)

    assert decoder.done or decoder.failure is not None
    assert all(chunk["choices"][0]["index"] == 0 for chunk in chunks)


@given(st.lists(OBJECTS | JSON, max_size=4), st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3))
def test_no_json_answer_raises(content: list[Any], members: dict[str, Any]) -> None:
    """The same for a whole answer in place of the stream."""
    _, decoder = streamed(json.dumps({"content": content, **members}).encode())

    assert decoder.done or decoder.failure is not None
