"""AI21: chat completions of today, and the chat of the Jurassic models before them."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, Kit

from llmroute.providers.base import EncodeError

JAMBA = Kit("ai21", "jamba-large")
JURASSIC = Kit("ai21", "j2-ultra")
TIDE = {"type": "function", "function": {"name": "tide"}}


def test_it_goes_to_the_chat_completions() -> None:
    """With everything that the caller gives."""
    wire = JAMBA.request(max_completion_tokens=5, documents=[{"content": "d"}], tools=[TIDE], wibble=1)

    assert "https://api.ai21.com/studio/v1/chat/completions" == str(wire.url)
    assert "Bearer sk-test" == wire.headers["Authorization"]
    assert {
        "model": "jamba-large",
        "messages": HELLO,
        "max_tokens": 5,
        "documents": [{"content": "d"}],
        "tools": [TIDE],
        "wibble": 1,
    } == json.loads(wire.body)


def test_content_goes_as_text() -> None:
    """In one piece; what is no text is refused."""
    parts = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]

    assert "a\nb" == JAMBA.encoded([{"role": "user", "content": parts}])["messages"][0]["content"]
    image = {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}
    assert "messages[0].content[0]" == JAMBA.refusal([{"role": "user", "content": [image]}]).param


def test_a_schema_is_asked_for_in_a_system_message() -> None:
    """JSON itself is enforced; that the schema is not is told."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    body = JAMBA.encoded(response_format=wanted)

    assert {"type": "json_object"} == body["response_format"]
    assert "system" == body["messages"][0]["role"]
    assert schema == json.loads(body["messages"][0]["content"].partition("\n")[2])
    assert ["response_format"] == kit.told(JAMBA.warnings(response_format=wanted))


def test_the_former_api_is_spoken_for_its_models() -> None:
    """In its own words, with limits of its own."""
    wire = JURASSIC.request(
        [{"role": "system", "content": "s"}, *HELLO],
        temperature=1.5,
        top_p=0.5,
        top_k=3,
        stop="END",
        presence_penalty=1,
        max_tokens=5,
        max_completion_tokens=7,
        n=2,
        wibble=1,
    )

    assert "https://api.ai21.com/studio/v1/j2-ultra/chat" == str(wire.url)
    assert {
        "system": "s",
        "messages": [{"text": "Hi", "role": "user"}],
        "temperature": 1,
        "topP": 0.5,
        "topKReturn": 3,
        "stopSequences": ["END"],
        "presencePenalty": {"scale": 1},
        "maxTokens": 7,
        "numResults": 2,
    } == json.loads(wire.body)
    assert ["temperature", "wibble"] == kit.told(wire.warnings)


@pytest.mark.parametrize(
    "beyond",
    [
        {"tools": [TIDE]},
        {"stream": True},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        {"messages": [{"role": "tool", "tool_call_id": "a", "content": "4"}]},
    ],
)
def test_what_the_former_api_could_not_do_goes_to_the_current_one(beyond: dict[str, Any]) -> None:
    """The service then says what became of the model."""
    assert JURASSIC.request(**beyond).url.path.endswith("/chat/completions")


@pytest.mark.parametrize("model", ["j2-../../admin", "j2-a?b"])
def test_a_model_stays_a_model(model: str) -> None:
    """Whatever it is called."""
    path = Kit("ai21", model).request(settings={"base_url": "http://h"}).url.raw_path

    assert path.startswith("/j2-")
    assert "?" not in path
    assert "/../" not in path


def test_former_answers_are_completions() -> None:
    """Several outputs are several choices; asked to stream, an answer becomes a stream."""
    outputs = [{"text": text, "finishReason": {"reason": "length"}} for text in ("a", "b")]
    body = {"id": "i", "outputs": outputs}
    found = JURASSIC.decoded(body)

    assert [("a", "length"), ("b", "length")] == [
        (choice["message"]["content"], choice["finish_reason"]) for choice in found["choices"]
    ]
    chunks, decoder = JURASSIC.streamed(json.dumps({**body, "outputs": outputs[:1]}).encode())
    assert (None, "a") == (decoder.failure, kit.assembled(chunks)["message"]["content"])
    assert "parse" == JURASSIC.failed({"outputs": []}).kind


@given(given_by.conversations(images=False, result_parts=False))
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, call and result, in order, and nothing else; parts are joined by line ends."""
    joined = [
        {**message, "content": "\n".join(text for _, text in given_by.parts_in(message["content"] or ""))}
        for message in messages
    ]

    assert given_by.said_in(joined) == given_by.said_in(JAMBA.encoded(messages)["messages"])


@given(
    st.lists(given_by.MESSAGE, max_size=4),
    given_by.PARAMS,
    st.sampled_from(["drop", "error"]),
    st.sampled_from([JAMBA, JURASSIC]),
)
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str, model: Kit
) -> None:
    """Either it is refused, or JSON is sent; what was given is not modified."""
    before = repr((messages, params))
    try:
        wire = model.request([*HELLO, *messages], settings={"on_unsupported": on_unsupported}, **params)
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
    assert before == repr((messages, params))
