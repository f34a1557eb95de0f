"""Nothing is lost and nothing invented on the way there and back: properties over random conversations."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import anthropic_kit as kit
from hypothesis import given
from hypothesis import strategies as st

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
    st.sampled_from(["image/png", "image/webp", "application/pdf"]).map(
        lambda kind: {"type": "image_url", "image_url": {"url": f"data:{kind};base64,QUJD"}}
    ),
    st.just({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}),
    st.just({"type": "file", "file": {"file_id": "file_1"}}),
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
    content = draw(st.none() | TEXT)
    results = [{"role": "tool", "tool_call_id": each, "content": draw(CONTENT)} for each in ids]
    return [{"role": "assistant", "content": content, "tool_calls": calls}, *results]


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
            found.append(("file", part["file"]["file_id"]))
        else:
            found.append(("url", part["image_url"]["url"]))
    return found


def said_by_anthropic(body: dict[str, Any]) -> tuple[list[str], Said]:
    """The same, read from a request of the Messages API."""
    said: Said = []
    for turn in body["messages"]:
        for block in _listed(turn["content"]):
            if block["type"] == "tool_use":
                said.append(("call", block["id"], block["name"], block["input"]))
            elif block["type"] == "tool_result":
                said.append(("result", block["tool_use_id"], [_block(b) for b in _listed(block["content"])]))
            else:
                said.append((turn["role"], _block(block)))
    return [block["text"] for block in body.get("system", [])], said


def _listed(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _block(block: dict[str, Any]) -> tuple[str, str]:
    if block["type"] == "text":
        return ("text", block["text"])
    source = block["source"]
    if source["type"] == "base64":
        assert ("document" if source["media_type"] == "application/pdf" else "image") == block["type"]
        return ("url", f"data:{source['media_type']};base64,{source['data']}")
    return ("url", source["url"]) if source["type"] == "url" else ("file", source["file_id"])


@given(CONVERSATIONS)
def test_a_conversation_arrives_whole(messages: list[dict[str, Any]]) -> None:
    """Every text, image, call and result, in order, and nothing else."""
    assert said_by_openai(messages) == said_by_anthropic(kit.encoded(messages))


@given(CONVERSATIONS)
def test_turns_alternate_and_results_answer_their_calls(messages: list[dict[str, Any]]) -> None:
    """As the API wants it: results in the turn right after the calls, before anything else."""
    turns = kit.encoded(messages)["messages"]
    roles = [turn["role"] for turn in turns]

    assert all(one != other for one, other in pairwise(roles))
    for k, turn in enumerate(turns):
        calls = [block["id"] for block in _listed(turn["content"]) if block["type"] == "tool_use"]
        if calls:
            results = _listed(turns[k + 1]["content"])[: len(calls)]
            assert calls == [block["tool_use_id"] for block in results]


# -- answers -----------------------------------------------------------------

CITATION = st.sampled_from(
    [
        {
            "type": "web_search_result_location",
            "url": "https://e.org/a",
            "title": "A",
            "encrypted_index": "x",
        },
        {"type": "char_location", "document_index": 0, "start_char_index": 0, "end_char_index": 4},
    ]
)
BLOCK = st.one_of(
    TEXT.map(lambda text: {"type": "text", "text": text}),
    st.builds(
        lambda text, citations: {"type": "text", "text": text, "citations": citations},
        TEXT,
        st.lists(CITATION, min_size=1, max_size=2),
    ),
    TEXT.map(lambda text: {"type": "thinking", "thinking": text, "signature": "c2ln"}),
    st.just({"type": "redacted_thinking", "data": "ZGF0YQ=="}),
    st.builds(lambda name, given: {"type": "tool_use", "id": "", "name": name, "input": given}, NAME, INPUT),
    st.builds(
        lambda given: {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": given}, INPUT
    ),
    st.just({"type": "web_search_tool_result", "tool_use_id": "srv", "content": [{"x": 1}]}),
)


def _numbered(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**block, "id": f"toolu_{k}"} if block["type"] == "tool_use" else block
        for k, block in enumerate(blocks)
    ]


ANSWERS = st.lists(BLOCK, min_size=1, max_size=6).map(_numbered)


@given(ANSWERS, st.booleans())
def test_an_answer_goes_back_as_it_came(blocks: list[dict[str, Any]], strict: bool) -> None:
    """The next request holds the blocks of the answer, all of them, unmodified, in their order.

    Without opaque blocks the order of texts and calls is OpenAI's: the text first, in one piece.
    """
    message = kit.decoded(blocks, strict=strict)["choices"][0]["message"]
    sent = kit.encoded([*kit.HELLO, message])["messages"][1]["content"]

    if "provider_state" in message:
        assert blocks == sent
    else:
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        calls = [block for block in blocks if block["type"] == "tool_use"]
        assert calls == [block for block in sent if block["type"] == "tool_use"]
        assert "".join(texts) == "".join(block["text"] for block in sent if block["type"] == "text")


@given(ANSWERS, st.integers(1, 9), st.integers(1, 60))
def test_a_stream_says_what_the_whole_answer_says(blocks: list[dict[str, Any]], piece: int, cut: int) -> None:
    """Joined, its chunks are the message, whatever the pieces of the model and of the network."""
    answer = kit.message(blocks)
    choice = kit.target().decode(kit.reply(answer), {})["choices"][0]
    found = kit.assembled(kit.streamed(kit.sse(*kit.events_of(answer, piece)), step=cut)[0])
    for call in (*found["message"].get("tool_calls", []), *choice["message"].get("tool_calls", [])):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])

    assert choice["message"] == found["message"]
    assert choice["finish_reason"] == found["finish_reason"]
