"""Streams of JSON objects, as a sans-io parser: one on each line, or the items of one array.

Lines are NDJSON (Ollama's streams). An array that arrives item by item is what Gemini sends when
it is not asked for server-sent events. The first byte that is not blank tells them apart.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from .json import MAX_DEPTH, JSONError, loads

#: Bytes of one line, or of one item.
MAX_LINE = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"

ErrorKind = Literal["length", "parse", "truncated", "upstream-error"]


class NDJSONError(ValueError):
    """The stream cannot be read on.

    `kind`: "parse" (not a JSON object, or not between the right separators), "truncated" (the
    stream ended inside an object or before the end of the array), "length" (over the limit), or
    "upstream-error" (the service reported an error; the last object returned has it as `error`).
    """

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class NDJSONParser:
    """JSON objects out of any chunks; blank lines and one byte order mark are skipped.

    `feed` returns what was complete before a fault and sets `error`; every later call of `feed` or
    `close` raises it. Linear in the bytes fed; buffers at most `max_line` bytes and one chunk.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.error: NDJSONError | None = None
        self._max_line = max_line
        self._head = b""
        self._framing: _Lines | _ArrayItems | None = None

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The objects that `data` completes."""
        if self.error is not None:
            raise self.error
        if self._framing is None:
            data = self._begin(data)
            if self._framing is None:
                return []
        return self._objects(self._framing.feed(data))

    def close(self) -> list[dict[str, Any]]:
        """The object on a last line without line end.

        Raises NDJSONError when one was met or something is unfinished; not beside a last object,
        which may itself be a reported error (`error` tells).
        """
        objects: list[dict[str, Any]] = []
        if self._framing is not None:
            objects = self._objects(self._framing.close())
            self._framing = None
        if self.error is not None and not objects:
            raise self.error
        return objects

    def _begin(self, data: bytes) -> bytes:
        """Settle the framing, once there is a byte to tell; returns what to feed it."""
        head = self._head + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        text = head.removeprefix(_BOM).lstrip(_BLANKS)
        if text:
            self._framing = (_ArrayItems if text.startswith(b"[") else _Lines)(self._max_line)
        # Blank, so that a later byte order mark is not taken for the first.
        self._head = b" "
        return text

    def _objects(self, texts: Iterable[bytes]) -> list[dict[str, Any]]:
        objects: list[dict[str, Any]] = []
        try:
            for text in texts:
                value = _object(text)
                objects.append(value)
                if value.get("error"):
                    raise NDJSONError("upstream-error", "an object with an error")
        except NDJSONError as error:
            self.error = error.with_traceback(None)
            self._framing = None
        return objects


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = loads(text)
    except JSONError as error:
        reason = str(error)
    else:
        if isinstance(value, dict):
            return value
        reason = "not a JSON object"
    raise NDJSONError("parse", reason)


class _Lines:
    """Lines that are not blank."""

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        rest = self._rest
        searched = len(rest)
        rest += data
        end = rest.rfind(b"\n", searched) + 1
        lines = bytes(rest[:end])
        del rest[:end]
        for line in io.BytesIO(lines):
            self._check_size(line)
            if text := line.strip(_BLANKS):
                yield text
        self._check_size(rest)

    def close(self) -> Iterator[bytes]:
        text = bytes(self._rest.strip(_BLANKS))
        if not text:
            return
        try:
            _object(text)
        except NDJSONError:
            # What does not begin like an object was never going to be one.
            if text.startswith(b"{"):
                raise NDJSONError("truncated", "the stream ended inside a line") from None
        yield text

    def _check_size(self, line: bytes | bytearray) -> None:
        if len(line) > self._max_line:
            raise NDJSONError("length", f"a line of more than {self._max_line} bytes")


# Between the items of an array: what may come, and what it leads to.
_TRANSITIONS = {
    ("start", b"["): "first",
    ("first", b"{"): "item",
    ("first", b"]"): "end",
    ("item", b","): "next",
    ("item", b"]"): "end",
    ("next", b"{"): "item",
}
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
# Inside an item: where nesting or strings begin and end.
_STRUCTURE = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')


class _ArrayItems:
    """The objects of one array, as soon as each is complete."""

    def __init__(self, max_item: int) -> None:
        self._max_item = max_item
        self._item = bytearray()
        self._state = "start"
        self._depth = 0  # Open brackets of the current item.
        self._in_string = False
        self._escaped = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data):
            if not self._depth:
                position = self._step(data, position)
                continue
            end = self._item_end(data, position)
            self._item += data[position:end]
            position = end
            if len(self._item) > self._max_item:
                raise NDJSONError("length", f"an item of more than {self._max_item} bytes")
            if not self._depth:
                yield bytes(self._item)
                self._item.clear()

    def close(self) -> Iterator[bytes]:
        if self._state != "end":
            raise NDJSONError("truncated", "the stream ended inside an array")
        yield from ()

    def _step(self, data: bytes, position: int) -> int:
        """Take what stands between items; returns where to go on."""
        found = _NOT_BLANK.search(data, position)
        if found is None:
            return len(data)
        state = _TRANSITIONS.get((self._state, found[0]))
        if state is None:
            raise NDJSONError("parse", "not an array of JSON objects")
        self._state = state
        if state == "item" and found[0] == b"{":
            self._depth = 1
            self._item += b"{"
        return found.end()

    def _item_end(self, data: bytes, position: int) -> int:
        """Where the item ends, or `data` does; `_depth` tells."""
        while position < len(data) and self._depth:
            if self._escaped:
                self._escaped = False
                position += 1
                continue
            found = (_IN_STRING if self._in_string else _STRUCTURE).search(data, position)
            if found is None:
                return len(data)
            position = found.end()
            if found[0] == b"\\":
                self._escaped = True
            elif found[0] == b'"':
                self._in_string = not self._in_string
            else:
                self._depth += 1 if found[0] in b"{[" else -1
                if self._depth > MAX_DEPTH:
                    raise NDJSONError("parse", "nested too deeply")
        return position
