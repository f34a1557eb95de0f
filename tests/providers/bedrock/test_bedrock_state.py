"""What an answer leaves in `provider_state`, and how it goes back: whole, in its place, to its family."""

from __future__ import annotations

import json
from typing import Any

import bedrock_kit as kit
import pytest

THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "c2ln"}}}
REDACTED = {"reasoningContent": {"redactedContent": "cmVk"}}
UNSIGNED = {"reasoningContent": {"reasoningText": {"text": "Hmm."}}}


def call(number: int) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": f"tooluse_{number}", "name": "tide", "input": {}}}


def answered(content: list[Any], model: str = kit.CLAUDE) -> dict[str, Any]:
    """The message of an answer, stored and loaded as JSON."""
    found: dict[str, Any] = json.loads(json.dumps(kit.decoded(content, model=model)["choices"][0]["message"]))
    return found


def sent_back(message: dict[str, Any], model: str = kit.CLAUDE) -> list[Any]:
    """The assistant's blocks when the conversation goes on."""
    body = kit.encoded([*kit.HELLO, message, {"role": "user", "content": "Go on"}], model=model)
    found: list[Any] = next((t["content"] for t in body["messages"] if t["role"] == "assistant"), [])
    return found


@pytest.mark.parametrize(
    "content",
    [
        [THOUGHT, {"text": "42"}],
        [THOUGHT, REDACTED, call(1), call(2)],
        [{"text": "Let me see."}, THOUGHT, call(1), {"text": "And"}, REDACTED, call(2)],
        [REDACTED, {"text": "a"}, {"text": "b"}],
        [
            {"text": "The "},
            {"citationsContent": {"content": [{"text": "grass"}], "citations": [{"title": "A"}]}},
            {"text": "."},
        ],
        [
            {"toolUse": {"toolUseId": "s", "name": "x", "input": {"q": 1}, "type": "server_tool_use"}},
            {"text": "x"},
        ],
    ],
)
def test_blocks_go_back_as_they_came(content: list[Any]) -> None:
    """All of them, unmodified, in their order, after a trip through JSON."""
    assert content == sent_back(answered(content))


def test_text_that_the_caller_changed_goes_to_the_place_of_the_first() -> None:
    """Whole: where it would have been cut is not known."""
    message = answered([{"text": "a"}, THOUGHT, {"text": "b"}, call(1)])

    assert [{"text": "other"}, THOUGHT, call(1)] == sent_back({**message, "content": "other"})
    assert [THOUGHT, call(1)] == sent_back({**message, "content": None})
    empty = answered([THOUGHT, call(1)])
    assert [THOUGHT, {"text": "new"}, call(1)] == sent_back({**empty, "content": "new"})


def test_calls_that_the_caller_changed() -> None:
    """Those he dropped stay away, those he added come last."""
    message = answered([THOUGHT, call(1), call(2)])
    added = {"id": "mine", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message["tool_calls"] = [message["tool_calls"][1], added]

    mine = {"toolUse": {"toolUseId": "mine", "name": "f", "input": {}}}
    assert [THOUGHT, call(2), mine] == sent_back(message)


def test_a_cache_mark_stays_at_the_end_of_its_text() -> None:
    """And does not hinder the cutting."""
    message = answered([{"text": "a"}, THOUGHT, {"text": "b"}])
    found = sent_back({**message, "cache_control": {"type": "ephemeral"}})

    assert [{"text": "a"}, THOUGHT, {"text": "b"}, {"cachePoint": {"type": "default"}}] == found


def test_models_of_another_family_get_the_text_alone() -> None:
    """They refuse foreign reasoning; a fallback between families must not fail for it."""
    message = answered([THOUGHT, {"text": "42"}, call(1)])

    for model in (kit.NOVA, "openai.gpt-oss-120b-1:0", "meta.llama3-3-70b-instruct-v1:0"):
        assert [{"text": "42"}, call(1)] == sent_back(message, model)
    assert [THOUGHT, {"text": "42"}, call(1)] == sent_back(message, "us.anthropic.claude-opus-4-8-v1")


def test_state_of_another_origin_stays_away() -> None:
    """As do the reasoning texts of other providers."""
    message = {
        "role": "assistant",
        "content": "42",
        "reasoning_content": "Hmm.",
        "provider_state": {"origin": "anthropic", "data": [{"type": "thinking", "thinking": "x"}]},
    }

    assert [{"text": "42"}] == sent_back(message)


def test_unsigned_reasoning_goes_back_to_openai_models_only() -> None:
    """DeepSeek and others refuse reasoning in the history."""
    gpt, deepseek = "openai.gpt-oss-20b-1:0", "us.deepseek.r1-v1:0"

    assert [UNSIGNED, {"text": "x"}] == sent_back(answered([UNSIGNED, {"text": "x"}], gpt), gpt)
    assert [{"text": "x"}] == sent_back(answered([UNSIGNED, {"text": "x"}], deepseek), deepseek)


def test_a_turn_of_nothing_but_reasoning_is_left_out() -> None:
    """The API takes it for a prefill and refuses it."""
    body = kit.encoded([*kit.HELLO, answered([THOUGHT, REDACTED]), {"role": "user", "content": "Go on"}])

    assert ["user"] == [turn["role"] for turn in body["messages"]]


@pytest.mark.parametrize(
    ("model", "blocks"),
    [
        (kit.CLAUDE, [THOUGHT, REDACTED, {"text": "42"}]),
        ("openai.gpt-oss-20b-1:0", [UNSIGNED, {"text": "42"}]),
        ("meta.llama3-3-70b-instruct-v1:0", [{"text": "42"}]),
    ],
)
def test_content_blocks_of_the_gateway(model: str, blocks: list[Any]) -> None:
    """What it shows to callers who are not strict goes back as reasoning, as far as the model takes it."""
    shown = [
        {"type": "thinking", "thinking": "Hmm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "cmVk"},
        {"type": "text", "text": "42"},
    ]

    assert blocks == sent_back({"role": "assistant", "content": "42", "content_blocks": shown}, model)


@pytest.mark.parametrize(
    "data",
    [None, [], "x", {}, *({"blocks": blocks} for blocks in (None, "x", [7], [{}], [{"block": 7}]))],
)
def test_a_state_of_another_shape_is_refused(data: Any) -> None:
    """With its place; it is never half understood."""
    message = {"role": "assistant", "content": "x", "provider_state": {"origin": "bedrock", "data": data}}

    assert "messages[1].provider_state" == kit.refusal([*kit.HELLO, message]).param


@pytest.mark.parametrize(
    "entry", [{"text": -1}, {"text": "x"}, {"text": None}, {"text": 10**30}, {"call": None}, {"call": 7}]
)
def test_entries_that_fit_nothing_do_no_harm(entry: Any) -> None:
    """Text and calls of the message are sent, whatever the state says of their places."""
    state = {"origin": "bedrock", "data": {"family": "anthropic", "blocks": [{"block": THOUGHT}, entry]}}
    message = {**answered([{"text": "42"}, call(1)]), "provider_state": state}
    found = sent_back(message)

    assert {"text": "42"} in found
    assert call(1) in found
