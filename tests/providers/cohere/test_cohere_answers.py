"""How answers become completions and chunks, and what of them goes back."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import pytest
from native_kit import HELLO, Kit, sse

COHERE = Kit("cohere", "command-a-reasoning-08-2025")
THOUGHT = {"type": "thinking", "thinking": "Der Wal 🐋 …"}
SAID = {"type": "text", "text": "灯台 says “hi”\r\n\r\ndata: x"}
CALLS = [
    {"id": "tide_1", "type": "function", "function": {"name": "tide", "arguments": '{"at":"Brest"}'}},
    {"id": "tide_2", "type": "function", "function": {"name": "tide", "arguments": "{}"}},
]
WEB = {"type": "tool", "id": "w:0", "tool_output": {"url": "https://e.org/a", "title": "A"}}
OWN = {"type": "document", "id": "d", "document": {"title": "Manual"}}
CITATIONS = [
    {"start": 0, "end": 2, "text": "灯台", "sources": [WEB, OWN], "content_index": 1, "type": "TEXT_CONTENT"},
    {"start": 0, "end": 3, "text": "Der", "sources": [WEB], "content_index": 0, "type": "THINKING_CONTENT"},
]
USAGE = {
    "billed_units": {"input_tokens": 5, "output_tokens": 4},
    "tokens": {"input_tokens": 71.0, "output_tokens": 4},
}


def answer(reason: str = "COMPLETE", **message: Any) -> dict[str, Any]:
    return {"id": "c1", "finish_reason": reason, "message": {"role": "assistant", **message}, "usage": USAGE}


ANSWERS = [
    answer(content=[SAID]),
    answer(content=[SAID, {"type": "text", "text": " More."}]),
    answer(content=[THOUGHT, SAID]),
    answer(content=[THOUGHT, SAID], citations=CITATIONS),
    answer("TOOL_CALL", content=[THOUGHT], tool_calls=CALLS),
    answer("TOOL_CALL", tool_plan="I will look.", tool_calls=CALLS),
    answer("TOOL_CALL", content=[THOUGHT, SAID], tool_plan="Plan.", tool_calls=CALLS),
]


def events_of(body: dict[str, Any], step: int = 3) -> list[dict[str, Any]]:
    """The events by which the API would stream an answer, its texts cut into pieces of `step`."""
    message = body["message"]

    def event(kind: str, index: int | None = None, **members: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"type": kind, "delta": {"message": members}}
        return found if index is None else {**found, "index": index}

    def pieces(text: str) -> list[str]:
        return [text[i : i + step] for i in range(0, len(text), step)]

    events = [{"type": "message-start", "id": body["id"], "delta": {"message": {"role": "assistant"}}}]
    for index, block in enumerate(message.get("content") or ()):
        kind = block["type"]
        events.append(event("content-start", index, content={"type": kind, kind: ""}))
        events += [event("content-delta", index, content={kind: piece}) for piece in pieces(block[kind])]
        events.append({"type": "content-end", "index": index})
    events += [event("tool-plan-delta", tool_plan=piece) for piece in pieces(message.get("tool_plan") or "")]
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        start = {**call, "function": {**function, "arguments": ""}}
        events.append(event("tool-call-start", index, tool_calls=start))
        for piece in pieces(function["arguments"]):
            events.append(event("tool-call-delta", index, tool_calls={"function": {"arguments": piece}}))
        events.append({"type": "tool-call-end", "index": index})
    for index, citation in enumerate(message.get("citations") or ()):
        events.append(event("citation-start", index, citations=citation))
        events.append({"type": "citation-end", "index": index})
    end = {"finish_reason": body["finish_reason"], "usage": body["usage"]}
    return [*events, {"type": "message-end", "id": body["id"], "delta": end}]


@pytest.mark.parametrize("body", ANSWERS)
def test_a_stream_says_what_the_whole_answer_says(body: dict[str, Any]) -> None:
    """Whatever the cuts of the network; message, finish reason and usage are the same."""
    choice = COHERE.decoded(body)["choices"][0]
    found = kit.assembled(COHERE.check_stream(sse(*events_of(body))))

    assert (choice["message"], choice["finish_reason"]) == (found["message"], found["finish_reason"])
    assert COHERE.decoded(body)["usage"] == found["usage"]


@pytest.mark.parametrize("body", ANSWERS)
def test_an_answer_goes_back_as_it_came(body: dict[str, Any]) -> None:
    """Thinking, plan, citations and calls unchanged; text without them goes back as one."""
    message = json.loads(json.dumps(COHERE.message(body)))
    sent = COHERE.encoded([*HELLO, message])["messages"][1]
    given = body["message"]

    if "provider_state" in message:
        assert given == sent
    else:
        assert "".join(block["text"] for block in given["content"]) == sent["content"]


def test_changed_text_keeps_its_place_and_loses_its_citations() -> None:
    """The thinking before it stays."""
    message = COHERE.message(answer(content=[THOUGHT, SAID], citations=CITATIONS))
    sent = COHERE.encoded([*HELLO, {**message, "content": "Other"}])["messages"][1]

    assert {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Other"}]} == sent


def test_thinking_and_plan_are_reasoning() -> None:
    """Together, in that order."""
    message = COHERE.message(answer(content=[THOUGHT, SAID], tool_plan="Plan.", tool_calls=CALLS))

    assert THOUGHT["thinking"] + "Plan." == message["reasoning_content"]
    assert SAID["text"] == message["content"]


def test_sources_with_a_url_are_annotations() -> None:
    """Their places are counted in the text; all of them stand beside the message."""
    body = answer(content=[SAID, SAID], citations=CITATIONS)
    choice = COHERE.decoded(body)["choices"][0]
    length = len(SAID["text"])
    told = {"start_index": length, "end_index": length + 2, "url": "https://e.org/a", "title": "A"}

    assert [{"type": "url_citation", "url_citation": told}] == choice["message"]["annotations"]
    assert CITATIONS == choice["citations"]
    assert "citations" not in choice["message"]
    assert CITATIONS == COHERE.streamed(sse(*events_of(body)))[0][-1]["choices"][0]["citations"]


REASONS = [
    ("COMPLETE", "stop", None),
    ("STOP_SEQUENCE", "stop", "STOP_SEQUENCE"),
    ("MAX_TOKENS", "length", None),
    ("TOOL_CALL", "tool_calls", None),
    ("NEW_REASON", "stop", "NEW_REASON"),
    (None, "stop", None),
]


@pytest.mark.parametrize(("reason", "expected", "native"), REASONS)
def test_finish_reasons_are_openai_s(reason: str, expected: str, native: str | None) -> None:
    """With the native one beside what is not the whole truth; callers who are not strict get only that."""
    choice = COHERE.decoded(answer(reason, content=[SAID]))["choices"][0]

    assert (expected, native) == (choice["finish_reason"], choice.get("native_finish_reason"))
    loose = COHERE.decoded(answer(reason, content=[SAID]), strict=False)["choices"][0]
    assert (reason or "stop") == loose["finish_reason"]


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_a_failed_generation_is_a_failure(reason: str) -> None:
    """As a whole and in a stream, whatever it had said before."""
    assert (reason, "status") == (COHERE.failed(answer(reason, content=[SAID])).type, "status")
    chunks, decoder = COHERE.streamed(sse(*events_of(answer(reason, content=[SAID]))))
    assert SAID["text"] == kit.assembled(chunks)["message"]["content"]
    assert decoder.failure is not None
    assert reason == decoder.failure.type


def test_an_error_at_the_end_of_a_stream_is_its_failure() -> None:
    """With the text that Cohere gives."""
    end = {"type": "message-end", "delta": {"error": "out of luck", "finish_reason": "ERROR"}}
    _, decoder = COHERE.streamed(sse(events_of(ANSWERS[0])[0], end))

    assert decoder.failure is not None
    assert "cohere error: out of luck" == decoder.failure.message


def test_counts_come_from_tokens_or_from_billed_units() -> None:
    """As whole numbers; cached ones have OpenAI's place; what is billed stays to be read."""
    usage = COHERE.decoded({**ANSWERS[0], "usage": {**USAGE, "cached_tokens": 64.0}})["usage"]

    assert (71, 4, 75) == (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"])
    assert ({"cached_tokens": 64}, USAGE["billed_units"]) == (
        usage["prompt_tokens_details"],
        usage["billed_units"],
    )
    billed = COHERE.decoded({**ANSWERS[0], "usage": {"billed_units": USAGE["billed_units"]}})["usage"]
    assert (5, 4) == (billed["prompt_tokens"], billed["completion_tokens"])
    assert "usage" not in COHERE.decoded({**ANSWERS[0], "usage": None})


def test_log_probabilities_are_told_for_each_text() -> None:
    """The sum for a text of several tokens; in streams, with their text."""
    item = {"text": "ab", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}
    token = {"token": "ab", "logprob": -0.75, "bytes": [97, 98], "top_logprobs": []}
    token |= {"token_ids": [1, 2], "logprobs": [-0.5, -0.25]}
    whole = COHERE.decoded({**ANSWERS[0], "logprobs": [item]})["choices"][0]["logprobs"]

    assert [token] == whole["content"]
    delta = {
        "type": "content-delta",
        "index": 0,
        "logprobs": item,
        "delta": {"message": {"content": {"text": "ab"}}},
    }
    chunk = COHERE.streamed(sse(delta))[0][0]
    assert [token] == chunk["choices"][0]["logprobs"]["content"]


def test_calls_keep_their_positions_through_a_stream() -> None:
    """Whatever stands between them."""
    start, *others = events_of(ANSWERS[-1])
    chunks, _ = COHERE.streamed(sse(start, {"type": "wibble"}, *others))
    positions = [
        call["index"] for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]

    assert sorted(positions) == positions
    assert {0, 1} == set(positions)


def test_members_that_openai_does_not_know_are_kept() -> None:
    """Of the answer and of its message; reserved ones are not."""
    body = {**answer(content=[SAID], mood="good"), "meta": {"api": 2}, "route": {"x": 1}}
    completion = COHERE.decoded(body)

    assert ({"api": 2}, "good") == (completion["meta"], completion["choices"][0]["message"]["mood"])
    assert "route" not in completion


BROKEN: list[tuple[bytes, str]] = [
    (b"", "interrupted"),
    (sse(*events_of(ANSWERS[0])[:-1]), "interrupted"),
    (sse(events_of(ANSWERS[0])[0]) + b"data: {", "interrupted"),
    (sse(events_of(ANSWERS[0])[0], b"{oops"), "parse"),
    (sse({"type": "content-delta", "index": 0, "delta": None}), "parse"),
    (
        sse({"type": "content-delta", "index": 5000, "delta": {"message": {"content": {"text": "x"}}}}),
        "parse",
    ),
    (sse({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {}}}}), "parse"),
    (sse({"message": "slow down"}), "status"),
    (sse({"type": "error", "message": "slow down"}), "status"),
    (b"<html>no</html>", "parse"),
    (b'{"message": "no"}', "status"),
    (b'{"id": ', "parse"),
]


@pytest.mark.parametrize(("data", "kind"), BROKEN)
@pytest.mark.parametrize("step", [None, 1])
def test_a_broken_stream_is_a_failure(data: bytes, kind: str, step: int | None) -> None:
    """Of the kind that says what happened."""
    _, decoder = COHERE.streamed(data, step=step)

    assert decoder.failure is not None
    assert (kind, False) == (decoder.failure.kind, decoder.done)


@pytest.mark.parametrize("body", ANSWERS)
def test_an_answer_in_one_piece_becomes_a_stream(body: dict[str, Any]) -> None:
    """For a request that asked for one."""
    chunks, decoder = COHERE.streamed(json.dumps(body).encode(), step=7)

    assert (True, None) == (decoder.done, decoder.failure)
    assert COHERE.message(body) == {**kit.assembled(chunks)["message"]}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"message": None},
        answer(content=5),
        answer(content=[5]),
        answer(content=[{"type": "text", "text": 5}]),
        answer(tool_calls=[{"id": "a"}]),
        answer(tool_calls={"id": "a"}),
    ],
)
def test_what_is_no_answer_is_refused(body: Any) -> None:
    """It is not taken for an empty one."""
    assert "parse" == COHERE.failed(body).kind


ERRORS = [
    (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081", "context_window"),
    (401, "invalid api token", None),
    (429, "too many tokens: trial limit", None),
]


@pytest.mark.parametrize(("status", "text", "reason"), ERRORS)
def test_errors_say_what_cohere_says(status: int, text: str, reason: str | None) -> None:
    """A prompt that is too long is told apart."""
    failure = COHERE.failed({"id": "7", "message": text}, status)

    assert (f"cohere error: {text}", reason) == (failure.message, failure.reason)
