"""A leaf of the tree: one provider account and the layers around it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..config.spec import TargetSpec
from ..environment import Environment, TargetState
from ..layers.base import Layer
from ..layers.retry import Retry
from ..outcome import Outcome
from ..request import Call


@attrs.frozen
class Chain:
    """A target's layers, the retry layer among them, and what is remembered of its account."""

    service: Layer
    retry: Retry | None
    state: TargetState


class Target:
    """Runs a call through its chain of layers.

    The chain is put together at first use: a config may list a thousand targets and use three.
    """

    __slots__ = ("_assemble", "_chain", "_env", "_service", "leaves", "path", "retries", "spec")

    def __init__(
        self, spec: TargetSpec, env: Environment, assemble: Callable[[TargetSpec, Environment], Chain]
    ) -> None:
        self.spec = spec
        self.path = spec.path
        self.leaves = 1
        self.retries = spec.retry.attempts if spec.retry is not None else 0
        self._env = env
        self._assemble = assemble
        self._chain: Chain | None = None
        self._service: Layer | None = None

    def prepare(self) -> Chain:
        """Put the chain together. Two threads may both do so; they share the state behind it."""
        chain = self._assemble(self.spec, self._env)
        self._chain, self._service = chain, chain.service
        return chain

    @property
    def state(self) -> TargetState:
        return (self._chain or self.prepare()).state

    async def __call__(self, call: Call) -> Outcome:
        return await (self._service or self.prepare().service)(call)

    def available(self) -> bool:
        cool_until = self.state.cool_until
        return not cool_until or self._env.clock.now() >= cool_until

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        layer = (self._chain or self.prepare()).retry
        if layer is None or retry > self.retries or not layer.retryable(outcome):
            return None
        return layer.delay(retry, outcome)
