"""`router.chat.completions.create(...)` with OpenAI's signature, and the stream it returns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from .edge import route_of, stream_error_of
from .errors import APIError
from .outcome import Failure, Outcome, StreamFailed
from .request import Call
from .types.accumulate import CompletionBuilder
from .types.chat import ChatCompletion
from .types.chunk import ChatCompletionChunk, chunk_of
from .types.route import Route

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import TypeAlias, TypeVar

    from .types.create import Create

    T = TypeVar("T")
    Later: TypeAlias = Coroutine[Any, Any, T]

#: Chunks kept before they are joined: bounds what a long stream holds.
JOIN_AFTER = 256


class Engine(Protocol):
    """What the client needs of a router."""

    async def create(self, params: dict[str, Any]) -> ChatCompletion | ChatStream:
        """Run one call."""


class ChatStream:
    """A stream of `ChatCompletionChunk`: an async iterator and context manager.

    Leaving it early closes the connection to the provider. After the first chunk nothing is re-sent:
    a break raises StreamError (IncompleteStreamError with `.partial` when the end mark is missing).
    """

    __slots__ = ("__weakref__", "_builder", "_call", "_clock", "_kept", "_outcome", "_stream")

    def __init__(self, outcome: Outcome, call: Call, now: Any) -> None:
        assert outcome.stream is not None
        self._outcome = outcome
        self._stream = outcome.stream
        self._call = call
        self._clock = now
        self._kept: list[dict[str, Any]] = []
        self._builder = CompletionBuilder()

    @property
    def route(self) -> Route:
        """How the stream came about; `duration` runs until now."""
        return route_of(self._outcome, self._call, self._clock())

    @property
    def hook_results(self) -> dict[str, Any] | None:
        """What guardrails have found so far, None when there are none; complete at the end of the stream."""
        hooks = self._outcome.hooks
        return None if hooks is None else hooks.to_dict()

    @property
    def text(self) -> str:
        """The first choice's text so far."""
        self._join()
        return self._builder.text

    def __aiter__(self) -> ChatStream:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        chunk = self._stream.take()
        if chunk is None:
            chunk = await self._next()
        kept = self._kept
        kept.append(chunk)
        if len(kept) >= JOIN_AFTER:
            self._join()
        return chunk_of(chunk)

    async def _next(self) -> dict[str, Any]:
        try:
            return await self._stream.__anext__()
        except StreamFailed as error:
            failed = self._failed(error)
        raise failed

    async def final(self) -> ChatCompletion:
        """Read to the end and return the whole completion. Raises what the iteration would raise.

        A stream that was closed before its end raises IncompleteStreamError.
        """
        async for _ in self:
            pass
        return self._completion()

    def _completion(self) -> ChatCompletion:
        if self._stream.ended != "completed":
            failure = Failure("interrupted", "the stream was closed before its end", type="stream_error")
            raise self._failed(StreamFailed(failure, 502))
        self._join()
        body = self._builder.build()
        if self._outcome.hooks is not None:
            body["hook_results"] = self._outcome.hooks.to_dict()
        return ChatCompletion.from_dict(body, self.route)

    async def close(self) -> None:
        """Hang up; safe at any time."""
        await self._stream.aclose()

    aclose = close

    async def __aenter__(self) -> ChatStream:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def _join(self) -> None:
        kept, self._kept = self._kept, []
        for chunk in kept:
            self._builder.add(chunk)

    def _failed(self, error: StreamFailed) -> APIError:
        self._join()
        return stream_error_of(error, self.route, self._builder.build(), self._outcome.hooks)


class WireStream:
    """The chunk dicts of a stream for `Response.stream`: failures are the public exceptions."""

    __slots__ = ("_call", "_clock", "_outcome", "_stream")

    def __init__(self, outcome: Outcome, call: Call, now: Any) -> None:
        assert outcome.stream is not None
        self._outcome = outcome
        self._stream = outcome.stream
        self._call = call
        self._clock = now

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        try:
            return await self._stream.__anext__()
        except StreamFailed as error:
            failed = self._failed(error)
        raise failed

    def _failed(self, error: StreamFailed) -> APIError:
        route = route_of(self._outcome, self._call, self._clock())
        return stream_error_of(error, route, None, self._outcome.hooks)

    def take(self) -> dict[str, Any] | None:
        """The next chunk if it is here already."""
        return self._stream.take()

    async def aclose(self) -> None:
        """Hang up; safe at any time."""
        await self._stream.aclose()


class ReportingStream(WireStream):
    """A WireStream that begins and ends with what guardrails found, for callers who want such events.

    The event is `{"hook_results": {...}}`: as recorded, what is known comes first; what became known
    meanwhile comes last.
    """

    __slots__ = ("_first", "_told")

    def __init__(self, outcome: Outcome, call: Call, now: Any) -> None:
        super().__init__(outcome, call, now)
        self._first: dict[str, Any] | None = self._event()
        self._told = self._first

    async def __anext__(self) -> dict[str, Any]:
        if self._first is not None:
            event, self._first = self._first, None
            return event
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            event_now = self._event()
            if event_now is None or event_now == self._told:
                raise
            self._told = event_now
            return event_now

    def take(self) -> dict[str, Any] | None:
        return super().take() if self._first is None else None

    def _event(self) -> dict[str, Any] | None:
        hooks = self._outcome.hooks
        found = {} if hooks is None else {name: runs for name, runs in hooks.to_dict().items() if runs}
        return {"hook_results": found} if found else None


def wire_stream(outcome: Outcome, call: Call, now: Any) -> WireStream:
    """The stream of an outcome for `Response.stream`."""
    reports = outcome.hooks is not None and outcome.hooks.in_stream
    return (ReportingStream if reports else WireStream)(outcome, call, now)


class Completions:
    """`router.chat.completions`."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    if TYPE_CHECKING:
        create: Create[Later[ChatCompletion], Later[ChatStream], Later[ChatCompletion | ChatStream]]
    else:

        async def create(self, **params: Any) -> ChatCompletion | ChatStream:
            """Route one chat completion. Every parameter of OpenAI's endpoint, and any other, is sent on.

            `timeout` bounds the whole call in seconds (a number, or an object with `connect` and `read`);
            `extra_headers`, `extra_query` and `extra_body` go to the provider as they are. With
            `stream=True` a ChatStream is returned, as soon as the answer has begun.

            Raises BadRequestError for parameters that cannot be sent and the APIError family for what
            the targets answered; see `llmroute.errors`.
            """
            # One dict is cheaper than forty names; `types.create` spells them out.
            return await self._engine.create(params)


class Chat:
    """`router.chat`."""

    __slots__ = ("completions",)

    def __init__(self, engine: Engine) -> None:
        self.completions = Completions(engine)
