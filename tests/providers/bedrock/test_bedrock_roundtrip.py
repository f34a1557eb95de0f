"""Nothing is lost and nothing invented on the way there and back: properties over random conversations."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import bedrock_kit as kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

chat = pytest.importorskip("openai.types.chat")
pytest.importorskip("botocore")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and text == text.rstrip()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
INPUT = st.dictionaries(st.text(max_size=4), JSON, max_size=2)
NAME = st.sampled_from(["tide", "wind", "convert_units"])

# -- conversations -----------------------------------------------------------

PART = st.one_of(
    TEXT.map(lambda text: {"type": "text", "text": text}),
    st.sampled_from(["png", "webp", "gif", "jpeg"]).map(
        lambda kind: {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,QUJD"}}
    ),
    st.just({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}}),
)
CONTENT = TEXT | st.lists(PART, min_size=1, max_size=3)


@st.composite
def exchanges(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Something said, by whom ever: calls always with their results."""
    role = draw(st.sampled_from(["system", "developer", "user", "assistant", "calls"]))
    if role == "user":
        return [{"role": role, "content": draw(CONTENT)}]
    if role != "calls":
        return [{"role": role, "content": draw(TEXT)}]
    names = draw(st.lists(NAME, min_size=1, max_size=3))
    ids = [f"call_{draw(st.integers(0, 10**12))}" for _ in names]
    calls = [
        {"id": each, "type": "function", "function": {"name": name, "arguments": json.dumps(draw(INPUT))}}
        for each, name in zip(ids, names, strict=True)
    ]
    results = [{"role": "tool", "tool_call_id": each, "content": draw(CONTENT)} for each in ids]
    return [{"role": "assistant", "content": draw(st.none() | TEXT), "tool_calls": calls}, *results]


CONVERSATIONS = st.lists(exchanges(), max_size=6).map(
    lambda groups: [message for group in groups for message in group] + [{"role": "user", "content": "End"}]
)

Said = list[tuple[Any, ...]]


def said_by_openai(messages: list[dict[str, Any]]) -> tuple[list[str], Said]:
    """The system texts, and everything else as (who, what, ...) in order."""
    system, said = [], []
    for message in messages:
        role, content = message["role"], message.get("content")
        if role in ("system", "developer"):
            system.append(content)
        elif role == "tool":
            said.append(("result", message["tool_call_id"], _parts(content)))
        else:
            said += [(role, part) for part in _parts(content or [])]
        for call in message.get("tool_calls", []):
            function = call["function"]
            said.append(("call", call["id"], function["name"], json.loads(function["arguments"])))
    return system, said


def _parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [("text", content)]
    found = []
    for part in content:
        if part["type"] == "text":
            found.append(("text", part["text"]))
        elif part["type"] == "file":
            found.append(("pdf", "QUJD"))
        else:
            found.append((part["image_url"]["url"].partition("/")[2].partition(";")[0], "QUJD"))
    return found


def said_by_bedrock(body: dict[str, Any]) -> tuple[list[str], Said]:
    """The same, read from a Converse request."""
    said: Said = []
    for turn in body["messages"]:
        for block in turn["content"]:
            if "toolUse" in block:
                use = block["toolUse"]
                said.append(("call", use["toolUseId"], use["name"], use["input"]))
            elif "toolResult" in block:
                result = block["toolResult"]
                said.append(("result", result["toolUseId"], [_block(each) for each in result["content"]]))
            else:
                said.append((turn["role"], _block(block)))
    return [block["text"] for block in body.get("system", [])], said


def _block(block: dict[str, Any]) -> tuple[str, str]:
    if "text" in block:
        return ("text", block["text"])
    medium = block.get("image") or block["document"]
    return (medium["format"], medium["source"]["bytes"])


@given(CONVERSATIONS)
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, file, call and result, in order, and nothing else."""
    assert said_by_openai(messages) == said_by_bedrock(kit.encoded(messages))


JUDGE = kit.Judge()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(CONVERSATIONS)
def test_turns_are_as_converse_wants_them(messages: list[dict[str, Any]]) -> None:
    """Valid by Amazon's model, alternating, with results right after their calls, before anything else."""
    body = kit.encoded(messages)
    turns = body["messages"]

    assert "" == JUDGE.problems(body)
    assert all(one["role"] != other["role"] for one, other in pairwise(turns))
    for k, turn in enumerate(turns):
        calls = [block["toolUse"]["toolUseId"] for block in turn["content"] if "toolUse" in block]
        if calls:
            results = turns[k + 1]["content"][: len(calls)]
            assert calls == [block["toolResult"]["toolUseId"] for block in results]
    assert (not any(said[0] == "call" for said in said_by_openai(messages)[1])) == ("toolConfig" not in body)


# -- answers -----------------------------------------------------------------

CITATION = st.sampled_from(
    [
        {"title": "A", "location": {"web": {"url": "https://e.org/a"}}},
        {"location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 4}}},
    ]
)
OPAQUE = st.one_of(
    TEXT.map(lambda text: {"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}}),
    st.just({"reasoningContent": {"redactedContent": "cmVk"}}),
    st.builds(
        lambda given: {
            "toolUse": {"toolUseId": "srv", "name": "web", "input": given, "type": "server_tool_use"}
        },
        INPUT,
    ),
    st.just({"toolResult": {"toolUseId": "srv", "content": [{"text": "x"}], "type": "web"}}),
)
BLOCK = st.one_of(
    TEXT.map(lambda text: {"text": text}),
    st.builds(
        lambda text, citations: {"citationsContent": {"content": [{"text": text}], "citations": citations}},
        TEXT,
        st.lists(CITATION, min_size=1, max_size=2),
    ),
    OPAQUE,
    st.builds(lambda name, given: {"toolUse": {"toolUseId": "", "name": name, "input": given}}, NAME, INPUT),
)


def _numbered(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls of the caller's tools with ids of their own."""
    return [
        {"toolUse": {**block["toolUse"], "toolUseId": f"tooluse_{k}"}}
        if "toolUse" in block and "type" not in block["toolUse"]
        else block
        for k, block in enumerate(blocks)
    ]


ANSWERS = st.lists(BLOCK, min_size=1, max_size=6).map(_numbered)


@given(ANSWERS, st.booleans())
def test_an_answer_goes_back_as_it_came(blocks: list[dict[str, Any]], strict: bool) -> None:
    """The next request holds the blocks of the answer, all of them, unmodified, in their order.

    Without opaque blocks the order of texts and calls is OpenAI's: the text first.
    """
    message = kit.decoded(blocks, strict=strict)["choices"][0]["message"]
    turns = kit.encoded([*kit.HELLO, message])["messages"]
    sent = turns[1]["content"] if len(turns) > 1 else []

    if all("reasoningContent" in block for block in blocks):
        assert [] == sent
    elif "provider_state" in message:
        assert blocks == sent
    else:
        said, back = (
            "\n".join(block["text"] for block in each if "text" in block) for each in (blocks, sent)
        )
        assert said == back
        assert [block for block in blocks if "toolUse" in block] == [b for b in sent if "toolUse" in b]


def _without_neighbours(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two plain texts in a row become one: a stream cannot tell them from one that is cited later.

    And a cited text stands beside the text before it, as models write it.
    """
    found: list[dict[str, Any]] = []
    for block in blocks:
        kinds = [next(iter(each)) for each in found]
        if "text" in block and kinds and kinds[-1] in ("text", "citationsContent"):
            continue
        if "citationsContent" in block and "text" in kinds and kinds[-1] != "text":
            continue
        found.append(block)
    return found


@given(ANSWERS.map(_without_neighbours), st.integers(1, 9), st.integers(1, 60))
def test_a_stream_says_what_the_whole_answer_says(blocks: list[dict[str, Any]], piece: int, cut: int) -> None:
    """Joined, its chunks are the message, whatever the pieces of the model and of the network."""
    answer = kit.message(blocks)
    made = kit.target().decode(kit.reply(answer), {"model": kit.CLAUDE})
    choice = made["choices"][0]
    chunks, decoder = kit.streamed(kit.frames(*kit.events_of(answer, piece)), step=cut)
    found = kit.assembled(chunks)
    for call in (*found["message"].get("tool_calls", []), *choice["message"].get("tool_calls", [])):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])

    assert decoder.failure is None
    assert choice["message"] == found["message"]
    assert (choice["finish_reason"], made["usage"]) == (found["finish_reason"], found["usage"])


@given(ANSWERS, st.integers(1, 9))
def test_answers_and_chunks_are_those_of_openai(blocks: list[dict[str, Any]], piece: int) -> None:
    """Strictly, by the openai package's own types."""
    answer = kit.message(blocks, stopReason="tool_use")
    made = kit.target().decode(kit.reply(answer), {"model": kit.CLAUDE})
    chunks, _ = kit.streamed(kit.frames(*kit.events_of(answer, piece)))

    chat.ChatCompletion.model_validate_json(json.dumps({**made, "created": 1}), strict=True)
    for chunk in chunks:
        text = json.dumps({"id": "x", "created": 1, **chunk})
        chat.ChatCompletionChunk.model_validate_json(text, strict=True)
