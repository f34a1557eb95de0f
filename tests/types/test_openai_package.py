"""Judged by the openai package: our JSON is theirs, and their objects may stand in our messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmroute.types import chat, chunk, moderation, usage
from llmroute.types.accumulate import CompletionBuilder
from llmroute.types.chat import ChatCompletion
from llmroute.types.chunk import ChatCompletionChunk
from llmroute.types.convert import plain

openai_types = pytest.importorskip("openai.types.chat")
completion_usage = pytest.importorskip("openai.types.completion_usage")

CASES = Path(__file__).parents[1] / "cases"
COMPLETIONS = json.loads((CASES / "completions.json").read_text())
STREAMS = json.loads((CASES / "streams.json").read_text())
#: What the package has no type for: hosts that leave out or add to what OpenAI sends.
UNTYPED_CHUNKS = {
    "a custom tool",
    "an empty head first, and a filter chunk without choices",
    "tool calls without an index",
}


@pytest.mark.parametrize("name", COMPLETIONS)
def test_our_completions_validate_and_agree(name):
    """The package reads our JSON and writes the same."""
    theirs = openai_types.ChatCompletion.model_validate(ChatCompletion.from_dict(COMPLETIONS[name]).to_dict())

    assert COMPLETIONS[name] == theirs.to_dict()
    assert (
        theirs.choices[0].message.content
        == ChatCompletion.from_dict(COMPLETIONS[name]).choices[0].message.content
    )


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - UNTYPED_CHUNKS))
def test_our_chunks_validate_and_agree(name):
    """The package reads our chunks and writes the same."""
    for wire in STREAMS[name]["chunks"]:
        ours = ChatCompletionChunk.from_dict(wire)

        assert wire == openai_types.ChatCompletionChunk.model_validate(ours.to_dict()).to_dict()


@pytest.mark.parametrize("name", STREAMS)
def test_joined_streams_validate_as_completions(name):
    """What the builder makes is a complete answer to the package."""
    builder = CompletionBuilder()
    for wire in STREAMS[name]["chunks"]:
        builder.add(wire)

    openai_types.ChatCompletion.model_validate(builder.build())


@pytest.mark.parametrize("name", COMPLETIONS)
def test_the_packages_messages_may_be_sent(name):
    """`messages.append(completion.choices[0].message)` works with either library's objects."""
    theirs = openai_types.ChatCompletion.model_validate(COMPLETIONS[name]).choices[0].message
    ours = ChatCompletion.from_dict(COMPLETIONS[name]).choices[0].message
    before = theirs.model_copy(deep=True)
    asked = {"role": "user", "content": "And then?"}
    expected = [asked, COMPLETIONS[name]["choices"][0]["message"]]

    assert expected == plain([asked, theirs]) == plain([asked, ours])
    assert before == theirs


def test_the_packages_tool_calls_may_be_sent():
    """Also inside a message written by hand."""
    theirs = openai_types.ChatCompletion.model_validate(COMPLETIONS["parallel tool calls"]).choices[0].message
    message = {"role": "assistant", "tool_calls": theirs.tool_calls}

    assert (
        COMPLETIONS["parallel tool calls"]["choices"][0]["message"]["tool_calls"]
        == plain(message)["tool_calls"]
    )


def test_members_have_the_packages_names():
    """Every member the package documents is an attribute of ours."""
    pairs = [
        (openai_types.ChatCompletion, ChatCompletion),
        (openai_types.chat_completion.Choice, chat.Choice),
        (openai_types.chat_completion.ChoiceLogprobs, chat.ChoiceLogprobs),
        (openai_types.chat_completion.Moderation, moderation.Moderation),
        (openai_types.ChatCompletionMessage, chat.Message),
        (openai_types.chat_completion_message.Annotation, chat.Annotation),
        (openai_types.chat_completion_message.AnnotationURLCitation, chat.AnnotationURLCitation),
        (openai_types.chat_completion_message.FunctionCall, chat.FunctionCall),
        (openai_types.ChatCompletionAudio, chat.Audio),
        (openai_types.ChatCompletionTokenLogprob, chat.TokenLogprob),
        (openai_types.ChatCompletionMessageFunctionToolCall, chat.ToolCall),
        (openai_types.ChatCompletionMessageCustomToolCall, chat.CustomToolCall),
        (openai_types.ChatCompletionChunk, ChatCompletionChunk),
        (openai_types.chat_completion_chunk.Choice, chunk.ChunkChoice),
        (openai_types.chat_completion_chunk.ChoiceDelta, chunk.Delta),
        (openai_types.chat_completion_chunk.ChoiceDeltaToolCall, chunk.DeltaToolCall),
        (openai_types.chat_completion_chunk.ChoiceDeltaToolCallFunction, chunk.DeltaFunction),
        (completion_usage.CompletionUsage, usage.Usage),
        (completion_usage.PromptTokensDetails, usage.PromptTokensDetails),
        (completion_usage.CompletionTokensDetails, usage.CompletionTokensDetails),
    ]
    for theirs, ours in pairs:
        assert set(theirs.model_fields) <= {name for name in dir(ours) if not name.startswith("_")}, ours
