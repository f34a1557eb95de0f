"""Carries a stream from the event loop to a thread that reads it."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Protocol

from ..outcome import Failure, StreamFailed
from .thread import LoopThread, rest_at_the_end

#: Chunks read ahead of the consumer; beyond that the provider is slowed down.
AHEAD: Final = 256


class Source(Protocol):
    """What a pump reads: an `OutcomeStream`, or the part of one that it needs."""

    async def __anext__(self) -> dict[str, Any]: ...

    def take(self) -> dict[str, Any] | None: ...

    async def aclose(self) -> None: ...


class _End:
    """Comes after the last chunk; `error` is what the source raised."""

    __slots__ = ("error",)

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class _Cancelled(Exception):
    """The reading was ended with its loop."""


class Pump:
    """Reads a source on its loop, up to AHEAD chunks ahead of `next` on another thread.

    The two sides meet in three places only: the queue, and two counters of which each side writes
    one. A pump that is dropped without `stop` reads on up to its bound and no further.
    """

    def __init__(self, source: Source, thread: LoopThread) -> None:
        self._source = source
        self._queue: SimpleQueue[dict[str, Any] | _End] = SimpleQueue()
        self._sent = 0
        self._taken = 0
        self._paused = False
        self._stopped = False
        self._space: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._task = thread.submit(self._run)

    # -- on the loop ---------------------------------------------------------------------------

    async def _run(self) -> None:
        self._loop, self._space = asyncio.get_running_loop(), asyncio.Event()
        error: Exception | None = None
        try:
            await self._read(self._space)
        except StopAsyncIteration:
            pass
        except asyncio.CancelledError:
            error = _Cancelled()
            raise
        except Exception as raised:
            error = raised
        finally:
            self._queue.put(_End(error))
            await self._source.aclose()

    async def _read(self, space: asyncio.Event) -> None:
        source, put = self._source, self._queue.put
        while True:
            put(await source.__anext__())
            self._sent += 1
            # What has arrived with it needs no await each.
            while (chunk := source.take()) is not None:
                put(chunk)
                self._sent += 1
            if self._sent - self._taken >= AHEAD:
                await self._room(space)

    async def _room(self, space: asyncio.Event) -> None:
        """Wait until the consumer has taken half of what was read ahead."""
        while True:
            space.clear()
            # First the flag, then the look: the consumer does it the other way round, so that one of
            # the two sees the other.
            self._paused = True
            if self._sent - self._taken <= AHEAD // 2:
                break
            await space.wait()
        self._paused = False

    # -- on the consumer's thread --------------------------------------------------------------

    def next(self, timeout: float | None = None) -> dict[str, Any]:
        """The next chunk. Raises StopIteration at the end, or what the source raised, time and again.

        Raises queue.Empty when `timeout` seconds have passed without a chunk.
        """
        if self._stopped:
            raise StopIteration
        queue = self._queue
        if queue.empty() and self._pid != os.getpid():
            raise _broken("the stream belongs to another process: open it where it is read")
        item = queue.get(timeout=timeout)
        if isinstance(item, _End):
            queue.put(item)
            if item.error is None or self._stopped:
                raise StopIteration
            if isinstance(item.error, _Cancelled):
                rest_at_the_end()
                raise _broken("the router was closed before the end of the stream")
            raise item.error
        self._taken += 1
        if self._paused and self._sent - self._taken <= AHEAD // 2:
            self._resume()
        return item

    def _resume(self) -> None:
        self._paused = False
        if self._loop is not None and self._space is not None:
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self._space.set)

    def stop(self) -> None:
        """Read no further: what has been read is dropped, and the source closed. From any thread."""
        if not self._stopped:
            self._stopped = True
            self._queue.put(_End(None))
            if not self._task.done():
                with suppress(RuntimeError):  # the loop has been closed
                    self._task.cancel()


def _broken(text: str) -> StreamFailed:
    return StreamFailed(Failure("interrupted", text, type="stream_error"), 502)
