"""Runs the hooks of one side of a call.

Mutators run first, one after the other, each on what the one before left; guardrails then judge
what the mutators produced, all on the same input. Changes of guardrails are put together in the
order of the config: a check whose input has changed meanwhile is asked again for its change, so
that none is lost. DESIGN.md decision 3; the recorded order of results is the config's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from inspect import isawaitable
from typing import Any, Final

import attrs

from ..clock import Clock
from .base import Event, HookContext, Verdict
from .custom import Blocking
from .hook import BoundCheck, Hook
from .memory import Memory
from .runs import Body, CheckRun, HookRun, SideRun
from .texts import Texts
from .threads import Threads
from .verdicts import crashed, failed_to_judge, settled, timed_out, verdict_of

_NOTHING: Final[Mapping[str, Any]] = {}


@attrs.define
class Subject:
    """What the hooks of a side are about. `body` is the request before the call, the answer after it."""

    event: Event
    request: Body = attrs.field(repr=False)
    response: Body | None = attrs.field(default=None, repr=False)
    metadata: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False)
    headers: Mapping[str, str] = attrs.field(default=_NOTHING, repr=False)
    provider: str = ""
    model: str | None = None
    streaming: bool = False
    memory: Memory = attrs.field(factory=Memory, repr=False)
    #: The point of the clock at which the call's time is over.
    deadline: float | None = None

    @property
    def body(self) -> Body:
        return self.request if self.event == "before" else self.response or {}


def _context(
    subject: Subject, body: Body, check: BoundCheck, made: dict[str, HookContext], texts: dict[str, Texts]
) -> HookContext:
    """The context of a check on `body`, noted in `made` for other checks of the hook and scope.

    Contexts on the same body share what `texts` there are. Checks with parameters have one of their own.
    """
    before = subject.event == "before"
    context = HookContext(
        event=subject.event,
        request=body if before else subject.request,
        response=None if before else body,
        metadata=subject.metadata,
        headers=subject.headers,
        provider=subject.provider,
        model=subject.model,
        scope=check.scope,
        streaming=subject.streaming,
        parameters=check.parameters,
        memory=subject.memory.kept,
        texts=texts,
    )
    if not check.parameters:
        made[check.scope] = context
    return context


@attrs.frozen
class Engine:
    """Runs hooks for one router; keeps nothing of a call."""

    clock: Clock
    threads: Threads

    async def run(self, hooks: Iterable[Hook], subject: Subject) -> SideRun:
        """Run the hooks that are not asynchronous. Raises nothing but a cancellation."""
        body = subject.body
        runs: dict[Hook, HookRun] = {}
        guardrails: list[Hook] = []
        order: list[Hook] = []
        for hook in hooks:
            if hook.asynchronous:
                continue
            order.append(hook)
            if hook.mutates:
                run = runs[hook] = await self._remembered(hook, subject, body)
                body = _left_by(run, body)
            else:
                guardrails.append(hook)
        if guardrails:
            judged = await self._guardrails(guardrails, subject, body)
            if any(run.transformed for run in judged):
                body, judged = await self._composed(judged, subject, body)
            if len(judged) == len(order):
                return SideRun(judged, _kept_true(subject, body))
            runs.update(zip(guardrails, judged, strict=True))
        return SideRun([runs[hook] for hook in order], _kept_true(subject, body))

    async def run_beside(self, hook: Hook, subject: Subject) -> HookRun:
        """Run an asynchronous hook."""
        [run] = await self._guardrails([hook], subject, subject.body)
        return run

    # -- hooks -----------------------------------------------------------------------------------------

    async def _remembered(self, hook: Hook, subject: Subject, body: Body) -> HookRun:
        run = subject.memory.recall(hook, subject.event, body, subject.provider)
        if run is None:
            run = await self._in_sequence(hook, subject, body)
            subject.memory.keep(run, subject.event, subject.provider)
        return run

    async def _guardrails(self, hooks: Sequence[Hook], subject: Subject, body: Body) -> list[HookRun]:
        texts: dict[str, Texts] = {}
        memory, event, provider = subject.memory, subject.event, subject.provider
        judged: list[HookRun] = []
        waiting: list[tuple[HookRun, dict[asyncio.Task[None], CheckRun]]] = []
        in_sequence: list[int] = []
        for index, hook in enumerate(hooks):
            run = memory.recall(hook, event, body, provider)
            if run is None:
                if hook.sequential:
                    in_sequence.append(index)
                run, tasks = self._begun(hook, subject, body, texts)
                if tasks:
                    waiting.append((run, tasks))
            judged.append(run)
        if in_sequence or waiting:
            await self._finished(judged, in_sequence, waiting, subject, body)
        if memory.repeats:
            for run in judged:
                memory.keep(run, event, provider)
        return judged

    async def _finished(
        self,
        judged: list[HookRun],
        in_sequence: Sequence[int],
        waiting: Sequence[tuple[HookRun, dict[asyncio.Task[None], CheckRun]]],
        subject: Subject,
        body: Body,
    ) -> None:
        """What does not answer at once: checks that wait, all of them side by side, and whole sequences."""
        try:
            for index in in_sequence:
                judged[index] = await self._in_sequence(judged[index].hook, subject, body)
            for run, tasks in waiting:
                await self._waited_for(run, tasks, subject)
        finally:
            await _dropped([task for _, tasks in waiting for task in tasks])

    def _begun(
        self, hook: Hook, subject: Subject, body: Body, texts: dict[str, Texts]
    ) -> tuple[HookRun, dict[asyncio.Task[None], CheckRun]]:
        """The hook with every check asked, unless it is a sequence; those that wait go on as tasks."""
        now = self.clock.now
        started = at = now()
        run = HookRun(hook, body, started, self.clock.time())
        made: dict[str, HookContext] = {}
        tasks: dict[asyncio.Task[None], CheckRun] = {}
        for check in () if hook.sequential else hook.checks:
            context = None if check.parameters else made.get(check.scope)
            if context is None:
                context = _context(subject, body, check, made, texts)
            entry = CheckRun(check, context, body, at)
            run.checks.append(entry)
            awaitable = self._asked(entry)
            if awaitable is not None:
                tasks[asyncio.ensure_future(self._finish(entry, awaitable))] = entry
            at = now()
            if awaitable is None:
                entry.duration = at - entry.started
        run.duration = at - started
        return run, tasks

    async def _waited_for(
        self, run: HookRun, tasks: Mapping[asyncio.Task[None], CheckRun], subject: Subject
    ) -> None:
        limit = self._limit(run, subject)
        try:
            async with self.clock.timeout(limit):
                await asyncio.wait(tasks)
        except TimeoutError:
            pass
        now = self.clock.now()
        for entry in tasks.values():
            if entry.verdict is None:
                entry.settle(timed_out(entry.check, now - run.started), now)
        run.duration = now - run.started

    async def _in_sequence(self, hook: Hook, subject: Subject, body: Body) -> HookRun:
        """Check by check, each on what the one before left. A failure stops nothing, as recorded."""
        run = HookRun(hook, body, self.clock.now(), self.clock.time())
        for check in hook.checks:
            entry = await self._judged(check, subject, body, self._limit(run, subject))
            run.checks.append(entry)
            body = body if entry.out is None else entry.out
        run.duration = self.clock.now() - run.started
        return run

    async def _composed(
        self, runs: list[HookRun], subject: Subject, body: Body
    ) -> tuple[Body, list[HookRun]]:
        """The body with the changes of all guardrails, in the order of the config."""
        composed = runs
        for index, run in enumerate(runs):
            for position, entry in enumerate(run.checks):
                if entry.out is None:
                    continue
                if entry.seen is body:
                    body = entry.out
                    continue
                again = await self._judged(entry.check, subject, body, run.hook.timeout)
                if again.lost:
                    checks = list(composed[index].checks)
                    checks[position] = attrs.evolve(entry, verdict=again.verdict, out=None)
                    # The run itself may be remembered for other targets.
                    composed = [*composed[:index], attrs.evolve(run, checks=checks), *composed[index + 1 :]]
                elif again.out is not None:
                    body = again.out
        return body, composed

    # -- checks ----------------------------------------------------------------------------------------

    async def _judged(self, check: BoundCheck, subject: Subject, body: Body, limit: float) -> CheckRun:
        """One check, waited for."""
        entry = CheckRun(check, _context(subject, body, check, {}, {}), body, self.clock.now())
        awaitable = self._asked(entry)
        if awaitable is None:
            entry.duration = self.clock.now() - entry.started
            return entry
        task = asyncio.ensure_future(self._finish(entry, awaitable))
        try:
            async with self.clock.timeout(limit):
                await asyncio.wait((task,))
        except TimeoutError:
            entry.settle(timed_out(check, limit), self.clock.now())
        finally:
            await _dropped((task,))
        return entry

    def _asked(self, entry: CheckRun) -> Awaitable[object] | None:
        """Ask a check; the awaitable that will give its answer, None when the answer is there."""
        check = entry.check
        answer: object
        try:
            if isinstance(check.run, Blocking):
                answer = self.threads.run(partial(check.run, entry.context))
            else:
                answer = check.run(entry.context)
        except Exception as error:
            entry.settle(crashed(check, error), self.clock.now())
            return None
        if (
            type(answer) is Verdict
            and not check.foreign
            and answer.request is None
            and answer.response is None
        ):
            # The usual answer of this library's own checks: nothing to look at. Whoever asked takes the time.
            entry.verdict = answer
            return None
        if type(answer) is not Verdict and type(answer) is not bool and isawaitable(answer):
            return answer
        self._settle(entry, answer)
        return None

    async def _finish(self, entry: CheckRun, awaitable: Awaitable[object]) -> None:
        try:
            answer = await awaitable
        except Exception as error:
            entry.settle(crashed(entry.check, error), self.clock.now())
        except asyncio.CancelledError:
            # Its own doing, or ours because it took too long; both times nobody judged.
            entry.settle(failed_to_judge("the check was cancelled", "CancelledError"), self.clock.now())
        else:
            self._settle(entry, answer)

    def _settle(self, entry: CheckRun, answer: object) -> None:
        verdict = settled(verdict_of(entry.check, answer, entry.context.event))
        entry.settle(verdict, self.clock.now())

    def _limit(self, run: HookRun, subject: Subject) -> float:
        """Seconds that are left for the hook."""
        now = self.clock.now()
        end = run.started + run.hook.timeout
        if subject.deadline is not None:
            end = min(end, subject.deadline)
        return max(0.0, end - now)


def _left_by(run: HookRun, body: Body) -> Body:
    for entry in run.checks:
        body = body if entry.out is None else entry.out
    return body


async def _dropped(tasks: Iterable[asyncio.Task[None]]) -> None:
    """End the tasks that nobody waits for any more; one that will not end is left to itself."""
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    if unfinished:
        await asyncio.sleep(0)


def _kept_true(subject: Subject, body: Body) -> Body:
    """What no hook may change: whether the answer is a stream. And what a change makes untrue."""
    original = subject.body
    if body is original:
        return body
    if subject.event == "before":
        if body.get("stream") is original.get("stream"):
            return body
        kept = {name: value for name, value in body.items() if name != "stream"}
        return {**kept, "stream": original["stream"]} if "stream" in original else kept
    return _without_stale_logprobs(body, original)


def _without_stale_logprobs(body: Body, original: Body) -> Body:
    """Log probabilities spell out the tokens: those of a text that was changed would undo the change."""
    before, after = original.get("choices"), body.get("choices")
    if not isinstance(before, list) or not isinstance(after, list):
        return body
    choices = list(after)
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        stale = new is not old and new.get("logprobs") is not None and new["logprobs"] is old.get("logprobs")
        if stale and new.get("message") != old.get("message"):
            choices[index] = {**new, "logprobs": None}
    return {**body, "choices": choices}
