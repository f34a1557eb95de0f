"""The hooks of a config: those of ancestors add up, and nothing that a target says takes them away.

Rules: DESIGN.md decision 3. A node's own stand in the order before/after hooks, guardrails, mutators; the
router's come first, those of request headers last. `inherit_hooks: false` opts out of the ancestors'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from ..errors import ConfigError, Problem
from .bounds import check_bounds
from .findings import Findings, path_text
from .hooks import Hooks, HookSettings
from .primitives import Invalid
from .schema import ConfigNode
from .text import read_text

#: Compiles one hook: takes the settings and what `hooks.compile.Place` wants.
CompileHook = Callable[..., Any]

#: The members of a node that hold hooks of either side, and the type of those that do not say.
_MEMBERS: Final = {
    "input": (
        ("before_request_hooks", None),
        ("input_guardrails", "guardrail"),
        ("input_mutators", "mutator"),
    ),
    "output": (
        ("after_request_hooks", None),
        ("output_guardrails", "guardrail"),
        ("output_mutators", "mutator"),
    ),
}
MEMBERS: Final = tuple(member for entries in _MEMBERS.values() for member, _ in entries)


@attrs.frozen
class Guards:
    """The compiled hooks of one place, side by side."""

    input: tuple[Any, ...] = ()
    output: tuple[Any, ...] = ()

    def __add__(self, other: Guards) -> Guards:
        return Guards(self.input + other.input, self.output + other.output)


NO_GUARDS: Final = Guards()


def _sets_nothing(node: ConfigNode) -> bool:
    # Written out: it is asked of every target, and nearly all say nothing.
    return (
        node.input_guardrails is None
        and node.output_guardrails is None
        and node.input_mutators is None
        and node.output_mutators is None
        and node.before_request_hooks is None
        and node.after_request_hooks is None
    )


class GuardCompiler:
    """Compiles the hooks of one config, each once. `compile_hook` is asked for only where there are some."""

    def __init__(
        self,
        compile_hook: Callable[[], CompileHook] | None,
        findings: Findings,
        warnings: list[Problem],
        *,
        trusted: bool,
    ) -> None:
        self._make = compile_hook
        self._compile: CompileHook | None = None
        self._findings = findings
        self._warnings = warnings
        self._trusted = trusted

    def at(self, node: ConfigNode, path: str, above: Guards) -> Guards:
        """What holds at `node`, found at `path`, below `above`."""
        if node.inherit_hooks is False:
            above = NO_GUARDS
        if self._make is None or _sets_nothing(node):
            return above
        return above + Guards(self._own(node, path, "input"), self._own(node, path, "output"))

    def of_headers(self, texts: tuple[tuple[str, str, bool], ...]) -> Guards:
        """The default guardrails that came as JSON in headers: side, text and whose word it is."""
        made: dict[str, tuple[Any, ...]] = {"input": (), "output": ()}
        for side, text, trusted in texts if self._make is not None else ():
            root = f"headers.x-portkey-default-{side}-guardrails"
            hooks = self._read(text, root)
            made[side] += self._compiled(hooks, root, side, "guardrail", trusted)
        return Guards(made["input"], made["output"])

    def listed(self, hooks: tuple[HookSettings, ...], root: str, side: str) -> tuple[Any, ...]:
        """Guardrails of the host's own, found at `root`."""
        return self._compiled(hooks, root, side, "guardrail", True)

    def declared(self, hook: HookSettings, path: str) -> None:
        """Look at a guardrail that the host declares for others to name."""
        self._compiled((attrs.evolve(hook, named=None),), path, "input", "guardrail", True, indexed=False)

    def _own(self, node: ConfigNode, path: str, side: str) -> tuple[Any, ...]:
        made: tuple[Any, ...] = ()
        for member, default_type in _MEMBERS[side]:
            hooks = getattr(node, member) or ()
            made += self._compiled(hooks, f"{path}.{member}", side, default_type, self._trusted)
        return made

    def _compiled(
        self,
        hooks: tuple[HookSettings, ...],
        root: str,
        side: str,
        default_type: str | None,
        trusted: bool,
        *,
        indexed: bool = True,
    ) -> tuple[Any, ...]:
        if not hooks:
            return ()
        if self._compile is None:
            assert self._make is not None
            self._compile = self._make()
        made = []
        for index, hook in enumerate(hooks):
            compiled = self._compile(
                hook,
                side=side,
                path=f"{root}[{index}]" if indexed else root,
                trusted=trusted,
                report=self._findings.report,
                warn=lambda path, message: self._warnings.append(Problem(path, message)),
                default_type=default_type,
            )
            if compiled is not None:
                made.append(compiled)
        return tuple(made)

    def _read(self, text: str, root: str) -> tuple[HookSettings, ...]:
        try:
            value = read_text(text, root)
            check_bounds(value, root)
            return Hooks(short=True)(value)
        except ConfigError as error:
            for problem in error.problems:
                self._findings.report(problem.path, problem.message)
        except Invalid as error:
            for part in error.parts:
                self._findings.report(root + path_text(part.at), part.message)
        return ()
