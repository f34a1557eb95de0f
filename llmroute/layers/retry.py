"""Repeats a failed attempt on the same target."""

from __future__ import annotations

import attrs
import tenacity

from ..config.spec import RetrySpec
from ..environment import Environment, TargetState
from ..outcome import DENIED, FAILED_GUARDRAIL, Outcome
from ..request import Call
from ..telemetry.events import RetryScheduled
from .backoff import MAX_TOTAL_WAIT, RETRY_AFTER_STATUSES, backoff
from .base import Layer

#: With another target at hand a longer Retry-After ends this target's retries (DESIGN decision 6).
PATIENCE = 2.0


class Retry:
    """Tries `inner` again while its status is retryable, attempts are left and the waits fit.

    The first attempt runs plain: an idle retry machine costs more than all the rest of the router.
    tenacity takes over after a failure and is handed the first outcome.
    """

    def __init__(self, inner: Layer, spec: RetrySpec, env: Environment, state: TargetState) -> None:
        self._inner = inner
        self._spec = spec
        self._env = env
        self._state = state

    async def __call__(self, call: Call) -> Outcome:
        outcome = await self._inner(call)
        if call.single or not self.retryable(outcome):
            self._cool(outcome)
            return outcome
        return await self._repeat(call, outcome)

    def retryable(self, outcome: Outcome) -> bool:
        """Whether the status is listed; connection errors always count.

        The verdict on a request stays the same, however often it is asked for.
        """
        if outcome.hooks is not None and _guarded(outcome) and not outcome.hooks.answer_failed:
            return False
        if outcome.status in self._spec.on_status_codes:
            failure = outcome.failure
            return failure is None or not failure.final
        return outcome.failure is not None and outcome.failure.kind == "connection"

    def delay(self, retry: int, outcome: Outcome) -> float:
        """Seconds before the `retry`-th repetition: the provider's wish if heeded, else the backoff."""
        if _guarded(outcome):
            return 0.0  # nobody is overloaded: spec/ROUTING.md section 5
        asked = self._asked(outcome)
        return backoff(self._spec, retry, self._env.random) if asked is None else asked

    def _asked(self, outcome: Outcome) -> float | None:
        if not self._spec.use_retry_after or outcome.status not in RETRY_AFTER_STATUSES:
            return None
        return outcome.failure.retry_after if outcome.failure is not None else None

    def _cool(self, outcome: Outcome) -> None:
        """Remember a provider's wish to be left alone, so that chains pass over it meanwhile."""
        asked = self._asked(outcome)
        if asked is not None and asked > PATIENCE:
            self._state.cool_until = self._env.clock.now() + min(asked, MAX_TOTAL_WAIT)

    async def _repeat(self, call: Call, first: Outcome) -> Outcome:
        attempts = _Attempts(self, call, first)
        retrying = tenacity.AsyncRetrying(
            stop=attempts.are_over,
            retry=tenacity.retry_if_result(self.retryable),
            wait=attempts.wait,
            before_sleep=attempts.before_sleep,
            sleep=self._env.clock.sleep,
            # The last outcome is the result, also when the attempts are spent.
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else first,
        )
        outcome: Outcome = await retrying(attempts.run)
        exhausted = self.retryable(outcome) and not attempts.stopped_by_deadline
        self._cool(outcome)
        return attrs.evolve(outcome, retries=-1 if exhausted else attempts.made - 1)


def _guarded(outcome: Outcome) -> bool:
    """Whether the status is a guardrail's."""
    return outcome.hooks is not None and outcome.status in (FAILED_GUARDRAIL, DENIED)


class _Attempts:
    """The state of one repetition: attempts made and seconds waited."""

    def __init__(self, retry: Retry, call: Call, first: Outcome) -> None:
        self._retry = retry
        self._call = call
        self._first: Outcome | None = first
        self._waited = 0.0
        self._next = 0.0
        self.made = 0
        self.stopped_by_deadline = False

    async def run(self) -> Outcome:
        self.made += 1
        first, self._first = self._first, None
        return first if first is not None else await self._retry._inner(self._call)

    def are_over(self, state: tenacity.RetryCallState) -> bool:
        """True when all are spent, or the next wait does not fit."""
        return self.made > self._retry._spec.attempts or self._wait_does_not_fit(self._outcome(state))

    def _wait_does_not_fit(self, outcome: Outcome) -> bool:
        """True when the next wait would pass the cap or the deadline, or another target is at hand."""
        retry, call = self._retry, self._call
        asked = retry._asked(outcome)
        if asked is not None:
            too_long = asked >= MAX_TOTAL_WAIT or self._waited + asked > MAX_TOTAL_WAIT
            elsewhere = asked > PATIENCE and call.later is not None and call.later.available()
            if too_long or elsewhere:
                return True
        if self._waited + self._next > MAX_TOTAL_WAIT:
            return True
        if call.deadline is not None and retry._env.clock.now() + self._next >= call.deadline:
            self.stopped_by_deadline = True
            return True
        return False

    def wait(self, state: tenacity.RetryCallState) -> float:
        """The next wait; tenacity asks for it before it asks whether to stop."""
        self._next = self._retry.delay(self.made, self._outcome(state))
        return self._next

    async def before_sleep(self, state: tenacity.RetryCallState) -> None:
        outcome = self._outcome(state)
        self._waited += self._next
        env, call = self._retry._env, self._call
        if env.emit is not None:
            env.emit(
                RetryScheduled(
                    call.id,
                    call.trace_id,
                    env.clock.now(),
                    outcome.path,
                    self.made,
                    self._next,
                    outcome.status,
                )
            )
        await outcome.aclose()

    @staticmethod
    def _outcome(state: tenacity.RetryCallState) -> Outcome:
        assert state.outcome is not None
        result: Outcome = state.outcome.result()
        return result
