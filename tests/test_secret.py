"""Secret: a text that no way of looking at it shows."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import orjson
import pytest

from llmroute import Secret

VALUE = "sk-canary-0123456789"


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        format,
        "{}".format,
        "{!r:>40}".format,
        "{:>40}".format,
        lambda secret: f"{[secret]} { ({'key': secret}) }",
        lambda secret: "%s %r".__mod__((secret, secret)),
        ascii,
    ],
)
def test_no_way_of_printing_shows_the_value(show):
    """Masked, always."""
    shown = show(Secret(VALUE))

    assert VALUE not in shown
    assert "***" in shown


def test_reveal_gives_the_text():
    """The one place that writes it on the wire."""
    assert VALUE == Secret(VALUE).reveal()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(protocol):
    """Pickles end up in caches and queues."""
    with pytest.raises(TypeError, match="cannot be pickled") as caught:
        pickle.dumps({"key": Secret(VALUE)}, protocol)
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("dump", [json.dumps, orjson.dumps, copy.deepcopy, copy.copy])
def test_it_cannot_be_serialised_or_copied_along(dump):
    """JSON writers and copiers get a TypeError, not the text."""
    with pytest.raises(TypeError):
        dump(Secret(VALUE))


def test_log_records_and_tracebacks_show_a_mask(caplog):
    """As an argument of a log call, and in the text of an exception."""
    secret = Secret(VALUE)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("using %s and %r", secret, secret)
    try:
        raise ValueError(secret)
    except ValueError:
        shown = traceback.format_exc()

    assert VALUE not in caplog.text + shown
    assert "using *** and Secret('***')" in caplog.text


def test_equality_and_hash_go_by_value():
    """So that configs can be compared and kept in sets."""
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("another")
    assert Secret(VALUE) != VALUE
    assert 1 == len({Secret(VALUE), Secret(VALUE)})
    assert hash(Secret(VALUE)) != hash(VALUE)


def test_the_fingerprint_tells_secrets_apart_and_says_nothing():
    """Sixteen hex digits, also of texts that UTF-8 has no form for."""
    assert Secret(VALUE).fingerprint() == Secret(VALUE).fingerprint()
    assert 3 == len({Secret(text).fingerprint() for text in (VALUE, VALUE + "x", "\ud800")})
    assert all(char in "0123456789abcdef" for char in Secret("\ud800").fingerprint())
    assert 16 == len(Secret(VALUE).fingerprint())


def test_it_has_no_other_attributes():
    """Nothing to look into, nothing to hang something onto."""
    with pytest.raises(AttributeError):
        Secret(VALUE).note = "x"
    with pytest.raises(TypeError):
        vars(Secret(VALUE))
