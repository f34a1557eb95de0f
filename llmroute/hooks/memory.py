"""What the hooks of one call have done already, so that a fallback or a retry does not repeat it in vain."""

from __future__ import annotations

from typing import Any

import attrs

from .base import Event
from .hook import Hook
from .runs import Body, CheckRun, HookRun


@attrs.frozen
class _Kept:
    run: HookRun
    provider: str


class Memory:
    """The memory of one call. `kept` is what its checks remember for each other.

    Only runs before the call are kept: every answer is new.
    """

    __slots__ = ("_begun", "_runs", "kept", "repeats")

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        #: Whether another target may be tried after the present one.
        self.repeats = True
        self._runs: dict[Hook, list[_Kept]] = {}
        self._begun: set[Hook] = set()

    def keep(self, run: HookRun, event: Event, provider: str) -> None:
        """Remember a run that was made and not recalled, where other targets may follow."""
        if self.repeats and event == "before" and not run.recalled:
            self._runs.setdefault(run.hook, []).append(_Kept(run, provider))

    def recall(self, hook: Hook, event: Event, body: Body, provider: str) -> HookRun | None:
        """What the hook did to the same input, None when it has to run.

        For checks that looked at the conversation only, and changed nothing else, the same messages are
        the same input.
        """
        if not self._runs:
            return None
        for kept in self._runs.get(hook, ()) if event == "before" else ():
            run = kept.run
            if body is run.seen and provider == kept.provider:
                return attrs.evolve(run, recalled=True)
            if run.target_read or not _changes_messages_only(run):
                if provider == kept.provider and body == run.seen:
                    return _on(run, body, whole=True)
            elif body.get("messages") == run.seen.get("messages"):
                return _on(run, body, whole=False)
        return None

    def begins(self, hook: Hook, event: Event) -> bool:
        """Whether an asynchronous hook is to run: before the call once for all its targets."""
        if event == "before":
            if hook in self._begun:
                return False
            self._begun.add(hook)
        return True


def _changes_messages_only(run: HookRun) -> bool:
    return all(
        entry.out is None or _but_messages(entry.out) == _but_messages(entry.seen) for entry in run.checks
    )


def _but_messages(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "messages"}


def _on(run: HookRun, body: Body, *, whole: bool) -> HookRun:
    """The same run as it would have been on `body`.

    The changes are those to the messages, unless the bodies are alike as a `whole`.
    """
    moved: dict[int, Body] = {id(run.seen): body}
    checks: list[CheckRun] = []
    for entry in run.checks:
        out = entry.out
        if out is not None:
            out = out if whole else {**body, "messages": out["messages"]}
            moved[id(entry.out)] = out
        checks.append(attrs.evolve(entry, seen=moved.get(id(entry.seen), body), out=out))
    return attrs.evolve(run, seen=body, checks=checks, recalled=True)
