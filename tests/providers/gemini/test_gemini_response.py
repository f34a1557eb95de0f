"""What whole answers become."""

from __future__ import annotations

import json
from typing import Any

import gemini_kit as kit
import pytest

from llmroute.providers.base import DecodeError, ReplyError

PNG = {"inlineData": {"mimeType": "image/png", "data": kit.PIXEL}}
SHOWN = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{kit.PIXEL}"}}


def choice(*parts: Any, strict: bool = True, **members: Any) -> dict[str, Any]:
    return kit.decoded(kit.answer(kit.candidate(*parts, **members)), strict=strict)["choices"][0]


# -- the completion ----------------------------------------------------------


def test_a_completion() -> None:
    """Id and model are upstream's; `created`, which Gemini has not, is left to the router."""
    assert {
        "id": "resp-1",
        "object": "chat.completion",
        "model": "gemini-2.5-flash",
        "provider": "google",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi there."},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "completion_tokens_details": {"audio_tokens": 0, "reasoning_tokens": 0},
            "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
        },
    } == kit.decoded(kit.answer(kit.candidate("Hi ", "there.")))


def test_an_answer_without_id_and_model() -> None:
    """The id is made of the answer, the model is the one that was asked for."""
    body = kit.answer(kit.candidate("Hi"), modelVersion=None, responseId=None)
    first, second = (kit.decoded(body, params={"model": "models/m"}) for _ in range(2))

    assert ("m", first["id"]) == (first["model"], second["id"])
    assert first["id"].startswith("chatcmpl-")


def test_several_candidates() -> None:
    """Each under its own index, or its place where it has none."""
    first, second = kit.candidate("b", index=1), kit.candidate("a")
    del second["index"]
    choices = kit.decoded(kit.answer(first, second))["choices"]

    assert [(1, "b"), (1, "a")] == [(each["index"], each["message"]["content"]) for each in choices]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("STOP", "stop"),
        ("OTHER", "stop"),
        ("FINISH_REASON_UNSPECIFIED", "stop"),
        ("SOMETHING_NEW", "stop"),
        (None, "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("IMAGE_PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_RECITATION", "content_filter"),
    ],
)
def test_finish_reasons(raw: str | None, reason: str) -> None:
    """OpenAI's when strict, as they are when not. Source: FinishReason, v1beta."""
    assert reason == choice("Hi", finish=raw)["finish_reason"]
    assert (raw or "STOP") == choice("Hi", finish=raw, strict=False)["finish_reason"]


@pytest.mark.parametrize(("raw", "reason"), [("STOP", "tool_calls"), ("MAX_TOKENS", "length")])
def test_a_turn_with_calls_ends_with_tool_calls(raw: str, reason: str) -> None:
    """Unless it ended for another reason; strict or not, a tool loop depends on it."""
    assert reason == choice(kit.call("f"), finish=raw)["finish_reason"]
    assert "tool_calls" == choice(kit.call("f"), strict=False)["finish_reason"]


@pytest.mark.parametrize(
    "raw", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE"]
)
def test_a_generation_that_broke_off_is_a_failure(raw: str) -> None:
    """It must not look like an answer; when not strict, the raw reason says so."""
    body = kit.answer(kit.candidate("Cut", finish=raw, finishMessage="bad\ncall"))
    with pytest.raises(ReplyError) as caught:
        kit.decoded(body)

    failure = caught.value.failure
    assert ("parse", "invalid_response_error", raw) == (failure.kind, failure.type, failure.code)
    assert f"google error: the answer ended with {raw}: bad\\ncall" == failure.message
    assert raw == kit.decoded(body, strict=False)["choices"][0]["finish_reason"]


def test_a_blocked_prompt_is_a_filtered_choice() -> None:
    """With empty content; when not strict it also tells why."""
    feedback = {"blockReason": "PROHIBITED_CONTENT"}
    body = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}
    made = kit.decoded(body)

    assert ("", "content_filter") == (
        made["choices"][0]["message"]["content"],
        made["choices"][0]["finish_reason"],
    )
    assert (9, 0, 9) == tuple(
        made["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    assert "promptFeedback" not in made
    assert feedback == kit.decoded(body, strict=False)["promptFeedback"]


# -- messages ----------------------------------------------------------------


def test_thoughts_are_reasoning() -> None:
    """Also when strict, and apart from the content."""
    made = kit.message({"text": "Hm", "thought": True}, "42", {"text": ".", "thought": True})

    assert {"role": "assistant", "content": "42", "reasoning_content": "Hm."} == made


def test_calls() -> None:
    """With ids of their own where Gemini gives none, compact arguments, and no content but null."""
    made = kit.message(kit.call("tide", {"at": "é", "n": 9007199254740993}), kit.call("ping", id="fc_1"))
    first, second = made["tool_calls"]

    assert made["content"] is None
    assert {"name": "tide", "arguments": '{"at":"é","n":9007199254740993}'} == first["function"]
    assert {"id": "fc_1", "type": "function", "function": {"name": "ping", "arguments": "{}"}} == second


def test_ids_of_calls_differ_and_are_the_same_every_time() -> None:
    """Over calls, candidates and answers; short and plain enough for every provider."""
    parts = [
        kit.call("f"),
        kit.call("f"),
        kit.call("f", id="x"),
        kit.call("f", id="x"),
        kit.call("f", id="y" * 999),
    ]
    candidates = [kit.candidate(*parts, index=index) for index in (0, 1)]

    def ids(answer_id: str) -> list[str]:
        choices = kit.decoded(kit.answer(*candidates, responseId=answer_id))["choices"]
        return [call["id"] for each in choices for call in each["message"]["tool_calls"]]

    once = ids("a")
    assert once == ids("a")
    assert once[2] == "x"
    made = [*once, *ids("b")]
    assert {"x"} == {id for id in made if made.count(id) > 1}
    assert all(len(id) <= 40 and id.replace("_", "").isalnum() for id in made)


def test_calls_of_custom_tools() -> None:
    """A tool that was given as custom is called as such."""
    params = {"model": "m", "tools": [{"type": "custom", "custom": {"name": "c"}}]}
    parts = [kit.call("c", {"input": "x"}, id="1"), kit.call("c", {"y": 1}, id="2")]
    calls = kit.decoded(kit.answer(kit.candidate(*parts)), params=params)["choices"][0]["message"][
        "tool_calls"
    ]

    assert {"id": "1", "type": "custom", "custom": {"name": "c", "input": "x"}} == calls[0]
    assert '{"y":1}' == calls[1]["custom"]["input"]


def test_images_audio_and_files() -> None:
    """Media are handed out, strict or not; sketches of a thinking model are not the answer."""
    pdf = {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}}
    linked = {"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/a"}}
    made = kit.message("Here", PNG, {**PNG, "thought": True}, pdf, linked)

    assert "Here" == made["content"]
    assert [
        SHOWN,
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,JVBE", "mime_type": "application/pdf"},
        },
        {"type": "image_url", "image_url": {"url": "https://x.example/a"}},
    ] == made["images"]


def test_audio() -> None:
    """In OpenAI's member; its pieces are one recording."""
    pieces = [{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}} for data in ("YQ==", "YmM=")]
    made = kit.message(*pieces)

    assert made["content"] is None
    assert {
        "id": "audio_resp-1",
        "data": "YWJj",
        "expires_at": 0,
        "transcript": "",
        "mime_type": "audio/L16;rate=24000",
    } == made["audio"]


def test_content_blocks_when_not_strict() -> None:
    """As recorded, and with what OpenAI has no words for."""
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    parts = [{"text": "Hm", "thought": True}, "Here", PNG, code, kit.call("f", signature="c2ln")]
    made = kit.message(*parts, strict=False)

    assert [
        {"type": "thinking", "thinking": "Hm"},
        {"type": "text", "text": "Here"},
        SHOWN,
        {"type": "executableCode", **code},
    ] == made["content_blocks"]
    assert "c2ln" == made["tool_calls"][0]["function"]["thought_signature"]
    strict = kit.message(*parts)
    assert "content_blocks" not in strict
    assert {"name": "f", "arguments": "{}"} == strict["tool_calls"][0]["function"]


def test_an_answer_without_parts() -> None:
    """Thoughts may use up the whole limit: the content is empty, not missing."""
    for content in ({"role": "model"}, {"role": "model", "parts": []}, None):
        body = kit.answer({"content": content, "finishReason": "MAX_TOKENS"})
        assert {"role": "assistant", "content": ""} == kit.decoded(body)["choices"][0]["message"]


# -- usage -------------------------------------------------------------------


def test_usage_adds_up() -> None:
    """Thoughts are completion tokens, results of Google's tools prompt tokens. Source: UsageMetadata."""
    metadata = {
        "promptTokenCount": 100,
        "toolUsePromptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 135,
        "cachedContentTokenCount": 60,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 60},
            {"modality": "AUDIO", "tokenCount": 40},
        ],
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 4},
            {"modality": "AUDIO", "tokenCount": 1},
        ],
    }
    body = kit.answer(kit.candidate("Hi"), usageMetadata=metadata)

    assert {
        "prompt_tokens": 110,
        "completion_tokens": 25,
        "total_tokens": 135,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 1},
    } == kit.decoded(body)["usage"]
    loose = kit.decoded(body, strict=False)["usage"]
    assert (60, 4) == (
        loose["prompt_tokens_details"]["text_tokens"],
        loose["completion_tokens_details"]["image_tokens"],
    )


@pytest.mark.parametrize("metadata", [None, 3, {}, {"promptTokenCount": -1, "totalTokenCount": "x"}])
def test_odd_usage(metadata: Any) -> None:
    """None is left out; counts that are no counts are 0."""
    usage = kit.decoded(kit.answer(kit.candidate("Hi"), usageMetadata=metadata)).get("usage")

    assert usage is None or usage["prompt_tokens"] == usage["total_tokens"] == 0


def test_log_probabilities() -> None:
    """Bytes are UTF-8, alternatives stand with their token; a logarithm of 0 is left out by Google."""
    result = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5}, {"token": "a"}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -1}]}],
    }

    assert {
        "content": [
            {
                "token": "é",
                "logprob": -0.5,
                "bytes": [195, 169],
                "top_logprobs": [{"token": "b", "logprob": -1, "bytes": [98]}],
            },
            {"token": "a", "logprob": 0.0, "bytes": [97], "top_logprobs": []},
        ],
        "refusal": None,
    } == choice("éa", logprobsResult=result)["logprobs"]


# -- sources -----------------------------------------------------------------

GROUNDING = {
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"maps": {"uri": "https://b.example"}},
        {"odd": 1},
    ],
    "groundingSupports": [
        {"segment": {"endIndex": 3}, "groundingChunkIndices": [0, 7]},
        {"segment": {"startIndex": 3, "endIndex": 99}, "groundingChunkIndices": [0, 2]},
    ],
}


def citation(url: str, title: str, start: int, end: int) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {"url": url, "title": title, "start_index": start, "end_index": end},
    }


def test_grounding_is_cited() -> None:
    """Bytes of the text become characters; a source that no text is traced to is cited all the same."""
    made = choice("é!, yes", groundingMetadata=GROUNDING)

    assert [
        citation("https://a.example", "A", 0, 2),
        citation("https://a.example", "A", 2, 7),
        citation("https://b.example", "", 0, 0),
    ] == made["message"]["annotations"]
    assert "groundingMetadata" not in made
    assert GROUNDING == choice("é!, yes", groundingMetadata=GROUNDING, strict=False)["groundingMetadata"]


@pytest.mark.parametrize("member", ["citationSources", "citations"])
def test_quotations_are_cited(member: str) -> None:
    """Under the name of the Gemini API and that of Vertex AI."""
    source = {"startIndex": 1, "endIndex": 3, "uri": "https://a.example", "license": "mit"}
    made = choice("abcd", citationMetadata={member: [source]})

    assert [citation("https://a.example", "mit", 1, 3)] == made["message"]["annotations"]


def test_metadata_of_a_candidate_when_not_strict() -> None:
    """Every member that OpenAI has no place for."""
    extra = {"safetyRatings": [{"category": "C"}], "avgLogprobs": -0.1, "urlContextMetadata": {"a": 1}}

    assert extra.items() <= choice("Hi", strict=False, **extra).items()
    assert not extra.keys() & choice("Hi", **extra).keys()


# -- failures ----------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        [],
        [1, 2],
        "x",
        {},
        {"candidates": []},
        {"candidates": {}},
        {"candidates": [1]},
        {"candidates": [{"index": -1}]},
        {"candidates": [{"index": 1024}]},
        {"candidates": [{"index": True}]},
        {"candidates": [{}] * 1025},
        {"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}] * 1025}}]},
        {"promptFeedback": {}},
    ],
)
def test_what_is_no_answer(body: Any) -> None:
    """Is an error of the provider's, whatever it is."""
    with pytest.raises(DecodeError):
        kit.decoded(body)


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: [body]])
def test_an_error_inside_an_answer(wrap: Any) -> None:
    """With its status, text and code; some gateways answer 200 all the same."""
    body = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    with pytest.raises(ReplyError) as caught:
        kit.decoded(wrap(body))

    failure = caught.value.failure
    assert ("google error: slow down", "RESOURCE_EXHAUSTED", 429) == (
        failure.message,
        failure.type,
        failure.code,
    )


@pytest.mark.parametrize(
    ("delay", "seconds"), [("38s", 38.0), ("1.5s", 1.5), ("soon", None), (3, None), ("9999999999s", None)]
)
def test_the_wait_that_an_error_asks_for(delay: Any, seconds: float | None) -> None:
    """Google tells it in the body. Source: google.rpc.RetryInfo."""
    details = [7, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    error = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": details}}

    for body in (error, [error]):
        failure = kit.target().failure(kit.reply(body, 429))
        assert (429, "RESOURCE_EXHAUSTED", seconds) == (failure.code, failure.type, failure.retry_after)


@pytest.mark.parametrize("body", [b"", b"\xff", [], {"error": {"details": 3}}, {"error": 3}])
def test_any_error_body_is_a_failure(body: Any) -> None:
    """With some message."""
    failure = kit.target().failure(kit.reply(body, 500))

    assert "status" == failure.kind
    assert failure.message


def test_odd_members_are_skipped() -> None:
    """Parts that say nothing do no harm."""
    parts = [
        1,
        {},
        {"text": 3},
        {"inlineData": {}},
        {"inlineData": {"data": "x"}},
        {"fileData": {}},
        {"a": 1},
        "Hi",
    ]
    made = json.loads(json.dumps(kit.message(*parts)))

    assert "Hi" == made["content"]
    assert ["file"] == [each["type"] for each in made["images"]]
