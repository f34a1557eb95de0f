"""A complete answer under OpenAI's names."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from llmroute.types.chat import ChatCompletion, Custom, CustomToolCall, Function, Message, ToolCall
from llmroute.types.route import Route

CASES = json.loads((Path(__file__).parents[1] / "cases" / "completions.json").read_text())
ROUTE = Route(target="config.targets[1]", provider="anthropic")


def completion_of(name: str) -> ChatCompletion:
    return ChatCompletion.from_dict(CASES[name])


def test_the_head_of_an_answer():
    """The members every answer has."""
    completion = completion_of("plain answer")

    assert ("chatcmpl-plain", "chat.completion") == (completion.id, completion.object)
    assert (1790000000, "gpt-4o-mini-2024-07-18") == (completion.created, completion.model)
    assert ("default", "fp_44709d6fcb") == (completion.service_tier, completion.system_fingerprint)


def test_the_choices_of_an_answer():
    """Each has an index, a message and a reason."""
    first, second = completion_of("several choices").choices

    assert (0, "Heads.", "stop") == (first.index, first.message.content, first.finish_reason)
    assert (1, "Tails.", "length") == (second.index, second.message.content, second.finish_reason)


def test_usage_with_details():
    """Details are objects; absent counts are None; what a host adds is in `extra`."""
    usage = completion_of("plain answer").usage

    assert (14, 9, 23) == (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    assert (4, 2, None) == (
        usage.prompt_tokens_details.cached_tokens,
        usage.prompt_tokens_details.cache_write_tokens,
        usage.prompt_tokens_details.image_tokens,
    )
    assert 3 == usage.completion_tokens_details.reasoning_tokens
    assert {"cost": 0.00021, "is_byok": False} == completion_of("reasoning").usage.extra


def test_tool_calls_of_both_kinds():
    """`type` tells the class; a function call has arguments, a custom one has input."""
    first, _, third = completion_of("parallel tool calls").choices[0].message.tool_calls

    assert (ToolCall, CustomToolCall) == (type(first), type(third))
    assert Function(name="tide_table", arguments='{"harbour": "Brest"}') == first.function
    assert Custom(name="run_sql", input="select max(height)\nfrom tides;") == third.custom
    assert ("call_a", "function", "custom") == (first.id, first.type, third.type)


def test_a_tool_call_of_an_unknown_type_reads_as_a_function_call():
    """Its own members are still there."""
    message = Message.from_dict({"tool_calls": [{"id": "1", "type": "mcp", "mcp": {"name": "x"}}]})

    assert ToolCall is type(message.tool_calls[0])
    assert ("mcp", None, {"name": "x"}) == (
        message.tool_calls[0].type,
        message.tool_calls[0].function,
        message.tool_calls[0].mcp,
    )


def test_refusal_audio_and_the_deprecated_call():
    """Each in its place on the message."""
    assert "I cannot help with that." == completion_of("refusal").choices[0].message.refusal
    assert "Ahoy." == completion_of("audio").choices[0].message.audio.transcript
    assert "tide_table" == completion_of("deprecated function call").choices[0].message.function_call.name


def test_log_probabilities():
    """Tokens, their bytes and their rivals."""
    first, second = completion_of("log probabilities").choices[0].logprobs.content

    assert ("Oui", -0.25, [79, 117, 105]) == (first.token, first.logprob, first.bytes)
    assert ("Non", -9999.0, None) == (
        first.top_logprobs[1].token,
        first.top_logprobs[1].logprob,
        second.bytes,
    )
    assert completion_of("log probabilities").choices[0].logprobs.refusal is None


def test_annotations():
    """A cited page with its offsets."""
    (annotation,) = completion_of("annotations").choices[0].message.annotations

    assert ("url_citation", 20, "https://tides.example/brest") == (
        annotation.type,
        annotation.url_citation.start_index,
        annotation.url_citation.url,
    )


def test_moderation():
    """Results or an error, for each side."""
    moderation = completion_of("moderation").moderation

    assert moderation.input.results[0].flagged is False
    assert ("error", "server_error") == (moderation.output.type, moderation.output.code)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_found_under_either_name(name):
    """Hosts call it `reasoning_content` or `reasoning`."""
    assert "Three times three." == completion_of(name).choices[0].message.reasoning_content


def test_opaque_state_and_hook_results():
    """The members this library adds to the wire."""
    completion = completion_of("unknown members everywhere")
    message = completion.choices[0].message

    assert {"origin": "anthropic", "data": [{"type": "thinking"}]} == message.provider_state
    assert {"origin": "gemini", "data": "b3BhcXVl"} == message.tool_calls[0].provider_state
    assert [{"verdict": True, "id": "h1"}] == completion.hook_results["after_request_hooks"]
    assert completion_of("plain answer").hook_results is None


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (CASES["plain answer"], "The lighthouse stands in Genoa."),
        (CASES["tool call"], ""),
        ({"choices": [{"message": {"content": 42}}]}, ""),
        ({"choices": [{"message": None}]}, ""),
        ({"choices": ["x"]}, ""),
        ({"choices": []}, ""),
        ({"choices": {"0": {}}}, ""),
        ({}, ""),
    ],
)
def test_text_is_the_first_choices_content_or_empty(wire, expected):
    """Never an error, whatever a host has sent."""
    assert expected == ChatCompletion.from_dict(wire).text


def test_malformed_members_read_as_they_arrived():
    """One odd member does not hide the others."""
    completion = ChatCompletion.from_dict(
        {
            "id": 7,
            "usage": "many",
            "choices": [
                None,
                "x",
                {"index": "0", "message": {"content": 42, "tool_calls": [None, {"id": "1"}]}},
                {},
            ],
        }
    )
    message = completion.choices[2].message

    assert (7, "many") == (completion.id, completion.usage)
    assert [None, "x"] == completion.choices[:2]
    assert (42, None, "1") == (message.content, message.tool_calls[0], message.tool_calls[1].id)
    assert completion.choices[3].message is None


def test_the_route_is_not_part_of_the_json():
    """It is an attribute only: absent in the wire JSON, in members and in equality."""
    completion = ChatCompletion.from_dict(CASES["plain answer"], ROUTE)

    assert ROUTE is completion.route
    route = completion_of("plain answer").route
    assert ("", "", ()) == (route.target, route.provider, route.attempts)
    assert CASES["plain answer"] == completion.to_dict()
    assert "route" not in completion
    assert completion_of("plain answer") == completion


def test_the_route_is_kept_by_copies_and_pickles():
    """Copies know how they came about."""
    completion = ChatCompletion.from_dict(CASES["plain answer"], ROUTE)

    assert ROUTE == copy.deepcopy(completion).route == copy.copy(completion).route
    assert ROUTE == pickle.loads(pickle.dumps(completion)).route
