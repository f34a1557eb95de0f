"""Cloudflare Workers AI, which answers in a form of its own or in OpenAI's."""

from __future__ import annotations

import json
from typing import Any

import native_kit as kit
import native_strategies as given_by
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, Kit, sse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from llmroute.providers.base import DecodeError, EncodeError, ReplyError

LLAMA = Kit("workers-ai", "@cf/meta/llama-3.3-70b-instruct-fp8-fast")
GLM = Kit("workers-ai", "@cf/zai-org/glm-4.7-flash")
ACCOUNT = {"options": {"workers_ai_account_id": "acc1"}}
HOST = {"base_url": "http://h"}
TIDE = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}
WIND = {"type": "function", "function": {"name": "wind", "parameters": {"type": "object"}}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
FLAT = [{"name": "tide", "arguments": {"at": "Brest"}}, {"name": "tide", "arguments": {"at": "Cork"}}]
SHAPED = [
    {
        "id": f"c{i}",
        "type": "function",
        "function": {"name": "tide", "arguments": json.dumps(call["arguments"])},
    }
    for i, call in enumerate(FLAT)
]


def encoded(kit_: Kit = LLAMA, messages: Any = HELLO, **params: Any) -> Any:
    return kit_.encoded(messages, settings=HOST, **params)


# -- requests ----------------------------------------------------------------


def test_account_and_model_stand_in_the_path() -> None:
    """And the model not in the body; without an account or a host nothing can be sent."""
    wire = LLAMA.request(settings=ACCOUNT)

    root = "https://api.cloudflare.com/client/v4/accounts"
    assert f"{root}/acc1/ai/run/@cf/meta/llama-3.3-70b-instruct-fp8-fast" == str(wire.url)
    assert {"messages": HELLO} == json.loads(wire.body)
    assert "workers_ai_account_id" == LLAMA.refusal().param


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("../../admin", "/%252E%252E/%252E%252E/admin"),
        ("m?x=y", "/m%3Fx%3Dy"),
        ("m#x", "/m%23x"),
        ("@hf/a b", "/@hf/a%20b"),
    ],
)
def test_a_model_stays_a_model(model: str, path: str) -> None:
    """Whatever it is called; so does an account."""
    assert path == Kit("workers-ai", model).request(settings=HOST).url.raw_path
    account = {"options": {"workers_ai_account_id": "../a?b"}}
    assert "/client/v4/accounts/..%2Fa%3Fb/ai/run/@cf" == "/".join(
        LLAMA.request(settings=account).url.raw_path.split("/")[:8]
    )


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
PARAMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
    ({"temperature": 1, "top_p": 0.5, "top_k": 3, "seed": 4, "stop": ["a"], "raw": True, "lora": "x"}, None),
    (
        {"reasoning_effort": "low", "n": 2, "user": "u", "chat_template_kwargs": {"enable_thinking": False}},
        None,
    ),
    ({"tools": [TIDE], "tool_choice": "none"}, None),
    ({"tools": [], "tool_choice": "auto"}, {}),
    (
        {"tools": [TIDE, WIND], "tool_choice": {"type": "function", "function": {"name": "wind"}}},
        {"tools": [WIND], "tool_choice": "required"},
    ),
    (
        {
            "tools": [TIDE, WIND],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TIDE]}},
        },
        {"tools": [TIDE], "tool_choice": "auto"},
    ),
    ({"response_format": {"type": "json_object"}}, None),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {**SCHEMA, "name": "n", "schema": SCHEMA},
            }
        },
    ),
    ({"temperature": None, "tools": None}, {}),
]


@pytest.mark.parametrize(("given_", "expected"), PARAMS)
def test_parameters_have_their_counterparts(given_: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Nothing is told, as nothing is lost."""
    assert {"messages": HELLO, **(given_ if expected is None else expected)} == encoded(**given_)
    assert () == LLAMA.warnings(settings=HOST, **given_)


def test_usage_is_asked_for_where_it_has_to_be() -> None:
    """Models that answer in Cloudflare's own form count unasked."""
    options = {"stream": True, "stream_options": {"include_usage": True}}

    assert options.items() <= encoded(GLM, **options).items()
    assert "stream_options" not in encoded(LLAMA, **options)


def test_unknown_parameters_are_told_or_refused() -> None:
    """As the target wishes."""
    assert ["wibble"] == [text.split()[0] for text in LLAMA.warnings(settings=HOST, wibble=1)]
    assert "wibble" == LLAMA.refusal(settings={**HOST, "on_unsupported": "error"}, wibble=1).param


def test_messages_are_openai_s_without_nulls() -> None:
    """What other providers left in them stays behind."""
    messages = [
        {"role": "developer", "content": "s"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**SHAPED[0], "provider_state": {}}],
            "provider_state": {},
            "annotations": [],
        },
        {"role": "tool", "tool_call_id": "c0", "content": "4"},
    ]

    assert [
        {"role": "system", "content": "s"},
        {"role": "assistant", "content": "", "tool_calls": [SHAPED[0]]},
        messages[2],
    ] == encoded(messages=messages)["messages"]


# -- answers -----------------------------------------------------------------


def envelope(**result: Any) -> dict[str, Any]:
    return {"result": result, "success": True, "errors": [], "messages": []}


def completion(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    base = {"id": "i", "object": "chat.completion", "created": 1, "model": "m"}
    return {**base, "choices": [choice], "usage": USAGE}


def test_calls_are_openai_s_whatever_their_form() -> None:
    """Those without an id get one, which no other turn of the conversation has."""
    message = LLAMA.message(envelope(response=None, tool_calls=FLAT, usage=USAGE))
    ids = [call["id"] for call in message["tool_calls"]]

    assert [json.dumps(call["arguments"], separators=(",", ":")) for call in FLAT] == [
        call["function"]["arguments"] for call in message["tool_calls"]
    ]
    assert "" == message["content"]
    later = LLAMA.message(envelope(tool_calls=FLAT), messages=[*HELLO, message])
    assert 4 == len({*ids, *(call["id"] for call in later["tool_calls"])})
    assert SHAPED == LLAMA.message(envelope(tool_calls=SHAPED))["tool_calls"]
    assert "tool_calls" == LLAMA.decoded(envelope(tool_calls=FLAT))["choices"][0]["finish_reason"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_answer_in_openai_s_form_is_read_too(wrapped: bool) -> None:
    """With or without the envelope; reasoning has one name."""
    body = completion(content="A", reasoning="h", tool_calls=SHAPED)
    found = GLM.decoded(envelope(**body) if wrapped else body)

    assert ("workers-ai", "m", USAGE) == (found["provider"], found["model"], found["usage"])
    message = found["choices"][0]["message"]
    assert ("A", "h", SHAPED) == (message["content"], message["reasoning_content"], message["tool_calls"])


@pytest.mark.parametrize(
    ("response", "text"), [({"a": 1}, '{"a":1}'), ([1], "[1]"), (4, "4"), ("x", "x"), (None, "")]
)
def test_a_response_is_text(response: Any, text: str) -> None:
    """In JSON mode it is any value."""
    assert text == LLAMA.message(envelope(response=response))["content"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"result": None, "success": False, "errors": [{"code": 5006, "message": "no"}]}, "status"),
        ({"error": {"message": "no"}}, "status"),
        (envelope(), "parse"),
        (envelope(choices=[]), "parse"),
        (envelope(tool_calls=[{"arguments": {}}]), "parse"),
        ([], "parse"),
    ],
)
def test_what_is_no_answer_is_refused(body: Any, kind: str) -> None:
    """An error by its text, anything else by its shape."""
    assert kind == LLAMA.failed(body).kind


def test_a_prompt_that_is_too_long_is_told_apart() -> None:
    """By the words of Cloudflare's error."""
    text = "AiError: The estimated number of tokens (9000) exceeded this model context window limit (8192)."
    failure = LLAMA.failed({"errors": [{"code": 5021, "message": text}], "success": False}, 413)

    assert (f"workers-ai error: Error 5021:{text}", "context_window") == (failure.message, failure.reason)


# -- streams -----------------------------------------------------------------

OWN = sse(
    {"response": "灯", "p": "abcd"},
    {"response": "台", "p": "a"},
    {"response": "", "tool_calls": FLAT[:1]},
    {"tool_calls": FLAT[1:]},
    {"response": "", "usage": USAGE},
    b"[DONE]",
)


def test_the_own_form_becomes_chunks() -> None:
    """Whatever the cuts of the network; the end brings finish reason and usage."""
    chunks = LLAMA.check_stream(OWN)
    found = kit.assembled(chunks)
    whole = LLAMA.message(envelope(response="灯台", tool_calls=FLAT))

    assert whole == found["message"]
    assert ("tool_calls", USAGE) == (found["finish_reason"], found["usage"])
    assert "created" not in chunks[0]
    for chunk in chunks:
        ChatCompletionChunk.model_validate({**chunk, "created": 1}, strict=True)


def test_openai_s_form_stays_as_it_is() -> None:
    """With its own finish reason."""

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "i", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [choice]}

    data = sse(chunk({"content": "a"}), chunk({"reasoning": "h"}), chunk({}, "length"), b"[DONE]")
    chunks = GLM.check_stream(data)

    assert ("a", "h", "length") == (
        kit.assembled(chunks)["message"]["content"],
        kit.assembled(chunks)["message"]["reasoning_content"],
        chunks[-1]["choices"][0]["finish_reason"],
    )
    assert 3 == len(chunks)


@pytest.mark.parametrize(
    "body", [envelope(response="A", usage=USAGE), completion(content="A", tool_calls=SHAPED)]
)
def test_an_answer_in_one_piece_becomes_a_stream(body: dict[str, Any]) -> None:
    """Some models do not stream here."""
    chunks, decoder = LLAMA.streamed(json.dumps(body).encode(), step=5)

    assert (True, None) == (decoder.done, decoder.failure)
    assert LLAMA.message(body) == kit.assembled(chunks)["message"]


BROKEN: list[tuple[bytes, str]] = [
    (sse({"response": "x"}), "interrupted"),
    (sse(b"[DONE]"), "parse"),
    (sse({"tool_calls": [5]}), "parse"),
    (sse({"response": "x"}, {"errors": [{"code": 1, "message": "no"}], "success": False}), "status"),
    (sse({"error": "no"}), "status"),
    (b'{"success": false, "errors": [{"message": "no"}]}', "status"),
    (b'{"success"', "parse"),
]


@pytest.mark.parametrize(("data", "kind"), BROKEN)
@pytest.mark.parametrize("step", [None, 1])
def test_a_broken_stream_is_a_failure(data: bytes, kind: str, step: int | None) -> None:
    """Of the kind that says what happened."""
    _, decoder = LLAMA.streamed(data, step=step)

    assert decoder.failure is not None
    assert kind == decoder.failure.kind


# -- properties --------------------------------------------------------------


@given(given_by.conversations())
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else."""
    assert given_by.said_in(messages) == given_by.said_in(encoded(messages=messages)["messages"])


@given(st.text(max_size=9), st.lists(given_by.INPUT, max_size=3), st.integers(1, 50))
def test_an_answer_goes_back_as_it_came(text: str, inputs: list[Any], cut: int) -> None:
    """Whether it came whole or in pieces."""
    calls = [{"name": "tide", "arguments": value} for value in inputs]
    body = envelope(response=text, **({"tool_calls": calls} if calls else {}))
    message = LLAMA.message(body)
    events = [{"response": letter} for letter in text] + [{"tool_calls": [call]} for call in calls]
    chunks, decoder = LLAMA.streamed(sse(*events, {"response": ""}, b"[DONE]"), step=cut)
    sent = encoded(messages=[*HELLO, message])["messages"][1]

    assert (True, None) == (decoder.done, decoder.failure)
    assert message == kit.assembled(chunks)["message"]
    assert (message, inputs) == (
        sent,
        [json.loads(call["function"]["arguments"]) for call in sent.get("tool_calls", [])],
    )
    ChatCompletion.model_validate({**LLAMA.decoded(completion(**message)), "created": 1}, strict=True)


@given(st.lists(given_by.MESSAGE, max_size=4), given_by.PARAMS, st.sampled_from(["drop", "error"]))
def test_no_request_raises_anything_but_encode_error(
    messages: list[Any], params: dict[str, Any], on_unsupported: str
) -> None:
    """Either it is refused, or JSON is sent; what was given is not modified."""
    before = repr((messages, params))
    settings = {**HOST, "on_unsupported": on_unsupported}
    try:
        wire = LLAMA.request([*HELLO, *messages], settings=settings, **params)
    except EncodeError:
        pass
    else:
        assert isinstance(json.loads(wire.body), dict)
    assert before == repr((messages, params))


@given(given_by.OBJECT | given_by.VALUE, given_by.OBJECT, st.booleans())
def test_no_answer_raises_anything_but_its_errors(body: Any, result: Any, wrapped: bool) -> None:
    """Either it is a completion, or it is refused."""
    whole = {**body, "result": result} if wrapped and isinstance(body, dict) else body
    try:
        found = LLAMA.decoded(json.dumps(whole).encode())
    except (DecodeError, ReplyError):
        return
    assert isinstance(found["choices"][0]["message"], dict)


@given(st.lists(given_by.OBJECT, max_size=6), st.integers(1, 40))
def test_no_stream_raises(events: list[Any], cut: int) -> None:
    """It ends, or it fails."""
    _, decoder = LLAMA.streamed(sse(*events), step=cut)

    assert not (decoder.done and decoder.failure)
