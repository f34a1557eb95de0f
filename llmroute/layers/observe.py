"""Tells the observers what a target's final result was."""

from __future__ import annotations

from ..environment import Environment
from ..outcome import Failure, Outcome, StreamEnd, Usage
from ..request import Call
from ..telemetry.events import StreamFinished, TargetFinished
from .base import Layer


class Observe:
    """Exists only when the router has observers."""

    def __init__(self, inner: Layer, env: Environment) -> None:
        self._inner = inner
        self._env = env

    async def __call__(self, call: Call) -> Outcome:
        outcome = await self._inner(call)
        env = self._env
        emit = env.emit
        if emit is None:
            return outcome
        trace_id = call.trace_id
        emit(
            TargetFinished(call.id, trace_id, env.clock.now(), outcome.path, outcome.status, outcome.retries)
        )
        if outcome.stream is not None:
            # Not the outcome: a stream that holds itself is not hung up on when it is dropped.
            path = outcome.path

            def ended(end: StreamEnd, failure: Failure | None, usage: Usage) -> None:
                text = failure.message if failure is not None else None
                emit(StreamFinished(call.id, trace_id, env.clock.now(), path, end, text, usage))

            outcome.stream.on_end(ended)
        return outcome
