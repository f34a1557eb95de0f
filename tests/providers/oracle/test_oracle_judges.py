"""The SDK's and OpenAI's own types, random conversations and rubbish as judges."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import cloud_kit
import native_strategies as given_by
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_kit import HELLO, assembled, reply, sse
from oracle_kit import COHERE, ENDED, GEMINI, LLAMA, OracleKit, answer, call, message, piece, problems, text

from llmroute.providers.base import DecodeError, EncodeError, ReplyError

chat = pytest.importorskip("openai.types.chat")
CASES = cloud_kit.cases("oracle") + cloud_kit.cases("oracle_own")
CONVERSATIONS = given_by.conversations()


def test_the_checker_finds_what_is_wrong() -> None:
    """Else the tests below would say nothing."""
    good = LLAMA.encoded()

    assert [] == problems(good)
    assert problems({**good, "wibble": 1})
    assert problems({**good, "chatRequest": {**good["chatRequest"], "topK": "3"}})
    assert problems({**good, "servingMode": {"servingType": "x"}})


@pytest.mark.parametrize("case", CASES, ids=cloud_kit.by_id)
async def test_what_is_sent_and_answered_is_of_the_official_types(case: dict[str, Any]) -> None:
    """The SDK knows every member sent; strict answers are OpenAI's."""
    done = await cloud_kit.run(case)

    # The recorded cases name no compartment, as the gateway lets them.
    assert [] == [
        each for sent in done.calls for each in problems(sent["json"]) if "compartmentId" not in each
    ]
    if done.status == 200:
        _check_openai(done.chunks, done.body)


def _check_openai(chunks: Any, body: Any) -> None:
    for chunk in chunks or ():
        chat.ChatCompletionChunk.model_validate_json(json.dumps({"created": 0, **chunk}), strict=True)
    if body is not None:
        chat.ChatCompletion.model_validate_json(json.dumps({"created": 0, **body}), strict=True)


# -- there -------------------------------------------------------------------


def said_by_oracle(messages: list[dict[str, Any]]) -> given_by.Said:
    """Who said what, in order, in messages of Oracle's."""
    said: given_by.Said = []
    for each in messages:
        who = each["role"].lower()
        parts = [
            ("text", part["text"]) if part["type"] == "TEXT" else ("url", part.get("imageUrl", part)["url"])
            for part in each.get("content", [])
        ]
        if who == "tool":
            said.append(("result", each["toolCallId"], parts))
        else:
            # Cohere's API has the plan for what is said besides calls.
            plan = [("text", each["toolPlan"])] if "toolPlan" in each else []
            said += [(who, part) for part in plan + parts]
        for made in each.get("toolCalls", []):
            function = made.get("function", made)
            said.append(("call", made["id"], function["name"], json.loads(function["arguments"])))
    return said


@pytest.mark.parametrize("kit", [LLAMA, COHERE], ids=["generic", "cohere"])
@given(messages=CONVERSATIONS)
def test_a_conversation_arrives_whole(kit: OracleKit, messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else."""
    body = kit.encoded(messages)
    there = said_by_oracle(body["chatRequest"]["messages"])

    assert [] == problems(body)
    assert given_by.said_in(messages) == there


@given(CONVERSATIONS)
def test_models_of_google_s_never_get_calls_without_a_text(messages: list[dict[str, Any]]) -> None:
    """The service breaks on them."""
    for each in GEMINI.chat(messages)["messages"]:
        assert each["role"] != "ASSISTANT" or each["content"]


# -- and back ----------------------------------------------------------------

CALL = st.builds(
    lambda number, name, given: call(f"call_{number}", name, json.dumps(given)),
    st.integers(0, 10**12),
    given_by.NAME,
    given_by.INPUT,
)
MESSAGES = st.builds(
    lambda texts, thoughts, calls: message(
        *map(text, texts),
        **{
            name: value
            for name, value in (("reasoningContent", thoughts), ("toolCalls", calls))
            if value is not None
        },
    ),
    st.lists(given_by.TEXT, max_size=3),
    st.none() | given_by.TEXT,
    st.none() | st.lists(CALL, min_size=1, max_size=3, unique_by=lambda each: each["id"]),
)


@given(MESSAGES)
def test_an_answer_goes_back_as_it_came(said: dict[str, Any]) -> None:
    """Texts, thoughts and calls with their ids and arguments, letter by letter."""
    made = json.loads(json.dumps(LLAMA.message(answer(said))))
    sent = LLAMA.chat([*HELLO, made])["messages"][1]

    whole = "".join(each["text"] for each in said["content"])
    assert whole == "".join(each["text"] for each in sent.get("content", []))
    for name in ("reasoningContent", "toolCalls"):
        assert said.get(name) == sent.get(name)


@given(MESSAGES, st.data())
def test_a_stream_says_what_an_answer_says(said: dict[str, Any], data: st.DataObject) -> None:
    """Cut into whatever pieces and bytes."""
    events: list[Any] = [piece(each) for each in said["content"]]
    if "reasoningContent" in said:
        events.insert(0, piece(reasoningContent=said["reasoningContent"]))
    for each in said.get("toolCalls", ()):
        cut = data.draw(st.integers(0, len(each["arguments"])))
        events.append(piece(toolCalls=[{**each, "arguments": each["arguments"][:cut]}]))
        events.append(piece(toolCalls=[call(None, None, each["arguments"][cut:])]))
    stream = sse(*events, ENDED)
    chunks, decoder = LLAMA.streamed(stream, step=data.draw(st.integers(1, len(stream))))
    whole = LLAMA.decoded(answer(said))["choices"][0]

    assert decoder.done
    _check_openai(chunks, None)
    streamed = assembled(chunks)
    assert whole["finish_reason"] == streamed["finish_reason"]
    expected = {"content": "", **{n: v for n, v in whole["message"].items() if v is not None}}
    assert expected == {"role": "assistant", **streamed["message"]}


# -- rubbish -----------------------------------------------------------------


@pytest.mark.parametrize("kit", [LLAMA, GEMINI, COHERE], ids=["generic", "google", "cohere"])
@given(
    messages=st.lists(given_by.MESSAGE | given_by.VALUE, max_size=3) | given_by.VALUE, params=given_by.PARAMS
)
def test_rubbish_is_refused_or_sent(kit: OracleKit, messages: Any, params: dict[str, Any]) -> None:
    """With EncodeError and no other; what the caller gave is not changed."""
    given_to = json.dumps([messages, params])
    with contextlib.suppress(EncodeError):
        kit.request(messages, **params)
    assert given_to == json.dumps([messages, params])


OWN = st.recursive(
    given_by.SCALAR | given_by.WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "chatResponse", "choices", "message", "content", "text", "toolCalls", "id", "name",
                    "arguments", "function", "finishReason", "usage", "promptTokens", "logprobs", "tokens",
                    "topLogprobs", "index", "code", "error", "annotations", "urlCitation", "imageUrl",
                    "reasoningContent", "completionTokensDetails", "serviceTier", "timeCreated", "modelId",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(OWN, st.booleans())
def test_any_answer_is_read_or_reported(body: Any, strict: bool) -> None:
    """With DecodeError or ReplyError and no other; what is read is a completion."""
    for data in (body, {"chatResponse": body}, answer(body), answer({"content": body, "toolCalls": body})):
        with contextlib.suppress(DecodeError, ReplyError):
            LLAMA.target(strict=strict).decode(reply(data), LLAMA.params())
        LLAMA.target().failure(reply(data, 500))


@given(st.lists(OWN, max_size=4), st.integers(1, 50))
def test_any_stream_is_read_or_reported(events: list[Any], step: int) -> None:
    """The decoder says that it is done, or what failed, and not both."""
    shaped = [{"message": event, "index": 0} for event in events]
    for each in (events, shaped, [*shaped, ENDED]):
        _, decoder = LLAMA.streamed(sse(*each), step=step)
        assert decoder.done == (decoder.failure is None)
