"""The result of trying a target, as a value: failures are exceptions only at the public edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

import attrs

FailureKind = Literal[
    "connection",  # no complete answer from the network
    "connect_timeout",
    "timeout",
    "deadline",  # the caller's budget is spent
    "protocol",  # the peer does not speak valid HTTP
    "parse",  # a complete answer that is not a completion
    "too_large",
    "status",  # the provider's own error
    "interrupted",  # a stream that ended without its end
    "auth",  # no usable credential; nothing was sent
    "request",  # the request cannot be expressed for this provider
    "routing",  # the config leads nowhere for this request
    "guardrail",  # a hook denied the request or the answer
]

StreamEnd = Literal["completed", "failed", "abandoned"]

#: OpenAI's usage object as it came, None where none came.
Usage = Mapping[str, Any] | None


@attrs.frozen
class Failure:
    """Why an attempt did not give a completion.

    `message`, `type`, `code` and `param` are the members of an OpenAI error object; `retry_after`
    is the provider's wish in seconds; `body` is the upstream's JSON where it is passed on as it
    is; `reason` marks failures with a class of their own; `final` ends every enclosing chain.
    """

    kind: FailureKind
    message: str
    type: str | None = None
    code: str | int | None = None
    param: str | None = None
    retry_after: float | None = None
    body: Any = attrs.field(default=None, repr=False)
    reason: Literal["context_window", "content_policy"] | None = None
    final: bool = False


#: Told how a stream ended and what it used; given the usage because it may not hold the stream itself.
EndCallback = Callable[[StreamEnd, Failure | None, Usage], None]


class OutcomeStream(Protocol):
    """Chunk dicts of a committed stream. Ends with StopAsyncIteration or raises StreamFailed."""

    def __aiter__(self) -> OutcomeStream: ...

    async def __anext__(self) -> dict[str, Any]: ...

    def take(self) -> dict[str, Any] | None:
        """The next chunk if it is here already: saves an await for most chunks of a fast stream."""

    async def aclose(self) -> None:
        """Hang up; safe to call at any time, any number of times."""

    def close(self, failure: Failure | None = None) -> None:
        """`aclose` for callers that cannot await; only on the stream's own loop.

        Whoever reads on sees the end, or `failure` when there is one.
        """

    @property
    def ended(self) -> StreamEnd | None:
        """How it ended: "completed" when everything was handed on; None while it goes on."""

    @property
    def usage(self) -> Usage:
        """The last usage that the provider has sent so far, whatever of it was handed on."""

    def on_end(self, callback: EndCallback) -> None:
        """Call `callback` exactly once when the stream is over."""


class StreamFailed(Exception):
    """Carries the failure of a stream that had been committed; translated at the edge."""

    def __init__(self, failure: Failure, status: int) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.status = status


NO_HEADERS: Final[Mapping[str, str]] = {}

#: Statuses that guardrails give: an answer that failed them, and a denial. spec/GUARDRAILS.md section 1.4.
FAILED_GUARDRAIL, DENIED = 246, 446


@attrs.define
class HookResults:
    """What the hooks of one answer found, in the recorded shape; those of a stream arrive with it.

    With `in_stream` they are also events of the stream, as the recorded gateway sends them to callers
    who do not insist on OpenAI's format.
    """

    before: list[dict[str, Any]] = attrs.field(factory=list, repr=False)
    after: list[dict[str, Any]] = attrs.field(factory=list, repr=False)
    in_stream: bool = False

    @property
    def answer_failed(self) -> bool:
        """Whether the answer was found wanting, so that another one may be better."""
        return any(not run["verdict"] for run in self.after)

    def to_dict(self) -> dict[str, Any]:
        """The member `hook_results` of an answer."""
        return {"before_request_hooks": self.before, "after_request_hooks": self.after}


def usage_in(body: Mapping[str, Any]) -> Usage:
    """The usage of an answer or a chunk; an empty one is none."""
    usage = body.get("usage")
    return usage if usage and isinstance(usage, dict) else None


@attrs.define  # treated as frozen; frozen classes cost three times as much per call
class Outcome:
    """What a node answers: a wire dict, a stream, or a failure, with status and the leaf's path.

    `headers` are upstream's, cut to the allow-list. `retries` is the number of repeated attempts,
    -1 when they ended on a retryable status (the reported `x-portkey-retry-attempt-count`).
    `hooks` are the results of guardrails, None when none ran.
    """

    status: int
    path: str
    provider: str
    model: str | None = None
    body: dict[str, Any] | None = attrs.field(default=None, repr=False)
    stream: OutcomeStream | None = attrs.field(default=None, repr=False)
    failure: Failure | None = None
    headers: Mapping[str, str] = attrs.field(default=NO_HEADERS, repr=False)
    retries: int = 0
    hooks: HookResults | None = None

    @property
    def usage(self) -> Usage:
        """What a whole answer used, also one that a guardrail has denied."""
        body = self.body
        if self.failure is not None and self.failure.kind == "guardrail":
            body = self.failure.body
        return usage_in(body) if body else None

    async def aclose(self) -> None:
        """Close the stream, if there is one: whoever drops an outcome calls this."""
        if self.stream is not None:
            await self.stream.aclose()
