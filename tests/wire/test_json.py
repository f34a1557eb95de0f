"""JSON on the wire: what orjson refuses, what nobody may accept, and what is lost on neither way."""

from __future__ import annotations

import json

import pytest

from llmroute.wire.json import MAX_DEPTH, JSONError, dumps, dumps_parsed, loads, text_of

READ = [
    (b'{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
    (b' \r\n\t{"a":1}\n', {"a": 1}),
    (b'"\\ud800"', "\ud800"),
    (b'{"\\udfff": "\\ud83c"}', {"\udfff": "\ud83c"}),
    (b'"\\ud83c\\udf0d"', "\U0001f30d"),
    (b'"\\u0000"', "\0"),
    ('"\ud800"', "\ud800"),
    (b"\xef\xbb\xbf[1]", [1]),
    ("\ufeff[1]", [1]),
    (b'{"a":1,"a":2}', {"a": 2}),
    (b"9223372036854775807", 2**63 - 1),
    (b"18446744073709551615", 2**64 - 1),
    (b"36893488147419103232", 2.0**65),
    (b"-0.0", 0.0),
    (b"1e-400", 0.0),
    (b"[]" + b" " * 2000, []),
    (b"[" + b",".join([b"[{}]"] * 1000) + b"]", [[{}]] * 1000),
    ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
    (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    (b"[" * (MAX_DEPTH - 1) + b'"\\ud800"' + b"]" * (MAX_DEPTH - 1), None),
]


@pytest.mark.parametrize(("text", "expected"), READ, ids=lambda value: ascii(value)[:40])
def test_json_is_read(text, expected):
    """Lone surrogates and a byte order mark included; None stands for "no error"."""
    value = loads(text)
    if expected is not None:
        assert expected == value


REFUSED = [
    b"", b" ", b"{", b"{} x", b"[1,]", b'{"a":}', b"{'a':1}", b"01", b"+1", b".5", b"1.", b"tru", b"// x\n1",
    b"NaN", b"[Infinity]", b"-Infinity", b'{"a":NaN}', b"1e999", b"-1e999", b"9" * 5000, b"[" + b"9" * 5000,
    b"[" + b"9" * 5000 + b"]", b'"\x01"', b'"a\nb"', b'"\\x"', b'"\xff"', b'"\xed\xa0\x80"', b"\xff\xfe1\x00",
    b"\xef\xbb\xbf\xef\xbb\xbf1", "\ufeff\ufeff1", b'"unclosed', b"\0", b"<html>", "",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=lambda value: ascii(value)[:40])
def test_what_is_not_json_is_refused(text):
    """One error class, whichever library refused."""
    with pytest.raises(JSONError):
        loads(text)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 1000, 1024, 1025, 5000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"\\ud800":', "}]")])
def test_deep_nesting_is_refused_whatever_the_library_would_bear(depth, opening, closing):
    """Closed or not, of lists or objects, on either way of reading."""
    count = depth // opening.count("{") if "[" not in opening else depth
    for text in (opening * count + "1" + closing * count, opening * count):
        for form in (text, text.encode()):
            with pytest.raises(JSONError):
                loads(form)


def test_an_error_keeps_nothing_of_the_text():
    """Neither its message nor the exceptions chained to it: configs hold keys."""
    for text in (b'{"api_key": "sk-SECRET" x', b'"sk-SECRET\xff"', b'{"sk-SECRET": NaN}', b"9" * 5000):
        with pytest.raises(JSONError) as caught:
            loads(text)

        assert "SECRET" not in str(caught.value)
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


def deep(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def itself() -> list:
    value: list = []
    value += [value, value]
    return value


WRITTEN = [
    ({"a": [1, 2.5, "ü", True, None]}, '{"a":[1,2.5,"ü",true,null]}'),
    ((1, (2,)), "[1,[2]]"),
    ("\ud800", '"\\ud800"'),
    ({"\udfff": "ü\ud800"}, '{"\\udfff":"ü\\ud800"}'),
    ("\U0001f30d", '"\U0001f30d"'),
    ('"\\\n\x01\x7f', '"\\"\\\\\\n\\u0001\x7f"'),
    (2**64, "18446744073709551616"),
    (-(2**70), "-1180591620717411303424"),
    ({1: 2, None: 3, False: 4, 1.5: 5}, '{"1":2,"null":3,"false":4,"1.5":5}'),
    ("null", '"null"'),
    ([None, 1.5, "nan"], '[null,1.5,"nan"]'),
]


@pytest.mark.parametrize(("value", "expected"), WRITTEN, ids=lambda value: ascii(value)[:40])
def test_values_are_written_compactly_as_utf_8(value, expected):
    """Also those that orjson refuses; a lone surrogate only as an escape."""
    assert expected.encode() == dumps(value)
    assert expected == text_of(value)
    assert json.loads(expected) == loads(dumps(value))


NAN = float("nan")
NOT_WRITTEN = [
    NAN, [None, {"a": (1, NAN)}], {"a": float("inf")}, {"a": -float("inf"), "\ud800": 1}, {1: NAN}, b"x",
    {1, 2}, object(), {"a": object()}, {(1, 2): 3}, (x for x in "ab"), deep(MAX_DEPTH + 1), deep(500),
    deep(5000), itself(), 10**5000, {"\ud800": deep(MAX_DEPTH)},
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_WRITTEN, ids=lambda value: ascii(type(value)))
def test_what_json_cannot_carry_is_refused(value):
    """NaN is not turned into null; a value that holds itself and one that is too deep are no crash."""
    with pytest.raises(JSONError):
        dumps(value)


def test_foreign_objects_become_plain_ones():
    """`default` is asked on both ways of writing, and its own errors pass."""
    assert b'{"a":"object"}' == dumps({"a": object()}, lambda value: type(value).__name__)
    assert b'{"a":"object","b":"\\ud800"}' == dumps({"a": object(), "b": "\ud800"}, lambda _: "object")
    with pytest.raises(KeyError):
        dumps(object(), lambda _: {}["missing"])


def test_what_was_read_can_be_written_again():
    """To the deepest nesting that is read, and with lone surrogates."""
    for text in (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, b'{"a":["\\ud800",null,1.5]}'):
        assert text == dumps(loads(text)) == dumps_parsed(loads(text))
