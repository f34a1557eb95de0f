"""A bounded pool of threads for checks that block. Its threads keep neither a caller nor the process."""

from __future__ import annotations

import os
import threading
import weakref
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, Final

import attrs

MAX_THREADS: Final = 16
#: Jobs that may wait for a thread.
MAX_WAITING: Final = 1_000


class TooBusyError(Exception):
    """All threads are taken and too many jobs wait for one."""


@attrs.frozen
class _Job:
    function: Callable[[], Any]
    context: Context
    loop: AbstractEventLoop
    future: Future[Any]


class Threads:
    """Runs blocking functions; threads are started as they are needed and live as long as the pool."""

    def __init__(self, limit: int = MAX_THREADS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._pid = 0
        self._started = 0
        self._free = 0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()

    async def run(self, function: Callable[[], Any]) -> Any:
        """What `function` gives or raises. Raises TooBusyError. Cancelled, it leaves the function alone."""
        loop = get_running_loop()
        job = _Job(function, copy_context(), loop, loop.create_future())
        with self._lock:
            if self._pid != os.getpid():
                self._begin()  # a forked child has no threads
            if self._jobs.qsize() >= MAX_WAITING:
                raise TooBusyError(f"{MAX_WAITING} checks wait for a thread")
            self._jobs.put(job)
            if self._jobs.qsize() > self._free and self._started < self._limit:
                self._start()
        return await job.future

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._started = self._free = 0
        self._jobs = SimpleQueue()
        weakref.finalize(self, _end, self._jobs, self._limit)

    def _start(self) -> None:
        self._started += 1
        work = (self._jobs, weakref.ref(self))
        threading.Thread(target=_work, args=work, name="llmroute-check", daemon=True).start()

    def count_free(self, change: int) -> None:
        """A thread begins to wait for a job, or has got one."""
        with self._lock:
            self._free += change


def _end(jobs: SimpleQueue[_Job | None], threads: int) -> None:
    for _ in range(threads):
        jobs.put(None)


def _work(jobs: SimpleQueue[_Job | None], pool: weakref.ref[Threads]) -> None:
    _count(pool, 1)
    while True:
        job = jobs.get()
        _count(pool, -1)
        if job is None:
            return
        result, failed = _done(job)
        _count(pool, 1)  # before the caller goes on, who may have the next job at once
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            job.loop.call_soon_threadsafe(_settle, job.future, result, failed)
        del job, result, failed


def _count(pool: weakref.ref[Threads], change: int) -> None:
    threads = pool()
    if threads is not None:
        threads.count_free(change)


def _done(job: _Job) -> tuple[Any, BaseException | None]:
    if job.future.cancelled():
        return None, None
    try:
        return job.context.run(job.function), None
    except BaseException as error:
        return None, error


def _settle(future: Future[Any], result: Any, failed: BaseException | None) -> None:
    if future.cancelled():
        return
    if failed is None:
        future.set_result(result)
    elif isinstance(failed, Exception) and not isinstance(failed, StopIteration):
        future.set_exception(failed)
    else:
        future.set_exception(RuntimeError(f"the check raised {type(failed).__name__}"))
