"""What the hooks of a config compile to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from .base import Check, Scope

#: What becomes of a hook when one of its checks could not judge: nothing, a failed verdict, or a denial.
Effect = Literal["pass", "fail", "deny"]
StreamMode = Literal["buffer", "window", "after"]

#: Seconds that all the checks of a hook may take together.
HOOK_TIMEOUT: Final = 30.0
#: Characters of a stream that are judged at a time, and of those how many are judged again with the next.
WINDOW_SIZE: Final = 512
WINDOW_OVERLAP: Final = 256


@attrs.frozen(eq=False)
class BoundCheck:
    """A check with its parameters read.

    `parameters` are for checks of the host's own, empty for the others. `transforms` and `reach` are
    what the check declares: whether it may change what it judges, and the characters that one finding
    can span.
    """

    id: str
    run: Check
    scope: Scope = "last"
    parameters: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    fail_on_error: bool = False
    on_error: Effect = "pass"
    on_empty: Effect = "pass"
    transforms: bool = False
    restores: bool = False
    reach: int = 0
    #: Checks of this library keep to the contract; what the host's own return is looked at closely.
    foreign: bool = False
    #: Runs in a thread.
    blocking: bool = False


@attrs.frozen(eq=False)
class Hook:
    """One hook, complete. Compared by identity: a hook that many targets share is one hook.

    `timeout` is in seconds. `hidden` hooks leave no result.
    """

    id: str
    type: Literal["guardrail", "mutator"]
    checks: tuple[BoundCheck, ...]
    path: str
    deny: bool = False
    asynchronous: bool = False
    sequential: bool = False
    on_success: Mapping[str, Any] | None = None
    on_fail: Mapping[str, Any] | None = None
    stream: StreamMode = "after"
    window_size: int = WINDOW_SIZE
    window_overlap: int = WINDOW_OVERLAP
    timeout: float = HOOK_TIMEOUT

    def told(self, side: str) -> str:
        """The hook in one line, for explanations: `side` is "before" or "after" the call."""
        checks = ", ".join(check.id for check in self.checks) or "no checks"
        traits = [
            "denies" if self.deny else "",
            "asynchronous, denies nothing" if self.asynchronous else "",
            f"streams: {self.stream}" if side == "after" and not self.asynchronous else "",
        ]
        told = "; ".join(trait for trait in traits if trait)
        return f"{side} the call: {self.type} {self.id} ({checks}{f'; {told}' if told else ''})"

    @property
    def mutates(self) -> bool:
        """Whether it runs before the guardrails, one check after the other."""
        return self.type == "mutator"
