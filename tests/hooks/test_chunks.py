"""Chunks under judgement: what may go, and answers made into chunks."""

from __future__ import annotations

import pytest

from llmroute.hooks.chunks import Held, chunks_of, completion_of, filtered_end, rewritten, texts_of


def chunk(text=None, index=0, finish=None, **delta):
    return {
        "id": "x",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": index,
                "delta": {**({"content": text} if text else {}), **delta},
                "finish_reason": finish,
            }
        ],
    }


def held(*chunks):
    made = Held()
    for one in chunks:
        made.add(one)
    return made


CALLS = chunk(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}])


@pytest.mark.parametrize(
    ("chunks", "overlap", "expected"),
    [
        ([chunk("aa"), chunk("bb"), chunk("cc")], 2, [2, 1]),
        ([chunk("aa"), chunk("bb"), chunk("cc")], 3, [1]),
        ([chunk("aa"), chunk("bb"), chunk("cc")], 6, []),
        ([chunk("aa"), chunk("bb")], 0, [2, 1]),
        # A choice that has ended needs no overlap.
        ([chunk("aa"), chunk(finish="stop")], 5, [2, 1]),
        # Each choice needs its own.
        ([chunk("aa"), chunk("bb", 1), chunk("cc")], 2, [1]),
        ([chunk("aa"), chunk("bb", 1), chunk("cc"), chunk("dd", 1)], 2, [2, 1]),
        # What says nothing may go at any time.
        ([chunk(role="assistant"), chunk("aa")], 2, [1]),
        # Tool calls stay until they are whole.
        ([chunk("aa"), CALLS, chunk("bb"), chunk("cc")], 2, [1]),
        # Reasoning is followed by content of the same choice.
        ([chunk(reasoning_content="aa"), chunk("bb")], 2, [1]),
    ],
)
def test_what_may_go(chunks, overlap, expected):
    """The most first."""
    assert expected == held(*chunks).cuts(overlap)


def test_what_has_gone_is_forgotten():
    """Chunks and their size."""
    made = held(chunk("aa"), chunk("bb"))
    size = made.bytes

    assert [chunk("aa")] == made.release(1)
    assert ([chunk("bb")], True) == (made.chunks, made.bytes < size)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": [None, 5]},
        {"choices": [{"delta": None}]},
        {"choices": [{"index": "x", "delta": {"content": 5, "tool_calls": "y"}}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": 5}]},
    ],
)
def test_malformed_chunks_are_kept_as_they_are(odd):
    """They raise nothing."""
    made = held(odd, chunk("a"))
    made.cuts(1)
    assert [odd, chunk("a")] == made.release(2)
    rewritten([odd], {})
    filtered_end([odd], [0])


def test_rewritten_chunks_say_the_new_text_once():
    """Where the old one began; chunks that say nothing any more are left out."""
    chunks = [chunk(role="assistant"), chunk("se"), chunk("cr"), chunk("et", finish="stop")]

    made = rewritten(chunks, {(0, "content"): "******"})

    assert ["******", None, 3] == [texts_of(completion_of(made)).get((0, "content")), None, len(made)]
    assert "stop" == completion_of(made)["choices"][0]["finish_reason"]


def test_a_text_that_was_not_there_is_added():
    """A check may put something in."""
    made = rewritten([chunk("a")], {(0, "content"): "b", (0, "refusal"): "no"})

    assert {(0, "content"): "b", (0, "refusal"): "no"} == texts_of(completion_of(made))


def test_an_answer_survives_as_a_stream():
    """Text, reasoning, tool calls, end and usage."""
    answer = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "system_fingerprint": "f",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "a", "refusal": None, "reasoning_content": "b"},
                "logprobs": None,
                "finish_reason": "stop",
            },
            {
                "index": 1,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                        {"id": "d", "type": "function", "function": {"name": "g", "arguments": "[]"}},
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            },
        ],
        "usage": {"total_tokens": 3},
    }

    assert answer == completion_of(chunks_of(answer))


def test_an_empty_answer_is_a_stream_too():
    """Of one chunk."""
    assert [{"object": "chat.completion.chunk", "choices": []}] == chunks_of({})
