"""Answers: texts, calls, reasoning, citations, usage, finish reasons, and what is none."""

from __future__ import annotations

import json
from typing import Any

import bedrock_kit as kit
import pytest

from llmroute.providers.base import DecodeError, ReplyError

THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "c2ln"}}}
REDACTED = {"reasoningContent": {"redactedContent": "cmVk"}}
CALL = {"toolUse": {"toolUseId": "tooluse_A", "name": "tide", "input": {"harbour": "Brest"}}}
SERVER_CALL = {
    "toolUse": {"toolUseId": "t1", "name": "nova_grounding", "input": {"q": "x"}, "type": "server_tool_use"}
}
SERVER_RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "found"}], "type": "grounding"}}


def choice(content: list[Any], **members: Any) -> Any:
    return kit.decoded(content, **members)["choices"][0]


def said(content: list[Any], **members: Any) -> Any:
    """The message of an answer."""
    return choice(content, **members)["message"]


def test_a_completion_of_openai() -> None:
    """With the model of the request, and an id from the headers or else of the answer's own."""
    body = kit.message([{"text": "Fastnet."}])
    adapter = kit.target()
    named = adapter.decode(kit.reply(body, x_amzn_requestid="4f3a"), {"model": "m"})
    unnamed = adapter.decode(kit.reply(body), {"model": "m"})

    assert {
        "id": "4f3a",
        "object": "chat.completion",
        "model": "m",
        "provider": "bedrock",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Fastnet."},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
        "metrics": {"latencyMs": 12},
    } == named
    assert unnamed["id"].startswith("chatcmpl-")
    assert unnamed == adapter.decode(kit.reply(body), {"model": "m"})


def test_texts_are_lines() -> None:
    """Blocks of text are joined with line ends, as recorded; empty ones say nothing."""
    assert "a\nb" == said([{"text": "a"}, {"text": ""}, CALL, {"text": "b"}])["content"]


def test_calls() -> None:
    """Compact arguments; no input is an empty object."""
    bare = {"toolUse": {"toolUseId": "tooluse_B", "name": "ping"}}
    message = said([CALL, bare], stopReason="tool_use")

    assert "" == message["content"]
    assert [
        ("tooluse_A", "tide", '{"harbour":"Brest"}'),
        ("tooluse_B", "ping", "{}"),
    ] == [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]]


def test_big_integers_in_arguments_stay_whole() -> None:
    """Digit by digit."""
    body = json.dumps(kit.message([CALL])).replace('"Brest"', "12345678901234567").encode()
    made = kit.target().decode(kit.reply(body), {"model": "m"})

    call = made["choices"][0]["message"]["tool_calls"][0]
    assert '{"harbour":12345678901234567}' == call["function"]["arguments"]


def test_reasoning() -> None:
    """Its text is `reasoning_content`; signed and encrypted blocks are kept for the next request."""
    message = said([THOUGHT, REDACTED, {"text": "42"}])

    assert ("Hmm.", "42") == (message["reasoning_content"], message["content"])
    assert {
        "origin": "bedrock",
        "data": {"family": "anthropic", "blocks": [{"block": THOUGHT}, {"block": REDACTED}, {"text": 2}]},
    } == message["provider_state"]


def test_reasoning_that_may_not_go_back_is_no_state() -> None:
    """Unsigned reasoning: most models refuse it, OpenAI's take it."""
    unsigned = {"reasoningContent": {"reasoningText": {"text": "Hmm."}}}
    refused, taken = (
        said([unsigned, {"text": "x"}], model=model)
        for model in ("deepseek.r1-v1:0", "openai.gpt-oss-20b-1:0")
    )

    assert ("Hmm.", "Hmm.") == (refused["reasoning_content"], taken["reasoning_content"])
    assert "provider_state" not in refused
    assert {"block": unsigned} in taken["provider_state"]["data"]["blocks"]


def test_tools_that_run_on_the_server_are_no_calls() -> None:
    """The caller cannot answer them; they go back as they came."""
    message = said([SERVER_CALL, SERVER_RESULT, {"text": "x"}])

    assert "tool_calls" not in message
    assert [{"block": SERVER_CALL}, {"block": SERVER_RESULT}, {"text": 1}] == message["provider_state"][
        "data"
    ]["blocks"]


def test_citations() -> None:
    """Cited text is part of a sentence; citations of the web are annotations, all are kept."""
    citations = [
        {"title": "A", "location": {"web": {"url": "https://e.org/a", "domain": "e.org"}}},
        {"location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 4}}},
    ]
    cited = {"citationsContent": {"content": [{"text": "grass"}], "citations": citations}}
    message = said([{"text": "The "}, cited, {"text": " is green."}])

    assert "The grass is green." == message["content"]
    assert [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 4, "end_index": 9, "url": "https://e.org/a", "title": "A"},
        }
    ] == message["annotations"]
    assert {"text": 5, "citations": citations} == message["provider_state"]["data"]["blocks"][1]


def test_images_of_the_model() -> None:
    """As data URLs."""
    image = {"image": {"format": "png", "source": {"bytes": "QUJD"}}}

    assert [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}] == said([image])[
        "images"
    ]


def test_unknown_blocks_are_kept() -> None:
    """What a later version of the API answers goes back as it came."""
    block = {"hologram": {"x": 1}}

    assert [{"block": block}] == said([block])["provider_state"]["data"]["blocks"]


@pytest.mark.parametrize(
    ("reason", "strict", "expected"),
    [
        ("end_turn", True, {"finish_reason": "stop"}),
        ("stop_sequence", True, {"finish_reason": "stop", "native_finish_reason": "stop_sequence"}),
        ("max_tokens", True, {"finish_reason": "length"}),
        (
            "model_context_window_exceeded",
            True,
            {"finish_reason": "length", "native_finish_reason": "model_context_window_exceeded"},
        ),
        ("tool_use", True, {"finish_reason": "tool_calls"}),
        ("content_filtered", True, {"finish_reason": "content_filter"}),
        (
            "guardrail_intervened",
            True,
            {"finish_reason": "content_filter", "native_finish_reason": "guardrail_intervened"},
        ),
        ("new_reason", True, {"finish_reason": "stop", "native_finish_reason": "new_reason"}),
        (None, True, {"finish_reason": "stop"}),
        ("end_turn", False, {"finish_reason": "end_turn"}),
        ("malformed_tool_use", False, {"finish_reason": "malformed_tool_use"}),
    ],
)
def test_finish_reasons(reason: Any, strict: bool, expected: dict[str, Any]) -> None:
    """OpenAI's words, with Amazon's beside them where they say more; Amazon's own when not strict."""
    found = choice([{"text": "x"}], stopReason=reason, strict=strict)

    assert expected == {name: value for name, value in found.items() if "finish" in name}


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_a_generation_that_broke_off_is_an_error(reason: str) -> None:
    """Half an answer must not look like one."""
    with pytest.raises(ReplyError) as caught:
        kit.decoded([{"text": "x"}], stopReason=reason)

    assert ("parse", reason) == (caught.value.failure.kind, caught.value.failure.code)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, (3, 2, 5, 0)),
        (
            {
                "inputTokens": 10,
                "outputTokens": 7,
                "totalTokens": 167,
                "cacheReadInputTokens": 50,
                "cacheWriteInputTokens": 100,
            },
            (160, 7, 167, 50),
        ),
        ({"inputTokens": "x", "outputTokens": -1}, (0, 0, 0, 0)),
        ({}, (0, 0, 0, 0)),
    ],
)
def test_usage(usage: dict[str, Any], expected: tuple[int, ...]) -> None:
    """Prompt tokens include the cache, and totals add up."""
    found = kit.decoded([{"text": "x"}], usage=usage)["usage"]

    assert expected == (
        found["prompt_tokens"],
        found["completion_tokens"],
        found["total_tokens"],
        found["prompt_tokens_details"]["cached_tokens"],
    )


def test_what_openai_has_no_place_for_is_kept() -> None:
    """Details of the cache, traces of guardrails, the model's own fields, the tier."""
    details = [{"ttl": "1h", "inputTokens": 4}]
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2, "cacheDetails": details}
    made = kit.decoded(
        [{"text": "x"}],
        usage=usage,
        trace={"guardrail": {"actionReason": "x"}},
        additionalModelResponseFields={"stop_sequence": "END"},
        serviceTier={"type": "flex"},
    )

    assert details == made["usage"]["cacheDetails"]
    assert {"guardrail": {"actionReason": "x"}} == made["trace"]
    assert {"stop_sequence": "END"} == made["additionalModelResponseFields"]
    assert "flex" == made["service_tier"]
    assert {"type": "reserved"} == kit.decoded([], serviceTier={"type": "reserved"})["serviceTier"]


def test_callers_who_are_not_strict_see_the_blocks() -> None:
    """In Anthropic's words, as recorded."""
    message = said([THOUGHT, REDACTED, {"text": "42"}, CALL], strict=False)

    assert [
        {"type": "thinking", "thinking": "Hmm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "cmVk"},
        {"type": "text", "text": "42"},
    ] == message["content_blocks"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"output": {}}',
        b'{"output": {"message": {"content": "x"}}}',
        b'{"output": {"message": {"content": [7]}}}',
        json.dumps(kit.message([{"text": "x"}] * 1025)).encode(),
        json.dumps(kit.message([{"toolUse": 7}])).encode(),
        json.dumps(kit.message([{"toolUse": {"name": "x"}}])).encode(),
        json.dumps(kit.message([{"toolUse": {"toolUseId": "x", "name": 7}}])).encode(),
    ],
)
def test_what_is_no_answer_is_told(body: bytes) -> None:
    """A 200 that is none is an error of its own."""
    with pytest.raises(DecodeError):
        kit.target().decode(kit.reply(body), {"model": "m"})


@pytest.mark.parametrize("body", [{"message": "no"}, {"Message": "no"}, {"__type": "a#B", "message": "no"}])
def test_an_error_inside_a_200(body: dict[str, Any]) -> None:
    """With Amazon's text."""
    with pytest.raises(ReplyError) as caught:
        kit.target().decode(kit.reply(body), {"model": "m"})

    assert "bedrock error: no" == caught.value.failure.message


MODEL_SAID = "The model returned the following errors:"

# -- errors ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("ValidationException", {"message": "bad"}, ("ValidationException", "bedrock error: bad")),
        (
            "ThrottlingException:http://internal.amazon.com/coral/x/",
            {"message": "slow"},
            ("ThrottlingException", "bedrock error: slow"),
        ),
        (
            "",
            {"__type": "com.amazon#DeniedException", "Message": "no"},
            ("DeniedException", "bedrock error: no"),
        ),
        ("", {}, (None, "bedrock error: no message (HTTP status 400)")),
        ("a\tb", {"message": "x"}, (None, "bedrock error: x")),
    ],
)
def test_errors(header: str, body: Any, expected: tuple[Any, str]) -> None:
    """The exception's name is the type: from the header, else from the body."""
    failure = kit.target().failure(kit.reply(body, 400, x_amzn_errortype=header))

    assert expected == (failure.type, failure.message)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Input is too long for requested model.", "context_window"),
        (f"{MODEL_SAID} prompt is too long: 250000 tokens > 200000 maximum", "context_window"),
        (f"{MODEL_SAID} Number of input tokens exceeds maximum length.", "context_window"),
        ("This model's maximum context length is 8192 tokens.", "context_window"),
        (f"{MODEL_SAID} Output blocked by content filtering policy", "content_policy"),
        ("Malformed input request, please reformat your input and try again.", None),
        ("Too many tokens, please wait before trying again.", None),
    ],
)
def test_errors_with_a_class_of_their_own(message: str, reason: str | None) -> None:
    """A full context window and a broken content policy, in the words of the models."""
    status = 429 if message.startswith("Too many") else 400
    wire = kit.reply({"message": message}, status, x_amzn_errortype="ValidationException")

    assert reason == kit.target().failure(wire).reason
