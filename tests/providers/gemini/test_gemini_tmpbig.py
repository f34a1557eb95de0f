"""Judged by others: Google's own request types, OpenAI's result types, and random input."""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from typing import Any

import gemini_kit as kit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.outcome import Failure
from llmroute.providers.base import DecodeError, EncodeError, ReplyError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    types = pytest.importorskip("google.genai.types")
    chat = pytest.importorskip("openai.types.chat")

CREATED = {"created": 1}
CASES = kit.cases("google") + kit.cases("google_own")
#: Members of a request that Google's package keeps in one configuration.
CONFIG = (
    "systemInstruction",
    "tools",
    "tool_config",
    "safety_settings",
    "labels",
    "cached_content",
    "serviceTier",
)


def check_request(body: dict[str, Any]) -> None:
    """`body` is made of nothing but what Google's package knows; it refuses all other members."""
    for content in body["contents"]:
        types.Content.model_validate_json(json.dumps(content))
        assert content["parts"]
    config = {**body.get("generationConfig", {}), **{name: body[name] for name in CONFIG if name in body}}
    types.GenerateContentConfig.model_validate_json(json.dumps(config))
    assert {"contents", "generationConfig", *CONFIG} >= body.keys()


def check_completion(made: dict[str, Any]) -> None:
    chat.ChatCompletion.model_validate_json(json.dumps({**made, **CREATED}), strict=True)
    assert "created" not in made


def check_chunks(chunks: list[dict[str, Any]]) -> None:
    for chunk in chunks:
        chat.ChatCompletionChunk.model_validate_json(json.dumps({**chunk, **CREATED}), strict=True)
        assert "created" not in chunk


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_recorded_cases(case: dict[str, Any]) -> None:
    """Every request is one of Google's, every strict answer one of OpenAI's."""
    done = kit.run(case)
    if done.call is not None:
        check_request(done.call["json"])
    if case["request"]["headers"].get("x-portkey-strict-open-ai-compliance") == "false":
        return
    check_chunks(done.chunks)
    if done.status == 200 and done.body is not None:
        done.body.pop("created")
        check_completion(done.body)


# -- random conversations ----------------------------------------------------

TEXT = st.text(max_size=12)
NAMES = st.sampled_from(["tide", "wind", "ping_2"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT
ARGUMENTS = st.dictionaries(TEXT, SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
SIGNATURES = st.none() | st.sampled_from(["c2ln", "dHdv", "c2lnbmF0dXJl"])
IMAGES = st.sampled_from(["data:image/png;base64,iVBORw0KGgo=", "https://x.example/a.jpg", "gs://b/c.webp"])


@st.composite
def user_messages(draw: st.DrawFn) -> dict[str, Any]:
    parts = draw(
        st.lists(
            st.builds(lambda text: {"type": "text", "text": text}, TEXT)
            | st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, IMAGES),
            min_size=1,
            max_size=3,
        )
    )
    return {"role": "user", "content": draw(st.just(parts) | TEXT)}


@st.composite
def tool_rounds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """An answer with calls, and their results in any order."""
    number = draw(st.integers(1, 3))
    calls = [
        {
            "id": f"call_{draw(st.uuids()).hex[:8]}_{i}",
            "type": "function",
            "function": {"name": draw(NAMES), "arguments": json.dumps(draw(ARGUMENTS))},
        }
        for i in range(number)
    ]
    said = {"role": "assistant", "content": draw(st.none() | TEXT), "tool_calls": calls}
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": draw(user_messages())["content"]}
        for call in calls
    ]
    return [said, *draw(st.permutations(results))]


CONVERSATIONS = st.lists(
    st.builds(lambda message: [message], user_messages())
    | tool_rounds()
    | st.builds(lambda text: [{"role": "assistant", "content": text}], TEXT)
    | st.builds(lambda text: [{"role": "system", "content": text}], TEXT),
    max_size=6,
).map(lambda rounds: [{"role": "user", "content": "Hi"}, *(message for each in rounds for message in each)])


@settings(deadline=None, max_examples=8000)
@given(messages=CONVERSATIONS, model=st.sampled_from([kit.MODEL, kit.CURRENT, "gemini-flash-latest"]))
def test_any_conversation_arrives_whole(messages: list[dict[str, Any]], model: str) -> None:
    """Every text, image, call and result, in order; each result beside the others of its step."""
    body = kit.encoded(messages, model=model)
    check_request(body)

    calls = [call for message in messages for call in message.get("tool_calls", [])]
    sent = [part for content in body["contents"] for part in content["parts"]]
    got = [part["functionCall"] for part in sent if "functionCall" in part]
    wanted = [
        {
            "id": call["id"],
            "name": call["function"]["name"],
            "args": json.loads(call["function"]["arguments"]),
        }
        for call in calls
    ]
    assert wanted == got
    names = {call["id"]: call["function"]["name"] for call in calls}
    results = [part["functionResponse"] for part in sent if "functionResponse" in part]
    ids = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert [(id, names[id]) for id in ids] == [(each["id"], each["name"]) for each in results]
    for content in body["contents"]:
        kinds = {"functionResponse" in part for part in content["parts"]}
        assert len(kinds) == 1
    assert _images(messages) == _shown(body["contents"])


def _images(messages: list[dict[str, Any]]) -> int:
    parts = [
        part for message in messages if isinstance(message["content"], list) for part in message["content"]
    ]
    return sum(part["type"] == "image_url" for part in parts)


def _shown(value: Any) -> int:
    """How many images the turns of a request hold, also inside of results."""
    if isinstance(value, dict):
        inner = [each for name, each in value.items() if name != "functionCall"]
        return ("inlineData" in value) + ("fileData" in value) + sum(map(_shown, inner))
    return sum(map(_shown, value)) if isinstance(value, list) else 0


PARTS = st.lists(
    st.builds(
        lambda text, thought: {"text": text, "thought": True} if thought else {"text": text},
        TEXT,
        st.booleans(),
    )
    | st.builds(lambda text, sign: {"text": text, "thoughtSignature": sign}, TEXT, st.just("c2ln"))
    | st.builds(kit.call, NAMES, ARGUMENTS, SIGNATURES)
    | st.just({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}})
    | st.just({"executableCode": {"language": "PYTHON", "code": "1"}}),
    max_size=6,
)


def merged(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`parts` as they matter: plain texts in a row are one, thoughts without a signature are none."""
    made: list[dict[str, Any]] = []
    for part in parts:
        if part.get("thought") or part == {"text": ""}:
            continue
        if part.keys() == {"text"} and made and made[-1].keys() == {"text"}:
            made[-1] = {"text": made[-1]["text"] + part["text"]}
        else:
            made.append(part)
    return made


@settings(deadline=None, max_examples=8000)
@given(parts=PARTS, strict=st.booleans(), cuts=st.lists(st.integers(1, 90), max_size=4))
def test_any_answer_reads_the_same_streamed_and_goes_back_as_it_came(
    parts: list[dict[str, Any]], strict: bool, cuts: list[int]
) -> None:
    """Whole and streamed alike, in OpenAI's types; sent back with every signature in its place."""
    whole = kit.decoded(kit.answer(kit.candidate(*parts)), strict=strict)
    made = [kit.answer(kit.candidate(part, finish=None)) for part in parts]
    data = kit.sse(*made, kit.answer(kit.candidate()))
    chunks, decoder = kit.streamed(data, strict=strict, step=cuts[0] if cuts else None)
    if strict:
        check_completion(whole)
        check_chunks(chunks)

    assert (True, None) == (decoder.done, decoder.failure)
    said = whole["choices"][0]["message"]
    said.pop("content_blocks", None)
    joined = kit.joined(chunks)[0]["message"]
    assert said == {**joined, "content": joined.get("content") or said["content"]}

    body = kit.encoded([{"role": "user", "content": "Hi"}, said])
    check_request(body)
    back = [turn["parts"] for turn in body["contents"] if turn["role"] == "model"]
    for part in (part for turn in back for part in turn):
        part.get("functionCall", {}).pop("id", None)
    if "provider_state" in said:
        assert merged(parts) == merged(back[0])


# -- anything at all ---------------------------------------------------------

VOCABULARY = """
role user assistant system tool content text type image_url url input_audio file file_data tool_calls
function name arguments id tool_call_id provider_state origin google data parts kind native length
thoughtSignature candidates index finishReason STOP functionCall args usageMetadata promptTokenCount
groundingMetadata groundingChunks web uri error message code details retryDelay $ref $defs #/$defs/type
properties anyOf allOf items enum const required object string schema json_schema response_format tools
tool_choice custom allowed_tools thinking budget_tokens enabled modelVersion responseId logprobsResult
chosenCandidates token promptFeedback blockReason inlineData mimeType audio/x fileData
"""
WORDS = st.sampled_from(VOCABULARY.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=40,
)
PARAMS = st.dictionaries(WORDS, JSON, max_size=5)
MESSAGES = st.lists(st.dictionaries(WORDS, JSON, max_size=4), max_size=3)


@settings(deadline=None, max_examples=8000)
@given(
    params=PARAMS, messages=JSON | st.lists(st.dictionaries(WORDS, JSON, max_size=4), max_size=3), schema=JSON
)
def test_any_request_is_encoded_or_refused(params: dict[str, Any], messages: Any, schema: Any) -> None:
    """EncodeError is the only exception."""
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    for extra in ({}, {"response_format": form}, {"tools": tools}):
        for spoken in (messages, kit.HELLO):
            with suppress(EncodeError):
                json.loads(kit.request(spoken, **{**params, **extra, "model": kit.CURRENT}).body)


@settings(deadline=None, max_examples=8000)
@given(
    body=JSON | st.dictionaries(WORDS, JSON), inner=st.dictionaries(WORDS, JSON), status=st.integers(400, 599)
)
def test_any_answer_is_decoded_or_a_failure(body: Any, inner: dict[str, Any], status: int) -> None:
    """DecodeError and ReplyError are the only exceptions, and a stream always ends one way or the other."""
    parts = {"content": {"parts": [inner, {"functionCall": inner}, {"inlineData": inner}]}}
    for answer in (body, {"candidates": [{**inner, "index": 0}, parts]}, kit.answer({**parts, **inner})):
        for strict in (True, False):
            with suppress(DecodeError, ReplyError):
                check_answer(kit.decoded(answer, strict=strict))
            for data in (kit.sse(answer), kit.array(answer), kit.sse(answer, kit.answer(kit.candidate("a")))):
                chunks, decoder = kit.streamed(data, strict=strict)
                assert decoder.done != (decoder.failure is not None)
                json.dumps(chunks)
        assert isinstance(kit.target().failure(kit.reply(answer, status)), Failure)


def check_answer(made: dict[str, Any]) -> None:
    json.dumps(made)
    assert made["choices"]
    assert not {"hook_results", "route"} & made.keys()
