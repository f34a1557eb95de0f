"""How messages name a value that is wrong."""

from __future__ import annotations

import array
import enum
import ssl
import uuid
from collections import UserList

import pytest

from llmroute.config.primitives import found, type_words


class Unset: ...


class Union: ...


class _Item: ...


class Colour(enum.Enum):
    RED = 1


#: Values of the host's code with their words.
WORDS = [
    (None, "null"),
    (True, "true"),
    ({}, "an object"),
    ([], "a list"),
    ((), "a list"),
    (set(), "a set"),
    (array.array("i"), "an array"),
    (iter([]), "a list_iterator"),
    (Exception(), "an Exception"),
    (Unset(), "an Unset"),
    (_Item(), "an _Item"),
    (Union(), "a Union"),
    (Colour.RED, "a Colour"),
    (UserList(), "a UserList"),
    (uuid.UUID(int=0), "a UUID"),
    (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "an SSLContext"),
    (object(), "an object"),
]


@pytest.mark.parametrize(("value", "words"), WORDS, ids=[words for _, words in WORDS])
def test_a_value_is_named_with_the_right_article(value, words):
    """By its sound: a UUID, an SSLContext."""
    assert words == found(value)


def test_a_type_may_be_named_where_the_value_would_say_too_much():
    """The text of a value stays unsaid."""
    assert ["a str", "an int", "a NoneType"] == [type_words(value) for value in ("secret", 1, None)]
