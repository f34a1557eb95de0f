"""A text put before the guardrails of a config, without any call to a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .environment import Environment
from .routing.plan import Plan, targets_of

if TYPE_CHECKING:
    from .hooks.runs import SideRun

Side = Literal["input", "output"]


@attrs.frozen
class Trial:
    """What the hooks of one or several targets found. `effect` is "pass", "fail" (246) or "deny" (446)."""

    targets: tuple[str, ...]
    effect: str
    results: list[dict[str, Any]]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The trial as plain JSON."""
        return attrs.asdict(self)


async def try_text(
    plan: Plan, env: Environment, text: str, side: Side, metadata: Mapping[str, Any]
) -> list[Trial]:
    """Run the hooks of a plan's targets on a text; targets with the same hooks share a trial.

    Asynchronous hooks are run like the others, so that their verdicts are seen.
    """
    from .hooks.engine import Subject

    groups: dict[tuple[Any, ...], list[str]] = {}
    for spec in targets_of(plan.spec):
        hooks = spec.input_hooks if side == "input" else spec.output_hooks
        if hooks:
            groups.setdefault(hooks, []).append(spec.path)
    message = {"role": "user" if side == "input" else "assistant", "content": text}
    request: dict[str, Any] = {"model": "check", "messages": [message if side == "input" else _QUESTION]}
    response = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    trials = []
    for hooks, paths in groups.items():
        subject = Subject(
            event="before" if side == "input" else "after",
            request=request,
            response=None if side == "input" else response,
            metadata=metadata,
            model="check",
        )
        run = await env.hook_kit().engine.run(
            [attrs.evolve(hook, asynchronous=False) for hook in hooks], subject
        )
        trials.append(Trial(tuple(paths), run.effect, run.results(), _text_of(run, side)))
    return trials


_QUESTION = {"role": "user", "content": ""}


def _text_of(run: SideRun, side: Side) -> str:
    message = run.body["messages"][-1] if side == "input" else run.body["choices"][0].get("message") or {}
    content = message.get("content")
    return content if isinstance(content, str) else ""
