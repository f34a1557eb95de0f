"""Time as a dependency: every wait, deadline and timer of the library goes through a Clock.

`llmroute.testing.VirtualClock` is the other implementation; with it a test of minutes of
backoff takes milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class TimerHandle(Protocol):
    """What `Clock.call_at` returns."""

    def cancel(self) -> None:
        """Forget the call; does nothing when it has run."""


class Clock(Protocol):
    """Monotonic time, waits and timers, all in seconds."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean something."""

    def time(self) -> float:
        """Seconds since 1970, for `created` members and HTTP dates."""

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less yields once."""

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Run `callback` on the running loop when `now()` reaches `when`."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block after `seconds`; None means never."""


class SystemClock:
    """The real clock: time.monotonic and the timers of the running loop."""

    __slots__ = ()

    def now(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), callback)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        return _NO_LIMIT if seconds is None else _Timeout(seconds)


class _NoLimit:
    """A time limit that never ends."""

    __slots__ = ()

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *exc_info: object) -> None: ...


_NO_LIMIT = _NoLimit()


class _Timeout:
    """asyncio.timeout's cancellation rules without its states, at half the cost of each call."""

    __slots__ = ("_cancelling", "_expired", "_handle", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._handle = task.get_loop().call_later(self._seconds, self._expire)

    async def __aexit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        self._handle.cancel()
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            # Only our own cancellation becomes a timeout; somebody else's passes on.
            raise TimeoutError

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
