"""SyncRouter: the same router for code without an event loop. One implementation, not two."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any, Generic, TypeVar

from .client import ChatStream
from .errors import APIError, RouterClosedError
from .explain import Explanation, TargetHealth
from .response import Response
from .router import Router
from .types.chat import ChatCompletion
from .types.chunk import ChatCompletionChunk
from .types.route import Route
from .wire.json import dumps

T = TypeVar("T")

#: Chunks read ahead of the consumer; beyond that the provider is slowed down.
_AHEAD = 256


class _LoopThread:
    """An event loop on a daemon thread, started at first use and again in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._stop: weakref.finalize[Any, Any] | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._start()
            assert self._loop is not None
            return self._loop

    def _start(self) -> None:
        if self._stop is not None:
            self._stop.detach()  # a forked child: the thread and its loop are the parent's
        self._pid = os.getpid()
        loop = self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_serve, args=(loop,), name="llmroute", daemon=True)
        thread.start()
        self._stop = weakref.finalize(self, _stop, loop, thread)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; an exception in the waiting thread cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        with self._lock:
            if self._stop is not None:
                self._stop()
            self._loop = self._stop = None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(10)


class _Pump(Generic[T]):
    """Moves the items of an async iterator to another thread, in batches, with a bound."""

    def __init__(self, source: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._loop = loop
        self._items: deque[T] = deque()
        self._ready = threading.Condition()
        self._waiting = False
        self._paused = False
        self._over = False
        self._error: BaseException | None = None
        self._space: asyncio.Event | None = None
        self._task = asyncio.run_coroutine_threadsafe(self._run(), loop)

    async def _run(self) -> None:
        self._space = asyncio.Event()
        try:
            async for item in self._source:
                self._items.append(item)
                if self._waiting:
                    self._wake()
                if len(self._items) >= _AHEAD:
                    self._space.clear()
                    self._paused = True
                    await self._space.wait()
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._over = True
            self._wake()

    def _wake(self) -> None:
        with self._ready:
            self._ready.notify()

    def next(self) -> T:
        """The next item. Raises StopIteration at the end, or what the source raised."""
        while True:
            if self._items:
                item = self._items.popleft()
                if self._paused and len(self._items) < _AHEAD // 2:
                    self._resume()
                return item
            if self._over and not self._items:
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                raise StopIteration
            with self._ready:
                self._waiting = True
                if not self._items and not self._over:
                    self._ready.wait()
                self._waiting = False

    def _resume(self) -> None:
        self._paused = False
        if self._space is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._space.set)

    def stop(self) -> None:
        self._items.clear()
        self._task.cancel()


class SyncChatStream:
    """`ChatStream` as a plain iterator and context manager."""

    def __init__(self, stream: ChatStream, thread: _LoopThread) -> None:
        self._stream = stream
        self._thread = thread
        self._pump: _Pump[ChatCompletionChunk] = _Pump(stream, thread.loop())

    @property
    def route(self) -> Route:
        """How the stream came about."""
        return self._stream.route

    @property
    def text(self) -> str:
        """The first choice's text as far as it has arrived."""
        return self._stream.text

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        try:
            return self._pump.next()
        except StopIteration:
            raise
        except BaseException as error:
            if not isinstance(error, APIError):
                self.close()
            raise

    def final(self) -> ChatCompletion:
        """Read to the end and return the whole completion."""
        for _ in self:
            pass
        return self._thread.run(self._stream.final())

    def close(self) -> None:
        """Hang up; safe at any time."""
        self._pump.stop()
        self._thread.run(self._stream.close())

    def __enter__(self) -> SyncChatStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class SyncResponse:
    """`Response` with a plain iterator of chunk dicts."""

    def __init__(self, response: Response, thread: _LoopThread) -> None:
        self._response = response
        self._thread = thread
        self.status = response.status
        self.headers = response.headers
        self.body = response.body
        self.stream: Iterator[dict[str, Any]] | None = None
        if response.stream is not None:
            self._pump: _Pump[dict[str, Any]] = _Pump(response.stream, thread.loop())
            self.stream = self._chunks()

    def _chunks(self) -> Iterator[dict[str, Any]]:
        try:
            while True:
                try:
                    chunk = self._pump.next()
                except StopIteration:
                    return
                yield chunk
        finally:
            self.close()

    def sse(self) -> Iterator[bytes]:
        """The stream as server-sent events; a broken one ends with an error event and no `[DONE]`."""
        if self.stream is None:
            raise TypeError("this response is no stream; see body")
        try:
            for chunk in self.stream:
                yield b"data: " + dumps(chunk) + b"\n\n"
            yield b"data: [DONE]\n\n"
        except APIError as error:
            body = {"error": {"message": error.message, "type": "stream_error", "param": None, "code": None}}
            yield b"data: " + dumps(body) + b"\n\n"
        finally:
            self.close()

    def close(self) -> None:
        """Hang up a stream that will not be read on."""
        if self._response.stream is not None:
            self._pump.stop()
            self._thread.run(self._response.aclose())


class _SyncCompletions:
    """`router.chat.completions`."""

    def __init__(self, router: SyncRouter) -> None:
        self._router = router

    def create(self, **params: Any) -> Any:
        """As `Router.chat.completions.create`, without await; streams are SyncChatStream."""
        return self._router._create(params)


class _SyncChat:
    """`router.chat`."""

    def __init__(self, router: SyncRouter) -> None:
        self.completions = _SyncCompletions(router)


class SyncRouter:
    """`Router` without `await`: same arguments, same names, safe from many threads.

    Calls run on one background event loop. An exception in the waiting thread (KeyboardInterrupt,
    a soft time limit) cancels its call.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._become(Router(*args, **options), _LoopThread())

    def _become(self, router: Router, thread: _LoopThread) -> SyncRouter:
        self._router = router
        self._thread = thread
        self.chat = _SyncChat(self)
        return self

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> SyncRouter:
        """A router for a config file."""
        return cls.__new__(cls)._become(Router.from_file(path, **options), _LoopThread())

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any], **options: Any) -> SyncRouter:
        """A router for the headers that a client of the gateway would send."""
        return cls.__new__(cls)._become(Router.from_headers(headers, **options), _LoopThread())

    def with_options(self, **options: Any) -> SyncRouter:
        """A view that shares connections and state; see Router.with_options."""
        return SyncRouter.__new__(SyncRouter)._become(self._router.with_options(**options), self._thread)

    def _create(self, params: dict[str, Any]) -> ChatCompletion | SyncChatStream:
        self._check_thread()
        made = self._thread.run(self._router.create(params))
        return SyncChatStream(made, self._thread) if isinstance(made, ChatStream) else made

    def handle(
        self, body: Mapping[str, Any] | str | bytes, headers: Mapping[str, Any] | None = None
    ) -> SyncResponse:
        """The wire-level twin of `POST /v1/chat/completions`; see Router.handle."""
        self._check_thread()
        return SyncResponse(self._thread.run(self._router.handle(body, headers)), self._thread)

    def _check_thread(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        if running is self._thread._loop:
            raise RuntimeError("a SyncRouter cannot be called from its own background loop; use Router there")

    def reload(self, config: Any) -> None:
        """Replace the config at once for new calls; see Router.reload."""
        self._router.reload(config)

    def explain(self, body: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> Explanation:
        """What a call with this body would do; see Router.explain."""
        return self._router.explain(body, metadata)

    def health(self) -> list[TargetHealth]:
        """The targets of the router's config, with what is known of each."""
        return self._router.health()

    def close(self, timeout: float | None = None) -> None:
        """Refuse new calls, give running ones `timeout` seconds (10 when None), stop the loop."""
        try:
            self._thread.run(self._router.aclose(timeout))
        except RouterClosedError:
            pass
        self._thread.close()

    def __enter__(self) -> SyncRouter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sync{repr(self._router)[1:]}"
