"""How an answer becomes a completion."""

from __future__ import annotations

from typing import Any

import anthropic_kit as kit
import pytest
from anthropic_kit import decoded

from llmroute.providers.base import DecodeError, ReplyError

CALL = {"type": "tool_use", "id": "toolu_1", "name": "tide", "input": {"harbour": "Brest"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def text(content: str, **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": content, **members}


def message_of(content: list[Any], **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = decoded(content, **members)["choices"][0]["message"]
    return found


def test_texts_are_joined_and_thoughts_stand_apart() -> None:
    """As the pieces of a stream would be."""
    message = message_of([THOUGHT, text("a"), {**THOUGHT, "thinking": " Ha."}, text("b")])

    assert ("ab", "Hm. Ha.") == (message["content"], message["reasoning_content"])


def test_arguments_are_compact_and_keep_their_digits() -> None:
    """No blanks, no escapes for other scripts, no rounding."""
    call = {**CALL, "input": {"n": 9007199254740993, "é": [1.5, None]}}

    assert (
        '{"n":9007199254740993,"é":[1.5,null]}'
        == (message_of([call])["tool_calls"][0]["function"]["arguments"])
    )


@pytest.mark.parametrize(
    ("stop_reason", "expected", "native"),
    [
        ("end_turn", "stop", None),
        ("stop_sequence", "stop", None),
        ("max_tokens", "length", None),
        ("tool_use", "tool_calls", None),
        ("refusal", "content_filter", None),
        ("pause_turn", "stop", "pause_turn"),
        ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
        ("something_new", "stop", "something_new"),
        (None, "stop", None),
    ],
)
def test_the_stop_reason_in_openai_s_words(
    stop_reason: str | None, expected: str, native: str | None
) -> None:
    """What the mapping hides is kept beside it; without strict compliance nothing is mapped."""
    strict = decoded([text("x")], stop_reason=stop_reason)["choices"][0]
    loose = decoded([text("x")], stop_reason=stop_reason, strict=False)["choices"][0]

    assert (expected, native) == (strict["finish_reason"], strict.get("native_finish_reason"))
    assert (stop_reason or "stop") == loose["finish_reason"]


def test_nothing_of_an_answer_is_lost() -> None:
    """Members that OpenAI has not are kept under their own names, but never the router's."""
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    usage = {
        "input_tokens": 1,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 4},
        "service_tier": "priority",
        "server_tool_use": {"web_search_requests": 2},
        "inference_geo": "eu",
        "cache_creation": None,
    }
    completion = decoded(
        [text("x")],
        stop_sequence="END",
        stop_details=details,
        container={"id": "c"},
        context_management=None,
        route="evil",
        hook_results=[],
        choices=[],
        usage=usage,
    )
    choice = completion["choices"][0]

    assert {"id": "c"} == completion["container"]
    assert ("END", details) == (choice["stop_sequence"], choice["stop_details"])
    assert not {"route", "hook_results", "context_management", "created"} & completion.keys()
    assert "priority" == completion["service_tier"]
    assert {
        "prompt_tokens": 1,
        "completion_tokens": 5,
        "total_tokens": 6,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 4},
        "service_tier": "priority",
        "server_tool_use": {"web_search_requests": 2},
        "inference_geo": "eu",
    } == completion["usage"]


def test_an_answer_without_usage_has_none() -> None:
    """Counts are not invented."""
    assert "usage" not in decoded([text("x")], usage=None)


def test_citations_with_a_url_are_annotations() -> None:
    """They point at the text they stand with; the others are kept in provider_state."""
    web = {
        "type": "web_search_result_location",
        "url": "https://example.org/a",
        "title": None,
        "cited_text": "c",
        "encrypted_index": "e",
    }
    search = {"type": "search_result_location", "source": "https://example.org/b", "title": "B"}
    page = {"type": "page_location", "document_index": 0, "start_page_number": 1, "end_page_number": 2}
    message = message_of(
        [text("ab"), text("cde", citations=[web, page, search]), text("f", citations=[page])]
    )

    assert [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 2, "end_index": 5, "url": url, "title": title},
        }
        for url, title in (("https://example.org/a", ""), ("https://example.org/b", "B"))
    ] == message["annotations"]
    assert [
        {"type": "text", "length": 2},
        {"type": "text", "length": 3, "citations": [web, page, search]},
        {"type": "text", "length": 1, "citations": [page]},
    ] == message["provider_state"]["data"]


def test_plain_answers_carry_no_state() -> None:
    """Text and tool calls say everything by themselves."""
    direct = {**CALL, "caller": {"type": "direct"}, "toolset_name": None}

    assert "provider_state" not in message_of([text("a", citations=None), CALL, direct])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"content": null}',
        b'{"content": "text"}',
        b'{"content": [5]}',
        b'{"content": [{"type": "text", "text": 5}]}',
        b'{"content": [{"type": "thinking", "thinking": []}]}',
        b'{"content": [{"type": "tool_use", "id": 5, "name": "x"}]}',
        b'{"content": [{"type": "tool_use", "id": "x"}]}',
        b'{"content": [' + b"{}," * 1024 + b"{}]}",
        b"<html>",
        b"\xff",
    ],
)
def test_what_is_no_message_is_an_error(body: bytes) -> None:
    """A 200 does not make an answer."""
    with pytest.raises(DecodeError):
        kit.target().decode(kit.reply(body), {})


def test_an_error_object_in_a_200_is_the_failure() -> None:
    """With its type, text and request id."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}, "request_id": "req_1"}

    with pytest.raises(ReplyError) as caught:
        kit.target().decode(kit.reply(error), {})

    failure = caught.value.failure
    assert ("status", "overloaded_error", "anthropic error: Busy") == (
        failure.kind,
        failure.type,
        failure.message,
    )
    assert "req_1" == failure.body["request_id"]


def test_an_error_answer_keeps_its_request_id_and_reason() -> None:
    """A prompt that is too long is told apart, so that a fallback can react to it."""
    told = "prompt is too long: 210000 tokens > 200000 maximum"
    error = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": told},
        "request_id": "req_1",
    }
    failure = kit.target().failure(kit.reply(error, 400))

    assert ("context_window", "req_1") == (failure.reason, failure.body["request_id"])
    assert told in failure.message
