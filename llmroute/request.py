"""One call on its way through the tree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from .node import Node
from .types.route import Attempt

PATHNAME: Final = "/v1/chat/completions"


@attrs.define  # treated as frozen; frozen classes cost three times as much per call
class Request:
    """What the caller asked for. `body` is an OpenAI chat-completions body and is never modified.

    `headers` are the caller's, lower-case, for `forward_headers`; `extra_headers` and `extra_query`
    go to the provider as they are. `trace_id` is the caller's own, "" for none. `json` is the body's
    text where it has been written already. `connect_timeout` is the call's own, in seconds.
    """

    body: Mapping[str, Any] = attrs.field(repr=False)
    metadata: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    extra_headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    extra_query: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    connect_timeout: float | None = None
    trace_id: str = ""
    json: bytes | None = attrs.field(default=None, repr=False)
    pathname: str = PATHNAME


class CallLog:
    """What happened during one call; the only thing about a call that grows."""

    __slots__ = ("_id", "attempts", "hooks", "started", "warnings")

    def __init__(self, started: float) -> None:
        self.started = started
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []
        #: What guardrails remember of the call; None while there are none.
        self.hooks: Any = None
        self._id: str | None = None

    @property
    def id(self) -> str:
        """Names the call; made when first asked for, unlike any other, also after fork."""
        if self._id is None:
            self._id = os.urandom(16).hex()
        return self._id


class Later:
    """The targets that would be tried after the present one: a linked list, innermost chain first."""

    __slots__ = ("count", "nodes", "outer", "start")

    def __init__(self, nodes: Sequence[Node], start: int, count: int, outer: Later | None) -> None:
        self.nodes = nodes
        self.start = start
        #: Leaves that remain, the outer chains' included.
        self.count: int = count + (outer.count if outer is not None else 0)
        self.outer = outer

    def available(self) -> bool:
        """Whether any of them would take a call now."""
        later: Later | None = self
        while later is not None:
            if any(later.nodes[i].available() for i in range(later.start, len(later.nodes))):
                return True
            later = later.outer
        return False


class Call:
    """A request in flight: its deadline, its log, and what surrounds the node that runs it.

    Treated as frozen: `within` makes a changed copy (a hand-written one, as it is on the hot path).
    `deadline` is a point of the clock, None for no limit; when `lasting` it also ends a stream that
    has begun. `later` are the targets after this one.
    With `single` a target makes one attempt and leaves the repeating to its strategy. `params` are
    what this target is to send where a layer has settled it, changed or not; None elsewhere.
    """

    __slots__ = ("deadline", "lasting", "later", "log", "params", "request", "single")

    def __init__(
        self,
        request: Request,
        log: CallLog,
        deadline: float | None,
        lasting: bool = False,
        later: Later | None = None,
        single: bool = False,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.request = request
        self.log = log
        self.deadline = deadline
        self.lasting = lasting
        self.later = later
        self.single = single
        self.params = params

    @property
    def id(self) -> str:
        """Joins the events of this call."""
        return self.log.id

    @property
    def trace_id(self) -> str:
        """The caller's trace id, or the call's own id."""
        return self.request.trace_id or self.log.id

    def within(self, later: Later | None, single: bool) -> Call:
        """The same call seen from inside a chain."""
        return Call(self.request, self.log, self.deadline, self.lasting, later, single)

    def sending(self, params: Mapping[str, Any]) -> Call:
        """The same call inside one target, with the parameters that it sends."""
        return Call(self.request, self.log, self.deadline, self.lasting, self.later, self.single, params)
