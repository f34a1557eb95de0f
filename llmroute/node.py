"""What a config compiles to: a tree of nodes, each a strategy or a target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .outcome import Outcome
    from .request import Call


class Node(Protocol):
    """Something that answers a call with an outcome. Never raises for what upstream does."""

    #: Where the node stands in the config: "config.targets[1]".
    path: str
    #: How many targets it holds.
    leaves: int
    #: How often its targets would repeat a failed attempt, at most.
    retries: int

    async def __call__(self, call: Call) -> Outcome: ...

    def available(self) -> bool:
        """A hint whether a call would be taken now; cheap, from a local snapshot."""

    def wait_before(self, retry: int, outcome: Outcome) -> float | None:
        """Seconds to wait before repeating this node for the `retry`-th time after `outcome`.

        None when it would not be repeated: the status is not retryable or the attempts are spent.
        """


def earliest_wait(children: Iterable[Node], retry: int, outcome: Outcome) -> float | None:
    """The shortest `wait_before` of some nodes, None when none would be repeated."""
    waits = [wait for child in children if (wait := child.wait_before(retry, outcome)) is not None]
    return min(waits) if waits else None
