"""AWS event streams: frames, checksums, header types, limits and any chunking."""

from __future__ import annotations

import datetime
import json
import struct
import time
import uuid
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.wire.eventstream import EventStreamError, EventStreamParser, Message

CASES = json.loads((Path(__file__).parents[1] / "cases" / "sse" / "eventstream.json").read_text())["cases"]


def read(chunks, parser=None):
    """The messages before the end or the error, and the kind of error that the calls raise."""
    parser = parser or EventStreamParser()
    messages = []
    try:
        for chunk in chunks:
            messages += parser.feed(chunk)
        messages += parser.close()
    except EventStreamError as error:
        return messages, error.kind
    return messages, None


def frame(headers: bytes = b"", payload: bytes = b"") -> bytes:
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    content = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return content + struct.pack(">I", zlib.crc32(content))


def header(name: bytes, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name + bytes([kind]) + value


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_messages_and_error_are_as_recorded_however_the_bytes_are_cut(case):
    """Everything complete before the error is returned, whatever the chunks."""
    recorded = [bytes.fromhex(chunk) for chunk in case["chunks"]]
    whole = b"".join(recorded)
    expected = [Message(row["headers"], bytes.fromhex(row["payload"])) for row in case["expect"]]
    for chunks in (recorded, [whole], bytewise(whole), [whole[:7], whole[7:30], b"", whole[30:]]):
        assert (expected, case["error"]) == read(chunks)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["error"] is None], ids=lambda case: case["id"]
)
def test_bytes_left_over_wait_for_the_rest(case):
    """The beginning of a message changes none before it, and its end completes it."""
    whole = b"".join(bytes.fromhex(chunk) for chunk in case["chunks"])
    extra = frame(payload=b"more")
    parser = EventStreamParser()

    assert len(case["expect"]) == len(parser.feed(whole + extra[:5]))
    assert [Message({}, b"more")] == parser.feed(extra[5:])
    assert [] == parser.close()


def test_the_error_is_set_at_once_and_raised_by_the_next_calls():
    """A decoder hands on the messages of the same call first."""
    broken = bytearray(frame(payload=b"xyz"))
    broken[-5] ^= 1
    parser = EventStreamParser()

    assert [Message({}, b"good")] == parser.feed(frame(payload=b"good") + broken + frame())
    assert "crc" == parser.error.kind
    with pytest.raises(EventStreamError, match="wrong checksum of a message"):
        parser.feed(frame())
    with pytest.raises(EventStreamError):
        parser.close()


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (header(b":message-type", 7, b"\0\x09exception") + header(b":exception-type", 7, b"\0\x01x"), "x"),
        (header(b":message-type", 7, b"\0\x05error") + header(b":error-code", 7, b"\0\x01y"), "y"),
        (header(b":message-type", 7, b"\0\x05error"), "unnamed error"),
        (header(b":message-type", 7, b"\0\x05error") + header(b":error-code", 4, b"\0\0\0\7"), "7"),
    ],
)
def test_a_reported_error_is_the_last_message(headers, name):
    """The message is returned, the error names it, and what follows is not read."""
    parser = EventStreamParser()

    [message] = parser.feed(frame(headers, b"why") + frame(payload=b"late"))
    assert b"why" == message.payload
    assert ("exception", name) == (parser.error.kind, parser.error.message)


UUID = uuid.UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
VALUES = [
    (0, b"", True),
    (1, b"", False),
    (2, b"\xff", -1),
    (3, b"\x80\0", -32768),
    (4, b"\0\0\xa0\x0c", 40972),
    (5, b"\x7f" + b"\xff" * 7, 2**63 - 1),
    (6, b"\0\x03\x01\0\xff", b"\x01\0\xff"),
    (6, b"\0\0", b""),
    (7, b"\0\x03\xe2\x82\xac", "€"),
    (7, b"\0\0", ""),
    (8, (8_675_309_000).to_bytes(8), datetime.datetime(1970, 4, 11, 9, 48, 29, tzinfo=datetime.UTC)),
    (
        8,
        (-1).to_bytes(8, signed=True),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=datetime.UTC),
    ),
    (9, UUID.bytes, UUID),
]


@pytest.mark.parametrize(("kind", "raw", "expected"), VALUES)
def test_every_header_type_is_decoded(kind, raw, expected):
    """Each value stands between two others, so its length is right as well."""
    text = header(b"after", 7, b"\0\x01x")
    messages, error = read([frame(text.replace(b"after", b"first") + header(b"v", kind, raw) + text, b"p")])

    assert ([Message({"first": "x", "v": expected, "after": "x"}, b"p")], None) == (messages, error)
    assert type(expected) is type(messages[0].headers["v"])


@pytest.mark.parametrize(
    "block",
    [
        header(b"a", 10, b""),
        header(b"a", 255, b""),
        header(b"a", 7, b"\0\x05abc"),
        header(b"a", 6, b"\0"),
        header(b"a", 5, b"\0\0\0"),
        header(b"a", 9, b"\0" * 15),
        header(b"a", 8, b"\0" * 7),
        header(b"a", 8, b"\x7f" + b"\0" * 7),
        header(b"a", 7, b"\0\x01\xff"),
        header(b"\xff", 0, b""),
        header(b"", 0, b""),
        header(b"a", 0, b"") + header(b"a", 1, b""),
        b"\x05a",
        b"\x01a",
        b"\x01",
    ],
)
def test_a_header_block_that_is_not_whole_is_an_error(block):
    """Unknown types, cut values, names and texts that are no UTF-8, times that no calendar has."""
    good = frame(payload=b"good")

    assert ([Message({}, b"good")], "header") == read([good + frame(block, b"payload")])


@pytest.mark.parametrize(
    ("total", "headers", "kind"),
    [
        (15, 0, "length"),
        (16, 1, "length"),
        (2**32 - 1, 0, "length"),
        (1025, 0, "length"),
        (1024, 1009, "length"),
        (1024, 0, "truncated"),
        (16, 0, "truncated"),
    ],
)
def test_lengths_are_checked_as_soon_as_they_are_known(total, headers, kind):
    """Twelve bytes are enough to refuse a message that cannot be or is over the limit."""
    lengths = struct.pack(">II", total, headers)
    prelude = lengths + struct.pack(">I", zlib.crc32(lengths))
    for chunks in ([prelude], bytewise(prelude)):
        assert ([], kind) == read(chunks, EventStreamParser(max_message=1024))


def test_headers_are_limited_by_the_specification():
    """128 KiB, though the message may be longer."""
    many = b"".join(header(b"%05d" % number, 6, b"\0\xfa" + b"x" * 250) for number in range(520))

    assert 128 * 1024 < len(many)
    assert ([], "length") == read([frame(many)])
    assert None is read([frame(many[: 259 * 400])])[1]


def test_every_flipped_bit_is_noticed():
    """No changed message is ever returned as if it were good."""
    good = frame(header(b"a", 7, b"\0\x01x"), b"payload")
    for position in range(len(good) * 8):
        broken = bytearray(good)
        broken[position // 8] ^= 1 << position % 8
        messages, error = read([bytes(broken)])
        assert [] == messages
        assert error in ("crc", "length", "truncated")


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_any_chunking_gives_the_same_messages(payloads, sizes):
    """Cut into pieces of the given sizes, over and over."""
    stream = b"".join(frame(payload=payload) for payload in payloads)
    chunks, start, turn = [], 0, 0
    while start < len(stream):
        size = sizes[turn % len(sizes)]
        chunks.append(stream[start : start + size])
        start, turn = start + size, turn + 1

    assert ([Message({}, payload) for payload in payloads], None) == read(chunks)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_the_documented_error(data):
    """Whatever the bytes, `read` sees messages and one of the kinds."""
    prefix = frame(payload=b"good")

    messages, error = read([prefix, data])
    assert [Message({}, b"good")] == messages[:1]
    assert error is not None or len(messages) > 1 or not data


def test_work_is_linear_in_the_bytes_whatever_the_chunks():
    """A message of 8 MiB in pieces of 256 bytes, and 20,000 messages in one piece."""
    started = time.process_time()
    large = frame(payload=b"x" * 8 * 1024 * 1024)
    assert 1 == len(read([large[start : start + 256] for start in range(0, len(large), 256)])[0])
    assert 20_000 == len(read([frame(payload=b"x") * 20_000])[0])
    assert time.process_time() - started < 5
