"""The texts of requests and answers: what is found in which scope, and how changes are written back."""

from __future__ import annotations

import attrs
import pytest

from llmroute.hooks import HookContext, Texts
from llmroute.hooks.search import MAX_DEPTH, MAX_VALUES
from llmroute.hooks.texts import TooDeepError

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
        {"messages": [{"content": [None, {"text": 5}]}], "choices": [{"message": {"content": [None]}}]},
        {"messages": [{"tool_calls": [None, {}, {"function": None}, {"function": {"arguments": {}}}]}]},
        {"messages": [{"tool_calls": "x", "function_call": "y", "audio": "z", "reasoning_details": "a"}]},
        {"messages": [{"content": [{"source": "x"}, {"source": {"type": []}}, {"source": {"type": "url"}}]}]},
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


def request(**message):
    return {"messages": [{"role": "user", **message}]}


def part(**members):
    return request(content=[{"type": "any", **members}])


def call(arguments):
    return request(tool_calls=[{"id": "1", "function": {"name": "f", "arguments": arguments}}])


LAST = [
    request(content=["secret"]),
    request(content=[{"type": "text", "text": "x"}, "secret"]),
    request(content={"type": "text", "text": "secret"}),
    part(text=["secret"]),
    part(text={"value": "secret"}),
]
ALL = [
    *LAST,
    part(thinking="secret"),
    part(thinking=[{"type": "text", "text": "secret"}]),
    part(content="secret"),
    part(content=["secret"]),
    part(content=[{"type": "text", "text": "secret"}]),
    part(input={"q": "secret"}),
    part(title="secret"),
    part(context="secret"),
    part(source={"type": "text", "data": "secret"}),
    part(source={"type": "content", "content": [{"type": "text", "text": "secret"}]}),
    request(thinking="secret"),
    request(reasoning={"steps": [{"text": "secret"}]}),
    request(reasoning_details=[{"type": "reasoning.text", "text": "secret"}]),
    request(reasoning_details=[{"summary": "secret"}]),
    request(reasoning_details=[{"summary": [{"text": "secret"}]}]),
    request(audio={"id": "a", "transcript": "secret"}),
    request(function_call={"name": "f", "arguments": {"q": "secret"}}),
    request(tool_calls={"id": "1", "function": {"name": "f", "arguments": "secret"}}),
    call({"q": "secret"}),
    call({"q": [1, {"r": "secret"}]}),
    call({"secret": 1}),
    call(["secret"]),
    request(tool_calls=[{"id": "1", "custom": {"name": "f", "input": {"q": "secret"}}}]),
]


def as_answer(body):
    return {"choices": [{"index": 0, "message": message} for message in body["messages"]]}


@pytest.mark.parametrize(
    ("body", "scope"), [*((body, "last") for body in LAST), *((body, "all") for body in ALL)], ids=repr
)
def test_a_text_is_found_and_changed_wherever_a_host_may_send_one(body, scope):
    """In requests and in answers alike; everything else stays as it was."""
    for event, given in (("before", body), ("after", as_answer(body))):
        texts = Texts.of(event, given, scope)

        assert "secret" in texts.pieces
        new = texts.rewritten(lambda text: text.replace("secret", "***"))
        assert repr(given).replace("secret", "***") == repr(new)


@pytest.mark.parametrize(
    "body",
    [
        part(type="image_url", image_url={"url": "secret"}),
        part(type="input_audio", input_audio={"data": "secret", "format": "wav"}),
        part(type="file", file={"file_data": "secret"}),
        part(type="image", source={"type": "base64", "data": "secret"}),
        part(type="document", source={"type": "url", "url": "secret"}),
        request(audio={"data": "secret"}),
        request(reasoning_details=[{"type": "reasoning.encrypted", "data": "secret"}]),
    ],
    ids=repr,
)
def test_files_and_addresses_are_no_texts(body):
    """A change would break them, and their letters say nothing."""
    assert () == Texts.of("before", body, "all").pieces


def test_a_number_in_arguments_is_the_models_word_too():
    """As it is where arguments come as JSON. True and null are not."""
    texts = Texts.of("before", call({"card": 4111111111111111, "sure": True, "no": None}), "all")

    assert ("card", "4111111111111111", "sure", "no") == texts.pieces
    body = texts.rewritten(lambda text: "[CARD]" if text.isdigit() else text)
    assert call({"card": "[CARD]", "sure": True, "no": None}) == body


def test_copies_beside_a_message_are_judged_with_everything():
    """Some hosts send the text of a completion too."""
    answer = {"choices": [{"index": 0, "message": {"content": "a"}, "text": "b"}]}

    assert ("a", "b") == Texts.of("after", answer, "all").pieces


def nested(depth):
    value = "secret"
    for _ in range(depth):
        value = {"in": value}
    return value


def nested_parts(depth):
    parts = []
    for _ in range(depth):
        parts = [{"type": "tool_result", "content": parts}]
    return parts


@pytest.mark.parametrize(
    "body",
    [call(nested(MAX_DEPTH)), call(["x"] * (MAX_VALUES + 1)), request(content=nested_parts(MAX_DEPTH))],
    ids=["deep", "many", "parts"],
)
def test_a_check_gets_all_texts_or_none(body):
    """What is beyond the bounds is not passed unread: the check cannot judge."""
    context = HookContext("before", body, scope="all")

    with pytest.raises(TooDeepError):
        _ = context.texts
    with pytest.raises(TooDeepError):
        _ = context.text
    assert not Texts.of("before", body, "all").complete
