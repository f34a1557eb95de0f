"""Chunks joined into the completion that the same call without a stream had given."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.types.accumulate import CompletionBuilder

STREAMS = json.loads((Path(__file__).parents[1] / "cases" / "streams.json").read_text())
NAMES = st.sampled_from(
    [
        *(
            "id",
            "created",
            "model",
            "object",
            "choices",
            "index",
            "delta",
            "message",
            "finish_reason",
            "logprobs",
        ),
        *(
            "usage",
            "role",
            "content",
            "refusal",
            "reasoning",
            "tool_calls",
            "function",
            "custom",
            "function_call",
        ),
        *("audio", "data", "name", "arguments", "input", "annotations", "type", "x"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5_000) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)


def joined(*chunks: Any) -> dict[str, Any]:
    builder = CompletionBuilder()
    for chunk in chunks:
        builder.add(chunk)
    return builder.build()


def chunk(delta: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, **choice}]}


def message_of(*deltas: dict[str, Any]) -> dict[str, Any]:
    return joined(*map(chunk, deltas))["choices"][0]["message"]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_joins_to_its_completion(name):
    """Every member is where a complete answer has it."""
    assert STREAMS[name]["completion"] == joined(*STREAMS[name]["chunks"])


@pytest.mark.parametrize("name", STREAMS)
def test_building_shares_nothing_and_may_be_repeated(name):
    """The chunks stay as they are, and so does the builder when its result is changed."""
    chunks = copy.deepcopy(STREAMS[name]["chunks"])
    builder = CompletionBuilder()
    for part in chunks:
        builder.add(part)
        builder.build()["choices"].clear()
    for choice in builder.build()["choices"]:
        choice["message"].clear()

    assert STREAMS[name]["chunks"] == chunks
    assert STREAMS[name]["completion"] == builder.build()


def test_no_chunks_give_an_empty_completion():
    """Of the type a completion has."""
    assert {"id": "", "object": "chat.completion", "created": 0, "model": "", "choices": []} == joined()


def test_the_text_so_far_is_that_of_choice_zero():
    """Readable at any time."""
    builder = CompletionBuilder()
    seen = [builder.text]
    for piece in ("High ", "water", "."):
        builder.add(
            {"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": piece}}]}
        )
        seen.append(builder.text)

    assert ["", "High ", "High water", "High water."] == seen


def test_an_empty_text_beside_a_call_a_refusal_or_audio_is_null():
    """As in an answer that is not streamed."""
    empty = {"role": "assistant", "content": ""}

    assert message_of(empty, {"tool_calls": [{"index": 0, "id": "1"}]})["content"] is None
    assert message_of(empty, {"refusal": "No."})["content"] is None
    assert message_of(empty, {"audio": {"id": "1"}})["content"] is None
    assert "" == message_of(empty)["content"]
    assert message_of({"role": "assistant"})["content"] is None


def test_constants_that_a_host_repeats_are_taken_once():
    """Role, id, type and name; empty repeats count for nothing."""
    piece = {"index": 0, "id": "1", "type": "function", "function": {"name": "tide", "arguments": "x"}}
    again = {"index": 0, "id": "", "type": "", "function": {"name": "", "arguments": "z"}}
    message = message_of(
        {"role": "assistant", "tool_calls": [piece]},
        {"role": "assistant", "tool_calls": [piece, again]},
        {"role": ""},
    )

    assert "assistant" == message["role"]
    assert [{"id": "1", "type": "function", "function": {"name": "tide", "arguments": "xxz"}}] == message[
        "tool_calls"
    ]


def test_an_id_invented_for_every_piece_does_not_split_a_call():
    """Such hosts send the name in the first piece only."""
    message = message_of(
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "tide", "arguments": "{"}}]},
        {"tool_calls": [{"index": 0, "id": "b", "function": {"arguments": "}"}}]},
    )

    assert [{"id": "a", "type": "function", "function": {"name": "tide", "arguments": "{}"}}] == message[
        "tool_calls"
    ]


def test_calls_are_ordered_by_index_whatever_came_first():
    """The index is the place in the list."""
    message = message_of(
        {"tool_calls": [{"index": 2, "id": "c"}, {"index": 0, "id": "a"}, {"index": 1, "id": "b"}]}
    )

    assert ["a", "b", "c"] == [call["id"] for call in message["tool_calls"]]


def test_audio_pieces_with_padding_of_their_own_are_joined_as_bytes():
    """Base64 ends at its first padding, so such pieces cannot be joined as text."""
    padded = message_of({"audio": {"data": "AA=="}}, {"audio": {"data": "AQI="}})
    broken = message_of({"audio": {"data": "AA=="}}, {"audio": {"data": "§"}})

    assert "AAEC" == padded["audio"]["data"]
    assert "AA==§" == broken["audio"]["data"]


def test_content_in_parts_is_kept_where_there_is_no_text():
    """Some hosts stream lists of parts."""
    parts = [{"type": "text", "text": "Hi"}]

    assert [*parts, *parts] == message_of({"content": parts}, {"content": parts})["content"]
    assert "Hi" == message_of({"content": parts}, {"content": "Hi"})["content"]


def test_log_probabilities_of_a_refusal():
    """The two lists grow apart; a null list becomes one when tokens come."""
    made = joined(
        chunk({}, logprobs={"content": [1], "refusal": None}),
        chunk({}, logprobs={"content": None, "refusal": [2]}),
    )

    assert {"content": [1], "refusal": [2]} == made["choices"][0]["logprobs"]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "x",
        {},
        {"choices": None},
        {"choices": {"index": 0}},
        {"choices": [None, "x", 5]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": "x", "finish_reason": ""}]},
        {"choices": [{"index": 0, "delta": {"content": 5, "role": None, "tool_calls": "x", "audio": "x"}}]},
        {
            "choices": [
                {"index": 0, "delta": {"tool_calls": [None, {"index": 5_000, "id": "x"}, {"index": -1}]}}
            ]
        },
        {"choices": [{"index": 5_000, "delta": {"content": "x"}}, {"index": -1, "delta": {"content": "x"}}]},
        {"choices": [{"index": 0, "logprobs": "x", "message": {"content": "x"}}]},
        {"id": 5, "created": "x", "model": None, "object": 5, "obfuscation": "x"},
    ],
)
def test_a_malformed_chunk_changes_nothing(odd):
    """It is skipped as far as it is odd, and the stream goes on."""
    chunks = [chunk({"role": "assistant", "content": "Cal"}), chunk({"content": "m."}, finish_reason="stop")]

    assert joined(*chunks) == joined(chunks[0], odd, chunks[1])


def test_a_missing_index_is_the_place_in_the_list():
    """Of a choice; a tool call without index and id continues the last one."""
    made = joined({"choices": [{"delta": {"content": "a"}}, {"index": "x", "delta": {"content": "b"}}]})

    assert [(0, "a"), (1, "b")] == [(each["index"], each["message"]["content"]) for each in made["choices"]]
    assert [{"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}] == message_of(
        {"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
        {"tool_calls": [{"function": {"arguments": "}"}}]},
    )["tool_calls"]


def test_choices_and_calls_without_end_are_bounded():
    """A hostile stream cannot make the answer grow by indices or ids."""
    made = joined(
        *(
            {"choices": [{"index": number, "delta": {"tool_calls": [{"id": f"{number}"}]}}]}
            for number in range(3_000)
        ),
        *(chunk({"tool_calls": [{"id": f"call {number}"}]}) for number in range(3_000)),
    )

    assert 1_024 == len(made["choices"])
    assert 1_024 == len(made["choices"][0]["message"]["tool_calls"])


@settings(deadline=None)
@given(st.lists(JSON, max_size=5))
def test_any_json_can_be_added(chunks):
    """No chunk makes the builder fail or be changed."""
    before = copy.deepcopy(chunks)
    made = joined(*chunks)

    assert before == chunks
    assert made == json.loads(json.dumps(made))


def test_work_grows_with_the_size_of_the_stream_only():
    """Ten times the pieces cost about ten times the time, reading the text now and then included."""

    def seconds(pieces: int) -> float:
        builder = CompletionBuilder()
        parts = [
            chunk({"content": "x" * 100, "tool_calls": [{"index": 0, "function": {"arguments": "y" * 100}}]})
        ]
        started = time.process_time()
        for number in range(pieces):
            builder.add(parts[0])
            if number % 1_000 == 0:
                assert builder.text
        builder.build()
        return time.process_time() - started

    assert seconds(30_000) < 40 * max(seconds(3_000), 0.002)
