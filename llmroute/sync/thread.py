"""The event loop on which a SyncRouter's calls run."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import RouterClosedError

T = TypeVar("T")

Loop = asyncio.AbstractEventLoop

#: Seconds that calls get to end after they have been cancelled, and the loop to end after them.
_GRACE = 5.0


class LoopThread:
    """An event loop on a daemon thread: started at first use, in a forked child once more, and never
    again after `close`. It ends with the interpreter, or when nobody holds the LoopThread any more.
    """

    def __init__(self) -> None:
        # By process: a lock that some thread held during a fork stays locked in the child.
        self._locks: dict[int, threading.Lock] = {}
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._stop: weakref.finalize[[Loop, threading.Thread], LoopThread] | None = None
        self._closed = False
        #: Loops of parent processes, which would warn of not having been closed if they were dropped.
        self._inherited: list[Loop] = []

    def submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin `work()` on the loop. Raises RouterClosedError."""
        if self._loop is not None and self._loop.is_closed():
            rest_at_the_end()
        pid = os.getpid()
        # Under the lock, so that nothing is handed to a loop that has been told to stop.
        with self._locks.setdefault(pid, threading.Lock()):
            if self._closed:
                raise RouterClosedError("this router has been closed")
            if self._loop is None or self._pid != pid or self._loop.is_closed():
                self._loop = self._start(pid)
            return asyncio.run_coroutine_threadsafe(_unless_ending(work), self._loop)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work()`; an exception in the waiting thread cancels it.

        Raises RouterClosedError, and RuntimeError on the loop's own thread, which would wait for itself.
        """
        if self._loop is not None and asyncio._get_running_loop() is self._loop:
            raise RuntimeError("a SyncRouter cannot be used on its own background loop; use Router there")
        future = self.submit(work)
        try:
            return future.result()
        except CancelledError:
            pass  # with the loop, not by us
        except BaseException:
            future.cancel()
            raise
        rest_at_the_end()
        raise RouterClosedError("the router was closed while the call was running")

    def close(self) -> None:
        """Cancel what runs, and end the loop and its thread. Any number of times."""
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            self._closed = True
            stop, self._stop = self._stop, None
        if stop is not None and self._pid == os.getpid():
            thread = self._thread
            stop()
            if thread is not None and thread is not threading.current_thread():
                thread.join(2 * _GRACE)

    def _start(self, pid: int) -> Loop:
        if self._stop is not None and self._loop is not None:
            # A forked child: the thread does not exist here, and the loop is the parent's.
            self._stop.detach()
            self._inherited.append(self._loop)
        self._pid = pid
        loop = asyncio.new_event_loop()
        thread = self._thread = threading.Thread(target=_serve, args=(loop,), name="llmroute", daemon=True)
        thread.start()
        self._stop = weakref.finalize(self, _end, loop, thread)
        return loop


#: Loops that have been told to stop, and still have to end what they run.
_ending: weakref.WeakSet[Loop] = weakref.WeakSet()


async def _unless_ending(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Calls that come while their loop ends would find its connections closed."""
    if asyncio.get_running_loop() in _ending:
        raise asyncio.CancelledError
    return await work()


def _serve(loop: Loop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        _ending.add(loop)
        loop.run_until_complete(_cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        # Without waiting for the default executor: name resolution cannot be cancelled, and at the
        # end of the interpreter no thread can be started that would wait for it.
        loop.close()


async def _cancel_all() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=_GRACE)


def _end(loop: Loop, thread: threading.Thread) -> None:
    if not thread.is_alive():
        return
    with suppress(RuntimeError):  # it is closing already
        loop.call_soon_threadsafe(loop.stop)
    # The collector runs on any thread, with any lock held, and must not wait. The end of the
    # interpreter does, as it would stop the loop in the middle of its work.
    if interpreter_ends():
        thread.join(2 * _GRACE)


def interpreter_ends() -> bool:
    """Whether the main thread is over: its exit functions run, or it waits for other threads."""
    return not threading.main_thread().is_alive()


def rest_at_the_end() -> None:
    """For a thread whose call has been cancelled: at the end of the interpreter a daemon thread has
    nobody to tell, and is stopped wherever it stands.
    """
    if interpreter_ends() and threading.current_thread().daemon:
        threading.Event().wait()
