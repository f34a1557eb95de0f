"""What a layer is."""

from __future__ import annotations

from typing import Protocol

from ..outcome import Outcome
from ..request import Call


class Layer(Protocol):
    """Takes a call to an outcome, usually by way of an inner layer. Never raises for what upstream does."""

    async def __call__(self, call: Call) -> Outcome: ...
