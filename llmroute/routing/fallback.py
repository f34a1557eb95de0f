"""Fallback: the targets in order, until one gives an answer that the strategy keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from ..config.spec import StrategySpec
from ..environment import Environment
from ..layers.backoff import MAX_TOTAL_WAIT
from ..layers.retry import PATIENCE
from ..node import Node, earliest_wait
from ..outcome import Failure, Outcome
from ..request import Call, Later
from ..telemetry.events import FallbackTaken, RetryScheduled

#: `on_errors` groups by kind of failure; the other groups go by status or reason.
_KINDS = {
    "timeout": frozenset({"timeout", "connect_timeout"}),
    "connection": frozenset({"connection", "connect_timeout"}),
}
_STATUSES = {"rate_limit": frozenset({429}), "auth": frozenset({401, 403})}


class Fallback:
    """Goes on to the next target while `moves_on`; the last answer is the result.

    Without `on_status_codes` and `on_errors` every answer outside 200-299 moves on (and 246 counts
    as success). Targets that asked to be left alone are passed over while another one is available.
    """

    def __init__(self, spec: StrategySpec, children: Sequence[Node], env: Environment) -> None:
        self.path = spec.path
        self.spec = spec
        self.children = tuple(children)
        self.leaves = sum(child.leaves for child in children)
        self.retries = max(child.retries for child in children)
        self._env = env
        self._codes = spec.on_status_codes
        self._errors = spec.on_errors
        self._shares_time = self._codes is None or 408 in self._codes or "timeout" in self._errors
        #: What comes after each target where no other chain surrounds this one.
        self._later = self._later_targets(self.children, None)

    def available(self) -> bool:
        return any(child.available() for child in self.children)

    def moves_on(self, outcome: Outcome) -> bool:
        """Whether the next target is to be tried after `outcome`."""
        failure = outcome.failure
        if failure is not None and failure.final:
            return False
        if self._codes is None and not self._errors:
            return not 200 <= outcome.status <= 299
        if self._codes is not None and outcome.status in self._codes:
            return True
        return failure is not None and any(_in_group(group, outcome, failure) for group in self._errors)

    async def __call__(self, call: Call) -> Outcome:
        # The others are looked at when their turn comes: most calls end with the first.
        order = self.children if self.children[0].available() else self.order()
        plain = order is self.children and call.later is None
        later = self._later if plain else self._later_targets(order, call.later)
        single = call.single or (self.spec.failover_first and len(order) > 1)
        outcomes: list[Outcome] = []
        while True:
            index = len(outcomes)
            outcome = await order[index](call.within(later[index], single))
            if not self.moves_on(outcome):
                return outcome
            outcomes.append(outcome)
            if len(outcomes) == len(order) or self._too_late(call):
                break
            if not order[index + 1].available():
                order = [*order[: index + 1], *_available_first(order[index + 1 :])]
                later = self._later_targets(order, call.later)
            self._report(call, order[index], order[index + 1], outcome)
            await outcome.aclose()
        if single and not call.single and len(outcomes) == len(order):
            return await self._later_rounds(call, order, later, outcomes)
        return outcome

    async def _later_rounds(
        self, call: Call, order: Sequence[Node], later: Sequence[Later | None], outcomes: list[Outcome]
    ) -> Outcome:
        """`failover_first`: once all have failed, each target with attempts left again, round by round.

        A round begins when the first of them may be asked again and takes those whose time comes
        within PATIENCE; a target that asked for a longer rest waits for a later one.
        """
        clock = self._env.clock
        last, waited = outcomes[-1], 0.0
        made = [0] * len(order)
        due: dict[int, float] = {}
        for i, outcome in enumerate(outcomes):
            self._schedule(call, order, i, made[i] + 1, outcome, due)
        while due:
            pause = max(0.0, min(due.values()) - clock.now())
            late = call.deadline is not None and clock.now() + pause >= call.deadline
            if late or waited + pause > MAX_TOTAL_WAIT:
                break
            await last.aclose()
            await clock.sleep(pause)
            waited += pause
            now = clock.now()
            for i in [i for i in range(len(order)) if due.get(i, math.inf) <= now + PATIENCE]:
                await last.aclose()
                made[i] += 1
                last = attrs.evolve(await order[i](call.within(later[i], True)), retries=made[i])
                if not self.moves_on(last) or self._too_late(call):
                    return last
                self._schedule(call, order, i, made[i] + 1, last, due)
        return attrs.evolve(last, retries=-1) if last.retries else last

    def _schedule(
        self, call: Call, order: Sequence[Node], i: int, retry: int, outcome: Outcome, due: dict[int, float]
    ) -> None:
        """Note when a target may be asked again, if at all: not one that is cooling while another is free."""
        child, env = order[i], self._env
        wait = child.wait_before(retry, outcome)
        if wait is not None and not child.available():
            # A cooling child is not among the available, so this asks for the others.
            elsewhere = any(other.available() for other in order)
            if elsewhere or (call.later is not None and call.later.available()):
                wait = None
        if wait is None:
            due.pop(i, None)
            return
        due[i] = env.clock.now() + wait
        if env.emit is not None:
            env.emit(
                RetryScheduled(
                    call.id, call.trace_id, env.clock.now(), child.path, retry, wait, outcome.status
                )
            )

    def order(self) -> Sequence[Node]:
        """The targets as they would be tried now: the available ones first."""
        return _available_first(self.children)

    def _later_targets(self, order: Sequence[Node], outer: Later | None) -> list[Later | None]:
        """For each target those after it; they share the call's time where a timeout moves on."""
        later: list[Later | None] = []
        count = 0
        for start in range(len(order), 0, -1):
            later.append(Later(order, start, count, outer) if start < len(order) else outer)
            count += order[start - 1].leaves if self._shares_time else 0
        return later[::-1]

    def _too_late(self, call: Call) -> bool:
        return call.deadline is not None and self._env.clock.now() >= call.deadline

    def _report(self, call: Call, source: Node, target: Node, outcome: Outcome) -> None:
        env = self._env
        if env.emit is not None:
            env.emit(
                FallbackTaken(
                    call.id,
                    call.trace_id,
                    env.clock.now(),
                    source.path,
                    target.path,
                    outcome.status,
                )
            )

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        return earliest_wait(self.children, retry, outcome)


def _available_first(nodes: Sequence[Node]) -> Sequence[Node]:
    """When all are resting the wish of none can be granted, and the order is all there is."""
    ready = [node.available() for node in nodes]
    if all(ready) or not any(ready):
        return nodes
    return sorted(nodes, key=lambda node: not node.available())


def _in_group(group: str, outcome: Outcome, failure: Failure) -> bool:
    if group in _KINDS:
        return failure.kind in _KINDS[group]
    if group in _STATUSES:
        return outcome.status in _STATUSES[group]
    if group == "server":
        return outcome.status >= 500
    return failure.reason == group
