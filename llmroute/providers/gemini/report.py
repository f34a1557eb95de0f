"""What of a request the format cannot carry: collected as warnings, or refused."""

from __future__ import annotations

from typing import Final

from ..base import EncodeError

#: A conversation of thousands of messages needs no thousand warnings.
_MAX_WARNINGS: Final = 32


class Report:
    """The warnings of one request. With `refuse` the first loss raises EncodeError instead."""

    __slots__ = ("_refuse", "_warnings")

    def __init__(self, *, refuse: bool) -> None:
        self._refuse = refuse
        self._warnings: dict[str, None] = {}

    def lost(self, param: str, why: str = "has no counterpart in Gemini's API and is not sent") -> None:
        """`param`, or part of its meaning, does not reach the provider."""
        if self._refuse:
            raise EncodeError(f"{param} {why}", param, "unsupported_parameter")
        if len(self._warnings) < _MAX_WARNINGS:
            self._warnings[f"{param} {why}"] = None

    def warnings(self) -> tuple[str, ...]:
        """Every warning once, in the order of the losses."""
        return tuple(self._warnings)
