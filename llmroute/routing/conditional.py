"""Conditional: the first condition that holds names the target."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.conditions import ConditionTimeout, Scope
from ..config.spec import StrategySpec
from ..environment import Environment
from ..node import Node, earliest_wait
from ..outcome import Failure, Outcome
from ..request import Call


class Conditional:
    """Judges the caller's own parameters, before any override, and the routing metadata."""

    def __init__(self, spec: StrategySpec, children: Sequence[Node], env: Environment) -> None:
        self.path = spec.path
        self.spec = spec
        self.children = tuple(children)
        self.leaves = max(child.leaves for child in children)
        self.retries = max(child.retries for child in children)

    def available(self) -> bool:
        return any(child.available() for child in self.children)

    async def __call__(self, call: Call) -> Outcome:
        try:
            index = self.choose(scope_of(call))
        except ConditionTimeout as error:
            return self._refuse(f"a pattern took too long: {error}", "condition_timeout")
        if index is None:
            return self._refuse(
                f"no condition of {self.path}.strategy holds for this request, and no target is its default",
                "no_matching_condition",
            )
        return await self.children[index](call)

    def choose(self, scope: Scope) -> int | None:
        """The index of the target, None when nothing matches. Raises ConditionTimeout."""
        for entry in self.spec.conditions:
            if entry.condition.holds(scope):
                return entry.target
        return self.spec.default

    def _refuse(self, message: str, code: str) -> Outcome:
        failure = Failure("routing", message, type="invalid_request_error", code=code, final=True)
        return Outcome(status=400, path=self.path, provider="", failure=failure)

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        return earliest_wait(self.children, retry, outcome)


def scope_of(call: Call) -> Scope:
    """What the conditions of a call look at."""
    request = call.request
    return Scope(metadata=request.metadata, params=request.body, pathname=request.pathname)
