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
from .verdicts import crashed, settled, timed_out, verdict_of

_NOTHING: Final[Mapping[str, Any]] = {}

#: Checks that have not answered yet, by the tasks that wait for them.
Tasks = dict[asyncio.Task[None], CheckRun]
#: Hooks that have not judged yet: sequences, and those with checks that have not answered.
Unfinished = list[tuple[HookRun, Tasks]]

#: What a check raises that is its own failure. A call that is cancelled learns of it where it waits, so a
#: cancellation that comes out of a check or its answer is not the call's.
_ITS_OWN: Final = (Exception, asyncio.CancelledError)


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
            await self._finished(unfinished, subject)
        if subject.memory.repeats:
            for run in judged:
                _remember(run, subject)
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
        await self._finished(unfinished, subject)
        return judged[0]

    # -- hooks -----------------------------------------------------------------------------------------

    async def _remembered(self, hook: Hook, subject: Subject, body: Body) -> HookRun:
        run = subject.memory.recall(hook, subject.event, body, subject.provider)
        if run is None:
            run = HookRun(hook, body, self.clock.now(), self.clock.time())
            await self._in_sequence(run, subject)
            _remember(run, subject)
        return run

    def _started(
        self, hooks: Sequence[Hook], subject: Subject, body: Body
    ) -> tuple[list[HookRun], Unfinished]:
        """Guardrails with every check asked, and those of them that have not judged at once."""
        texts: dict[str, Texts] = {}
        judged: list[HookRun] = []
        unfinished: Unfinished = []
        try:
            for hook in hooks:
                run = subject.memory.recall(hook, subject.event, body, subject.provider)
                judged.append(run or self._begun(hook, subject, body, texts, unfinished))
        except BaseException:
            for task in _tasks_of(unfinished):
                # Behind its first step: a coroutine that is dropped before it began complains.
                task.get_loop().call_soon(task.cancel)
            raise
        return judged, unfinished

    async def _finished(self, unfinished: Unfinished, subject: Subject) -> None:
        """What does not answer at once, side by side: every hook has its own time beside the others."""
        if len(unfinished) <= 1:
            for run, tasks in unfinished:
                await self._complete(run, tasks, subject)
            return
        hooks = [asyncio.ensure_future(self._complete(run, tasks, subject)) for run, tasks in unfinished]
        try:
            done, _ = await asyncio.wait(hooks, return_when=asyncio.FIRST_EXCEPTION)
            for hook in done:
                hook.result()
        finally:
            await _dropped([*hooks, *_tasks_of(unfinished)])

    async def _complete(self, run: HookRun, tasks: Tasks, subject: Subject) -> None:
        """One hook, to its verdict. Its checks end with it, not with the slowest hook beside it."""
        try:
            if run.hook.sequential:
                await self._in_sequence(run, subject)
            else:
                await self._waited_for(run, tasks, subject)
        finally:
            await _dropped(tasks)

    def _begun(
        self, hook: Hook, subject: Subject, body: Body, texts: dict[str, Texts], unfinished: Unfinished
    ) -> HookRun:
        """The hook with every check asked, unless it is a sequence; those that wait go on as tasks."""
        now = self.clock.now
        started = at = now()
        run = HookRun(hook, body, started, self.clock.time())
        if hook.sequential:
            unfinished.append((run, {}))
            return run
        made: dict[str, HookContext] = {}
        tasks: Tasks = {}
        checks, plain, failed = run.checks, True, False
        for check in hook.checks:
            context = None if check.parameters else made.get(check.scope)
            if context is None:
                context = _context(subject, body, check, made, texts)
            try:
                answer = self._in_thread(check, context) if check.blocking else check.run(context)
            except _ITS_OWN as error:
                answer = crashed(check, error)
            begun, at = at, now()
            if (
                type(answer) is Verdict
                and not check.foreign
                and answer.request is None
                and answer.response is None
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
                if not tasks:
                    unfinished.append((run, tasks))
                tasks[asyncio.ensure_future(self._finish(entry, awaitable))] = entry
        if plain:
            run.settle_plainly(failed)
        run.duration = at - started
        return run

    async def _waited_for(self, run: HookRun, tasks: Tasks, subject: Subject) -> None:
        try:
            async with self.clock.timeout(self._limit(run, subject)):
                await asyncio.wait(tasks)
        except TimeoutError:
            pass
        now = self.clock.now()
        for entry in tasks.values():
            if entry.verdict is None:
                entry.settle(timed_out(entry.check, now - run.started), now)
        run.duration = now - run.started

    async def _in_sequence(self, run: HookRun, subject: Subject) -> None:
        """Check by check, each on what the one before left. A failure stops nothing, as recorded."""
        body = run.seen
        for check in run.hook.checks:
            entry = await self._judged(check, subject, body, self._limit(run, subject))
            run.checks.append(entry)
            body = body if entry.out is None else entry.out
        run.duration = self.clock.now() - run.started

    async def _composed(
        self, runs: list[HookRun], subject: Subject, body: Body
    ) -> tuple[Body, list[HookRun]]:
        """The body with the changes of all guardrails, in the order of the config.

        A check that is asked again has what its hook has left of its limit. All of it together takes no
        longer than the most that one of these hooks has left, nor longer than the call.
        """
        composed = list(runs)
        end = self.clock.now() + max(run.time_left for run in runs if run.transformed)
        if subject.deadline is not None:
            end = min(end, subject.deadline)
        for index, run in enumerate(runs):
            left = run.time_left
            for position, entry in enumerate(run.checks):
                if entry.out is None:
                    continue
                if entry.seen is body:
                    body = entry.out
                    continue
                begun = self.clock.now()
                again = await self._judged(entry.check, subject, body, max(0.0, min(left, end - begun)))
                left -= self.clock.now() - begun
                body = body if again.out is None else again.out
                # The run itself may be remembered for other targets.
                composed[index] = composed[index].with_check(position, entry.asked_again(again))
        return body, composed

    # -- checks ----------------------------------------------------------------------------------------

    async def _judged(self, check: BoundCheck, subject: Subject, body: Body, limit: float) -> CheckRun:
        """One check, waited for."""
        entry = CheckRun(check, _context(subject, body, check, {}, {}), body, self.clock.now())
        answer: object
        try:
            answer = self._in_thread(check, entry.context) if check.blocking else check.run(entry.context)
        except _ITS_OWN as error:
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
        try:
            if type(answer) is not Verdict and type(answer) is not bool and isawaitable(answer):
                return answer
            verdict = settled(verdict_of(entry.check, answer, entry.context.event))
        except _ITS_OWN as error:
            # An answer may be code, too: a mapping of the host's own, say.
            verdict = crashed(entry.check, error)
        entry.settle(verdict, self.clock.now())
        return None

    async def _finish(self, entry: CheckRun, awaitable: Awaitable[object]) -> None:
        try:
            answer = await awaitable
            verdict = settled(verdict_of(entry.check, answer, entry.context.event))
        except _ITS_OWN as error:
            # A cancellation may be ours because it took too long: nobody judged, then as now.
            verdict = crashed(entry.check, error)
        except BaseException as error:
            entry.settle(crashed(entry.check, error), self.clock.now())
            raise
        entry.settle(verdict, self.clock.now())

    def _limit(self, run: HookRun, subject: Subject) -> float:
        """Seconds that are left for the hook."""
        now = self.clock.now()
        end = run.started + run.hook.timeout
        if subject.deadline is not None:
            end = min(end, subject.deadline)
        return max(0.0, end - now)


def _remember(run: HookRun, subject: Subject) -> None:
    """Keep the run for other targets, unless a check could not judge: what kept it may be over by then.

    One that took too long would take as long for each of them.
    """
    if run.judged or all(check.judged or check.late for check in run.checks):
        subject.memory.keep(run, subject.event, subject.provider)


def _left_by(run: HookRun, body: Body) -> Body:
    for entry in run.checks:
        body = body if entry.out is None else entry.out
    return body


def _tasks_of(unfinished: Unfinished) -> list[asyncio.Task[None]]:
    return [task for _, tasks in unfinished for task in tasks]


async def _dropped(tasks: Iterable[asyncio.Task[None]]) -> None:
    """End the tasks that nobody waits for any more; one that will not end is left to itself."""
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    # A sequence that ends hands it on to the check at hand, which takes a second turn of the loop.
    for _ in range(2):
        if not all(task.done() for task in unfinished):
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
    """Log probabilities spell out the tokens: those of a text that was changed would undo the change.

    So would the copies that some hosts send beside the message. Equal ones count as the same, wherever
    they stand: a check may have copied everything, or left a choice out.
    """
    before, after = original.get("choices"), body.get("choices")
    if not isinstance(before, list) or not isinstance(after, list):
        return body
    choices = []
    for new in after:
        for name in () if any(new is old for old in before) else ("logprobs", "delta", "text"):
            if new.get(name) is not None:
                same = [old for old in before if isinstance(old, dict) and old.get(name) == new[name]]
                if same and all(old.get("message") != new.get("message") for old in same):
                    new = {**new, name: None} if name == "logprobs" else {k: new[k] for k in new if k != name}
        choices.append(new)
    return {**body, "choices": choices}
