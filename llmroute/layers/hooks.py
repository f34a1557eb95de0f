"""Guardrails and mutators around one target: before its retries, and around each of its answers.

Statuses as recorded (spec/GUARDRAILS.md section 1.4): 446 for a denial, 246 for an answer of status 200
that failed without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from ..config.spec import TargetSpec
from ..environment import Environment
from ..hooks.base import Event
from ..hooks.chunks import chunks_of, completion_of, judgeable, size_of
from ..hooks.engine import Subject
from ..hooks.hook import Hook
from ..hooks.memory import Memory
from ..hooks.restore import Restorer
from ..hooks.runs import HookRun, SideRun, worst
from ..hooks.stream import ReadyStream
from ..hooks.streaming import MAX_KEPT, GuardedStream, StreamHooks, denial, too_large
from ..outcome import DENIED, FAILED_GUARDRAIL, Failure, HookResults, Outcome, OutcomeStream, StreamFailed
from ..request import Call
from ..telemetry.events import HookFinished
from .base import Layer
from .params import effective_params, is_stream, model_of


class _Side:
    """What both sides have in common."""

    __slots__ = ("_engine", "_env", "_event", "_has_beside", "_hooks", "_inner", "_spec")

    def __init__(self, inner: Layer, spec: TargetSpec, event: Event, env: Environment) -> None:
        self._inner = inner
        self._spec = spec
        self._env = env
        self._event: Event = event
        self._hooks: Sequence[Hook] = spec.input_hooks if event == "before" else spec.output_hooks
        self._has_beside = any(hook.asynchronous for hook in self._hooks)
        self._engine = env.hook_kit().engine

    def _subject(self, call: Call, params: Mapping[str, Any], response: Mapping[str, Any] | None) -> Subject:
        log = call.log
        if log.hooks is None:
            log.hooks = Memory()
        log.hooks.repeats = call.later is not None or call.single
        request = call.request
        return Subject(
            self._event,
            params,
            response,
            request.metadata,
            request.headers,
            self._spec.provider,
            model_of(params),
            is_stream(params),
            log.hooks,
            call.deadline,
        )

    def _noted(self, call: Call, side: SideRun) -> None:
        """Tell the observers, and the caller what passed though nobody could judge it."""
        for run in side.runs:
            if not run.plain:
                call.log.warnings.extend(text for text in run.warnings() if text not in call.log.warnings)
        if self._env.emit is not None:
            for run in side.runs:
                self._tell(call, run, asynchronous=False)

    def _tell(self, call: Call, run: HookRun, *, asynchronous: bool) -> None:
        emit = self._env.emit
        if emit is not None and not run.recalled:
            effect = run.effect
            emit(
                HookFinished(
                    call.id,
                    call.trace_id,
                    self._env.clock.now(),
                    self._spec.path,
                    run.hook.id,
                    self._event,
                    effect == "pass",
                    effect == "deny" and not asynchronous,
                    run.duration,
                    asynchronous,
                )
            )

    def _start_beside(self, call: Call, subject: Subject) -> None:
        """Begin the asynchronous guardrails; those before the call once for all targets."""
        for hook in self._hooks:
            if hook.asynchronous and not hook.mutates and subject.memory.begins(hook, self._event):
                self._env.background.start(self._beside(call, hook, subject))

    async def _beside(self, call: Call, hook: Hook, subject: Subject) -> None:
        # Its own time: the call may be over long before.
        run = await self._engine.run_beside(hook, attrs.evolve(subject, deadline=None))
        self._tell(call, run, asynchronous=True)

    def _denied(self, model: str | None, runs: Sequence[HookRun], usage: Any = None) -> Outcome:
        what = "request" if self._event == "before" else "answer"
        failure = _with_usage(denial(what, runs), usage)
        return Outcome(DENIED, self._spec.path, self._spec.provider, model, failure=failure)


class InputHooks(_Side):
    """Outside Retry: sees the parameters after `override_params`.

    A denial costs neither cache nor provider.
    """

    __slots__ = ()

    def __init__(self, inner: Layer, spec: TargetSpec, env: Environment) -> None:
        super().__init__(inner, spec, "before", env)

    async def __call__(self, call: Call) -> Outcome:
        params = effective_params(self._spec, call.request.body)
        subject = self._subject(call, params, None)
        side = await self._engine.run(self._hooks, subject)
        self._noted(call, side)
        if self._has_beside:
            self._start_beside(call, attrs.evolve(subject, request=side.body))
        results = side.results()
        effect = side.effect
        if effect == "deny":
            return self._with(self._denied(model_of(params), side.runs), results, effect)
        return self._with(await self._inner(call.sending(side.body)), results, effect)

    def _with(self, outcome: Outcome, before: list[dict[str, Any]], effect: str) -> Outcome:
        """The outcome with what the input hooks found."""
        if not before:
            return outcome
        hooks = outcome.hooks
        if hooks is None:
            # In place: a copy takes longer than the checks of a short text.
            outcome.hooks = HookResults(before, [], not self._spec.strict)
        else:
            hooks.before = before
        if effect == "fail" and outcome.status == 200:
            outcome.status = FAILED_GUARDRAIL
        return outcome


def restores(spec: TargetSpec) -> bool:
    """Whether an input check of the target takes out what has to be put back into the answer."""
    return any(check.restores for hook in spec.input_hooks for check in hook.checks)


class OutputHooks(_Side):
    """Inside Retry, around each attempt: only answers of status 200 are judged, cached ones too."""

    __slots__ = ("_after", "_buffered", "_restores", "_windowed")

    def __init__(self, inner: Layer, spec: TargetSpec, env: Environment) -> None:
        super().__init__(inner, spec, "after", env)
        judging = [hook for hook in self._hooks if not hook.asynchronous]
        self._buffered = any(hook.stream == "buffer" for hook in judging)
        self._windowed = [hook for hook in judging if hook.stream == "window"]
        self._after = [hook for hook in judging if hook.stream == "after"]
        self._restores = restores(spec)

    async def __call__(self, call: Call) -> Outcome:
        outcome = await self._inner(call)
        if outcome.status != 200 or (outcome.stream is None and outcome.body is None):
            return outcome
        params = call.params
        if params is None:
            params = effective_params(self._spec, call.request.body)
        subject = self._subject(call, params, outcome.body)
        if outcome.stream is None:
            return _told(call, await self._judged(call, outcome, subject))
        try:
            return _told(call, await self._streamed(call, outcome, outcome.stream, subject))
        except BaseException:
            # Whoever drops an outcome closes it.
            outcome.stream.close()
            raise

    async def _judged(self, call: Call, outcome: Outcome, subject: Subject) -> Outcome:
        """A whole answer."""
        side = await self._engine.run(self._hooks, subject)
        self._noted(call, side)
        body = dict(side.body)
        if self._has_beside:
            self._start_beside(call, attrs.evolve(subject, response=body))
        if side.effect == "deny":
            denied = self._denied(outcome.model, side.runs, (outcome.body or {}).get("usage"))
            outcome = attrs.evolve(denied, headers=outcome.headers)
        else:
            restorer = self._restorer(subject)
            body = body if restorer is None else dict(restorer.body(body))
            outcome = attrs.evolve(
                outcome, body=body, status=FAILED_GUARDRAIL if side.effect == "fail" else 200
            )
        return self._with(outcome, side.results())

    def _with(self, outcome: Outcome, after: list[dict[str, Any]]) -> Outcome:
        if after:
            outcome.hooks = HookResults(after=after, in_stream=not self._spec.strict)
        return outcome

    def _restorer(self, subject: Subject) -> Restorer | None:
        return Restorer.of(subject.memory.kept) if self._restores else None

    # -- streams ---------------------------------------------------------------------------------------

    async def _streamed(
        self, call: Call, outcome: Outcome, stream: OutcomeStream, subject: Subject
    ) -> Outcome:
        restorer = self._restorer(subject)
        if not (self._hooks or restorer):
            return outcome
        limit = None if call.deadline is None else max(0.0, call.deadline - self._env.clock.now())
        try:
            async with self._env.clock.timeout(limit):
                if self._buffered:
                    return await self._whole(call, outcome, stream, subject)
                # What bounds the call up to its commit does not bound the judging after it.
                lasting = attrs.evolve(subject, deadline=call.deadline if call.lasting else None)
                return await self._opened(call, outcome, stream, lasting, restorer)
        except TimeoutError:
            stream.close()
            text = "the time for the whole call was over before the stream's guardrails had passed it"
            failure = Failure("deadline", text, type="timeout_error", final=True)
            return attrs.evolve(outcome, status=408, stream=None, failure=failure)

    async def _whole(self, call: Call, outcome: Outcome, stream: OutcomeStream, subject: Subject) -> Outcome:
        """Nothing is handed on before the verdict on everything, so a break is an ordinary failure."""
        chunks: list[dict[str, Any]] = []
        size = 0
        try:
            async for chunk in stream:
                chunks.append(judgeable(chunk))
                size += size_of(chunk)
                if size > MAX_KEPT:
                    stream.close()
                    return attrs.evolve(outcome, status=502, stream=None, failure=too_large())
        except StreamFailed as error:
            return attrs.evolve(outcome, status=error.status, stream=None, failure=error.failure)
        answer = completion_of(chunks)
        judged = await self._judged(
            call, attrs.evolve(outcome, stream=None, body=answer), attrs.evolve(subject, response=answer)
        )
        if judged.failure is not None:
            return judged
        if judged.body != answer:
            chunks = chunks_of(judged.body or {})
        return attrs.evolve(judged, body=None, stream=ReadyStream(chunks, usage=stream.usage))

    async def _opened(
        self, call: Call, outcome: Outcome, inner: OutcomeStream, subject: Subject, restorer: Restorer | None
    ) -> Outcome:
        """Commits at the first window that passes; without windows at once."""
        results = HookResults(in_stream=not self._spec.strict)
        told: dict[Hook, HookRun] = {}
        hooks = StreamHooks(
            engine=self._engine,
            subject=subject,
            windowed=self._windowed,
            after=self._after,
            restorer=restorer,
            report=partial(self._report, call, results, told),
            completed=partial(self._completed, call, subject) if self._has_beside else None,
        )
        stream = GuardedStream(inner, hooks)
        await stream.open()
        judged = results if self._windowed or self._after else None
        if stream.failed is not None:
            stream.close()
            failure, status = stream.failed
            if failure.kind == "guardrail":
                failure = _with_usage(failure, stream.usage)
            return attrs.evolve(outcome, status=status, stream=None, failure=failure, hooks=judged)
        content = all(entry["verdict"] for entry in results.after)
        return attrs.evolve(outcome, status=200 if content else FAILED_GUARDRAIL, stream=stream, hooks=judged)

    def _report(
        self, call: Call, results: HookResults, told: dict[Hook, HookRun], runs: Mapping[Hook, HookRun]
    ) -> None:
        """What is known of a stream so far. Observers hear of a hook's first verdict and first failure."""
        ordered = [runs[hook] for hook in self._hooks if hook in runs]
        results.after = [run.result() for run in ordered]
        news = [run for run in ordered if told.get(run.hook) is not run and _is_news(run, told)]
        self._noted(call, SideRun(news, {}))
        told.update((run.hook, run) for run in news)
        late = [run for run in news if run.transformed and run.hook.stream == "after"]
        call.log.warnings.extend(f"{run.hook.path}: its change came after the stream" for run in late)

    def _completed(self, call: Call, subject: Subject, response: dict[str, Any]) -> None:
        self._start_beside(call, attrs.evolve(subject, response=response))


def _with_usage(failure: Failure, usage: Any) -> Failure:
    """A denial with what the answer cost: it is gone, its cost is not."""
    return attrs.evolve(failure, body={"usage": usage}) if usage else failure


def _told(call: Call, outcome: Outcome) -> Outcome:
    """The outcome, with its attempt telling that the answer was good for the provider only."""
    attempts = call.log.attempts
    if outcome.failure is not None and attempts:
        attempts[-1] = attrs.evolve(attempts[-1], status=outcome.status, error=outcome.failure.message)
    return outcome


def _is_news(run: HookRun, told: Mapping[Hook, HookRun]) -> bool:
    known = told.get(run.hook)
    return known is None or worst([known.effect, run.effect]) != known.effect
