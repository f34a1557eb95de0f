"""Time as a dependency: every wait, deadline and timer of the library goes through a Clock.

`llmroute.testing.VirtualClock` is the other implementation; with it a test of minutes of
backoff takes milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
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

    __slots__ = ("_shared",)

    def __init__(self) -> None:
        self._shared: _SharedTimers | None = None

    now = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), callback)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        if seconds is None:
            return _NO_LIMIT
        return _Timeout(seconds) if seconds < _SHARED_FROM else _SharedTimeout(seconds, self)

    def shared_timers(self, loop: asyncio.AbstractEventLoop) -> _SharedTimers:
        """The shared timers of a loop; those of another loop go on by themselves."""
        shared = self._shared
        if shared is None or shared.loop is not loop:
            shared = self._shared = _SharedTimers(loop)
        return shared


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
        self._handle = task.get_loop().call_later(self._seconds, self.expire)

    async def __aexit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        self._handle.cancel()
        self._translate(kind)

    def _translate(self, kind: type[BaseException] | None) -> None:
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            # Only our own cancellation becomes a timeout; somebody else's passes on.
            raise TimeoutError

    def expire(self) -> None:
        """The time is over: cancel what runs inside."""
        self._expired = True
        self._task.cancel()


#: Limits of this many seconds and more share timers; they end up to 1 / _SLOTS s late.
_SHARED_FROM = 2.0
_SLOTS = 8
#: Slots that are kept though empty, as the next call may end in one of them.
_KEPT_SLOTS = 32


class _SharedTimers:
    """One timer for all the limits that end in the same eighth of a second.

    A call's default limit is minutes away and hardly ever reached: a timer of its own would cost
    more than the rest of the limit.
    """

    __slots__ = ("_recent", "_slots", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._slots: dict[int, set[_SharedTimeout]] = {}
        self._recent: deque[tuple[int, asyncio.TimerHandle]] = deque()

    def slot(self, seconds: float) -> set[_SharedTimeout]:
        """The limits that end when `seconds` have passed, this one not yet among them."""
        number = int((self.loop.time() + seconds) * _SLOTS) + 1
        members = self._slots.get(number)
        if members is None:
            members = self._slots[number] = set()
            self._recent.append((number, self.loop.call_at(number / _SLOTS, self._expire, number)))
            if len(self._recent) > _KEPT_SLOTS:
                self._forget(*self._recent.popleft())
        return members

    def _forget(self, number: int, handle: asyncio.TimerHandle) -> None:
        """A slot in which nobody waits any more needs no timer."""
        if not self._slots.get(number, True):
            handle.cancel()
            del self._slots[number]

    def _expire(self, number: int) -> None:
        for timeout in list(self._slots.pop(number, ())):
            timeout.expire()


class _SharedTimeout(_Timeout):
    """A limit without a timer of its own."""

    __slots__ = ("_clock", "_slot")

    def __init__(self, seconds: float, clock: SystemClock) -> None:
        self._seconds = seconds
        self._expired = False
        self._clock = clock

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._slot = self._clock.shared_timers(task.get_loop()).slot(self._seconds)
        self._slot.add(self)

    async def __aexit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        self._slot.discard(self)
        self._translate(kind)
