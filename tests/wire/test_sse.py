"""Server-sent events: the standard, any chunking, limits, and what stands bare in a stream."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.wire.sse import DataReader, Event, EventTooLarge, SSEParser

CASES = json.loads((Path(__file__).parents[1] / "cases" / "sse" / "cases.json").read_text())["cases"]
MIB = 1024 * 1024


def fed(reader, chunks):
    return [item for chunk in chunks for item in reader.feed(chunk)]


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def chunkings(case) -> list[list[bytes]]:
    recorded = [bytes.fromhex(chunk) for chunk in case["chunks"]]
    whole = b"".join(recorded)
    halves = [[whole[:i], whole[i:]] for i in range(1, min(len(whole), 200))]
    return [recorded, [whole], bytewise(whole), [b"", *recorded, b""], *halves]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_events_are_those_of_the_standard_however_the_bytes_are_cut(case):
    """Before the end of the stream exactly the standard's events, after it the unfinished one too."""
    for chunks in chunkings(case):
        parser = SSEParser()
        events = fed(parser, chunks)
        assert case["expect"] == [attrs.asdict(event) for event in events]

        events += parser.close()
        assert case.get("lenient_expect", case["expect"]) == [attrs.asdict(event) for event in events]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_data_reader_finds_the_data_of_the_same_events(case):
    """The fast path and the way around it lose nothing and change no order."""
    expected = [event["data"] for event in case.get("lenient_expect", case["expect"])]
    for chunks in chunkings(case):
        reader = DataReader()
        data = fed(reader, chunks) + reader.close()
        assert expected == [item.decode("utf-8", "replace") for item in data]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_bytes_left_over_wait_for_the_rest(case):
    """An event that has begun changes none before it."""
    whole = b"".join(bytes.fromhex(chunk) for chunk in case["chunks"])
    parser = SSEParser()
    before = parser.feed(whole)
    after = parser.feed(b"\n\n\ndata: unfini") + parser.feed(b"shed\n\n")

    assert case["expect"] == [attrs.asdict(event) for event in before]
    assert "unfinished" == after[-1].data


LINES = st.sampled_from(
    [
        b"data: {}", b"data:{}", b"data", b"data:", b"data:  x", b": ping", b":", b"event: e", b"id: 1",
        b"event:\xc3\xa9", b"id: a\0b", b"retry: 5", b"retry: x", b"foo: bar", b"foo", b'{"error": 1}',
        b"data: \xff\xf0\x9f\x8c\x8d", b"", b"", b"", b"\xef\xbb\xbf", b"\xef\xbb\xbfdata: bom",
    ]
)  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\n", b"\n\n", b"\n\n", b"\r\n", b"\r", b""])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=30).map(lambda rows: b"".join(a + b for a, b in rows))


@given(STREAMS, st.lists(st.integers(0, 300), max_size=8))
def test_any_chunking_of_any_stream_gives_the_same_events(stream, cuts):
    """Whole, byte by byte and cut anywhere; both parsers agree on the data."""
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    results = []
    for chunks in ([stream], bytewise(stream), pieces):
        parser, reader = SSEParser(), DataReader()
        events = fed(parser, chunks) + parser.close()
        data = fed(reader, chunks) + reader.close()
        assert [event.data for event in events] == [item.decode("utf-8", "replace") for item in data]
        assert parser.truncated == reader.truncated
        results.append((events, data, reader.stray, reader.truncated))

    assert results[0] == results[1] == results[2]


@given(STREAMS)
def test_a_parser_fed_line_by_line_agrees_with_a_plain_reading_of_the_standard(stream):
    """The standard's algorithm, written down without regard to speed, is the oracle."""
    parser = SSEParser()

    assert plain_events(stream) == parser.feed(stream)


def plain_events(stream: bytes) -> list[Event]:
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    events, last_id = [], ""
    name, data, retry = "", "", None
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append(Event(name or "message", data[:-1], last_id, retry))
            name, data, retry = "", "", None
        elif field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return events


ENDINGS = [
    (b"", [], False),
    (b"\n", [], False),
    (b"data: a", [b"a"], True),
    (b"data: a\n", [b"a"], True),
    (b"data: a\ndata: b", [b"a\nb"], True),
    (b"data: a\nda", [b"a"], True),
    (b"data:", [], True),
    (b"da", [], True),
    (b"event: x\n", [], True),
    (b": ping", [], False),
    (b": ping\n", [], False),
    (b"\xef\xbb\xbf", [], False),
    (b"\xef\xbb\xbfdata: a", [b"a"], True),
]


@pytest.mark.parametrize(("rest", "expected", "truncated"), ENDINGS)
def test_the_end_of_the_stream_completes_an_event_and_says_that_it_was_open(rest, expected, truncated):
    """`truncated` is about fields: a cut comment is nothing lost."""
    for first, begun in ((b"data: x\n\n", [b"x"]), (b"", [])):
        if first and rest.startswith(b"\xef\xbb\xbf"):
            continue
        for make in (DataReader, SSEParser):
            reader = make()
            assert begun == [as_bytes(item) for item in reader.feed(first + rest)]
            assert expected == [as_bytes(item) for item in reader.close()]
            assert truncated is reader.truncated
            assert [] == reader.close()


def as_bytes(item: bytes | Event) -> bytes:
    return item if isinstance(item, bytes) else item.data.encode()


STRAYS = [
    (b'data: 1\n\n{"error": "x"}\n\ndata: 2\n\n', [b"1", b"2"], b'{"error": "x"}'),
    (b'{"error": "x"}\ndata: [DONE]\n\n', [b"[DONE]"], b'{"error": "x"}'),
    (b'{\n "error": {\n  "id": 1\n }\n}\n\n', [], b'{ "error": {  "id": 1 }}'),
    (b'{"a": 1}\n\n{"b": 2}\n\n', [], b'{"a": 1}'),
    (b'data: 1\n\n{"error": "cut', [b"1"], b'{"error": "cut'),
    (b'{"a": 1}\r\n\r\n', [], b'{"a": 1}'),
    (b'{"a": 1}\n: ping\nevent: e\nid: 1\n\n', [], b'{"a": 1}'),
    (b"<html>\nfoo: {}\n\n", [], None),
    (b': {"a": 1}\n\n', [], None),
    (b'data: {"a": 1}\n\n', [b'{"a": 1}'], None),
]


@pytest.mark.parametrize(("stream", "expected", "stray"), STRAYS)
def test_a_bare_json_text_between_the_events_is_kept(stream, expected, stray):
    """Some servers report errors so; the first one is kept, of one line or several."""
    for chunks in ([stream], bytewise(stream)):
        reader = DataReader()
        assert expected == fed(reader, chunks) + reader.close()
        assert stray == reader.stray


def test_a_stray_text_is_bounded():
    """64 KiB are enough for an error."""
    reader = DataReader()
    reader.feed(b'{"error": "' + b"x" * MIB + b'"}\n\n')

    assert 64 * 1024 == len(reader.stray)


@pytest.mark.parametrize("make", [DataReader, SSEParser])
@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_an_event_over_the_limit_ends_the_stream_after_what_was_complete(make, size):
    """The call that meets it returns the events before it and sets `error`, the next calls raise it."""
    stream = b"data: a\n\ndata: " + b"x" * 100 + b"\n\ndata: b\n\n"
    reader = make(max_event=100)
    got = []
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    while reader.error is None:
        got += reader.feed(chunks.pop(0))

    assert [b"a"] == [as_bytes(item) for item in got]
    for call in (reader.close, lambda: reader.feed(b"data: c\n\n")):
        with pytest.raises(EventTooLarge, match="more than 100 bytes"):
            call()


@pytest.mark.parametrize("make", [DataReader, SSEParser])
def test_the_limit_is_for_one_event_not_for_a_chunk(make):
    """Many small events in one large chunk, and one of just the limit however it is cut."""
    assert 1000 == len(make(max_event=100).feed(b"data: x\n\n" * 1000))
    exact = b"data: " + b"x" * 94 + b"\n\n"
    for chunks in ([exact], bytewise(exact)):
        assert 1 == len(fed(make(max_event=100), chunks))


@pytest.mark.parametrize("make", [DataReader, SSEParser])
def test_a_line_that_never_ends_is_dropped_from_memory_at_the_limit(make):
    """Nothing more is buffered after the error."""
    reader = make(max_event=MIB)
    fed_bytes = 0
    while reader.error is None:
        assert [] == reader.feed(b"x" * 65536)
        fed_bytes += 65536

    assert MIB + 65536 == fed_bytes
    assert b"" == bytes(reader._rest)


LARGE = {
    "one line": b"data: " + b"x" * (16 * MIB - 10) + b"\n\n",
    "many data lines": b"data: x\n" * 100_000 + b"\n",
    "empty data lines": b"data\n" * 400_000 + b"\n",
    "unknown fields": b"x\n" * 400_000 + b"data: x\n\n",
    "carriage returns": b"data: x\r" * 100_000 + b"\r",
}


@pytest.mark.parametrize("make", [DataReader, SSEParser])
@pytest.mark.parametrize("name", LARGE)
def test_work_is_linear_in_the_bytes_whatever_the_chunks(make, name):
    """One large event in chunks of 1 KiB; quadratic work would take minutes."""
    stream = LARGE[name]
    started = time.process_time()
    events = fed(make(), [stream[start : start + 1024] for start in range(0, len(stream), 1024)])

    assert 1 == len(events)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("digits", "expected"), [(1, 9), (640, int("9" * 640)), (641, None), (100_000, None)]
)
def test_a_reconnection_time_of_any_length_is_harmless(digits, expected):
    """Python refuses to convert thousands of digits; such a time is ignored."""
    [event] = SSEParser().feed(b"retry: " + b"9" * digits + b"\ndata: a\n\n")

    assert expected == event.retry
