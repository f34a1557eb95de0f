"""Compiled patterns and their matches."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .limits import (
    DEFAULT_TIMEOUT,
    MAX_INSERTED,
    MAX_PATTERN,
    MAX_REPLACEMENT,
    MAX_TEXT,
    PatternError,
    PatternTimeout,
)
from .template import Template


class Match:
    """One match: where it is and what its groups captured."""

    __slots__ = ("_found", "_names", "end", "start")

    def __init__(self, found: Any, names: Mapping[str, int]) -> None:
        self._found = found
        self._names = names
        self.start: int
        """Position of the first character, from 0."""
        self.end: int
        """Position behind the last character."""
        self.start, self.end = found.span()

    @property
    def text(self) -> str:
        """The matched text."""
        text: str = self._found.group()
        return text

    @property
    def groups(self) -> tuple[str | None, ...]:
        """The captured texts, group 1 first; None for a group that took no part."""
        groups: tuple[str | None, ...] = self._found.groups()
        return groups

    @property
    def named(self) -> dict[str, str | None]:
        """The captured texts of the named groups, in the order of the pattern."""
        return {name: self.groups[index - 1] for name, index in self._names.items()}


class Pattern:
    """A compiled pattern, safe to share between threads. Made by `compile_pattern`."""

    __slots__ = ("_search", "flags", "group_count", "names", "source")

    def __init__(
        self, source: str, flags: str, group_count: int, names: Mapping[str, int], search: Any
    ) -> None:
        self.source = source
        self.flags = flags
        self.group_count = group_count
        self.names = names
        """Named groups -> their numbers, from 1."""
        self._search = search

    def __repr__(self) -> str:
        return f"Pattern({self.source!r}, {self.flags!r})"

    def search(self, text: str, timeout: float = DEFAULT_TIMEOUT, max_text: int = MAX_TEXT) -> Match | None:
        """The first match anywhere in `text`. Raises PatternTimeout and nothing else.

        `timeout` is in seconds of processor time. The engine looks at the clock every 256 steps, and a step
        can be a scan of the whole text: with the worst pattern known, a limit of 20 ms is kept within 50 ms
        in 50,000 characters, 100 ms in MAX_TEXT and 1.5 s in a million. So a text longer than `max_text` is
        not searched but counts as undecided; raise that only where the pattern comes from the host.
        """
        return self._find(text, 0, timeout, max_text)

    def findall_spans(
        self, text: str, timeout: float = DEFAULT_TIMEOUT, max_text: int = MAX_TEXT
    ) -> list[tuple[int, int]]:
        """Start and end of every match; `timeout` is for all of them. Raises PatternTimeout."""
        return [(match.start, match.end) for match in self._matches(text, timeout, max_text)]

    def sub(
        self,
        replacement: str,
        text: str,
        timeout: float = DEFAULT_TIMEOUT,
        max_text: int = MAX_TEXT,
        count: int | None = None,
    ) -> str:
        """`text` with its first `count` matches replaced; None replaces all of them.

        `replacement` is a template of ECMA-262 22.1.3.19.1: `$$`, `$&`, `` $` ``, `$'`, `$1` and `$<name>`.
        Raises PatternTimeout, also for a replacement over MAX_REPLACEMENT and when more than MAX_INSERTED
        characters would be inserted.
        """
        if len(replacement) > MAX_REPLACEMENT:
            raise PatternTimeout(f"the replacement has more than {MAX_REPLACEMENT:,} characters")
        template = Template(replacement, self.group_count, self.names)
        parts: list[str] = []
        position, room = 0, MAX_INSERTED
        for match in itertools.islice(self._matches(text, timeout, max_text), count):
            filled = template.fill(match, text, room)
            parts += (text[position : match.start], filled)
            position = match.end
            room -= len(filled)
        return "".join((*parts, text[position:]))

    def _matches(self, text: str, timeout: float, max_text: int) -> Iterator[Match]:
        deadline = time.monotonic() + timeout
        position = 0
        while position <= len(text):
            match = self._find(text, position, deadline - time.monotonic(), max_text)
            if match is None:
                return
            yield match
            # ECMA-262 22.2.6.8: behind an empty match the search goes on one character later.
            position = match.end + (match.start == match.end)

    def _find(self, text: str, position: int, timeout: float, max_text: int) -> Match | None:
        if len(text) > max_text:
            raise PatternTimeout(f"the text has more than {max_text:,} characters")
        # A limit below zero would be none at all.
        limit = timeout if 0.0 <= timeout <= 60.0 else min(max(0.0, timeout), 60.0)
        try:
            # With `concurrent` the interpreter lock would be let go and taken again at every look at the
            # clock, which costs 5 ms each while another thread is busy.
            found = self._search(text, position, timeout=limit, concurrent=False)
        except TimeoutError:
            raise PatternTimeout("undecided within its time") from None
        except (MemoryError, RecursionError):
            raise PatternTimeout("undecided within the memory there is") from None
        return None if found is None else Match(found, self.names)


def compile_pattern(text: str, flags: str = "") -> Pattern:
    """The pattern that `new RegExp(text, flags)` makes in JavaScript.

    `flags`: `i`, `m`, `s`, `u`; `g` is accepted and changes nothing, for each method says what it looks for.
    Raises PatternError for what is no JavaScript pattern, and beyond MAX_PATTERN, MAX_DEPTH and
    MAX_REPEAT_PRODUCT.
    """
    if len(text) > MAX_PATTERN:
        raise PatternError(f"more than {MAX_PATTERN:,} characters", MAX_PATTERN)
    if not set(flags) <= set("gimsu") or len(set(flags)) < len(flags):
        raise PatternError(f"flags {flags[:10]!r}, expected each of g, i, m, s, u at most once", 0)
    # These take 10 ms to import: only who uses a pattern pays for them.
    import regex  # type: ignore[import-untyped,unused-ignore]

    from .parser import Parser
    from .writer import Writer

    if "u" in flags:
        from .unicode_mode import UnicodeParser as Parser
    parser = Parser(text, flags)
    try:
        written = Writer(parser.ignore_case).write(parser.parse())
        compiled = regex.compile(written, regex.V0 | regex.ASCII | regex.DOTALL, cache_pattern=False)
    except (regex.error, RecursionError, MemoryError, OverflowError) as exc:
        raise PatternError(f"too complex ({type(exc).__name__})", 0) from None
    return Pattern(text, flags, parser.group_count, parser.names, compiled.search)
