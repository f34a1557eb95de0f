"""What an answer leaves in provider_state, and how it goes back."""

from __future__ import annotations

import json
from typing import Any

import anthropic_kit as kit
import pytest
from anthropic_kit import decoded, encoded, refusal

THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
SEARCH = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "tide"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"encrypted_content": "x"}]}
CITED = {
    "type": "text",
    "text": "It is 4 m.",
    "citations": [{"type": "web_search_result_location", "url": "https://e.org", "encrypted_index": "i"}],
}
SAID = {"type": "text", "text": "Looking."}


def call(identifier: str, **members: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": identifier, "name": "tide", "input": {"at": identifier}, **members}


def sent_back(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The assistant's blocks when its message stands in the history."""
    calls = message.get("tool_calls", [])
    results = [{"role": "tool", "tool_call_id": each["id"], "content": "4"} for each in calls]
    history = [*kit.HELLO, message, *results, {"role": "user", "content": "Go on"}]
    found: list[dict[str, Any]] = encoded(history)["messages"][1]["content"]
    return found


ANSWERS = [
    [THOUGHT, SAID],
    [THOUGHT, HIDDEN, SAID, call("a"), call("b")],
    [THOUGHT, call("a"), THOUGHT, SAID, call("b")],
    [THOUGHT, call("a")],
    [SAID, SEARCH, FOUND, CITED, {"type": "text", "text": " Good."}],
    [SEARCH, FOUND, call("a", caller={"type": "code_execution_20260120", "tool_id": "srv_1"})],
    [SAID, call("a")],
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("content", ANSWERS)
def test_an_answer_goes_back_as_it_came(content: list[dict[str, Any]], strict: bool) -> None:
    """Thinking blocks unmodified and before their tool calls, opaque blocks in their places."""
    message = decoded(content, strict=strict)["choices"][0]["message"]

    assert content == sent_back(json.loads(json.dumps(message)))


@pytest.mark.parametrize("content", ANSWERS)
def test_a_stream_leaves_the_same_state_as_a_whole_answer(content: list[dict[str, Any]]) -> None:
    """Once, in a chunk of its own, so that callers need not know how to join it."""
    answer = kit.message(content)
    chunks, _ = kit.streamed(kit.sse(*kit.events_of(answer)))
    states = [
        choice["delta"]["provider_state"]
        for chunk in chunks
        for choice in chunk["choices"]
        if "provider_state" in choice["delta"]
    ]
    whole = decoded(content)["choices"][0]["message"]

    assert [whole["provider_state"]] if "provider_state" in whole else [] == states


def test_changed_text_goes_to_the_place_of_the_first() -> None:
    """A guardrail may have replaced it; citations of the old text do not fit the new one."""
    message = decoded([THOUGHT, SAID, SEARCH, FOUND, CITED, call("a")])["choices"][0]["message"]
    message["content"] = "[removed]"

    assert [THOUGHT, {"type": "text", "text": "[removed]"}, SEARCH, FOUND, call("a")] == sent_back(message)


def test_text_as_parts_goes_to_the_place_of_the_first() -> None:
    """Marks of the parts are kept."""
    message = decoded([THOUGHT, SAID, call("a")])["choices"][0]["message"]
    part = {"type": "text", "text": "Looking.", "cache_control": {"type": "ephemeral"}}
    message["content"] = [part]

    assert [THOUGHT, part, call("a")] == sent_back(message)


def test_a_mark_of_the_message_stands_on_its_last_text() -> None:
    message = decoded([THOUGHT, SAID, {"type": "text", "text": "Yes."}])["choices"][0]["message"]
    message["cache_control"] = {"type": "ephemeral"}

    assert [False, False, True] == ["cache_control" in block for block in sent_back(message)]


def test_calls_that_were_removed_or_added_are_followed() -> None:
    """The message is the truth, the state only the order."""
    message = decoded([THOUGHT, call("a"), THOUGHT, call("b")])["choices"][0]["message"]
    first = message["tool_calls"][0]
    message["tool_calls"] = [{**first, "id": "c"}, message["tool_calls"][1]]

    assert [THOUGHT, THOUGHT, call("b"), {**call("a"), "id": "c"}] == sent_back(message)


def test_a_state_of_thoughts_alone_stands_before_everything() -> None:
    """Whoever keeps nothing but the thinking blocks may write the member himself."""
    message = {
        "role": "assistant",
        "content": "Looking.",
        "tool_calls": decoded([call("a")])["choices"][0]["message"]["tool_calls"],
        "provider_state": {"origin": "anthropic", "data": [THOUGHT]},
    }

    assert [THOUGHT, SAID, call("a")] == sent_back(message)


@pytest.mark.parametrize("state", [None, 5, {}, {"origin": "google", "data": [THOUGHT]}])
def test_the_state_of_others_is_not_sent(state: Any) -> None:
    """Signatures of another provider would be refused; nothing has to stand in for them."""
    message = {"role": "assistant", "content": "Looking.", "reasoning_content": "x", "provider_state": state}

    assert [SAID] == sent_back(message)


def test_state_beside_calls_without_content_is_not_overlooked() -> None:
    """Some callers drop the member `content` when it is empty."""
    message = decoded([THOUGHT, call("a")])["choices"][0]["message"]
    del message["content"], message["reasoning_content"]

    assert [THOUGHT, call("a")] == sent_back(message)


@pytest.mark.parametrize("data", [None, 5, [5], [{}], [{"type": 5}], {"type": "text"}])
def test_broken_state_is_refused_by_place(data: Any) -> None:
    message = {"role": "assistant", "content": "x", "provider_state": {"origin": "anthropic", "data": data}}

    assert "messages[1].provider_state" == refusal([*kit.HELLO, message]).param


@pytest.mark.parametrize("length", [None, -1, "8", True, 10**9])
def test_lengths_that_do_not_fit_count_as_a_change(length: Any) -> None:
    entries = [THOUGHT, {"type": "text", "length": length}, {"type": "text", "length": 0}]
    message = {
        "role": "assistant",
        "content": "Looking.",
        "provider_state": {"origin": "anthropic", "data": entries},
    }

    assert [THOUGHT, SAID] == sent_back(message)


def test_a_long_turn_can_be_resumed() -> None:
    """pause_turn: the message goes back as the last one, and the model goes on."""
    message = decoded([SEARCH, FOUND], stop_reason="pause_turn")["choices"][0]["message"]

    assert [SEARCH, FOUND] == encoded([*kit.HELLO, message])["messages"][-1]["content"]
