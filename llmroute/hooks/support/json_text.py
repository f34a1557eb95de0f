"""JSON inside of text: as the reference finds it, and by a scanner that knows what JSON looks like.

Recorded: the bodies of fences of three or more backticks, and the shortest span from every `{` to the next
`}`, so nested objects outside of fences are not found. All functions take time linear in the text, or stop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from ...wire.json import JSONError, loads
from . import javascript
from .fences import markdown_fences

#: What `parse` gives for what is no JSON.
NOT_JSON: Final = object()
#: What the scanner may spend, in characters read: per character of the text, on top, and for each attempt.
_WORK_PER_CHARACTER: Final = 8
_WORK: Final = 2_000_000
_ATTEMPT: Final = 100
#: Characters that are copied in the time in which one is read.
_COPIED: Final = 64
# Brackets behind which an object or an array can go on.
_OPENING = re.compile(r'\{(?=[ \t\n\r]*["}])|\[(?=[ \t\n\r]*[\]\[{"\-0-9tfn])')


class TooTangledError(Exception):
    """A text with too many brackets that lead nowhere."""


def parse(text: str) -> Any:
    """The JSON value that the text is, NOT_JSON otherwise. Too deep or endless ones are none."""
    try:
        return loads(text)
    except JSONError:
        return NOT_JSON


# -- recorded ----------------------------------------------------------------------------------------


def fenced(text: str) -> list[str]:
    """What stands between runs of three or more backticks, without a `json` tag and blanks around."""
    bodies, position = [], 0
    while (start := text.find("```", position)) >= 0:
        begin = _run_end(text, start)
        end = text.find("```", begin)
        if end < 0:
            if begin - start >= 6:
                bodies.append("")  # a run long enough to be both fences
            break
        body = text[begin:end]
        bodies.append(javascript.trim(body.removeprefix("json")))
        position = _run_end(text, end)
    return bodies


def braced(text: str) -> list[str]:
    """The shortest spans from `{` to `}`, one after the other."""
    spans, position = [], 0
    while (start := text.find("{", position)) >= 0 and (end := text.find("}", start)) >= 0:
        spans.append(text[start : end + 1])
        position = end + 1
    return spans


def _run_end(text: str, start: int) -> int:
    while text.startswith("`", start):
        start += 1
    return start


# -- the scanner -------------------------------------------------------------------------------------


def scan(text: str) -> list[Any]:
    """Every JSON value there is: the whole text, else those in Markdown fences and in the prose around.

    In prose only objects and arrays count. Raises TooTangledError.
    """
    value = parse(javascript.trim(text))
    if value is not NOT_JSON:
        return [value]
    values: list[Any] = []
    position = 0
    for fence in markdown_fences(text):
        values += _in_prose(text[position : fence.start])
        inner = parse(javascript.trim(fence.body))
        values += [inner] if inner is not NOT_JSON else _in_prose(fence.body)
        position = fence.end
    return values + list(_in_prose(text[position:]))


def _in_prose(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    work = _WORK + _WORK_PER_CHARACTER * len(text)
    opening = _OPENING.search(text)
    while opening is not None:
        start = opening.start()
        # A copy, because an error counts the lines before it.
        rest = text[start:]
        work -= _ATTEMPT + len(rest) // _COPIED
        length = 1
        try:
            _, length = decoder.raw_decode(rest)
        except json.JSONDecodeError as error:
            # An unterminated string was read to its end, though the error stands at its beginning.
            work -= len(rest) if error.msg.startswith("Unterminated") else error.pos
        except (RecursionError, ValueError):
            work -= len(rest)
        else:
            value = parse(rest[:length])
            if value is not NOT_JSON:
                yield value
        if work < 0:
            raise TooTangledError
        opening = _OPENING.search(text, start + length)


def _refuse(name: str) -> float:
    raise json.JSONDecodeError("not JSON", name, 0)
