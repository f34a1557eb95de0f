"""Mistral's and OpenAI's own types, random conversations and rubbish as judges."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistralai.client.models import ChatCompletionRequest, ChatCompletionResponse, CompletionChunk
from native_kit import HELLO, Kit, sse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from test_mistral_answers import CALLS, CONTENTS, STREAM, answer, chunk, said, thought

from llmroute.providers.base import DecodeError, EncodeError, ReplyError
from llmroute.providers.mistral.ids import short_id

MISTRAL = Kit("mistral-ai", "mistral-large-latest")


def request_problems(body: dict[str, Any]) -> list[str]:
    """Where a request is not what Mistral's own client would send."""
    return kit.type_problems(body, ChatCompletionRequest)


def test_the_checker_finds_what_is_wrong() -> None:
    """Else the tests below would say nothing."""
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 3}

    assert [] == request_problems(good)
    assert request_problems({**good, "wibble": 1})
    assert request_problems({**good, "n": "3"})
    assert request_problems(
        {**good, "messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}
    )
    assert request_problems({**good, "messages": [{"role": "user", "name": "x", "content": "x"}]})


@pytest.mark.parametrize("case", kit.cases("mistral-ai") + kit.cases("mistral-ai_own"), ids=kit.by_id)
def test_every_request_to_mistral_fits_its_types(case: dict[str, Any]) -> None:
    """No member is misspelt, misplaced or of another type, whatever host was recorded."""
    headers = {k: v for k, v in case["request"]["headers"].items() if k != "x-portkey-custom-host"}
    call = kit.run({**case, "request": {**case["request"], "headers": headers}}).call

    assert call is None or [] == request_problems(call["json"])


RICH: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "s"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "JVA="}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            ],
        },
        MISTRAL.message(answer(CONTENTS[1], "tool_calls", tool_calls=CALLS)),
        {"role": "tool", "tool_call_id": CALLS[0]["id"], "content": [{"type": "text", "text": "4"}]},
        {"role": "tool", "tool_call_id": CALLS[1]["id"], "content": "5"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "function": {"name": "tide", "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "tide"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "prediction": {"type": "content", "content": [{"type": "text", "text": "p"}]},
    "stop": ["END"],
    "seed": 3,
    "max_completion_tokens": 5,
    "temperature": 2,
    "service_tier": "default",
    "reasoning_effort": "high",
    "metadata": {"a": "b"},
    "logprobs": True,
    "top_logprobs": 2,
    "parallel_tool_calls": False,
    "safe_mode": True,
}


def test_a_request_with_everything_fits_mistral_s_types() -> None:
    """Thinking that goes back included."""
    assert [] == request_problems(MISTRAL.encoded(**RICH))


@pytest.mark.parametrize("content", CONTENTS)
def test_answers_of_the_tests_are_mistral_s_and_become_openai_s(content: Any) -> None:
    """As a whole and as a stream."""
    body = answer(content, "tool_calls", tool_calls=CALLS)

    assert [] == kit.type_problems(body, ChatCompletionResponse)
    ChatCompletion.model_validate(MISTRAL.decoded(body), strict=True)
    for each in STREAM.split(b"\n\n")[:-2]:
        assert [] == kit.type_problems(json.loads(each[6:]), CompletionChunk) or b"num_cached" in each
    for each in MISTRAL.streamed(STREAM)[0]:
        ChatCompletionChunk.model_validate(each, strict=True)


# -- properties --------------------------------------------------------------


@given(given_by.conversations())
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else; in Mistral's types."""
    body = MISTRAL.encoded(messages)
    said_there = [
        (kind, short_id(rest[0]), *rest[1:]) if kind in ("call", "result") else (kind, *rest)
        for kind, *rest in given_by.said_in(messages)
    ]

    assert said_there == given_by.said_in(body["messages"])
    assert [] == request_problems(body)


CHUNK = given_by.TEXT.flatmap(
    lambda text: st.sampled_from(
        [said(text), thought(text), {"type": "reference", "reference_ids": [len(text)]}]
    )
)
CALL = st.builds(
    lambda name, value: {"function": {"name": name, "arguments": json.dumps(value)}},
    given_by.NAME,
    given_by.INPUT,
)
CALL_LISTS = st.lists(CALL, max_size=3).map(
    lambda calls: [{"id": f"callnr{i:03d}", "index": i, **call} for i, call in enumerate(calls)]
)


@given(st.lists(CHUNK, min_size=1, max_size=4), CALL_LISTS)
def test_an_answer_goes_back_as_it_came(content: list[dict[str, Any]], calls: list[dict[str, Any]]) -> None:
    """Its chunks in their order where any is more than text; else its text in one piece."""
    ours = MISTRAL.message(answer(content, tool_calls=calls or None))
    sent = MISTRAL.encoded([*HELLO, json.loads(json.dumps(ours)), *HELLO])["messages"][1]

    if all(each["type"] == "text" for each in content):
        assert "".join(each["text"] for each in content) == sent["content"]
    else:
        assert content == sent["content"]
    got = [(call["id"], call["function"]) for call in sent.get("tool_calls", [])]
    assert [(call["id"], call["function"]) for call in calls] == got


@given(st.lists(CHUNK, min_size=1, max_size=4), CALL_LISTS, st.integers(1, 60))
def test_a_stream_goes_back_as_it_came(
    content: list[dict[str, Any]], calls: list[dict[str, Any]], cut: int
) -> None:
    """But that neighbours of one kind have become one."""
    deltas: list[dict[str, Any]] = [{"content": [each]} for each in content]
    deltas += [{"tool_calls": [call]} for call in calls]
    data = sse(*map(chunk, deltas), chunk({}, "stop"), b"[DONE]")
    chunks, decoder = MISTRAL.streamed(data, step=cut)
    ours = kit.assembled(chunks)["message"]
    sent = MISTRAL.encoded([*HELLO, {"role": "assistant", **ours}, *HELLO])["messages"][1]

    assert (True, None) == (decoder.done, decoder.failure)
    assert MISTRAL.message(answer(content))["content"] == ours["content"]
    assert flat(content) == flat(sent["content"])
    assert [call["function"] for call in calls] == [call["function"] for call in sent.get("tool_calls", [])]


def flat(content: Any) -> list[tuple[str, Any]]:
    """Kind and substance of each chunk, neighbours of one kind joined."""
    found: list[tuple[str, Any]] = []
    for each in [said(content)] if isinstance(content, str) else content:
        kind = each["type"]
        if kind == "reference":
            found.append((kind, each["reference_ids"]))
            continue
        text = each["text"] if kind == "text" else "".join(part["text"] for part in each["thinking"])
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + text)
        else:
            found.append((kind, text))
    return found


@given(
    st.lists(given_by.MESSAGE, max_size=4),
    given_by.PARAMS,
    st.sampled_from(["drop", "error"]),
    st.sampled_from([None, "http://h"]),
    st.sampled_from(["true", "false"]),
)
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str, base_url: str | None, fim: str
) -> None:
    """Either it is refused, or JSON is sent; what was given is not modified."""
    before = repr((messages, params))
    settings = {
        "on_unsupported": on_unsupported,
        "base_url": base_url,
        "options": {"mistral_fim_completion": fim},
    }
    try:
        wire = MISTRAL.request([*HELLO, *messages], settings=settings, **params)
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
    assert before == repr((messages, params))


@given(given_by.OBJECT, given_by.OBJECT, given_by.OBJECT, st.booleans())
def test_no_answer_raises_anything_but_its_errors(body: Any, choice: Any, message: Any, strict: bool) -> None:
    """Either it is a completion, or it is refused."""
    whole = {**body, "choices": [{**choice, "message": message}]}
    with contextlib.suppress(DecodeError, ReplyError):
        MISTRAL.decoded(json.dumps(whole).encode(), strict=strict)


@given(st.lists(given_by.OBJECT.map(chunk) | given_by.OBJECT, max_size=6), st.integers(1, 40))
def test_no_stream_raises(events: list[Any], cut: int) -> None:
    """It ends, or it fails."""
    _, decoder = MISTRAL.streamed(sse(*events), step=cut)

    assert not (decoder.done and decoder.failure)
