"""What of a request the format cannot carry: collected as warnings, or refused."""

from __future__ import annotations

from ..anthropic.report import Report as _Report


class Report(_Report):
    """The warnings of one request. With `refuse` the first loss raises EncodeError instead."""

    __slots__ = ()

    def lost(
        self, param: str, why: str = "has no counterpart for this model on Bedrock and is not sent"
    ) -> None:
        """`param`, or part of its meaning, does not reach the provider."""
        super().lost(param, why)
