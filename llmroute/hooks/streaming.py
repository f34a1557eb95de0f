"""Output hooks on a stream that goes on: judged window by window, or when it is over.

- "window": nothing is handed on before the window that it stands in has passed; the last
  `window_overlap` characters wait for the next one. A denial ends the stream with a chunk whose
  finish reason is content_filter, then with the failure. What a mutator changes is cut only where
  the parts, changed on their own, make the changed whole: no finding is split.
- "after": chunks pass as they come; the verdict is there when the stream is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from ..outcome import DENIED, Failure, OutcomeStream, StreamFailed, Usage
from ..types.accumulate import CompletionBuilder
from .chunks import (
    Chunk,
    Held,
    Lane,
    built,
    choices_of,
    chunks_of,
    completion_of,
    filtered_end,
    judgeable,
    lanes_of,
    rewritten,
    size_of,
    speaks,
    texts_of,
)
from .engine import Engine, Subject
from .hook import BoundCheck, Hook
from .restore import MAX_URL, Restorer
from .runs import HookRun, worst
from .stream import ReadyStream

#: Bytes of a stream that are kept for judgement.
MAX_KEPT: Final = 64 * 2**20
#: Characters that are looked through at a time where there is only something to restore.
_RESTORED_AT_A_TIME: Final = 32
#: Places that are tried for a cut through a changed text.
_MAX_CUTS: Final = 6


@attrs.define
class StreamHooks:
    """The hooks of one stream.

    `report` is called with the run of each hook whenever there are new ones, `completed` with the
    answer as it was handed on.
    """

    engine: Engine
    subject: Subject
    windowed: Sequence[Hook]
    after: Sequence[Hook]
    restorer: Restorer | None
    report: Callable[[Mapping[Hook, HookRun]], None]
    completed: Callable[[dict[str, Any]], None] | None = None


def too_large() -> Failure:
    """The failure of a stream that cannot be kept for judgement."""
    text = f"the stream is larger than the {MAX_KEPT // 2**20} MiB that can be kept for its guardrails"
    return Failure("too_large", text, type="invalid_response_error")


class GuardedStream(ReadyStream):
    """A stream with output hooks that do not ask for its end before its beginning."""

    __slots__ = (
        "_begun", "_builder", "_collects", "_held", "_hooks", "_inner", "_judges", "_kept", "_met",
        "_open", "_overlap", "_runs", "_size", "_tails", "_windows", "denied",
    )  # fmt: skip

    def __init__(self, inner: OutcomeStream, hooks: StreamHooks) -> None:
        super().__init__(over=False)
        self._inner = inner
        self._hooks = hooks
        self._judges = bool(hooks.windowed) or hooks.restorer is not None
        self._collects = bool(hooks.after) or hooks.completed is not None
        self._windows = min((hook.window_size for hook in hooks.windowed), default=_RESTORED_AT_A_TIME)
        self._overlap = max([0, *(hook.window_overlap for hook in hooks.windowed)])
        if hooks.restorer is not None:
            self._overlap = max(self._overlap, hooks.restorer.reach)
        self._held = Held()
        self._runs: dict[Hook, HookRun] = {}
        self._builder = CompletionBuilder()
        self._kept: list[Chunk] = []
        self._size = 0
        self._open: set[int] = set()
        self._begun = False
        #: The checks that had something to judge in some window.
        self._met: set[BoundCheck] = set()
        #: What the texts that were handed on end in.
        self._tails: dict[Lane, str] = {}
        #: Whether a hook has denied it; what was handed on before stays.
        self.denied = False

    async def open(self) -> None:
        """Read on until something may be handed on, or until it is clear that nothing will."""
        while self._judges and not self._ready and not self._over:
            await self._more()

    @property
    def failed(self) -> tuple[Failure, int] | None:
        """The failure and its status, where it failed before anything was ready."""
        return (self._failure, self._status) if self._failure is not None and not self._ready else None

    @property
    def usage(self) -> Usage:
        return self._inner.usage

    # -- chunks ----------------------------------------------------------------------------------------

    def take(self) -> Chunk | None:
        if self._ready:
            return self._ready.popleft()
        if self._judges or self._over:
            return None
        chunk = self._inner.take()
        if chunk is not None:
            self._keep(chunk)
        return chunk

    async def _more(self) -> None:
        try:
            await self._advance()
        except BaseException:
            # Cancelled: nobody will read on, and whoever tries must not take this for the end.
            self.close(Failure("interrupted", "reading the stream was cancelled", type="stream_error"))
            raise

    async def _advance(self) -> None:
        try:
            chunk = await self._inner.__anext__()
        except StopAsyncIteration:
            await self._finish()
            return
        except StreamFailed as error:
            self._conclude(error.failure, error.status)
            return
        if not self._judges:
            self._keep(chunk)
            self._ready.append(chunk)
            return
        held = self._held
        held.add(chunk)
        if held.bytes > MAX_KEPT:
            self._conclude(too_large())
            self._inner.close()
        elif held.fresh >= self._windows:
            held.fresh = 0
            await self._judge(last=False)

    async def _finish(self) -> None:
        if self._judges:
            await self._judge(last=True)
        hooks = self._hooks
        if not self._over and hooks.after:
            await self._judge_after()
        if not self._over and hooks.completed is not None:
            self._join()
            hooks.completed(built(self._builder))
        self._conclude()

    def _keep(self, chunk: Chunk) -> None:
        """Note a chunk that is handed on: for the verdict at the end, and for an end before it."""
        if not self._collects:
            return
        self._size += size_of(chunk)
        if self._size > MAX_KEPT:
            self._conclude(too_large())
            self._inner.close()
            return
        self._kept.append(chunk)
        if len(self._kept) >= 256:
            self._join()

    def _join(self) -> None:
        kept, self._kept = self._kept, []
        for chunk in kept:
            self._builder.add(judgeable(chunk))

    def _hang_up(self, failure: Failure | None) -> None:
        self._inner.close(failure)

    # -- verdicts --------------------------------------------------------------------------------------

    async def _judge(self, *, last: bool) -> None:
        """A verdict on what is held, and what it sets free."""
        chunks = self._held.chunks
        if not chunks:
            return
        if last and self._all_met() and not any(map(speaks, chunks)):
            # How it ended and what it cost. A check that was given that would say that the text is missing.
            self._hand_on(self._held.release(len(chunks)))
            return
        answer = completion_of(chunks)
        side = await self._hooks.engine.run(self._hooks.windowed, self._about(answer))
        if self._over:
            return
        runs = [self._weighed(run, last) for run in side.runs]
        self._note(runs)
        if worst([run.effect for run in runs]) == "deny":
            self._deny()
            return
        changed = self._restored(side.body, self._tails)
        if changed is answer:
            count = len(chunks) if last else next(iter(self._held.cuts(self._overlap)), 0)
            self._hand_on(self._held.release(count))
        elif last:
            self._held.release(len(chunks))
            self._hand_on(chunks_of(changed))
        else:
            await self._cut([run.hook for run in side.runs if run.transformed], texts_of(changed))

    async def _cut(self, changing: Sequence[Hook], whole: Mapping[Lane, str]) -> None:
        """Hand on the part of a changed text that stays as it is, whatever comes."""
        chunks = self._held.chunks
        for count in self._held.cuts(self._overlap)[:_MAX_CUTS]:
            first = await self._changed(changing, chunks[:count], self._tails)
            rest = await self._changed(changing, chunks[count:], _joined(self._tails, first))
            lanes = {*first, *rest, *whole}
            if all(first.get(lane, "") + rest.get(lane, "") == whole.get(lane, "") for lane in lanes):
                self._hand_on(rewritten(self._held.release(count), first))
                return

    async def _changed(
        self, hooks: Sequence[Hook], chunks: Sequence[Chunk], tails: Mapping[Lane, str]
    ) -> dict[Lane, str]:
        """The texts of some chunks as the hooks change them, behind texts that end in `tails`."""
        body: Mapping[str, Any] = completion_of(chunks)
        if hooks:
            body = (await self._hooks.engine.run(hooks, self._about(body))).body
        return texts_of(self._restored(body, tails))

    def _restored(self, body: Mapping[str, Any], tails: Mapping[Lane, str]) -> Mapping[str, Any]:
        restorer = self._hooks.restorer
        if restorer is None:
            return body
        return restorer.body(body, tails)

    async def _judge_after(self) -> None:
        self._join()
        side = await self._hooks.engine.run(self._hooks.after, self._about(built(self._builder)))
        self._note(side.runs)

    def _about(self, response: Mapping[str, Any]) -> Subject:
        return attrs.evolve(self._hooks.subject, response=response)

    def _note(self, runs: Sequence[HookRun]) -> None:
        """Of all the windows the first of the worst counts; of those that passed one that was changed."""
        for run in runs:
            known = self._runs.get(run.hook)
            worse = known is None or worst([known.effect, run.effect]) != known.effect
            if worse or (known is not None and known.effect == "pass" and not known.transformed):
                self._runs[run.hook] = run
        self._hooks.report(self._runs)

    def _weighed(self, run: HookRun, last: bool) -> HookRun:
        """The run of a window, where nothing to judge means nothing: it may come, or have come, in another.

        The last window decides for checks that have met nothing in any.
        """
        if run.plain:
            self._met.update(check.check for check in run.checks)
            return run
        for position, entry in enumerate(run.checks):
            if entry.verdict is None or not entry.verdict.skipped:
                self._met.add(entry.check)
            elif not last or entry.check in self._met:
                lenient = attrs.evolve(entry.check, on_empty="pass")
                run = run.with_check(position, attrs.evolve(entry, check=lenient))
        return run

    def _all_met(self) -> bool:
        return self._met.issuperset(check for hook in self._hooks.windowed for check in hook.checks)

    # -- handing on ------------------------------------------------------------------------------------

    def _hand_on(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            for index, choice, _ in choices_of(chunk):
                if choice.get("finish_reason"):
                    self._open.discard(index)
                else:
                    self._open.add(index)
            if self._hooks.restorer is not None:
                self._tails = _joined(self._tails, dict(lanes_of(chunk)))
            self._keep(chunk)
        self._ready.extend(chunks)
        self._begun = self._begun or bool(chunks)

    def _deny(self) -> None:
        """Nothing of what is held goes out. A stream that has begun is ended in order first."""
        self.denied = True
        if self._begun:
            self._ready.append(filtered_end(self._held.chunks, self._open))
        self._conclude(denial("answer", self._runs.values()), DENIED)
        self._inner.close()


def denial(what: str, runs: Iterable[HookRun]) -> Failure:
    """The failure of a request or an answer that some of the hooks have denied."""
    names = ", ".join(sorted({run.named for run in runs if run.effect == "deny"}))
    return Failure("guardrail", f"the {what} was denied by {names}; see hook_results", type="hooks_failed")


def _joined(tails: Mapping[Lane, str], texts: Mapping[Lane, str]) -> dict[Lane, str]:
    """The ends of the texts, as far as a URL could reach back."""
    return {lane: (tails.get(lane, "") + texts.get(lane, ""))[-MAX_URL:] for lane in {*tails, *texts}}
