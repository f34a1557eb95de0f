"""Load balance: one target, picked at random by weight; its answer is final."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from ..config.spec import StrategySpec
from ..environment import Environment
from ..node import Node, earliest_wait
from ..outcome import Outcome
from ..request import Call


class LoadBalance:
    """Weights as cumulative sums, so that a pick costs O(log n).

    A pick that is cooling is drawn again among the available ones.
    """

    def __init__(self, spec: StrategySpec, children: Sequence[Node], env: Environment) -> None:
        self.path = spec.path
        self.spec = spec
        self.children = tuple(children)
        self.leaves = max(child.leaves for child in children)
        self.retries = max(child.retries for child in children)
        self._env = env
        self._bounds = list(accumulate(spec.weights))

    def available(self) -> bool:
        return any(
            weight > 0 and child.available()
            for weight, child in zip(self.spec.weights, self.children, strict=True)
        )

    async def __call__(self, call: Call) -> Outcome:
        return await self._pick()(call)

    def _pick(self) -> Node:
        child = self.children[_index(self._bounds, self._env.random())]
        if child.available():
            return child
        pairs = zip(self.spec.weights, self.children, strict=True)
        ready = [(weight, other) for weight, other in pairs if weight > 0 and other.available()]
        if not ready:
            return child
        bounds = list(accumulate(weight for weight, _ in ready))
        return ready[_index(bounds, self._env.random())][1]

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        return earliest_wait(self.children, retry, outcome)


def _index(bounds: Sequence[float], draw: float) -> int:
    """The interval of `bounds` that holds draw * total: half-open, so a weight of 0 is never picked."""
    index = bisect_right(bounds, draw * bounds[-1])
    if index < len(bounds):
        return index
    # Rounding reached the end: the last interval that is not empty.
    index = len(bounds) - 1
    while index and bounds[index] == bounds[index - 1]:
        index -= 1
    return index
