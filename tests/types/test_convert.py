"""Result objects in what a caller sends."""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import Any

import pytest

from llmroute.types.chat import Message, ToolCall
from llmroute.types.convert import plain


class WithToDict:
    def __init__(self, made: Any) -> None:
        self.made = made

    def to_dict(self) -> Any:
        return self.made


class WithModelDump:
    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Any]:
        assert ("json", True) == (mode, exclude_none)
        return {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "user", "content": "Hi"}] * 20,
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {}}],
            }
        ],
        {"type": "function", "function": {"parameters": {"enum": [None, 1, 1.5, True]}}},
        [],
        {},
        "Hi",
        None,
    ],
)
def test_what_is_plain_already_comes_back_as_the_same_object(value):
    """No copy of a conversation is made in vain."""
    before = copy.deepcopy(value)

    assert value is plain(value)
    assert before == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Message(role="assistant", content="Hi"), {"role": "assistant", "content": "Hi"}),
        (WithToDict({"role": "user"}), {"role": "user"}),
        (WithToDict({"inner": [WithToDict({"deep": 1})]}), {"inner": [{"deep": 1}]}),
        (WithModelDump(), {"role": "user", "content": "Hi"}),
        (MappingProxyType({"role": "user"}), {"role": "user"}),
        (("a", MappingProxyType({})), ["a", {}]),
        ({"tool_calls": (ToolCall(id="1"),)}, {"tool_calls": [{"id": "1"}]}),
        ({"a": {"b": [{"c": WithModelDump()}]}}, {"a": {"b": [{"c": {"role": "user", "content": "Hi"}}]}}),
    ],
)
def test_objects_become_their_json_at_any_depth(value, expected):
    """Alone, in lists, in dicts, in each other."""
    assert expected == plain(value)
    assert expected == plain([{"x": value}])[0]["x"]


def test_the_callers_containers_stay_as_they_are():
    """A list with an object in it is copied, not changed."""
    message = Message.from_dict({"role": "assistant", "content": "Hi", "tool_calls": [{"id": "1"}]})
    messages = [{"role": "user", "content": "Hi"}, message]
    made = plain(messages)
    made[1]["tool_calls"].clear()
    made[0]["content"] = "changed"

    assert [{"role": "user", "content": "Hi"}, message] == messages
    assert message is messages[1]
    assert {"role": "assistant", "content": "Hi", "tool_calls": [{"id": "1"}]} == message


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, WithToDict("text"), WithToDict, Message])
def test_what_json_has_no_form_for_is_left_for_the_writer_to_refuse(value):
    """Classes are not values, even where their objects would be."""
    assert value is plain(value)
    assert value is plain({"x": value})["x"]


def test_endless_nesting_is_refused():
    """Cycles included, and wherever an object stands before them."""
    deep: Any = []
    for _ in range(1_000):
        deep = [deep]
    cycle: list[Any] = [WithToDict({})]
    cycle += [cycle, cycle]

    for value in (deep, cycle, [WithToDict({}), deep]):
        with pytest.raises(ValueError, match="nested"):
            plain(value)
