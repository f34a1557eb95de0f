"""Single: the first target, whatever else is listed."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.spec import StrategySpec
from ..environment import Environment
from ..node import Node
from ..outcome import Outcome
from ..request import Call


class Single:
    """Passes every call to `targets[0]`."""

    def __init__(self, spec: StrategySpec, children: Sequence[Node], env: Environment) -> None:
        self.path = spec.path
        self.spec = spec
        self.children = tuple(children)
        self.leaves = children[0].leaves
        self.retries = children[0].retries

    def available(self) -> bool:
        return self.children[0].available()

    async def __call__(self, call: Call) -> Outcome:
        return await self.children[0](call)

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        return self.children[0].wait_before(retry, outcome)
