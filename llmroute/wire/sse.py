"""Server-sent events by the WHATWG HTML standard, section 9.2.6, as sans-io parsers.

`SSEParser` yields `Event`s; `DataReader` yields only the data of each event as bytes, for streams
whose every event is one JSON text. Both work on blocks: whatever stands between two blank lines.

The parsers of this package share one way to fail: `feed` returns what was complete before the
fault and sets `error`; every later call of `feed` or `close` raises it. Nothing decoded is lost,
and the fault is known at once.
"""

from __future__ import annotations

import io
from typing import Generic, TypeVar

import attrs

#: Bytes from one blank line to the next, comments and unknown fields included.
MAX_EVENT = 16 * 1024 * 1024
#: As much of a stray JSON text is kept.
MAX_STRAY = 64 * 1024
# int() takes this many digits, whatever limit the process has set.
_MAX_DIGITS = 640
_BOM = b"\xef\xbb\xbf"
_END = b"\n\n"
_NOT_STRAY = frozenset({b"", b"event", b"id", b"retry"})

T = TypeVar("T")


class EventTooLarge(ValueError):
    """More bytes without a blank line than the limit allows."""


@attrs.frozen
class Event:
    """One dispatched event.

    `id` is the last event id in force, "" when there is none. `retry` is the reconnection time in
    milliseconds that was set inside this event's block.
    """

    event: str
    data: str
    id: str
    retry: int | None


class _BlockReader(Generic[T]):
    """Gathers complete blocks from any chunks, with LF line ends and without byte order mark.

    Linear in the bytes fed, whatever the chunks: a byte is searched and copied a fixed number of
    times. Buffers at most `max_event` bytes and one chunk.

    `error` is the fault met, if any. `truncated`, set by `close`, tells that the stream ended
    inside an event: its blank line, or even its line end, never came.
    """

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self.error: EventTooLarge | None = None
        self.truncated = False
        self._max_event = max_event
        self._rest = bytearray()
        self._after_cr = False
        self._at_start = True

    def feed(self, data: bytes) -> list[T]:
        """Whatever `data` completes. Raises EventTooLarge in the calls after the one that met it."""
        if self.error is not None:
            raise self.error
        if self._after_cr or b"\r" in data:
            data = self._line_feeds(data)
        if self._rest or self._at_start or not data.endswith(_END) or len(data) > self._max_event:
            data = self._complete(data)
        return self._read(data) if data else []

    def close(self) -> list[T]:
        """The unfinished last event, as if its blank line had come, unless its data is empty.

        The standard drops it; but servers are known to leave out the last line ends, and JSON
        tells by itself whether it is whole. Raises EventTooLarge if that was met.
        """
        if self.error is not None:
            raise self.error
        rest = bytes(self._rest)
        if self._at_start:
            rest = rest.removeprefix(_BOM)
        self._rest.clear()
        self.truncated = any(not line.startswith((b":", b"\n")) for line in io.BytesIO(rest))
        return self._read_unfinished(rest) if self.truncated else []

    def _read(self, blocks: bytes) -> list[T]:
        """Parse whole blocks: LF line ends, an empty line at the end."""
        raise NotImplementedError

    def _read_unfinished(self, block: bytes) -> list[T]:
        raise NotImplementedError

    def _line_feeds(self, data: bytes) -> bytes:
        """CRLF and CR as LF. A CR at the end counts at once; an LF that follows it is dropped."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _complete(self, data: bytes) -> bytes:
        """The blocks that `data` completes; the beginning of the next one is kept."""
        rest = self._rest
        searched = max(len(rest) - 1, 0)
        rest += data
        end = rest.rfind(_END, searched) + len(_END)
        if end < len(_END):
            end = 0
        blocks = bytes(rest[:end])
        del rest[:end]
        if self._at_start and (blocks or len(rest) >= len(_BOM)):
            self._at_start = False
            if blocks:
                blocks = blocks.removeprefix(_BOM)
            elif rest.startswith(_BOM):
                del rest[: len(_BOM)]
        if len(blocks) > self._max_event:
            blocks = self._within_limit(blocks)
        # The first byte of _END may be there already.
        if len(rest) > self._max_event + 1:
            self._fail()
        return blocks

    def _within_limit(self, blocks: bytes) -> bytes:
        start = 0
        while start < len(blocks):
            end = blocks.index(_END, start)
            if end - start > self._max_event:
                self._fail()
                return blocks[:start]
            start = end + len(_END)
        return blocks

    def _fail(self) -> None:
        self.error = EventTooLarge(f"an event of more than {self._max_event} bytes")
        self._rest.clear()


class SSEParser(_BlockReader[Event]):
    """The full parser: event names, ids and reconnection times.

    Bytes that are not UTF-8 become U+FFFD. Any re-chunking of a stream gives the same events.
    """

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event)
        self._last_id = ""

    def _read(self, blocks: bytes) -> list[Event]:
        events = [self._event(block) for block in blocks.split(_END) if block]
        return [event for event in events if event is not None]

    def _read_unfinished(self, block: bytes) -> list[Event]:
        event = self._event(block)
        return [event] if event is not None and event.data else []

    def _event(self, block: bytes) -> Event | None:
        """None for a block without data, whose id stays in force all the same."""
        name = b""
        data = bytearray()
        retry = None
        for line in io.BytesIO(block):
            field, _, value = line.removesuffix(b"\n").partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if field == b"data":
                data += value
                data += b"\n"
            elif field == b"event":
                name = value
            elif field == b"id" and b"\0" not in value:
                self._last_id = _text(value)
            elif field == b"retry" and value.isdigit() and len(value) <= _MAX_DIGITS:
                retry = int(value)
        if not data:
            return None
        return Event(_text(name) or "message", _text(data[:-1]), self._last_id, retry)


class DataReader(_BlockReader[bytes]):
    """Only the data of each event, its lines joined by LF; names, ids and the like are dropped.

    `stray` is the first block's worth of lines, 64 KiB at most, that are neither fields nor
    comments but begin like a JSON object: some servers put an error bare into the stream.
    """

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event)
        self.stray: bytes | None = None

    def _read(self, blocks: bytes) -> list[bytes]:
        if blocks.startswith(b"data: "):
            payloads = blocks[6:-2].split(b"\n\ndata: ")
            # Two line ends for each payload: no payload holds another line.
            if blocks.count(b"\n") == 2 * len(payloads):
                return payloads
        found = [self._data(block) for block in blocks.split(_END) if block]
        return [data for data in found if data is not None]

    def _read_unfinished(self, block: bytes) -> list[bytes]:
        data = self._data(block)
        return [data] if data else []

    def _data(self, block: bytes) -> bytes | None:
        name, _, line = block.partition(b"\ndata: ")
        if line and name.startswith(b"event:") and b"\n" not in name and b"\n" not in line:
            return line
        data = bytearray()
        stray = bytearray()
        for line in io.BytesIO(block):
            line = line.removesuffix(b"\n")
            if line.startswith(b"data:"):
                data += line[6:] if line.startswith(b"data: ") else line[5:]
                data += b"\n"
            elif line == b"data":
                data += b"\n"
            elif (stray or line.startswith(b"{")) and line.partition(b":")[0] not in _NOT_STRAY:
                stray += line
        if stray and self.stray is None:
            self.stray = bytes(stray[:MAX_STRAY])
        return bytes(data[:-1]) if data else None


def _text(value: bytes | bytearray) -> str:
    return value.decode("utf-8", "replace")
