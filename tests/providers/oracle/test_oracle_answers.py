"""Oracle's answers and streams as OpenAI's: texts, thoughts, calls, counts, and what is broken."""

from __future__ import annotations

import json
from typing import Any

import cloud_kit
import pytest
from native_kit import assembled, reply, sse
from oracle_kit import CALLED, COHERE, ENDED, LLAMA, answer, call, message, piece, text

CUSTOM = {"tools": [{"type": "custom", "custom": {"name": "say"}}]}
USAGE = {
    "promptTokens": 12,
    "completionTokens": 5,
    "totalTokens": 17,
    "promptTokensDetails": {"cachedTokens": 4},
    "completionTokensDetails": {"reasoningTokens": 2, "acceptedPredictionTokens": 1},
}
COUNTS = {
    "prompt_tokens": 12,
    "completion_tokens": 5,
    "total_tokens": 17,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2, "accepted_prediction_tokens": 1},
}

# -- answers -----------------------------------------------------------------


def test_an_answer_in_full() -> None:
    """Every member that OpenAI has one for, in its place; the others under their own names."""
    body = answer(message(text("Hel"), text("lo")), usage=USAGE, serviceTier="PRIORITY", traceId="t")
    adapter, params = LLAMA.target(), LLAMA.params()
    made = adapter.decode(reply(body, **{"opc-request-id": "req-1"}), params)

    assert {
        "id": "req-1",
        "object": "chat.completion",
        "created": 1748772000,
        "model": "meta.llama-3.3-70b-instruct",
        "provider": "oracle",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": COUNTS,
        "service_tier": "priority",
        "traceId": "t",
        "modelVersion": "1.0.0",
    } == made


def test_an_answer_without_an_id_gets_one() -> None:
    """The same one for the same answer."""
    body = answer(message(text("x")))
    first, again = LLAMA.decoded(body), LLAMA.decoded(body)

    assert first["id"] == again["id"] != LLAMA.decoded(answer(message(text("y"))))["id"]
    assert "created" not in LLAMA.decoded(answer(message(text("x")), timeCreated="yesterday"))


def test_calls_keep_ids_names_and_arguments() -> None:
    """Models of Google's give no ids: results must name one, so it is made."""
    calls = [call("a", "tide", '{"at":1.0}'), call(None, "tide", ""), call("c", "say", '{"input":"x"}')]
    body = answer(message(toolCalls=calls), "tool_calls")
    choice = LLAMA.decoded(body, **CUSTOM)["choices"][0]
    first, second, third = choice["message"]["tool_calls"]

    assert ("tool_calls", None) == (choice["finish_reason"], choice["message"]["content"])
    assert {"id": "a", "type": "function", "function": {"name": "tide", "arguments": '{"at":1.0}'}} == first
    assert {"name": "tide", "arguments": "{}"} == second["function"]
    assert len(second["id"]) > 5
    assert {"id": "c", "type": "custom", "custom": {"name": "say", "input": "x"}} == third


@pytest.mark.parametrize(
    ("given", "told"), [("not JSON", "not JSON"), ('{"input":1}', '{"input":1}'), ("[]", "[]")]
)
def test_what_is_no_input_is_told_as_it_came(given: str, told: str) -> None:
    """A model may write anything for a tool that takes free text."""
    body = answer(message(toolCalls=[call("c", "say", given)]))

    assert told == LLAMA.message(body, **CUSTOM)["tool_calls"][0]["custom"]["input"]


def test_thoughts_refusals_images_and_notes() -> None:
    """Each under the name that other providers' have."""
    note = {"type": "URL_CITATION", "urlCitation": {"startIndex": 1, "endIndex": 2, "title": "T", "url": "u"}}
    image = {"type": "IMAGE", "imageUrl": {"url": "data:image/png;base64,QUJD"}}
    made = LLAMA.message(
        answer(message(text("x"), image, reasoningContent="Hm", refusal="no", annotations=[note]))
    )

    cited = {"start_index": 1, "end_index": 2, "title": "T", "url": "u"}
    assert ("x", "Hm", "no") == (made["content"], made["reasoning_content"], made["refusal"])
    assert [{"type": "url_citation", "url_citation": cited}] == made["annotations"]
    assert image["imageUrl"] == made["images"][0]["image_url"]


def test_likelihoods() -> None:
    """Three lists side by side, the others' numbers as texts."""
    body = answer(message(text("Hi")))
    body["chatResponse"]["choices"][0]["logprobs"] = {
        "tokens": ["H", "é"],
        "tokenLogprobs": [-0.5],
        "topLogprobs": [{"H": "-0.5", "J": "-1.5"}],
    }
    content = LLAMA.decoded(body)["choices"][0]["logprobs"]["content"]

    assert {"token": "J", "logprob": -1.5, "bytes": [74]} == content[0]["top_logprobs"][1]
    assert {"token": "é", "logprob": 0.0, "bytes": [195, 169], "top_logprobs": []} == content[1]


@pytest.mark.parametrize(
    ("reason", "strict", "loose"),
    [
        ("stop", "stop", "stop"),
        ("COMPLETE", "stop", "COMPLETE"),
        ("length", "length", "length"),
        ("MAX_TOKENS", "length", "MAX_TOKENS"),
        ("tool_calls", "tool_calls", "tool_calls"),
        ("content_filter", "content_filter", "content_filter"),
        ("ERROR_TOXIC", "content_filter", "ERROR_TOXIC"),
        ("novel", "stop", "novel"),
        (None, "stop", "stop"),
    ],
)
def test_finish_reasons(reason: Any, strict: str, loose: str) -> None:
    """Known ones as OpenAI's; an unknown one is told besides."""
    body = answer(message(text("x")), reason)
    choice = LLAMA.decoded(body)["choices"][0]

    assert strict == choice["finish_reason"]
    assert ("novel" if reason == "novel" else None) == choice.get("native_finish_reason")
    assert loose == LLAMA.decoded(body, strict=False)["choices"][0]["finish_reason"]


def test_a_stop_with_calls_is_one_for_calls() -> None:
    """Callers look at the reason to know that tools are asked for."""
    body = answer(message(toolCalls=[call("a", "tide", "{}")]), "stop")

    assert "tool_calls" == LLAMA.decoded(body)["choices"][0]["finish_reason"]


def test_several_choices() -> None:
    """Each with its index."""
    body = answer(message(text("a")))
    body["chatResponse"]["choices"].append(
        {"index": 1, "message": message(text("b")), "finishReason": "length"}
    )
    choices = LLAMA.decoded(body)["choices"]

    assert [(0, "a", "stop"), (1, "b", "length")] == [
        (each["index"], each["message"]["content"], each["finish_reason"]) for each in choices
    ]


def test_cohere_s_answer_is_a_choice_by_itself() -> None:
    """With its plan as thoughts, and citations under their own name."""
    calls = [{"id": "t1", "type": "FUNCTION", "function": {"name": "tide", "arguments": "{}"}}]
    cited = [{"start": 0, "end": 1, "text": "x", "type": "TEXT_CONTENT", "sources": []}]
    said = message(
        {"type": "THINKING", "thinking": "Hm. "}, text("x"), toolPlan="Ask.", toolCalls=calls, citations=cited
    )
    chat = {
        "apiFormat": "COHEREV2",
        "id": "c-1",
        "message": said,
        "finishReason": "TOOL_CALL",
        "usage": USAGE,
    }
    made = COHERE.decoded({"modelId": "cohere.command-a-03-2025", "chatResponse": chat})
    choice = made["choices"][0]

    assert ("c-1", COUNTS) == (made["id"], made["usage"])
    assert {
        "role": "assistant",
        "content": "x",
        "reasoning_content": "Hm. Ask.",
        "tool_calls": [{**calls[0], "type": "function"}],
        "citations": cited,
    } == choice["message"]
    assert "tool_calls" == choice["finish_reason"]


# -- broken answers ----------------------------------------------------------


@pytest.mark.parametrize("reason", ["error", "ERROR_LIMIT", "USER_CANCEL", "MALFORMED_FUNCTION_CALL"])
def test_a_generation_that_broke_off_is_an_error(reason: str) -> None:
    """Passed off as complete, nobody would notice."""
    failed = LLAMA.failed(answer(message(text("x")), reason))
    assert reason in failed.message

    _, decoder = LLAMA.streamed(sse(piece(text("x")), {**ENDED, "finishReason": reason}))
    assert decoder.failure is not None
    assert not decoder.done


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"chatResponse": []},
        {"chatResponse": {"choices": []}},
        {"chatResponse": {"choices": [1]}},
        {"chatResponse": {"choices": [{"message": "x"}]}},
        answer({"content": [1]}),
        answer({"content": [{"text": 1}]}),
        answer({"toolCalls": {}}),
        answer({"toolCalls": [1]}),
        answer({"toolCalls": [{"id": "a", "arguments": "{}"}]}),
        {"chatResponse": {"choices": [{"index": -1, "message": {}}]}},
        {"chatResponse": {"choices": [{"index": 10**9, "message": {}}]}},
    ],
)
def test_what_is_no_completion_is_none(body: Any) -> None:
    """It may be tried again, elsewhere."""
    assert "parse" == LLAMA.failed(body).kind


def test_errors_have_a_code_for_a_type() -> None:
    """With any status, and with 200."""
    body = {"code": "429", "message": "Slow down"}
    for status in (429, 200):
        failed = LLAMA.failed(body, status)
        assert ("429", "429") == (failed.code, failed.type)
        assert "Slow down" in failed.message
    assert (
        "NotAuthorizedOrNotFound"
        == LLAMA.failed({"code": "NotAuthorizedOrNotFound", "message": "x"}, 404).type
    )


# -- streams -----------------------------------------------------------------


def test_a_stream_of_texts() -> None:
    """Whole, in single bytes, and with what comes after its end."""
    data = sse(
        piece(text("Hel"), reasoningContent="Hm"), piece(text("lo")), ENDED, {"usage": USAGE, "pad": "a"}
    )
    chunks = LLAMA.check_stream(data + b"data: [DONE]\n\n")

    whole = assembled(chunks)
    assert {"role": "assistant", "content": "Hello", "reasoning_content": "Hm"} == whole["message"]
    assert ("stop", COUNTS) == (whole["finish_reason"], whole["usage"])
    assert 1 == len({chunk["id"] for chunk in chunks})


@pytest.mark.parametrize("ending", [b"", b"data: [DONE]\n\n", b"\r\n"])
def test_the_end_of_a_stream(ending: bytes) -> None:
    """The service sends none, some gateways one."""
    _, decoder = LLAMA.streamed(sse(piece(text("x")), ENDED) + ending)

    assert (True, None) == (decoder.done, decoder.failure)


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        # Ids only at the beginning, as OpenAI's models do.
        (
            [
                [call("a", "f", "")],
                [call(None, None, '{"x"')],
                [call(None, None, ":1}")],
                [call("b", "f", "{}")],
            ],
            [("a", "f", '{"x":1}'), ("b", "f", "{}")],
        ),
        # Ids in every piece, and two calls by turns.
        (
            [[call("a", "f", '{"x"'), call("b", "g", "")], [call("b", None, "{}"), call("a", "f", ":1}")]],
            [("a", "f", '{"x":1}'), ("b", "g", "{}")],
        ),
        # No ids, as models of Google's: whole calls.
        (
            [[call(None, "f", "{}")], [call(None, "f", '{"x":2}')]],
            [(None, "f", "{}"), (None, "f", '{"x":2}')],
        ),
    ],
)
def test_pieces_of_calls_come_together(pieces: list[Any], calls: list[Any]) -> None:
    """They have no index; the id or the name tells where a call begins."""
    chunks = LLAMA.check_stream(sse(*(piece(toolCalls=each) for each in pieces), CALLED))
    whole = assembled(chunks)
    made = whole["message"]["tool_calls"]

    told = [(each["id"], each["function"]["name"], each["function"]["arguments"]) for each in made]
    assert [(id or told[i][0], name, given) for i, (id, name, given) in enumerate(calls)] == told
    assert len(calls) == len({each["id"] for each in made})
    assert "tool_calls" == whole["finish_reason"]


def test_free_text_is_told_when_it_is_whole() -> None:
    """It stands inside a JSON object that only its end makes readable."""
    data = sse(
        piece(toolCalls=[call("c", "say", '{"inp')]), piece(toolCalls=[call(None, None, 'ut":"x"}')]), CALLED
    )
    (made,) = cloud_kit.assembled(LLAMA.streamed(data, **CUSTOM)[0])["choices"]

    assert [{"id": "c", "type": "custom", "custom": {"name": "say", "input": "x"}}] == made["message"][
        "tool_calls"
    ]


def test_choices_by_turns() -> None:
    """Each has calls and an end of its own; one end does not end the others."""
    events = [{**piece(text(said)), "index": index} for said, index in (("a", 0), ("b", 1), ("c", 0))]
    ends = [{**ENDED, "index": index} for index in (1, 0)]
    chunks, decoder = LLAMA.streamed(sse(*events, *ends))
    made = cloud_kit.assembled(chunks)["choices"]

    assert decoder.done
    assert ["ac", "b"] == [each["message"]["content"] for each in made]
    _, cut = LLAMA.streamed(sse(*events, ends[0]))
    assert cut.failure is not None


def test_a_stream_of_cohere_s() -> None:
    """Its pieces are of the same form; arguments stand in `function`."""
    calls = [{"id": "t1", "type": "FUNCTION", "function": {"name": "tide", "arguments": ""}}]
    more = [{"function": {"arguments": "{}"}}]
    data = sse(
        {"apiFormat": "COHEREV2", "message": message({"type": "THINKING", "thinking": "Hm"})},
        {"apiFormat": "COHEREV2", "message": {"role": "ASSISTANT", "toolPlan": "!"}},
        {"apiFormat": "COHEREV2", "message": {"role": "ASSISTANT", "toolCalls": calls}},
        {"apiFormat": "COHEREV2", "message": {"role": "ASSISTANT", "toolCalls": more}},
        {"apiFormat": "COHEREV2", "finishReason": "TOOL_CALL", "usage": USAGE},
    )
    whole = assembled(COHERE.check_stream(data))

    assert "Hm!" == whole["message"]["reasoning_content"]
    assert {"name": "tide", "arguments": "{}"} == whole["message"]["tool_calls"][0]["function"]
    assert ("tool_calls", COUNTS) == (whole["finish_reason"], whole["usage"])


@pytest.mark.parametrize("step", [None, 1, 7])
def test_an_answer_in_one_piece_is_streamed_all_the_same(step: int | None) -> None:
    """Some models do not stream."""
    body = answer(message(text("x"), toolCalls=[call("a", "tide", "{}")]), "tool_calls", usage=USAGE)
    chunks, decoder = LLAMA.streamed(b"\r\n " + json.dumps(body).encode(), step=step)
    whole = assembled(chunks)

    assert decoder.done
    assert ("x", "tool_calls", COUNTS) == (
        whole["message"]["content"],
        whole["finish_reason"],
        whole["usage"],
    )
    assert "tide" == whole["message"]["tool_calls"][0]["function"]["name"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "interrupted"),
        (sse(piece(text("x"))), "interrupted"),
        (sse(piece(text("x"))) + b"data: [DONE]\n\n", "interrupted"),
        (sse(piece(text("x"))) + b'data: {"message": {"rol', "interrupted"),
        (sse(piece(text("x")), b"nonsense", ENDED), "parse"),
        (sse(piece(text("x")), [1], ENDED), "parse"),
        (sse({"index": -1, "message": {}}), "parse"),
        (sse(piece(1)), "parse"),
        (sse(piece(toolCalls=[call(None, None, "{}")])), "parse"),
        (sse(piece(toolCalls=[call("a", None, "{}")])), "parse"),
        (b'{"chatResponse"', "parse"),
        (b"[]", "parse"),
    ],
)
def test_a_stream_that_is_cut_or_broken_is_told(data: bytes, kind: str) -> None:
    """And never passed off as complete."""
    for step in (None, 1):
        _, decoder = LLAMA.streamed(data, step=step)
        assert decoder.failure is not None
        assert kind == decoder.failure.kind
        assert not decoder.done


@pytest.mark.parametrize(
    "data",
    [
        sse(piece(text("x")), {"code": "500", "message": "Broke"}),
        sse(piece(text("x")), {"error": {"code": "500", "message": "Broke"}}),
        sse(piece(text("x"))) + b'{"code": "500", "message": "Broke"}',
        b'{"code": "500", "message": "Broke"}',
    ],
)
def test_an_error_inside_a_stream(data: bytes) -> None:
    """As an event, as a line, instead of a stream."""
    _, decoder = LLAMA.streamed(data)

    assert decoder.failure is not None
    assert "Broke" in decoder.failure.message
    assert not decoder.done
