"""How much a pattern may ask for, and the errors for what asks for more."""

from __future__ import annotations

MAX_PATTERN = 1_000
"""Characters in a pattern."""
MAX_REPEAT_PRODUCT = 10_000
"""Counts of nested repeats, multiplied; without an upper bound a repeat counts as its lower one."""
MAX_DEPTH = 50
"""Groups inside one another."""
MAX_TEXT = 100_000
"""Characters in a searched text, unless the caller says otherwise."""
MAX_REPLACEMENT = 10_000
"""Characters in a replacement."""
MAX_INSERTED = 4_000_000
"""Characters that the replacements of one call may put into its result."""
DEFAULT_TIMEOUT = 0.020
"""Seconds for one search."""


class PatternError(ValueError):
    """A pattern that is not JavaScript, or over a limit. `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message, position)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.message} (position {self.position})"


class PatternTimeout(Exception):
    """A search that could not be finished within its time, its memory or its length of text."""
