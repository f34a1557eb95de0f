"""Events of a call. None holds a key, a header value or a text of the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from ..types.route import Attempt, Route


@attrs.frozen
class Event:
    """Base of all events. `call_id` joins those of one call; `at` is the router's clock in seconds."""

    call_id: str
    trace_id: str
    at: float


@attrs.frozen
class CallStarted(Event):
    """A call has been taken."""

    model: str | None
    stream: bool


@attrs.frozen
class AttemptFinished(Event):
    """One request to one provider is over; for a stream: has been committed or has failed."""

    attempt: Attempt


@attrs.frozen
class TargetFinished(Event):
    """A target has given its result, retries included."""

    target: str
    status: int
    retries: int


@attrs.frozen
class RetryScheduled(Event):
    """The same target will be tried again after `delay` seconds."""

    target: str
    retry: int
    delay: float
    status: int


@attrs.frozen
class FallbackTaken(Event):
    """A chain goes on to its next target."""

    source: str
    target: str
    status: int


@attrs.frozen
class ParametersDropped(Event):
    """Parameters that the target's format cannot carry."""

    target: str
    warnings: tuple[str, ...]


@attrs.frozen
class HookFinished(Event):
    """A guardrail or mutator has given its verdict; on a stream the first one, and whenever it is worse.

    `side` is "before" or "after" the call, `duration` in seconds. An `asynchronous` hook denies nothing.
    """

    target: str
    hook: str
    side: str
    verdict: bool
    denied: bool
    duration: float
    asynchronous: bool


@attrs.frozen
class StreamFinished(Event):
    """A committed stream is over: "completed", "failed" or "abandoned".

    `usage` is the last one that the provider sent, whatever guardrails withheld or changed; None where
    none came: OpenAI sends it at the end of a stream, and only with `stream_options={"include_usage": True}`.
    It is the object of a chunk itself, to be read and not to be changed.
    """

    target: str
    end: str
    error: str | None
    usage: Mapping[str, Any] | None = attrs.field(default=None, hash=False)


@attrs.frozen
class CallFinished(Event):
    """The call's result has been handed to the caller (for a stream: the stream object).

    `usage` is that of the answer, or of the answer that a guardrail denied, in OpenAI's form: the object
    of the answer itself, to be read and not to be changed. None where none came and for a stream, whose
    StreamFinished has it. What other attempts of the call used is not in it.
    """

    status: int
    route: Route
    usage: Mapping[str, Any] | None = attrs.field(default=None, hash=False)


@attrs.frozen
class ConfigReloaded(Event):
    """The router's config has been replaced."""

    digest: str


class Observer(Protocol):
    """Receives every event, in order, on the loop of the call. Must be quick and may not block.

    An exception raised by an observer is logged and otherwise ignored.
    """

    def __call__(self, event: Event) -> None: ...
