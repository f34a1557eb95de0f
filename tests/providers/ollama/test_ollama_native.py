"""Ollama's own endpoint, /api/chat."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, Kit
from ollama._types import ChatRequest, ChatResponse, Message, Options
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from llmroute.providers.base import DecodeError, EncodeError, ReplyError

OLLAMA = Kit("ollama", "qwen3:8b")
NATIVE = {"keep_alive": "5m"}
CALLS = [
    {"id": "call_1", "function": {"index": 0, "name": "tide", "arguments": {"at": "Brest"}}},
    {"function": {"index": 1, "name": "tide", "arguments": {}}},
]
#: Members that the server reads (api/types.go) and the Python client does not know yet.
NEWER = {"id", "index", "tool_call_id", "min_p", "truncate"}


def encoded(messages: Any = HELLO, **params: Any) -> Any:
    return OLLAMA.encoded(messages, **{**NATIVE, **params})


def answer(reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {
        "model": "qwen3:8b",
        "created_at": "2026-05-05T10:00:00.5Z",
        "message": {"role": "assistant", "content": "", **message},
        "done": True,
        **({"done_reason": reason} if reason else {}),
        "total_duration": 9,
        "prompt_eval_count": 7,
        "eval_count": 4,
    }


def lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in objects)


def streamed_lines(body: dict[str, Any], step: int = 3) -> list[dict[str, Any]]:
    """The lines by which the server would stream an answer, its texts cut into pieces of `step`."""
    head = {name: body[name] for name in ("model", "created_at")}
    message = body["message"]
    pieces: list[dict[str, Any]] = []
    for name in ("thinking", "content"):
        text = message.get(name, "")
        pieces += [{"content": "", name: text[i : i + step]} for i in range(0, len(text), step)]
    pieces += [{"content": "", "tool_calls": [call]} for call in message.get("tool_calls", [])]
    found = [{**head, "message": {"role": "assistant", **piece}, "done": False} for piece in pieces]
    return [*found, {**body, "message": {"role": "assistant", "content": ""}}]


def without_newer(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_newer(item) for name, item in value.items() if name not in NEWER}
    return [without_newer(item) for item in value] if isinstance(value, list) else value


def request_problems(body: dict[str, Any]) -> list[str]:
    """Where a request is not what Ollama's own client would send."""
    body = {name: value for name, value in body.items() if name not in NEWER}
    found = kit.type_problems(without_newer(body.get("options", {})), Options, "$.options")
    for i, message in enumerate(body["messages"]):
        plain = {name: value for name, value in without_newer(message).items() if name != "images"}
        found += kit.type_problems(plain, Message, f"$.messages[{i}]")
    known = {**body, "messages": [], "options": {}, "tools": []}
    return found + [f"$.{name}: unknown" for name in known.keys() - ChatRequest.model_fields.keys()]


PARAMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"max_tokens": 5, "temperature": 0, "stop": "a"},
        {"options": {"num_predict": 5, "temperature": 0, "stop": ["a"]}},
    ),
    (
        {"options": {"num_predict": 9, "num_ctx": 8}, "max_tokens": 5},
        {"options": {"num_predict": 9, "num_ctx": 8}},
    ),
    ({"top_k": 3, "min_p": 0.1, "seed": 4}, {"options": {"top_k": 3, "min_p": 0.1, "seed": 4}}),
    ({"response_format": {"type": "json_object"}}, {"format": "json"}),
    ({"response_format": {"type": "text"}}, {}),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"type": "object"}},
            }
        },
        {"format": {"type": "object"}},
    ),
    (
        {"format": {"type": "object"}, "response_format": {"type": "json_object"}},
        {"format": {"type": "object"}},
    ),
    ({"reasoning_effort": "none"}, {"think": False}),
    ({"reasoning_effort": "minimal"}, {"think": "low"}),
    ({"reasoning": {"effort": "high"}}, {"think": "high"}),
    ({"think": True}, {"think": "medium"}),
    (
        {"logprobs": True, "top_logprobs": 2, "truncate": False},
        {"logprobs": True, "top_logprobs": 2, "truncate": False},
    ),
    ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
]


@pytest.mark.parametrize(("given_", "expected"), PARAMS)
def test_parameters_have_their_counterparts(given_: dict[str, Any], expected: dict[str, Any]) -> None:
    """In Ollama's types; nothing is told, as nothing is lost."""
    body = encoded(**given_)

    assert {"model": OLLAMA.model, "messages": HELLO, "stream": False, **NATIVE, **expected} == body
    assert [] == request_problems(body)
    assert () == OLLAMA.warnings(**NATIVE, **given_)


def test_messages_are_ollama_s() -> None:
    """Images and audio beside the text, arguments as objects, results with the function's name."""
    messages = [
        {"role": "developer", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "text", "text": "b"},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "h",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "tide", "arguments": '{"x": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
    ]
    body = encoded(messages)

    assert [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a\nb", "images": ["QUJD", "UklG"]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "h",
            "tool_calls": [{"id": "c1", "function": {"index": 0, "name": "tide", "arguments": {"x": 1}}}],
        },
        {"role": "tool", "content": "4", "tool_call_id": "c1", "tool_name": "tide"},
    ] == body["messages"]
    assert [] == request_problems(body)


REFUSED: list[tuple[Any, str]] = [
    (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://e.org/a"}}]}],
        "messages[0].content[0]",
    ),
    ([{"role": "user", "content": [{"type": "file", "file": {}}]}], "messages[0].content[0]"),
    (
        [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1]"}}]}],
        "messages[0].tool_calls[0].function.arguments",
    ),
    ([], "messages"),
]


@pytest.mark.parametrize(("messages", "param"), REFUSED)
def test_what_cannot_be_expressed_is_refused(messages: Any, param: str) -> None:
    """Before anything is sent, with the place."""
    assert param == OLLAMA.refusal(messages, **NATIVE).param


ANSWERS = [
    answer(content="灯台 says “hi”\r\n"),
    answer("length", content="Cut"),
    answer(content="A", thinking="Der Wal 🐋"),
    answer(thinking="h", tool_calls=CALLS),
    answer(None, content="x"),
]


@pytest.mark.parametrize("body", ANSWERS)
def test_a_stream_says_what_the_whole_answer_says(body: dict[str, Any]) -> None:
    """Whatever the cuts of the network; both fit the types of Ollama and of OpenAI."""
    completion = OLLAMA.decoded(body, **NATIVE)
    choice = completion["choices"][0]
    data = lines(*streamed_lines(body))
    chunks, decoder = OLLAMA.streamed(data, **NATIVE)
    found = kit.assembled(chunks)

    assert (True, None) == (decoder.done, decoder.failure)
    assert chunks == OLLAMA.streamed(data, step=1, **NATIVE)[0]
    assert chunks == OLLAMA.streamed(data + b'{"unfini', **NATIVE)[0]
    assert (choice["message"], choice["finish_reason"]) == (found["message"], found["finish_reason"])
    assert completion["usage"] == found["usage"]
    assert [] == kit.type_problems(without_newer(body), ChatResponse)
    ChatCompletion.model_validate({**completion, "created": 1}, strict=True)
    for chunk in chunks:
        ChatCompletionChunk.model_validate({**chunk, "created": 1}, strict=True)


def test_an_answer_is_openai_s() -> None:
    """Calls without an id get one; durations are kept."""
    completion = OLLAMA.decoded(ANSWERS[3], **NATIVE)
    choice = completion["choices"][0]

    assert ("tool_calls", "h") == (choice["finish_reason"], choice["message"]["reasoning_content"])
    assert ['{"at":"Brest"}', "{}"] == [
        call["function"]["arguments"] for call in choice["message"]["tool_calls"]
    ]
    assert 2 == len({call["id"] for call in choice["message"]["tool_calls"]})
    assert ({"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}, 9) == (
        completion["usage"],
        completion["total_duration"],
    )


def test_log_probabilities_are_openai_s() -> None:
    """With the alternatives of each token."""
    item = {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -2}]}
    found = OLLAMA.decoded({**ANSWERS[0], "logprobs": [item]}, **NATIVE)["choices"][0]["logprobs"]

    assert {"token": "a", "logprob": -1.0, "bytes": [97]}.items() <= found["content"][0].items()
    assert [{"token": "b", "logprob": -2.0, "bytes": None}] == found["content"][0]["top_logprobs"]


BROKEN: list[tuple[bytes, str]] = [
    (b"", "interrupted"),
    (lines(*streamed_lines(ANSWERS[0])[:-1]), "interrupted"),
    (lines(streamed_lines(ANSWERS[0])[0]) + b'{"model', "interrupted"),
    (lines(streamed_lines(ANSWERS[0])[0]) + b"{oops\n", "parse"),
    (lines({"message": 5}), "parse"),
    (lines({"message": {"content": 5}}), "parse"),
    (lines({"message": {"tool_calls": [{}]}}), "parse"),
    (lines({"error": "model is gone"}), "status"),
]


@pytest.mark.parametrize(("data", "kind"), BROKEN)
@pytest.mark.parametrize("step", [None, 1])
def test_a_broken_stream_is_a_failure(data: bytes, kind: str, step: int | None) -> None:
    """Of the kind that says what happened."""
    _, decoder = OLLAMA.streamed(data, step=step, **NATIVE)

    assert decoder.failure is not None
    assert (kind, False) == (decoder.failure.kind, decoder.done)


# -- properties --------------------------------------------------------------


@given(given_by.conversations(images=False))
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, call and result, in order, and nothing else; parts are joined by line ends."""
    body = encoded(messages)
    joined = [
        {**message, "content": "\n".join(text for _, text in given_by.parts_in(message["content"] or ""))}
        for message in messages
    ]

    assert given_by.said_in(joined) == given_by.said_in(body["messages"])
    assert [] == request_problems(body)


BODIES = st.builds(
    lambda content, thinking, calls: answer(
        content=content,
        **({"thinking": thinking} if thinking else {}),
        **({"tool_calls": calls} if calls else {}),
    ),
    st.text(max_size=9),
    given_by.TEXT | st.none(),
    st.lists(
        st.builds(
            lambda name, value: {"id": "c", "function": {"name": name, "arguments": value}},
            given_by.NAME,
            given_by.INPUT,
        ),
        max_size=3,
    ).map(lambda calls: [{**call, "id": f"c{i}"} for i, call in enumerate(calls)]),
)


@given(BODIES, st.integers(1, 50))
def test_an_answer_goes_back_as_it_came(body: dict[str, Any], cut: int) -> None:
    """Whether it came whole or in pieces."""
    message = OLLAMA.message(body, **NATIVE)
    chunks, _ = OLLAMA.streamed(lines(*streamed_lines(body)), step=cut, **NATIVE)
    assert message == kit.assembled(chunks)["message"]

    sent = encoded([*HELLO, json.loads(json.dumps(message))])["messages"][1]
    for call in sent.get("tool_calls", []):
        del call["function"]["index"]
    assert body["message"] == sent


@given(
    st.lists(given_by.MESSAGE, max_size=4), given_by.PARAMS, st.sampled_from(["drop", "error"]), st.booleans()
)
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str, native: bool
) -> None:
    """Either it is refused, or JSON is sent; what was given is not modified."""
    before = repr((messages, params))
    extra = NATIVE if native else {}
    try:
        wire = OLLAMA.request(
            [*HELLO, *messages], settings={"on_unsupported": on_unsupported}, **{**params, **extra}
        )
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
    assert before == repr((messages, params))


@given(given_by.OBJECT | given_by.VALUE, given_by.OBJECT, st.booleans())
def test_no_answer_raises_anything_but_its_errors(body: Any, message: Any, strict: bool) -> None:
    """Either it is a completion, or it is refused."""
    whole = {**body, "message": message} if isinstance(body, dict) else body
    try:
        completion = OLLAMA.decoded(json.dumps(whole).encode(), strict=strict, **NATIVE)
    except (DecodeError, ReplyError):
        return
    assert isinstance(completion["choices"][0]["message"], dict)


@given(st.lists(given_by.OBJECT, max_size=6), st.integers(1, 40))
def test_no_stream_raises(objects: list[Any], cut: int) -> None:
    """It ends, or it fails."""
    _, decoder = OLLAMA.streamed(lines(*objects), step=cut, **NATIVE)

    assert decoder.done is (decoder.failure is None)
