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
from .hook import BoundCheck, Hook
from .memory import Memory
from .runs import Body, CheckRun, HookRun, SideRun
from .texts import Texts
from .threads import Threads
from .verdicts import crashed, failed_to_judge, settled, timed_out, verdict_of

_NOTHING: Final[Mapping[str, Any]] = {}

#: Checks that have not answered yet, by the tasks that wait for them.
Tasks = dict[asyncio.Task[None], CheckRun]


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
        subject.event,
        body if before else subject.request,
        None if before else body,
        subject.metadata,
        subject.headers,
        subject.provider,
        subject.model,
        "chatComplete",
        check.scope,
        subject.streaming,
        check.parameters,
        subject.memory.kept,
        texts,
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
        body = original = subject.body
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
        judged, unfinished = self._started(guardrails, subject, body)
        if unfinished:
            await self._finished(judged, unfinished, subject, body)
        if subject.memory.repeats:
            for run in judged:
                subject.memory.keep(run, subject.event, subject.provider)
        for run in judged:
            if run.transformed:
                body, judged = await self._composed(judged, subject, body)
                break
        if body is not original:
            body = _kept_true(subject, body)
        if not runs:
            return SideRun(judged, body)
        runs.update(zip(guardrails, judged, strict=True))
        return SideRun([runs[hook] for hook in order], body)

    async def run_beside(self, hook: Hook, subject: Subject) -> HookRun:
        """Run an asynchronous hook."""
        judged, unfinished = self._started([hook], subject, subject.body)
        await self._finished(judged, unfinished, subject, subject.body)
        return judged[0]

    # -- hooks -----------------------------------------------------------------------------------------

    async def _remembered(self, hook: Hook, subject: Subject, body: Body) -> HookRun:
        run = subject.memory.recall(hook, subject.event, body, subject.provider)
        if run is None:
            run = await self._in_sequence(hook, subject, body)
            subject.memory.keep(run, subject.event, subject.provider)
        return run

    def _started(
        self, hooks: Sequence[Hook], subject: Subject, body: Body
    ) -> tuple[list[HookRun], dict[int, Tasks]]:
        """Guardrails with every check asked, and by position those that have not judged at once."""
        texts: dict[str, Texts] = {}
        judged: list[HookRun] = []
        unfinished: dict[int, Tasks] = {}
        for hook in hooks:
            run = subject.memory.recall(hook, subject.event, body, subject.provider)
            if run is None:
                run, tasks = self._begun(hook, subject, body, texts)
                if tasks or hook.sequential:
                    unfinished[len(judged)] = tasks
            judged.append(run)
        return judged, unfinished

    async def _finished(
        self, judged: list[HookRun], unfinished: Mapping[int, Tasks], subject: Subject, body: Body
    ) -> None:
        """What does not answer at once: whole sequences, and checks that wait, all of them side by side."""
        try:
            for index in unfinished:
                if judged[index].hook.sequential:
                    judged[index] = await self._in_sequence(judged[index].hook, subject, body)
            for index, tasks in unfinished.items():
                if tasks:
                    await self._waited_for(judged[index], tasks, subject)
        finally:
            await _dropped([task for tasks in unfinished.values() for task in tasks])

    def _begun(
        self, hook: Hook, subject: Subject, body: Body, texts: dict[str, Texts]
    ) -> tuple[HookRun, Tasks]:
        """The hook with every check asked, unless it is a sequence; those that wait go on as tasks."""
        now = self.clock.now
        started = at = now()
        run = HookRun(hook, body, started, self.clock.time())
        made: dict[str, HookContext] = {}
        tasks: Tasks = {}
        checks, plain, failed = run.checks, not hook.sequential, False
        for check in () if hook.sequential else hook.checks:
            context = None if check.parameters else made.get(check.scope)
            if context is None:
                context = _context(subject, body, check, made, texts)
            try:
                answer = self._in_thread(check, context) if check.blocking else check.run(context)
            except Exception as error:
                answer = crashed(check, error)
            begun, at = at, now()
            if (
                type(answer) is Verdict
                and answer.request is None
                and answer.response is None
                and not check.foreign
            ):
                # The usual answer of this library's own checks: nothing to look at.
                checks.append(CheckRun(check, context, body, begun, answer, None, at - begun))
                if answer.error is not None or answer.skipped:
                    plain = False
                elif not answer.passed:
                    failed = True
                continue
            plain = False
            entry = CheckRun(check, context, body, begun)
            checks.append(entry)
            awaitable = self._taken(entry, answer)
            if awaitable is not None:
                tasks[asyncio.ensure_future(self._finish(entry, awaitable))] = entry
        if plain:
            run.settle_plainly(failed)
        run.duration = at - started
        return run, tasks

    async def _waited_for(self, run: HookRun, tasks: Tasks, subject: Subject) -> None:
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
        answer: object
        try:
            answer = self._in_thread(check, entry.context) if check.blocking else check.run(entry.context)
        except Exception as error:
            answer = crashed(check, error)
        awaitable = self._taken(entry, answer)
        if awaitable is None:
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

    def _in_thread(self, check: BoundCheck, context: HookContext) -> object:
        return self.threads.run(partial(check.run, context))

    def _taken(self, entry: CheckRun, answer: object) -> Awaitable[object] | None:
        """Settle the check with an answer; what is to be awaited is given back."""
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
