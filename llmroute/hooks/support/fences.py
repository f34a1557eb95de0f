"""Fenced code in text: as the reference finds it, and as Markdown has it (CommonMark 0.31, section 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

_TAGGED = re.compile(r"```([A-Za-z0-9_]+)\n")
# In a quotation or a list the fence stands behind its mark.
_OPENING = re.compile(
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<fence>`{3,}|~{3,})(?P<info>[^\n\r]*)\r?$", re.MULTILINE
)


@attrs.frozen
class Fence:
    """A block of code: its language as written (lower case, "" where there is none), and where it stands."""

    tag: str
    body: str
    start: int
    end: int


def tags(text: str) -> list[str]:
    """The tags of fences as recorded: ASCII word characters, then at once the end of the line, and a closing
    fence at the beginning of a line.
    """
    found, position = [], 0
    while (opening := _TAGGED.search(text, position)) is not None:
        closing = text.find("\n```", opening.end())
        if closing < 0:
            break  # and so for every later opening
        found.append(opening[1])
        position = closing + 4
    return found


def markdown_fences(text: str) -> Iterator[Fence]:
    """The fenced blocks of Markdown: backticks or tildes, indented, with any line ends; an open one, too."""
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        fence, info = opening["fence"], opening["info"].strip()
        position = opening.end()
        if fence[0] == "`" and "`" in info:
            continue  # code within a line
        end, after = _closing(text, position, fence)
        tag = info.split(maxsplit=1)[0].lower() if info else ""
        yield Fence(tag.strip("{}."), text[position:end].strip("\r\n"), opening.start(), after)
        position = after


def _closing(text: str, position: int, fence: str) -> tuple[int, int]:
    """Where the body ends, and where the closing fence does."""
    place = text.find("\n", position)
    while place >= 0:
        line_end = text.find("\n", place + 1)
        line_end = len(text) if line_end < 0 else line_end
        # Longer lines are no fence; so that nothing long is cut out.
        line = text[place + 1 : min(line_end, place + 200)].strip(" \t\r>")
        if len(line) >= len(fence) and not line.strip(fence[0]):
            return place, line_end
        place = text.find("\n", place + 1)
    return len(text), len(text)
