"""From what a caller passes to a body and options: plain values, checked, never modified."""

from __future__ import annotations

import copy
from collections import OrderedDict

import httpx
import openai
import pytest

from llmroute.prepare import BadBody, checked_body, seconds, split_params
from llmroute.wire.json import loads

MESSAGES = [{"role": "user", "content": "Hi"}]


class Modelled:
    """Something of pydantic's."""

    def model_dump(self, **how):
        return {"role": "assistant", "content": "made"}


class Omit:
    """Named like the openai package's placeholder."""


def split(**params):
    body, options = split_params({"messages": MESSAGES, **params})
    return checked_body(body).params, options


def test_a_plain_body_is_passed_on_untouched():
    """Nothing to change, nothing copied."""
    body = {"messages": MESSAGES, "model": "m", "seed": 1, "stop": ["a"], "stream": None}

    assert checked_body(body).params is body
    assert body == loads(checked_body(body).json)


@pytest.mark.parametrize("placeholder", [openai.NOT_GIVEN, openai.omit, Omit()])
@pytest.mark.parametrize("name", ["temperature", "timeout", "extra_headers", "extra_query", "extra_body"])
def test_placeholders_are_dropped(placeholder, name):
    """Code written for an SDK passes them for "not given"."""
    body, options = split(**{name: placeholder})

    assert {"messages": MESSAGES} == body
    assert (None, None, None, None) == (
        options.timeout,
        options.connect,
        options.extra_headers,
        options.extra_query,
    )


def test_a_placeholder_for_messages_is_a_missing_conversation():
    """It is dropped first, then missed."""
    with pytest.raises(BadBody, match=r"body\.messages: missing"):
        checked_body({"messages": openai.NOT_GIVEN})


def test_none_is_sent_as_null():
    """As the reference does: only placeholders are "not given"."""
    assert {"messages": MESSAGES, "stop": None} == split(stop=None)[0]


def test_result_objects_become_dicts_and_the_callers_list_stays():
    """`messages.append(completion.choices[0].message)` works."""
    messages = [*MESSAGES, Modelled()]
    before = copy.copy(messages)
    body, _ = split(messages=messages)

    assert [*MESSAGES, {"role": "assistant", "content": "made"}] == body["messages"]
    assert before == messages


@pytest.mark.parametrize(
    "messages", [tuple(MESSAGES), [OrderedDict(MESSAGES[0])], (OrderedDict(MESSAGES[0]),)]
)
def test_what_json_calls_a_list_and_an_object_will_do(messages):
    """Tuples and mappings of any kind."""
    checked = checked_body({"messages": messages})

    assert MESSAGES == checked.params["messages"]
    assert {"messages": MESSAGES} == loads(checked.json)


@pytest.mark.parametrize("value", [float("nan"), {"deep": [float("-inf")]}])
def test_numbers_that_json_has_no_form_for_are_refused(value):
    """Nobody guesses that null was meant."""
    with pytest.raises(BadBody, match="NaN and infinities are not JSON"):
        split(temperature=value)
    with pytest.raises(BadBody, match="NaN and infinities are not JSON"):
        split(temperature=value, user="long " * 1_000)


@pytest.mark.parametrize("value", [object(), {1}, b"bytes", [object()], {"a": {"b": object()}}])
def test_objects_that_json_has_no_form_for_are_refused(value):
    """With the place."""
    with pytest.raises(BadBody, match=r"^body\.metadata"):
        split(metadata=value)


@pytest.mark.parametrize(
    ("messages", "path", "text"),
    [
        (None, "body.messages", "missing"),
        ("Hi", "body.messages", "expected a list, got a str"),
        ({"role": "user"}, "body.messages", "expected a list, got a dict"),
        (5, "body.messages", "expected a list, got an int"),
        (["Hi"], "body.messages[0]", "expected an object, got a str"),
        ([*MESSAGES, None], "body.messages[1]", "expected an object, got a NoneType"),
        ([[{}]], "body.messages[0]", "expected an object, got a list"),
    ],
)
def test_messages_are_a_list_of_objects(messages, path, text):
    """Anything else could not be sent anywhere; the path says where."""
    with pytest.raises(BadBody) as caught:
        checked_body({"messages": messages})
    assert path == caught.value.path
    assert text in caught.value.message


def test_a_value_that_holds_itself_is_refused():
    """No endless loop, no RecursionError."""
    loop: list = []
    loop.append(loop)
    with pytest.raises(BadBody, match=r"body\.metadata"):
        split(metadata={"loop": loop})


def test_extra_body_wins_over_parameters():
    """As in the openai package."""
    body, _ = split(seed=1, extra_body={"seed": 2, "vendor_option": True})

    assert {"messages": MESSAGES, "seed": 2, "vendor_option": True} == body


def test_extra_body_is_not_modified():
    """The dict taken over is that of the keywords, nobody else's."""
    extra = {"seed": 2}
    split(extra_body=extra)

    assert {"seed": 2} == extra


@pytest.mark.parametrize(
    ("given", "timeout", "connect"),
    [
        (None, None, None),
        (20, 20.0, None),
        (0.5, 0.5, None),
        (httpx.Timeout(30), 30.0, 30.0),
        (httpx.Timeout(30, connect=2), 30.0, 2.0),
        (httpx.Timeout(None), None, None),
        (httpx.Timeout(None, connect=2), None, 2.0),
    ],
)
def test_a_timeout_is_a_number_or_an_object_of_them(given, timeout, connect):
    """Seconds for the whole call, and for connecting where the object tells it apart."""
    _, options = split(timeout=given)

    assert (timeout, connect) == (options.timeout, options.connect)


@pytest.mark.parametrize("given", [0, -1, True, "5", float("nan"), float("inf"), object(), [], 1e12])
def test_other_timeouts_are_refused(given):
    """No guess, no endless wait."""
    with pytest.raises(BadBody, match=r"^timeout: expected seconds"):
        split(timeout=given)


@pytest.mark.parametrize("given", [0, "5", None, False, float("nan")])
def test_seconds_are_above_zero(given):
    """The check that views and routers use for their own timeouts."""
    with pytest.raises(BadBody, match="seconds above 0"):
        seconds(given)


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"X-A": "a\r\nb"}, "extra_headers.'X-A'"),
        ({"X A": "a"}, "extra_headers.'X A'"),
        ({"": "a"}, "extra_headers.''"),
        ({"X-A": 5}, "extra_headers.X-A"),
        ({5: "a"}, "extra_headers.5"),
        ({"Content-Length": "3"}, "extra_headers.'Content-Length'"),
        ({"transfer-encoding": "chunked"}, "extra_headers.'transfer-encoding'"),
        (["X-A"], "extra_headers"),
        ("X-A: a", "extra_headers"),
    ],
)
def test_extra_headers_are_names_and_texts(headers, path):
    """Nothing that could end a header and begin another."""
    with pytest.raises(BadBody) as caught:
        split(extra_headers=headers)
    assert path == caught.value.path


def test_extra_headers_and_query_are_passed_on():
    """Numbers and booleans of a query become text, None is left out, lists repeat the name."""
    query = {"a": 1, "b": True, "c": None, "d": ["x", 2], "e": "text", "f": 0.5}
    _, options = split(extra_headers={"X-A": "a"}, extra_query=query)

    assert {"X-A": "a"} == options.extra_headers
    assert {"a": "1", "b": "true", "d": ["x", "2"], "e": "text", "f": "0.5"} == options.extra_query
    assert query["c"] is None


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"a": {}}, "extra_query.a"),
        ({"a": [None]}, "extra_query.a"),
        ({"a": object()}, "extra_query.a"),
        ({1: "a"}, "extra_query"),
        ([("a", 1)], "extra_query"),
    ],
)
def test_other_queries_are_refused(query, path):
    """Nothing that a URL has no form for reaches the URL library."""
    with pytest.raises(BadBody) as caught:
        split(extra_query=query)
    assert path == caught.value.path


@pytest.mark.parametrize("body", [[], "text", 5])
def test_extra_body_is_an_object(body):
    """It is merged into the body."""
    with pytest.raises(BadBody, match=r"^extra_body: expected an object"):
        split(extra_body=body)


def test_the_refusal_quotes_no_values():
    """A wrong value may be anything, and of any length."""
    with pytest.raises(BadBody) as caught:
        split(timeout="x" * 10_000)
    assert len(str(caught.value)) < 200
