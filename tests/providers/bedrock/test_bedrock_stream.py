"""Streams: events to chunks, whole and in pieces, and every way in which they can break."""

from __future__ import annotations

from typing import Any

import bedrock_kit as kit
import pytest

START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})
USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
END = ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}})


def delta(index: int, **content: Any) -> tuple[str, Any]:
    return ("contentBlockDelta", {"contentBlockIndex": index, "delta": content})


def start(index: int, **content: Any) -> tuple[str, Any]:
    return ("contentBlockStart", {"contentBlockIndex": index, "start": content})


def stop(index: int) -> tuple[str, Any]:
    return ("contentBlockStop", {"contentBlockIndex": index})


def call(index: int, number: int = 1) -> tuple[str, Any]:
    return start(index, toolUse={"toolUseId": f"tooluse_{number}", "name": "tide"})


def read(*events: tuple[str, Any], **options: Any) -> list[Any]:
    """The chunks of a stream that must not fail."""
    chunks, decoder = kit.streamed(kit.frames(*events), **options)
    assert decoder.failure is None
    assert decoder.done
    return chunks


def deltas(chunks: list[Any]) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks]


def test_a_text() -> None:
    """A chunk with the role, one a piece, and the last with finish reason and usage."""
    chunks = read(START, delta(0, text="Fast"), delta(0, text="net."), stop(0), STOP, END)

    assert [{"role": "assistant", "content": ""}, {"content": "Fast"}, {"content": "net."}, {}] == deltas(
        chunks
    )
    assert [None, None, None, "stop"] == [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert {
        "object": "chat.completion.chunk",
        "model": kit.CLAUDE,
        "provider": "bedrock",
        "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
        "metrics": {"latencyMs": 9},
    } == chunks[-1]


def test_calls_have_stable_indices_whatever_stands_between() -> None:
    """Pieces of two calls may mix; the index is the call's place among calls."""
    chunks = read(
        START,
        delta(0, text="Looking."),
        call(1, 1),
        call(2, 2),
        delta(2, toolUse={"input": '{"a"'}),
        delta(1, toolUse={"input": "{}"}),
        delta(2, toolUse={"input": ":1}"}),
        stop(1),
        stop(2),
        ("messageStop", {"stopReason": "tool_use"}),
        END,
    )
    opened = [d["tool_calls"][0] for d in deltas(chunks) if "tool_calls" in d]

    assert {
        "index": 0,
        "id": "tooluse_1",
        "type": "function",
        "function": {"name": "tide", "arguments": ""},
    } == opened[0]
    whole = kit.assembled(chunks)
    assert ["{}", '{"a":1}'] == [c["function"]["arguments"] for c in whole["message"]["tool_calls"]]
    assert "tool_calls" == whole["finish_reason"]


def test_a_call_without_input_gets_an_empty_object() -> None:
    """At the end of its block, or of the message when that is never told."""
    ended = read(START, call(0), stop(0), STOP, END)
    unended = read(START, call(0), delta(0, toolUse={"input": ""}), STOP, END)

    for chunks in (ended, unended):
        assert "{}" == kit.assembled(chunks)["message"]["tool_calls"][0]["function"]["arguments"]


def test_reasoning_and_its_signature() -> None:
    """The text as it comes, the signed block before the last chunk."""
    chunks = read(
        START,
        delta(0, reasoningContent={"text": "Hm"}),
        delta(0, reasoningContent={"text": "m."}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": "cmVk"}),
        stop(1),
        delta(2, text="42"),
        STOP,
        END,
    )
    thought = {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "c2ln"}}}
    redacted = {"reasoningContent": {"redactedContent": "cmVk"}}

    assert "Hmm." == kit.assembled(chunks)["message"]["reasoning_content"]
    assert {
        "origin": "bedrock",
        "data": {"family": "anthropic", "blocks": [{"block": thought}, {"block": redacted}, {"text": 2}]},
    } == deltas(chunks)[-2]["provider_state"]


def test_callers_who_are_not_strict_see_the_pieces_of_blocks() -> None:
    """In Anthropic's words, as recorded, and Amazon's stop reason."""
    chunks = read(
        START,
        delta(0, reasoningContent={"text": "Hm"}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        delta(1, text="x"),
        STOP,
        END,
        strict=False,
    )

    assert [
        {"index": 0, "delta": {"thinking": "Hm"}},
        {"index": 0, "delta": {"signature": "c2ln"}},
        {"index": 1, "delta": {"text": "x"}},
    ] == [d["content_blocks"][0] for d in deltas(chunks) if "content_blocks" in d]
    assert "end_turn" == chunks[-1]["choices"][0]["finish_reason"]


def test_citations_images_and_tools_of_the_server() -> None:
    """Annotations and images at the end of their blocks; the rest is kept for the next request."""
    web = {"title": "A", "location": {"web": {"url": "https://e.org/a"}}}
    server = {"toolUseId": "t1", "name": "nova_grounding", "type": "server_tool_use"}
    chunks = read(
        START,
        delta(0, text="The "),
        delta(1, text="grass"),
        delta(1, citation=web),
        stop(1),
        start(2, toolUse=server),
        delta(2, toolUse={"input": '{"q":'}),
        delta(2, toolUse={"input": "1}"}),
        stop(2),
        start(3, toolResult={"toolUseId": "t1"}),
        delta(3, toolResult=[{"text": "a"}]),
        delta(3, toolResult=[{"text": "b"}]),
        start(4, image={"format": "png"}),
        delta(4, image={"source": {"bytes": "QUJD"}}),
        stop(4),
        STOP,
        END,
    )
    message = kit.assembled(chunks)["message"]

    assert "The grass" == message["content"]
    told = message["annotations"][0]["url_citation"]
    assert (4, 9, "https://e.org/a") == (told["start_index"], told["end_index"], told["url"])
    assert "data:image/png;base64,QUJD" == message["images"][0]["image_url"]["url"]
    assert [
        {"text": 4},
        {"text": 5, "citations": [web]},
        {"block": {"toolUse": {**server, "input": {"q": 1}}}},
        {"block": {"toolResult": {"toolUseId": "t1", "content": [{"text": "a"}, {"text": "b"}]}}},
    ] == message["provider_state"]["data"]["blocks"]


def test_what_the_end_tells_is_kept() -> None:
    """Fields of the model's own, traces, the tier."""
    chunks = read(
        START,
        delta(0, text="x"),
        (
            "messageStop",
            {"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "END"}},
        ),
        ("metadata", {"usage": USAGE, "trace": {"guardrail": {}}, "serviceTier": {"type": "priority"}}),
    )

    assert {"stop_sequence": "END"} == chunks[-1]["additionalModelResponseFields"]
    assert ({"guardrail": {}}, "priority") == (chunks[-1]["trace"], chunks[-1]["service_tier"])
    assert "stop_sequence" == chunks[-1]["choices"][0]["native_finish_reason"]


def test_a_stream_may_end_without_metadata() -> None:
    """The message is complete then, only its usage is unknown."""
    chunks = read(START, delta(0, text="x"), STOP)

    assert "stop" == chunks[-1]["choices"][0]["finish_reason"]
    assert "usage" not in chunks[-1]


def test_events_of_later_versions_are_ignored() -> None:
    """Unknown events, unknown deltas, and the padding against eavesdroppers."""
    chunks = read(
        START,
        ("hologram", {"x": 1}),
        delta(0, hologram={"x": 1}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}, "p": "abcdefgh"}),
        STOP,
        END,
    )

    assert "x" == kit.assembled(chunks)["message"]["content"]


def test_bytes_after_the_end_do_not_matter() -> None:
    """`done` is told with the last event."""
    data = kit.frames(START, delta(0, text="x"), STOP, END)
    chunks, decoder = kit.streamed(data + b"\x00\x01garbage")

    assert decoder.done
    assert decoder.failure is None
    assert "x" == kit.assembled(chunks)["message"]["content"]


ALL = kit.frames(
    START,
    delta(0, reasoningContent={"text": "Hmm \u706f"}),
    delta(0, reasoningContent={"signature": "c2ln"}),
    stop(0),
    delta(1, text="\u706f\u53f0 \U0001f980"),
    stop(1),
    call(2),
    delta(2, toolUse={"input": "{}"}),
    stop(2),
    STOP,
    END,
)


@pytest.mark.parametrize("step", [1, 2, 7, 16, 100, 5000])
def test_a_stream_in_pieces_is_the_stream(step: int) -> None:
    """Networks cut anywhere."""
    whole, _ = kit.streamed(ALL)

    assert whole == kit.streamed(ALL, step=step)[0]


# -- failures ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "payload", "message"),
    [
        ("exception", "throttlingException", {"message": "slow down"}, "slow down"),
        ("exception", "modelStreamErrorException", {"message": "x", "originalStatusCode": 500}, "x"),
        ("exception", "internalServerException", {}, "internalServerException"),
        ("exception", "serviceUnavailableException", b"not json", "serviceUnavailableException"),
        ("error", "InternalError", b"", "InternalError"),
    ],
)
def test_reported_errors_end_the_stream(kind: str, name: str, payload: Any, message: str) -> None:
    """After what was complete, with the name as the type; also as the only frame."""
    for before in ((), (START, delta(0, text="Fast"))):
        data = kit.frames(*before) + kit.frame(name, payload, kind) + kit.frames(STOP, END)
        for step in (None, 1):
            chunks, decoder = kit.streamed(data, step=step)

            assert ("status", name) == (decoder.failure.kind, decoder.failure.type)
            assert f"bedrock error: {message}" == decoder.failure.message
            assert ("Fast" if before else "") == kit.assembled(chunks)["message"]["content"]
            assert not decoder.done


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "interrupted"),
        (kit.frames(START), "interrupted"),
        (kit.frames(START, delta(0, text="Fast")), "interrupted"),
        (kit.frames(START, delta(0, text="Fast"), stop(0)), "interrupted"),
        (kit.frames(START, delta(0, text="Fast"))[:-3], "interrupted"),
        (b"<html>502</html>", "parse"),
        (b"data: {}\n\n" * 9, "parse"),
        (bytes(ALL[:-1]) + bytes([ALL[-1] ^ 1]), "parse"),
        (kit.frame("messageStart", b"{"), "parse"),
        (kit.frame("messageStart", b"[" * 5000), "parse"),
        (kit.frame("contentBlockDelta", {"contentBlockIndex": 0}), "parse"),
        (kit.frames(delta(0, toolUse={"input": "{}"})), "parse"),
        (kit.frames(call(0), delta(0, toolUse={"input": 7})), "parse"),
        (kit.frames(start(0, toolUse={"name": "x"})), "parse"),
        (kit.frames(start(0, toolUse=7)), "parse"),
        (kit.frames(delta(0, reasoningContent=7)), "parse"),
        (kit.frames(delta(0, reasoningContent={"text": 7})), "parse"),
        (kit.frames(("contentBlockDelta", {"contentBlockIndex": "0", "delta": {"text": "x"}})), "parse"),
        (kit.frames(("messageStop", {})), "parse"),
        (kit.frames(*(delta(i, text="x") for i in range(1025))), "parse"),
        (
            kit.frames(START, delta(0, text="x"), ("messageStop", {"stopReason": "malformed_tool_use"}), END),
            "parse",
        ),
        (b'{"message": "no"', "parse"),
        (b"[]", "parse"),
    ],
)
def test_broken_streams(data: bytes, kind: str) -> None:
    """Early ends, other protocols, wrong checksums, events of another shape: told, never raised."""
    _, decoder = kit.streamed(data)

    assert kind == decoder.failure.kind
    assert decoder.failure.message.startswith("bedrock error: ")


def test_nothing_more_comes_out_of_a_stream_that_is_over() -> None:
    """Whatever is fed."""
    for data in (ALL, b"<html>garbage"):
        _, decoder = kit.streamed(data)
        failure = decoder.failure

        assert [] == decoder.feed(ALL) == decoder.close()
        assert failure is decoder.failure


# -- JSON in place of a stream -----------------------------------------------


def test_a_whole_answer_becomes_a_stream() -> None:
    """Its message, its calls with indices, its usage on the last chunk."""
    body = kit.message(
        [{"text": "x"}, {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}], stopReason="tool_use"
    )
    chunks, decoder = kit.streamed(b" \n" + kit.reply(body).body, step=5)
    whole = kit.assembled(chunks)

    assert decoder.done
    assert ("x", "tool_calls") == (whole["message"]["content"], whole["finish_reason"])
    assert 5 == whole["usage"]["total_tokens"]
    assert [0] == [c["index"] for d in deltas(chunks) for c in d.get("tool_calls", [])]


def test_an_error_in_json_is_the_stream_s() -> None:
    """With Amazon's text."""
    _, decoder = kit.streamed(b'{"message": "no"}')

    assert ("status", "bedrock error: no") == (decoder.failure.kind, decoder.failure.message)
