"""AWS event streams (`application/vnd.amazon.eventstream`), as a sans-io parser.

A message is: total length (4), headers length (4), CRC of these eight bytes (4), headers, payload,
CRC of all before it (4); integers are big-endian, CRCs CRC-32. Source: Amazon Transcribe
developer guide, "Event stream encoding"; Smithy 2.0, "Amazon Event Stream Specification".
"""

from __future__ import annotations

import datetime
import struct
import uuid
import zlib
from typing import Literal

import attrs

#: Bytes of one message with its lengths and checksums.
MAX_MESSAGE = 16 * 1024 * 1024
# The specification's limit on the headers of one message.
_MAX_HEADERS = 128 * 1024
_PRELUDE = struct.Struct(">III")
_CRC_SIZE = 4
_OVERHEAD = _PRELUDE.size + _CRC_SIZE
_MAX_KNOWN = 32
_MAX_KNOWN_SIZE = 512
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

ErrorKind = Literal["crc", "exception", "header", "length", "truncated"]
HeaderValue = bool | int | bytes | str | datetime.datetime | uuid.UUID

_CONSTANTS = {0: True, 1: False}
_INTEGERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_LENGTH = struct.Struct(">H")
_BYTES, _STRING, _TIMESTAMP, _UUID = 6, 7, 8, 9


class EventStreamError(ValueError):
    """The stream cannot be read on.

    `kind`: "length" (impossible or over the limit), "crc", "header", "truncated" (the stream ended
    inside a message), or "exception" (the service reported an error; that message was the last one
    returned, and `message` is the name of the exception or the error code).
    """

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@attrs.define  # treated as frozen; frozen classes cost three times as much per message
class Message:
    """One message. Timestamps are aware datetimes in UTC. Equal headers are one shared dict."""

    headers: dict[str, HeaderValue]
    payload: bytes


class EventStreamParser:
    """Messages out of any chunks; checksums are checked, work is linear in the bytes fed.

    `feed` returns what was complete before a fault and sets `error`; every later call of `feed` or
    `close` raises it.
    """

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self.error: EventStreamError | None = None
        self._max_message = max_message
        self._buffer = bytearray()
        self._needed = _PRELUDE.size
        self._headers_size: int | None = None  # None while the prelude is to be read.
        #: Blocks of headers met before: those of a stream's events are nearly all the same.
        self._known: dict[bytes, dict[str, HeaderValue]] = {}

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes."""
        if self.error is not None:
            raise self.error
        self._buffer += data
        messages: list[Message] = []
        try:
            while len(self._buffer) >= self._needed:
                if self._headers_size is None:
                    self._read_prelude()
                else:
                    messages.append(self._take_message(self._headers_size))
                    _refuse_exception(messages[-1])
        except EventStreamError as error:
            self._fail(error)
        return messages

    def close(self) -> list[Message]:
        """Always empty. Raises EventStreamError when one was met or a message is unfinished."""
        if self._buffer:
            self._fail(EventStreamError("truncated", "the stream ended inside a message"))
        if self.error is not None:
            raise self.error
        return []

    def _fail(self, error: EventStreamError) -> None:
        self.error = error.with_traceback(None)
        self._buffer.clear()

    def _read_prelude(self) -> None:
        total, headers_size, checksum = _PRELUDE.unpack_from(self._buffer)
        # The total first: what is no event stream at all fails here.
        if not _OVERHEAD <= total <= self._max_message:
            raise EventStreamError("length", f"a message of {total} bytes")
        if zlib.crc32(self._buffer[: _PRELUDE.size - _CRC_SIZE]) != checksum:
            raise EventStreamError("crc", "wrong checksum of a message's lengths")
        if headers_size > min(total - _OVERHEAD, _MAX_HEADERS):
            raise EventStreamError("length", f"headers of {headers_size} bytes in a message of {total}")
        self._needed = total
        self._headers_size = headers_size

    def _take_message(self, headers_size: int) -> Message:
        frame = bytes(memoryview(self._buffer)[: self._needed])
        del self._buffer[: self._needed]
        self._needed = _PRELUDE.size
        self._headers_size = None
        payload_end = len(frame) - _CRC_SIZE
        if zlib.crc32(memoryview(frame)[:payload_end]) != int.from_bytes(frame[payload_end:]):
            raise EventStreamError("crc", "wrong checksum of a message")
        payload_start = _PRELUDE.size + headers_size
        block = frame[_PRELUDE.size : payload_start]
        headers = self._known.get(block)
        if headers is None:
            headers = _headers(block)
            if len(self._known) < _MAX_KNOWN and headers_size <= _MAX_KNOWN_SIZE:
                self._known[block] = headers
        return Message(headers, frame[payload_start:payload_end])


def _refuse_exception(message: Message) -> None:
    kind = message.headers.get(":message-type")
    if kind == "exception":
        name = message.headers.get(":exception-type")
    elif kind == "error":
        name = message.headers.get(":error-code")
    else:
        return
    raise EventStreamError("exception", str(name or "unnamed error"))


def _headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    position = 0
    try:
        while position < len(block):
            name_end = position + 1 + block[position]
            name = block[position + 1 : name_end].decode()
            if not name or name in headers:
                raise EventStreamError("header", "a header name is empty or stands twice")
            headers[name], position = _value(block, name_end + 1, block[name_end])
    except (IndexError, struct.error):
        raise EventStreamError("header", "a header is cut") from None
    except UnicodeDecodeError:
        raise EventStreamError("header", "a header is not UTF-8 text") from None
    return headers


def _value(block: bytes, start: int, kind: int) -> tuple[HeaderValue, int]:
    """The value of type `kind` that begins at `start`, and where it ends."""
    if kind in _CONSTANTS:
        return _CONSTANTS[kind], start
    if kind in _INTEGERS:
        number = _INTEGERS[kind]
        return number.unpack_from(block, start)[0], start + number.size
    if kind in (_BYTES, _STRING):
        start, size = start + _LENGTH.size, _LENGTH.unpack_from(block, start)[0]
        raw = _exactly(block, start, size)
        return raw.decode() if kind == _STRING else raw, start + size
    if kind == _TIMESTAMP:
        return _time(_INTEGERS[5].unpack_from(block, start)[0]), start + 8
    if kind == _UUID:
        return uuid.UUID(bytes=_exactly(block, start, 16)), start + 16
    raise EventStreamError("header", f"unknown header type {kind}")


def _exactly(block: bytes, start: int, size: int) -> bytes:
    if start + size > len(block):
        raise IndexError
    return block[start : start + size]


def _time(milliseconds: int) -> datetime.datetime:
    try:
        return _EPOCH + datetime.timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise EventStreamError("header", "a timestamp out of range") from None
