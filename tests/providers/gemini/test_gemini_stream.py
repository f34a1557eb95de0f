"""What streams become."""

from __future__ import annotations

import json
from typing import Any

import gemini_kit as kit
import pytest

CHOICE = 0


def events(*steps: list[Any], finish: str = "STOP") -> list[dict[str, Any]]:
    """Events with the parts of each step; the last one has the finish reason, all have usage."""
    made = []
    for number, parts in enumerate(steps, 1):
        reason = finish if number == len(steps) else None
        usage = {**kit.USAGE, "candidatesTokenCount": number, "totalTokenCount": 3 + number}
        made.append(kit.answer(kit.candidate(*parts, finish=reason), usageMetadata=usage))
    return made


def whole(*steps: list[Any], **options: Any) -> dict[str, Any]:
    """Message and finish reason of a stream that ends well."""
    chunks, decoder = kit.streamed(kit.sse(*events(*steps)), **options)
    assert decoder.failure is None
    assert decoder.done
    return kit.joined(chunks)[CHOICE]


def test_chunks() -> None:
    """The role comes once, the usage with the finish reason; `created` is left to the router."""
    chunks, decoder = kit.streamed(kit.sse(*events(["Fast"], ["net"], [""])))

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        head = {"id": "resp-1", "object": "chat.completion.chunk", "model": kit.MODEL, "provider": "google"}
        return {**head, "choices": [choice]}

    details = {
        "completion_tokens_details": {"audio_tokens": 0, "reasoning_tokens": 0},
        "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6, **details}
    assert [
        chunk({"role": "assistant", "content": "Fast"}),
        chunk({"content": "net"}),
        {**chunk({}, "stop"), "usage": usage},
    ] == chunks
    assert (True, None) == (decoder.done, decoder.failure)


PARTS = [
    [{"text": "Hm. ", "thought": True}],
    [{"text": "Well.", "thought": True}, "Lo"],
    ["oking é灯.", kit.call("tide", {"at": "Brest"}, "c2ln")],
    [kit.call("ping"), {"text": "", "thoughtSignature": "ZW5k"}],
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("step", [1, 7, 64, None])
@pytest.mark.parametrize("form", ["crlf", "lf", "array"])
def test_a_stream_says_the_same_however_it_is_cut(form: str, step: int | None, strict: bool) -> None:
    """Server-sent events with either line end, and the array of the older form."""
    made = events(*PARTS)
    data = {"crlf": kit.sse(*made), "lf": kit.sse(*made, end="\n"), "array": kit.array(*made)}[form]
    chunks, decoder = kit.streamed(data, step=step, strict=strict)

    parts = [part for step in PARTS for part in step]
    expected = kit.message(*parts, strict=strict)
    expected.pop("content_blocks", None)
    assert (True, None) == (decoder.done, decoder.failure)
    assert {"message": expected, "finish_reason": "tool_calls"} == kit.joined(chunks)[CHOICE]
    assert 1 == len(kit.usage_of(chunks))
    assert "usage" in chunks[-1]


def test_calls_are_numbered_over_the_whole_stream() -> None:
    """In order, each choice for itself."""
    first = [kit.candidate(kit.call("a"), finish=None), kit.candidate(kit.call("x"), finish=None, index=1)]
    second = [kit.candidate(kit.call("b"), kit.call("c")), kit.candidate(kit.call("y"), index=1)]
    data = kit.sse(kit.answer(*first), kit.answer(*second))
    chunks, _ = kit.streamed(data, params={"model": kit.MODEL, "n": 2})

    joined = kit.joined(chunks)
    names = {
        i: [call["function"]["name"] for call in each["message"]["tool_calls"]] for i, each in joined.items()
    }
    assert {0: ["a", "b", "c"], 1: ["x", "y"]} == names
    ids = [call["id"] for each in joined.values() for call in each["message"]["tool_calls"]]
    assert 5 == len({*ids})


def test_the_usage_of_several_choices_comes_once() -> None:
    """On the chunk that ends the last of them."""
    made = [
        kit.answer(kit.candidate("a"), kit.candidate("b", finish=None, index=1)),
        kit.answer(kit.candidate("c", index=1)),
    ]
    chunks, decoder = kit.streamed(kit.sse(*made), params={"model": kit.MODEL, "n": 2})

    assert decoder.done
    assert [False, True] == ["usage" in chunk for chunk in chunks]


def test_usage_that_comes_after_the_end() -> None:
    """Is a last chunk without choices."""
    late = {"usageMetadata": {**kit.USAGE, "candidatesTokenCount": 9}, "responseId": "resp-1"}
    last = kit.answer(kit.candidate("a"))
    del last["usageMetadata"]
    chunks, decoder = kit.streamed(kit.sse(last, late))

    assert decoder.done
    assert ([], 9) == (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"])
    assert 1 == len(kit.usage_of(chunks))


def test_fewer_choices_than_asked_for() -> None:
    """The usage comes at the end of the body."""
    chunks, decoder = kit.streamed(kit.sse(*events(["a"])), params={"model": kit.MODEL, "n": 4})

    assert decoder.done
    assert ([], 1) == (chunks[-1]["choices"], len(kit.usage_of(chunks)))


def test_a_finish_reason_is_told_once() -> None:
    """Some streams repeat it; what comes between is not lost."""
    made = [
        kit.answer(kit.candidate(kit.call("a"))),
        kit.answer(kit.candidate("b")),
        kit.answer(kit.candidate("")),
    ]
    chunks, decoder = kit.streamed(kit.sse(*made))

    assert decoder.done
    assert ["tool_calls", None] == [
        chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]
    ]
    assert "b" == kit.joined(chunks)[CHOICE]["message"]["content"]


def test_events_that_say_nothing_are_no_chunks() -> None:
    """No text, no reason: nothing to hand on."""
    empty = [
        {},
        {"candidates": []},
        {"candidates": [{"content": {}}]},
        {"candidates": [{"content": None, "index": 0}]},
    ]
    chunks, decoder = kit.streamed(kit.sse(*empty, *events(["a"])))

    assert decoder.done
    assert 1 == len(chunks)


def test_a_filtered_answer_without_content() -> None:
    """Ends with content_filter and an empty text."""
    chunks, decoder = kit.streamed(kit.sse({"candidates": [{"finishReason": "SAFETY", "index": 0}]}))

    assert decoder.done
    assert {"role": "assistant", "content": ""} == chunks[0]["choices"][0]["delta"]
    assert "content_filter" == chunks[0]["choices"][0]["finish_reason"]


@pytest.mark.parametrize("strict", [True, False])
def test_sources_are_cited_at_the_end(strict: bool) -> None:
    """Their places are those in the whole text; when not strict the metadata come along as recorded."""
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 6}, "groundingChunkIndices": [0]}],
    }
    made = events(["é!"], ["yes"], [""])
    made[1]["candidates"][0]["groundingMetadata"] = grounding
    chunks, _ = kit.streamed(kit.sse(*made), strict=strict)

    annotations = kit.joined(chunks)[CHOICE]["message"]["annotations"]
    assert [(2, 5)] == [
        (each["url_citation"]["start_index"], each["url_citation"]["end_index"]) for each in annotations
    ]
    shown = [chunk["choices"][0].get("groundingMetadata") for chunk in chunks]
    assert ([None] * 3 if strict else [None, grounding, None]) == shown


def test_audio_and_images_are_streamed() -> None:
    """Each as it comes."""
    sound = {"inlineData": {"mimeType": "audio/L16", "data": "YQ=="}}
    image = {"inlineData": {"mimeType": "image/png", "data": kit.PIXEL}}
    message = whole([sound], [image, image], ["done"])["message"]

    assert ("YQ==", 2, "done") == (message["audio"]["data"], len(message["images"]), message["content"])


def test_log_probabilities_are_streamed() -> None:
    """With the chunk they belong to."""
    made = events(["a"], ["b"])
    made[0]["candidates"][0]["logprobsResult"] = {"chosenCandidates": [{"token": "a", "logProbability": -1}]}
    chunks, _ = kit.streamed(kit.sse(*made))

    assert [True, False] == [chunk["choices"][0]["logprobs"] is not None for chunk in chunks]


def test_content_blocks_are_numbered_when_not_strict() -> None:
    """Texts in a row are one block, a change of kind begins the next."""
    chunks, _ = kit.streamed(
        kit.sse(*events([{"text": "Hm", "thought": True}], ["a", "b"], [{"text": "x", "thought": True}])),
        strict=False,
    )

    blocks = [block for chunk in chunks for block in chunk["choices"][0]["delta"]["content_blocks"]]
    assert [
        {"index": 0, "delta": {"thinking": "Hm"}},
        {"index": 1, "delta": {"text": "a"}},
        {"index": 1, "delta": {"text": "b"}},
        {"index": 2, "delta": {"thinking": "x"}},
    ] == blocks


def test_a_whole_answer_instead_of_a_stream() -> None:
    """Says the same in one chunk."""
    body = kit.answer(kit.candidate("Hi", kit.call("f")))
    chunks, decoder = kit.streamed(json.dumps(body, indent=1).encode(), step=5)

    assert (True, 1) == (decoder.done, len(chunks))
    expected = kit.decoded(body)["choices"][0]
    joined = kit.joined(chunks)[CHOICE]
    assert (expected["message"], expected["finish_reason"]) == (joined["message"], joined["finish_reason"])
    assert [kit.decoded(body)["usage"]] == kit.usage_of(chunks)


def test_a_blocked_prompt() -> None:
    """Is one chunk that ends with content_filter."""
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    (chunk,), decoder = kit.streamed(kit.sse(body))

    assert decoder.done
    assert "content_filter" == chunk["choices"][0]["finish_reason"]
    assert 9 == chunk["usage"]["prompt_tokens"]
    assert "promptFeedback" not in chunk
    (chunk,), _ = kit.streamed(kit.sse(body), strict=False)
    assert body["promptFeedback"] == chunk["promptFeedback"]


# -- failures ----------------------------------------------------------------

ERROR = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize("form", ["sse", "array", "bare"])
def test_an_error_in_the_middle(form: str) -> None:
    """Comes after what was complete, with Google's text, status and code."""
    first = kit.answer(kit.candidate("Fast", finish=None))
    bare = kit.sse(first) + json.dumps(ERROR).encode() + b"\n\n"
    data = {"sse": kit.sse(first, ERROR), "array": kit.array(first, ERROR), "bare": bare}[form]
    chunks, decoder = kit.streamed(data)

    assert ["Fast"] == [chunk["choices"][0]["delta"]["content"] for chunk in chunks]
    failure = decoder.failure
    assert failure is not None
    assert ("status", "google error: overloaded", "UNAVAILABLE", 503) == (
        failure.kind,
        failure.message,
        failure.type,
        failure.code,
    )
    assert not decoder.done


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "interrupted"),
        (b" \r\n", "interrupted"),
        (b": ping\n\n", "interrupted"),
        (kit.sse(kit.answer(kit.candidate("a", finish=None))), "interrupted"),
        (kit.sse(kit.answer(kit.candidate("a", finish=None)))[:-20], "interrupted"),
        (kit.array(kit.answer(kit.candidate("a", finish=None))), "interrupted"),
        (kit.array(kit.answer(kit.candidate("a")))[:-30], "interrupted"),
        (kit.sse(kit.answer(kit.candidate("a"), kit.candidate("b", finish=None, index=1))), "interrupted"),
        (b"[", "interrupted"),
        (b"<html>Error</html>", "parse"),
        (b"data: {oops\n\n", "parse"),
        (b"data: 7\n\n", "parse"),
        (b"data: [7]\n\n", "parse"),
        (kit.sse({"candidates": [7]}), "parse"),
        (kit.sse({"candidates": [{"index": -1}]}), "parse"),
        (kit.sse({"candidates": [{"index": 1024}]}), "parse"),
        (kit.sse(kit.answer(kit.candidate({"functionCall": {}}))), "parse"),
        (kit.sse(kit.answer(kit.candidate(*[kit.call("f")] * 1025))), "parse"),
    ],
)
def test_a_broken_stream(data: bytes, kind: str) -> None:
    """Is told as what it is, whole or byte by byte; `done` is never set."""
    for step in (None, 1 if len(data) < 2000 else 900):
        _, decoder = kit.streamed(data, step=step)
        assert decoder.failure is not None
        assert (kind, False) == (decoder.failure.kind, decoder.done)
        assert decoder.failure.message.startswith("google error: ")
        assert [] == decoder.feed(b"data: {}\n\n") == decoder.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_generation_that_broke_off(begun: bool) -> None:
    """Fails; where nothing was handed on before, nothing is, so that another target may answer."""
    made = events(*([["Fast"]] if begun else []), ["Cut"], finish="MALFORMED_FUNCTION_CALL")
    chunks, decoder = kit.streamed(kit.sse(*made))

    assert decoder.failure is not None
    assert "MALFORMED_FUNCTION_CALL" == decoder.failure.code
    assert (["Fast", "Cut"] if begun else []) == [chunk["choices"][0]["delta"]["content"] for chunk in chunks]
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)

    chunks, decoder = kit.streamed(kit.sse(*made), strict=False)
    assert decoder.done
    assert "MALFORMED_FUNCTION_CALL" == chunks[-1]["choices"][0]["finish_reason"]


def test_rubbish_after_the_end_does_no_harm() -> None:
    """A complete answer stays one: [DONE], comments, half an event."""
    data = kit.sse(*events(["a"])) + b": bye\n\ndata: [DONE]\n\ndata: {half"
    chunks, decoder = kit.streamed(data)

    assert (True, None) == (decoder.done, decoder.failure)
    assert "a" == kit.joined(chunks)[CHOICE]["message"]["content"]


def test_an_endless_event_is_refused() -> None:
    """After 16 MiB, in either form, without keeping more."""
    for start in (b"data: ", b"[{"):
        decoder = kit.target().decoder({"model": kit.MODEL})
        decoder.feed(start)
        for _ in range(17):
            assert [] == decoder.feed(b"x" * 2**20)
        assert decoder.failure is not None
        assert "too_large" == decoder.failure.kind


def test_braces_and_quotes_inside_of_texts() -> None:
    """Do not end an object of the array form."""
    text = 'a "quoted" {brace} \\ [bracket] \\" é\u2028'
    for step in (1, 2, 3, None):
        chunks, decoder = kit.streamed(kit.array(*events([text], [text])), step=step)
        assert decoder.done
        assert text * 2 == kit.joined(chunks)[CHOICE]["message"]["content"]
