"""What of a request a provider's format cannot carry: collected as warnings, or refused."""

from __future__ import annotations

from typing import Final

from .base import EncodeError

#: A conversation of thousands of messages needs no thousand warnings.
_MAX_WARNINGS: Final = 32


class Report:
    """The warnings of one request to `api` ("the Cohere API"). With `refuse` a loss raises EncodeError."""

    __slots__ = ("_api", "_refuse", "_warnings")

    def __init__(self, api: str, *, refuse: bool) -> None:
        self._api = api
        self._refuse = refuse
        self._warnings: dict[str, None] = {}

    def lost(self, param: str, why: str = "") -> None:
        """`param`, or part of its meaning, does not reach the provider."""
        text = f"{param} {why or f'has no counterpart in {self._api} and is not sent'}"
        if self._refuse:
            raise EncodeError(text, param, "unsupported_parameter")
        self._keep(text)

    def told(self, param: str, how: str) -> None:
        """`param` is carried by other means: told, never refused."""
        self._keep(f"{param} {how}")

    def _keep(self, text: str) -> None:
        if len(self._warnings) < _MAX_WARNINGS:
            self._warnings[text] = None

    def warnings(self) -> tuple[str, ...]:
        """Every warning once, in order."""
        return tuple(self._warnings)
