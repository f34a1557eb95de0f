"""What every result object does: attributes, members, changes, copies, and the wire JSON back."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.types.chat import ChatCompletion, Choice, Message, ToolCall
from llmroute.types.chunk import ChatCompletionChunk
from llmroute.types.usage import Usage

CASES = json.loads((Path(__file__).parents[1] / "cases" / "completions.json").read_text())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(
    ["id", "choices", "message", "delta", "content", "tool_calls", "usage", "logprobs", "x"]
)
ODD = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


@pytest.fixture
def message() -> Message:
    return Message.from_dict(
        {"role": "assistant", "content": "Calm.", "refusal": None, "mood": {"sea": "flat"}}
    )


def read_all(value: object) -> None:
    """Read every documented attribute, to the ground."""
    for name in getattr(type(value), "_members", ()):
        read_all(getattr(value, name))
    if isinstance(value, list):
        for item in value:
            read_all(item)


@pytest.mark.parametrize("name", CASES)
def test_the_wire_json_comes_back_exactly(name):
    """Unknown members, nulls and the order of members survive, whether or not they were read."""
    completion = ChatCompletion.from_dict(CASES[name])
    untouched = completion.to_dict()
    read_all(completion)

    assert json.dumps(CASES[name]) == json.dumps(untouched)
    assert json.dumps(CASES[name]) == json.dumps(completion.to_dict())
    assert CASES[name] == json.loads(completion.to_json())
    assert CASES[name] == json.loads(completion.to_json(indent=2)) == json.loads(completion.to_json(indent=3))
    assert CASES[name] == completion.model_dump() == json.loads(completion.model_dump_json())


@settings(deadline=None)
@given(st.dictionaries(NAMES, ODD, max_size=6))
def test_any_json_object_can_be_read_and_comes_back(data):
    """No malformed answer makes an attribute, a repr or a copy fail."""
    before = copy.deepcopy(data)
    for kind in (ChatCompletion, ChatCompletionChunk, Choice, Message):
        made = kind.from_dict(data)
        read_all(made)

        assert before == made.to_dict() == data
        assert len(repr(made)) < 1_100
        assert made == pickle.loads(pickle.dumps(made)) == data


def test_documented_members_read_as_attributes_and_none_where_absent(message):
    """An absent optional member is None, not an error."""
    assert ("assistant", "Calm.") == (message.role, message.content)
    assert message.audio is None
    assert message.tool_calls is None


def test_members_read_like_those_of_a_dict(message):
    """Brackets, get, in, iteration, keys, items and ** see the members that are there."""
    assert "Calm." == message["content"] == message.get("content")
    assert "none" == message.get("audio", "none")
    assert message.get("audio") is None
    assert "refusal" in message
    assert "audio" not in message
    assert ["role", "content", "refusal", "mood"] == list(message) == list(message.keys())
    assert {"role": "assistant", "content": "Calm.", "refusal": None, "mood": {"sea": "flat"}} == {**message}
    assert ("content", "Calm.") in message.items()
    with pytest.raises(KeyError, match="audio"):
        message["audio"]


def test_members_and_attributes_lead_to_the_same_nested_objects():
    """completion["choices"][0] is completion.choices[0]."""
    completion = ChatCompletion.from_dict(CASES["tool call"])

    assert completion["choices"] is completion.choices
    assert completion["choices"][0]["message"]["tool_calls"][0] is completion.choices[0].message.tool_calls[0]
    assert completion["usage"] is completion.usage


def test_an_empty_object_is_true():
    """An empty delta or message counts as present, as in the openai package."""
    assert Message.from_dict({})


def test_unknown_members_are_kept_and_readable(message):
    """`extra` holds them; attribute access finds them too; anything else is an AttributeError."""
    assert {"mood": {"sea": "flat"}} == message.extra
    assert {"sea": "flat"} == message.mood == message["mood"]
    assert not hasattr(message, "weather")
    with pytest.raises(AttributeError, match="'Message' object has no attribute 'weather'"):
        message.weather  # noqa: B018


def test_a_change_shows_everywhere_but_not_in_the_dict_it_was_made_of():
    """The wire dict may be shared with a cache, so it stays as it is."""
    wire = copy.deepcopy(CASES["parallel tool calls"])
    completion = ChatCompletion.from_dict(wire)
    completion.model = "other"
    completion.choices[0].message.content = None
    completion.choices[0].message.tool_calls.pop()
    completion.choices[0].message.tool_calls[0].function.name = "renamed"
    completion.usage.total_tokens = 99
    completion["note"] = "mine"
    changed = completion.to_dict()

    assert CASES["parallel tool calls"] == wire
    assert ("other", "mine", 99) == (changed["model"], changed["note"], changed["usage"]["total_tokens"])
    assert changed["choices"][0]["message"]["content"] is None
    assert ["renamed", "tide_table"] == [
        call["function"]["name"] for call in changed["choices"][0]["message"]["tool_calls"]
    ]
    assert ("mine", "mine") == (completion.note, completion.extra["note"])


def test_objects_and_dicts_may_be_assigned():
    """What is assigned comes out as JSON; a dict of a nested member reads as its object."""
    completion = ChatCompletion(id="1", choices=[{"message": Message(role="assistant", content="Hi")}])
    completion.usage = {"total_tokens": 3}
    completion.choices.append(Choice(index=1, message={"role": "assistant"}))

    assert ("Hi", 3) == (completion.text, completion.usage.total_tokens)
    assert {
        "id": "1",
        "choices": [
            {"message": {"role": "assistant", "content": "Hi"}},
            {"index": 1, "message": {"role": "assistant"}},
        ],
        "usage": {"total_tokens": 3},
    } == completion.to_dict()


def test_an_attribute_that_is_no_member_is_refused(message):
    """A misspelt name is an error; a new member is set with brackets."""
    with pytest.raises(AttributeError, match="contnet"):
        message.contnet = "Rough."


def test_what_to_dict_returns_is_the_callers():
    """Changing it changes neither the object nor the dict it was made of."""
    wire = {"role": "assistant", "annotations": [{"type": "x"}], "mood": {"sea": ["flat"]}}
    message = Message.from_dict(wire)
    made = message.to_dict()
    made["mood"]["sea"].append("rough")
    made["annotations"].clear()

    assert {"role": "assistant", "annotations": [{"type": "x"}], "mood": {"sea": ["flat"]}} == message == wire


def test_objects_of_one_class_are_equal_when_their_json_is(message):
    """What has been read or assigned makes no difference; a dict with the same JSON is equal too."""
    read, fresh = (ChatCompletion.from_dict(CASES["annotations"]) for _ in range(2))
    read_all(read)

    assert fresh == read
    assert CASES["annotations"] == read
    assert fresh != ChatCompletion.from_dict(CASES["plain answer"])
    assert Message.from_dict({"index": 0}) != ToolCall.from_dict({"index": 0})
    assert message != "Calm."
    with pytest.raises(TypeError, match="unhashable"):
        hash(message)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
@pytest.mark.parametrize("name", CASES)
def test_copies_and_pickles_are_equal_and_share_nothing(name, duplicate):
    """A copy is deep, whatever it was asked for."""
    original = ChatCompletion.from_dict(CASES[name])
    read_all(original)
    twin = duplicate(original)
    twin.choices[0].message.content = "changed"

    assert type(original) is type(twin)
    assert CASES[name] == original != twin


def test_the_repr_names_what_is_there():
    """Members that are null are left out."""
    completion = ChatCompletion.from_dict(CASES["plain answer"])

    assert (
        "Choice(index=0, message=Message(role='assistant', content='The lighthouse stands in Genoa.', "
        "annotations=[]), finish_reason='stop')" == repr(completion.choices[0])
    )
    assert repr(completion).startswith("ChatCompletion(id='chatcmpl-plain', object='chat.completion', ")


def test_the_repr_is_bounded_whatever_the_answer():
    """Neither long texts nor many, deep or oddly named members make it longer than about a screen."""
    wide = {f"member {number}" * 50: "y" * 500 for number in range(10_000)}
    message = Message.from_dict(
        {"content": "x" * 1_000_000, "annotations": [{}] * 9_999, "tool_calls": [wide], **wide}
    )

    assert len(repr(message)) < 1_100
    assert f"content='{'x' * 80}'..." in repr(message)
    assert "... 9996 more]" in repr(message)


def test_model_dump_takes_pydantics_options(message):
    """Names are chosen at the top; null members go at any depth; the rest is accepted."""
    message["mood"] = {"sea": "flat", "wind": None, "gusts": [None]}

    assert {"content": "Calm."} == message.model_dump(include={"content"})
    assert {"role", "content", "refusal"} == set(message.model_dump(mode="json", exclude={"mood"}))
    assert {
        "role": "assistant",
        "content": "Calm.",
        "mood": {"sea": "flat", "gusts": [None]},
    } == message.model_dump(mode="json", exclude_none=True, exclude_unset=True, by_alias=True, warnings=False)
    assert '{"role":"assistant","content":"Calm."}' == message.model_dump_json(
        exclude={"mood"}, exclude_none=True
    )


@pytest.mark.parametrize("value", ["\ud83d", 2**70, "é🌊", -0.0, [1.5, True]])
def test_to_json_writes_whatever_json_can_carry(value):
    """Lone surrogates and large integers included."""
    usage = Usage.from_dict({"total_tokens": value})

    assert {"total_tokens": value} == json.loads(usage.to_json()) == json.loads(usage.to_json(indent=2))


def test_to_json_refuses_what_json_cannot_carry():
    """A value of the caller's own making is a TypeError, endless nesting a ValueError."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(TypeError):
        Usage(total_tokens=object()).to_json()
    with pytest.raises(ValueError, match="nested"):
        Usage(total_tokens=deep).to_json()


def test_nesting_without_end_is_no_danger():
    """Depth that no JSON reader gives out is copied, dumped and shown without exhausting the stack."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    message = Message.from_dict({"content": deep, "mood": {"sea": deep}})

    assert {"content", "mood"} == set(message.to_dict()) == set(message.model_dump(exclude_none=True))
    assert len(repr(message)) < 1_100
