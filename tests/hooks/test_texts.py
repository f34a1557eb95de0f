"""The texts of requests and answers: what is found in which scope, and how changes are written back."""

from __future__ import annotations

import attrs
import pytest

from llmroute.hooks import HookContext, Texts

PARTS = [
    {"type": "text", "text": "one"},
    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    {"type": "text", "text": ""},
    {"type": "text", "text": "two"},
    {"type": "refusal", "refusal": "three"},
]
CALLS = [
    {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
    {"id": "2", "type": "custom", "custom": {"name": "c", "input": "free"}},
]
REQUEST = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "rules"},
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "content": PARTS},
    ],
}
RESPONSE = {
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "first", "reasoning_content": "because"}},
        {
            "index": 1,
            "message": {"content": None, "refusal": "no", "function_call": {"name": "f", "arguments": "x"}},
        },
    ]
}


@pytest.mark.parametrize(
    ("event", "body", "scope", "expected"),
    [
        ("before", REQUEST, "last", ["one", "", "two"]),
        ("before", REQUEST, "all", ["rules", '{"a": 1}', "free", "one", "", "two", "three"]),
        ("after", RESPONSE, "last", ["first"]),
        ("after", RESPONSE, "all", ["first", "because", "no", "x"]),
        ("before", {"messages": [{"role": "user", "content": "a"}]}, "last", ["a"]),
    ],
)
def test_what_is_found(event, body, scope, expected):
    """The last message and the first choice, as recorded; or everything that is text."""
    assert expected == list(Texts.of(event, body, scope).pieces)


def test_the_checked_text_joins_what_is_not_empty():
    """By newlines, as recorded."""
    assert "one\ntwo" == HookContext("before", REQUEST).text


@pytest.mark.parametrize("scope", ["last", "all"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None, "choices": None},
        {"messages": [], "choices": []},
        {"messages": [None, 5, []], "choices": [None, 5, []]},
        {"messages": [{}], "choices": [{}]},
        {"messages": [{"content": 5}], "choices": [{"message": 5}]},
        {"messages": [{"content": [None, "x", {"text": 5}]}], "choices": [{"message": {"content": [None]}}]},
        {"messages": [{"tool_calls": [None, {}, {"function": None}, {"function": {"arguments": {}}}]}]},
        {"messages": [{"tool_calls": "x", "function_call": "y"}]},
    ],
)
def test_malformed_bodies_have_no_texts(body, scope):
    """They raise nothing."""
    for event in ("before", "after"):
        texts = Texts.of(event, body, scope)
        assert ((), "") == (texts.pieces, texts.joined)
        assert texts.replaced([]) is None


def test_an_absent_answer_has_no_texts():
    """Before the call there is none."""
    assert "" == HookContext("after", REQUEST, None).text


def test_changes_stand_where_the_texts_stood():
    """Everything else is shared, and the original is left alone."""
    texts = Texts.of("before", REQUEST, "all")

    body = texts.rewritten(str.upper)

    assert ["RULES", '{"A": 1}', "FREE", "ONE", "", "TWO", "THREE"] == list(
        Texts.of("before", body, "all").pieces
    )
    assert body["messages"][2]["content"][1] is PARTS[1]
    assert "rules" == REQUEST["messages"][0]["content"]
    assert "m" == body["model"]


def test_nothing_new_is_no_change():
    """So that `transformed` says what happened."""
    texts = Texts.of("after", RESPONSE, "all")

    assert texts.rewritten(lambda text: text) is None
    assert texts.replaced(texts.pieces) is None


def test_one_change_copies_only_its_way():
    """What is untouched is the same object."""
    texts = Texts.of("before", REQUEST, "all")
    body = texts.replaced(["new", *texts.pieces[1:]])

    assert body["messages"][1] is REQUEST["messages"][1]
    assert body["messages"][2] is REQUEST["messages"][2]


def test_the_number_of_pieces_is_the_number_of_places():
    """A mistake of a check is an error, not a silent loss."""
    with pytest.raises(ValueError, match="zip"):
        Texts.of("before", REQUEST, "last").replaced(["x"])


def test_a_context_of_another_body_has_its_own_texts():
    """Shared texts are those of the same body."""
    context = HookContext("before", REQUEST)
    assert "one\ntwo" == context.text
    assert "x" == attrs.evolve(context, request={"messages": [{"content": "x"}]}).text
    assert "rules" in attrs.evolve(context, scope="all").text
