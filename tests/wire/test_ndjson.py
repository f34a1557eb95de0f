"""Streams of JSON objects: lines, items of an array, any chunking, limits and errors."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.wire.ndjson import NDJSONError, NDJSONParser

CASES = json.loads((Path(__file__).parents[1] / "cases" / "sse" / "ndjson.json").read_text())["cases"]
MIB = 1024 * 1024


def read(chunks, parser=None):
    """The objects before the end or the error, and the kind of error, which a further call raises."""
    parser = parser or NDJSONParser()
    objects = []
    try:
        for chunk in chunks:
            objects += parser.feed(chunk)
        objects += parser.close()
        assert [] == parser.close()
    except NDJSONError as error:
        return objects, error.kind if error is parser.error else "not set"
    return objects, None


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_objects_and_error_are_as_recorded_however_the_bytes_are_cut(case):
    """Everything complete before the error is returned, whatever the chunks."""
    recorded = [bytes.fromhex(chunk) for chunk in case["chunks"]]
    whole = b"".join(recorded)
    for chunks in (recorded, [whole], bytewise(whole), [b"", whole[:5], whole[5:9], whole[9:]]):
        assert (case["expect"], case["error"]) == read(chunks)


def test_bytes_left_over_wait_for_the_rest():
    """The beginning of a line changes none before it, and its end completes it."""
    parser = NDJSONParser()

    assert [{"a": 1}] == parser.feed(b'{"a": 1}\n{"b"')
    assert [{"b": 2}, {"c": 3}] == parser.feed(b': 2}\n{"c": 3}\n')
    assert [] == parser.feed(b'{"d": 4}')
    assert [{"d": 4}] == parser.close()
    assert [] == parser.close()


STREAMS = [
    (b"", [], None),
    (b"\n \r\n\t\n", [], None),
    (b"\xef\xbb\xbf", [], None),
    (b'\xef\xbb\xbf\n{"a":1}', [{"a": 1}], None),
    (b'\r\n{"a":1}\r\n\r\n', [{"a": 1}], None),
    (b'{"a":1}\n  {"a":2}  \n', [{"a": 1}, {"a": 2}], None),
    (b'{"a":"\\ud800"}\n', [{"a": "\ud800"}], None),
    (b'{"a":1}\n"text"\n', [{"a": 1}], "parse"),
    (b'{"a":1}\nnull\n', [{"a": 1}], "parse"),
    (b'{"a":1}\n{"a":NaN}\n', [{"a": 1}], "parse"),
    (b'{"a":1}\n{"a":"\xff"}\n', [{"a": 1}], "parse"),
    (b'{"a":1} {"a":2}\n', [], "parse"),
    (b'{"a":' + b"[" * 100_000 + b"\n", [], "parse"),
    (b"<html>\n</html>\n", [], "parse"),
    (b"<html></html>", [], "parse"),
    (b'{"a":1}\n{', [{"a": 1}], "truncated"),
    (b'{"a":1}\n{"a":"\xf0\x9f', [{"a": 1}], "truncated"),
    (b'{"error":null}\n{"a":1}\n', [{"error": None}, {"a": 1}], None),
    (b'{"a":1}\n{"error":"x"}\n{"a":2}\n', [{"a": 1}, {"error": "x"}], "upstream-error"),
    (b'{"error":"x"}', [{"error": "x"}], "upstream-error"),
    # An array, item by item.
    (b"[]", [], None),
    (b"\xef\xbb\xbf [ ] \n", [], None),
    (b'[{"a":1}]', [{"a": 1}], None),
    (b'[{"a":1}\n,\r\n{"a":2}\n]\n', [{"a": 1}, {"a": 2}], None),
    (b'[{"a":"]}[{,\\"\\\\"},{"b":[{"c":[]}]}]', [{"a": ']}[{,"\\'}, {"b": [{"c": []}]}], None),
    (b"[", [], "truncated"),
    (b'[{"a":1}', [{"a": 1}], "truncated"),
    (b'[{"a":1},', [{"a": 1}], "truncated"),
    (b'[{"a":"x\\', [], "truncated"),
    (b'[{"a":1},]', [{"a": 1}], "parse"),
    (b'[{"a":1}{"a":2}]', [{"a": 1}], "parse"),
    (b'[{"a":1}][', [{"a": 1}], "parse"),
    (b'[,{"a":1}]', [], "parse"),
    (b"[1]", [], "parse"),
    (b"[[]]", [], "parse"),
    (b'[{"a":1]]', [], "parse"),
    (b'[{"a":1},{"a":}]', [{"a": 1}], "parse"),
    (b'[{"a":' + b"[" * 100_000, [], "parse"),
    (b'[{"a":1},{"error":{"code":1}},{"a":2}]', [{"a": 1}, {"error": {"code": 1}}], "upstream-error"),
]


@pytest.mark.parametrize(("stream", "expected", "kind"), STREAMS, ids=lambda value: repr(value)[:50])
def test_lines_and_items_are_read_until_the_first_fault(stream, expected, kind):
    """Objects before the fault are returned; nothing is skipped in silence."""
    for chunks in ([stream], bytewise(stream)):
        assert (expected, kind) == read(chunks)


def test_the_error_is_set_at_once_and_raised_by_the_next_calls():
    """A decoder hands on the objects of the same call first."""
    parser = NDJSONParser()

    assert [{"a": 1}] == parser.feed(b'{"a":1}\nsecret\n{"a":2}\n')
    assert "parse" == parser.error.kind
    assert "secret" not in str(parser.error)
    with pytest.raises(NDJSONError):
        parser.feed(b'{"a":3}\n')
    with pytest.raises(NDJSONError):
        parser.close()


@pytest.mark.parametrize("start", [b"", b"["], ids=["lines", "array"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_object_over_the_limit_ends_the_stream_after_what_was_complete(start, size):
    """With its line end or without, in one piece or many."""
    separator = b"," if start else b"\n"
    small, large = b'{"a":1}', b'{"a":"' + b"x" * 100 + b'"}'
    for rest in (large, large + separator, b'{"a":"' + b"x" * 1000):
        stream = start + small + separator + rest
        chunks = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert ([{"a": 1}], "length") == read(chunks, NDJSONParser(max_line=100))


OBJECTS = st.lists(
    st.dictionaries(
        st.text(max_size=3).filter(lambda key: key != "error"),
        st.recursive(
            st.none() | st.integers(-9, 9) | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
        ),
        max_size=3,
    ),
    max_size=5,
)


@given(
    OBJECTS, st.lists(st.integers(0, 200), max_size=6), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"])
)
def test_any_chunking_gives_the_same_objects(objects, cuts, as_array, end):
    """Lines and arrays of any objects, cut anywhere."""
    texts = [json.dumps(value, ensure_ascii=False, indent=1 if as_array else None) for value in objects]
    text = "[" + ("," + end).join(texts) + "]" if as_array else "".join(text + end for text in texts)
    stream = text.encode()
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    for chunks in ([stream], bytewise(stream), pieces):
        assert (objects, None) == read(chunks)


LARGE = {
    "one line": (b'{"a":"' + b"x" * (8 * MIB) + b'"}\n', 1),
    "one item": (b'[{"a":"' + b"x" * (8 * MIB) + b'"}]', 1),
    "many lines": (b'{"a":1}\n' * 50_000, 50_000),
    "many items": (b"[" + b",".join([b'{"a":1}'] * 50_000) + b"]", 50_000),
    "blank lines": (b" \n" * MIB, 0),
    "blanks in an array": (b"[" + b" " * (8 * MIB) + b"]", 0),
}


@pytest.mark.parametrize("name", LARGE)
def test_work_is_linear_in_the_bytes_whatever_the_chunks(name):
    """Chunks of 1 KiB; quadratic work would take minutes."""
    stream, count = LARGE[name]
    started = time.process_time()
    objects, error = read([stream[start : start + 1024] for start in range(0, len(stream), 1024)])

    assert (count, None) == (len(objects), error)
    assert time.process_time() - started < 5
