"""Chunks under judgement: what may go, and answers made into chunks."""

from __future__ import annotations

import pytest

from llmroute.hooks.chunks import (
    Held,
    chunks_of,
    completion_of,
    filtered_end,
    judgeable,
    rewritten,
    speaks,
    texts_of,
)


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
        ([chunk("aa"), chunk(content=[{"type": "text", "text": "bb"}]), chunk("cc")], 2, [1]),
        # So do details of the reasoning, unless they repeat a text that is cut itself.
        ([chunk("aa"), chunk(reasoning_details=[{"text": "bb"}]), chunk("cc")], 2, [1]),
        ([chunk(reasoning="aa", reasoning_details=[{"text": "aa"}]), chunk("cc")], 2, [1]),
        # What is encrypted says nothing.
        ([chunk("aa", reasoning_details=[{"data": "bb"}]), chunk("cc")], 2, [1]),
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


def test_a_chunk_of_texts_is_judged_as_it_is():
    """Nearly all are."""
    for one in (chunk("a"), chunk(reasoning="a", role="assistant"), {"choices": []}, {"usage": {}}):
        assert one is judgeable(one)


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning": {"a": "b", "c": ["d"]}}, {"reasoning": "bd"}),
        ({"function_call": {"arguments": {"a": 1}}}, {"function_call": {"arguments": '{"a":1}'}}),
        (
            {"tool_calls": [{"custom": {"input": ["a"]}}, 5]},
            {"tool_calls": [{"custom": {"input": '["a"]'}}, 5]},
        ),
        # Whatever a provider of the host's own makes: it is not handed on unread.
        ({"function_call": {"arguments": {"a": object}}}, {"function_call": {"arguments": ""}}),
        # A content in parts stays one.
        ({"content": [{"text": "a"}]}, {"content": [{"text": "a"}]}),
    ],
)
def test_what_comes_in_the_place_of_a_text_is_made_one(delta, expected):
    """Only texts grow from chunk to chunk."""
    assert [expected] == [choice["delta"] for choice in judgeable(chunk(**delta))["choices"]]


def test_a_value_too_deep_to_be_read_is_judged_as_json():
    """Nothing of it is left out."""
    deep = "secret"
    for _ in range(100):
        deep = [deep]

    [choice] = judgeable(chunk(reasoning=deep))["choices"]

    assert "[" * 100 + '"secret"' + "]" * 100 == choice["delta"]["reasoning"]


def test_what_a_chunk_repeats_is_left_out():
    """And the rest of the choice stays."""
    copied = chunk("a")
    copied["choices"][0] |= {"message": {"content": "a"}, "text": "a", "stop": 1}

    assert {**chunk("a")["choices"][0], "stop": 1} == judgeable(copied)["choices"][0]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (chunk("a"), True),
        (CALLS, True),
        (chunk(role="assistant"), False),
        (chunk(finish="stop", provider_state={"origin": "x"}), False),
        ({"choices": [], "usage": {"total_tokens": 1}}, False),
    ],
)
def test_what_says_something(one, expected):
    """Texts and what is judged with them; not how it ended or what it cost."""
    assert expected == speaks(one)


def test_details_that_belong_together_are_joined():
    """By their type and index; what is encrypted is whole, the last signature counts."""
    pieces = [
        {"type": "reasoning.text", "index": 0, "text": "se", "signature": None},
        {"type": "reasoning.summary", "index": 1, "summary": "a"},
        {"type": "reasoning.encrypted", "data": "x"},
        {"type": "reasoning.text", "index": 0, "text": "cret", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "y"},
        5,
    ]

    answer = completion_of([chunk(reasoning_details=[piece]) for piece in pieces])

    assert [
        {"type": "reasoning.text", "index": 0, "text": "secret", "signature": "s"},
        {"type": "reasoning.summary", "index": 1, "summary": "a"},
        {"type": "reasoning.encrypted", "data": "x"},
        {"type": "reasoning.encrypted", "data": "y"},
        5,
    ] == answer["choices"][0]["message"]["reasoning_details"]


def test_new_reasoning_takes_its_details_along():
    """They would tell the old one. Where only the content is new they stay."""
    chunks = [chunk("a", reasoning="b", reasoning_details=[{"text": "b"}])]

    [changed] = rewritten(chunks, {(0, "content"): "a", (0, "reasoning"): "*"})
    [kept] = rewritten(chunks, {(0, "content"): "*", (0, "reasoning"): "b"})

    assert {"content": "a", "reasoning": "*"} == changed["choices"][0]["delta"]
    assert {"content": "*", "reasoning": "b", "reasoning_details": [{"text": "b"}]} == (
        kept["choices"][0]["delta"]
    )


@pytest.mark.parametrize(
    "choices",
    [
        5,
        [None, "x"],
        [{"message": "hey"}],
        [{"index": {}, "message": {"content": "a"}}],
        [{"index": "x", "message": {"tool_calls": ["a"]}}],
    ],
    ids=repr,
)
def test_a_malformed_answer_is_a_stream_as_well(choices):
    """It raises nothing."""
    made = chunks_of({"choices": choices})
    texts_of({"choices": choices})

    assert all(isinstance(choice["index"], int) for one in made for choice in one["choices"])
