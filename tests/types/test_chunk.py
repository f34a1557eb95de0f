"""A piece of a streamed answer under OpenAI's names."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from llmroute.types.chunk import ChatCompletionChunk, ChunkChoice, Delta, DeltaFunction

STREAMS = json.loads((Path(__file__).parents[1] / "cases" / "streams.json").read_text())


def chunks_of(name: str) -> list[ChatCompletionChunk]:
    return [ChatCompletionChunk.from_dict(chunk) for chunk in STREAMS[name]["chunks"]]


@pytest.mark.parametrize("name", STREAMS)
def test_every_chunk_comes_back_exactly_and_copies(name):
    """to_dict() is what it was made of; copies and pickles are equal."""
    for wire, chunk in zip(STREAMS[name]["chunks"], chunks_of(name), strict=True):
        assert wire == chunk.to_dict() == json.loads(chunk.to_json())
        assert chunk == copy.deepcopy(chunk) == pickle.loads(pickle.dumps(chunk))


def test_text_pieces_a_finish_and_the_usage_chunk():
    """The common course of a stream."""
    first, *texts, finish, usage = chunks_of("text with usage at the end")

    assert ("assistant", "") == (first.choices[0].delta.role, first.choices[0].delta.content)
    assert ["High ", "water."] == [chunk.choices[0].delta.content for chunk in texts]
    assert (None, "stop") == (texts[0].choices[0].finish_reason, finish.choices[0].finish_reason)
    assert finish.choices[0].delta.content is None
    assert ([], 23) == (usage.choices, usage.usage.total_tokens)
    assert ("chat.completion.chunk", None) == (usage.object, first.usage)


def test_tool_call_pieces():
    """They carry an index, and a name once."""
    first, _, both, *_ = chunks_of("interleaved tool calls")

    assert ("call_a", "function", "tide") == (
        first.choices[0].delta.tool_calls[0].id,
        first.choices[0].delta.tool_calls[0].type,
        first.choices[0].delta.tool_calls[0].function.name,
    )
    assert [0, 1] == [call.index for call in both.choices[0].delta.tool_calls]
    assert DeltaFunction(arguments='{"at":') == both.choices[0].delta.tool_calls[1].function


def test_custom_tool_audio_and_reasoning_pieces():
    """Pieces the openai package has no names for."""
    assert "run_sql" == chunks_of("a custom tool")[0].choices[0].delta.tool_calls[0].custom.name
    assert "AAEC" == chunks_of("audio")[1].choices[0].delta.audio.data
    assert "Three " == chunks_of("reasoning with details")[0].choices[0].delta.reasoning_content


def test_objects_are_of_the_documented_classes():
    """A choice of a chunk is not one of a completion."""
    (choice,) = chunks_of("two choices in turns")[0].choices

    assert (ChunkChoice, Delta) == (type(choice), type(choice.delta))
    assert choice == ChunkChoice.from_dict(STREAMS["two choices in turns"]["chunks"][0]["choices"][0])


@pytest.mark.parametrize(
    "choices", [None, "x", 5, {}, [None, 1, "x"], [{}], [{"delta": None}], [{"delta": "x"}]]
)
def test_odd_choices_read_as_they_arrived(choices):
    """The other members stay readable."""
    chunk = ChatCompletionChunk.from_dict({"id": "1", "choices": choices})

    assert ("1", choices) == (chunk.id, chunk.choices)
    assert {"id": "1", "choices": choices} == chunk.to_dict()


def test_a_change_shows_in_the_json_only():
    """The chunk dict it was made of may be on its way to a cache."""
    wire = {"choices": [{"index": 0, "delta": {"content": "Calm."}}]}
    chunk = ChatCompletionChunk.from_dict(wire)
    chunk.choices[0].delta.content = "***"

    assert {"choices": [{"index": 0, "delta": {"content": "***"}}]} == chunk.to_dict()
    assert {"choices": [{"index": 0, "delta": {"content": "Calm."}}]} == wire
