"""A leaf of the tree: one provider account and the layers around it."""

from __future__ import annotations

from ..config.spec import TargetSpec
from ..environment import Environment, TargetState
from ..layers.base import Layer
from ..layers.retry import Retry
from ..outcome import Outcome
from ..request import Call


class Target:
    """Runs a call through its chain of layers. `retry` is the chain's retry layer, if it has one."""

    __slots__ = ("_chain", "_env", "_retry", "leaves", "path", "retries", "spec", "state")

    def __init__(
        self, spec: TargetSpec, chain: Layer, retry: Retry | None, state: TargetState, env: Environment
    ) -> None:
        self.spec = spec
        self.path = spec.path
        self.leaves = 1
        self.retries = spec.retry.attempts if spec.retry is not None else 0
        self.state = state
        self._chain = chain
        self._retry = retry
        self._env = env

    async def __call__(self, call: Call) -> Outcome:
        return await self._chain(call)

    def available(self) -> bool:
        cool_until = self.state.cool_until
        return not cool_until or self._env.clock.now() >= cool_until

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        if self._retry is None or retry > self.retries or not self._retry.retryable(outcome):
            return None
        return self._retry.delay(retry, outcome)
