"""Standard output and error, and the files and JSON that commands read."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"

#: Control characters that text from outside may not bring to a terminal; newline and tab may.
_CONTROL = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)
}


class UsageError(Exception):
    """The command was called with something it cannot use."""


class Console:
    """Where a command writes: plain text when piped, with a little colour on a terminal."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                # An answer may hold any character; a terminal of another encoding shows "?".
                stream.reconfigure(errors="replace")
        self._terminal = out.isatty()
        self._colour = self._terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def write(self, text: str) -> None:
        """Text as it is, at once. On a terminal it cannot bring control sequences along."""
        self._out.write(text.translate(_CONTROL) if self._terminal else text)
        self._out.flush()

    def line(self, text: str = "", style: str | None = None) -> None:
        """One or more lines."""
        shown = text.translate(_CONTROL)
        print(f"\x1b[{style}m{shown}\x1b[0m" if style and self._colour else shown, file=self._out)

    def error(self, text: str) -> None:
        """What went wrong, on standard error."""
        self.note(f"error: {text}")

    def note(self, text: str) -> None:
        """A remark on standard error, which is no part of the output."""
        self.aside(f"llmroute: {text}")

    def aside(self, text: str) -> None:
        """Lines on standard error."""
        self._out.flush()
        print(text.translate(_CONTROL), file=self._err, flush=True)

    def flush(self) -> None:
        """Hand everything on. Raises BrokenPipeError when nobody reads it."""
        self._out.flush()


def read_stdin() -> bytes:
    """All of standard input."""
    return sys.stdin.buffer.read()


def read_file(path: str) -> bytes:
    """A file's bytes. Raises UsageError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None


def read_json(source: str | bytes, name: str) -> dict[str, Any]:
    """A JSON object; `name` says in messages where it came from. Raises UsageError."""
    try:
        value = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: expected a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{name}: expected a JSON object, got {json.dumps(value)[:60]}")
    return value


def named_providers(path: str | None) -> Mapping[str, Any]:
    """The named providers of `--providers`. Raises UsageError."""
    return read_json(read_file(path), path) if path is not None else {}
