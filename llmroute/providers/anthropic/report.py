"""What of a request the format cannot carry: collected as warnings, or refused."""

from __future__ import annotations

from ..base import EncodeError


class Report:
    """The warnings of one request. With `refuse` the first loss raises EncodeError instead."""

    __slots__ = ("_refuse", "_warnings")

    def __init__(self, *, refuse: bool) -> None:
        self._refuse = refuse
        self._warnings: dict[str, None] = {}

    def lost(self, param: str, why: str = "has no counterpart in Anthropic's API and is not sent") -> None:
        """`param`, or part of its meaning, does not reach the provider."""
        if self._refuse:
            raise EncodeError(f"{param} {why}", param, "unsupported_parameter")
        self._warnings[f"{param} {why}"] = None

    def emulated(self, param: str, how: str) -> None:
        """`param` is carried by other means: told, never refused."""
        self._warnings[f"{param} {how}"] = None

    def warnings(self) -> tuple[str, ...]:
        """Every warning once, in order."""
        return tuple(self._warnings)
