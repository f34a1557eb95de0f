"""Virtual time: minutes of backoff, stalls and deadlines pass in milliseconds.

Idleness is found from outside the loop: when QUIET_PASSES turns of the loop have gone by without
a timer being set or cancelled, whatever could run is taken to have run. Threads and sockets are not
seen that way: tests in which code waits for those use `settle`, `auto=False` or the real clock.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from functools import partial
from heapq import heapify, heappop, heappush
from types import TracebackType

#: Turns of the loop without timer activity after which it counts as idle. A turn is one step of a
#: task, so code that hands over between tasks more often than this between two waits looks idle.
QUIET_PASSES = 100


class _Timer:
    """One future call; runs in the context in which it was asked for, as the loop's own do."""

    __slots__ = ("_agenda", "callback", "context")

    def __init__(self, agenda: _Agenda, callback: Callable[[], None]) -> None:
        self._agenda = agenda
        self.callback: Callable[[], None] | None = callback
        self.context = copy_context()

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self._agenda.forget()

    def run(self) -> None:
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()


class _Agenda:
    """The timers of one loop, in order of time, then of asking."""

    __slots__ = ("activity", "cancelled", "driven", "held", "loop", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.timers: list[tuple[float, int, _Timer]] = []
        self.activity = 0
        self.cancelled = 0
        self.driven = False
        self.held = 0

    def add(self, when: float, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(self, callback)
        self.activity += 1
        heappush(self.timers, (when, self.activity, timer))
        return timer

    def forget(self) -> None:
        """Count a cancelled timer; sweep when most of them are, as far timeouts never come due."""
        self.activity += 1
        self.cancelled += 1
        if self.cancelled > 100 and 2 * self.cancelled > len(self.timers):
            self.timers = [entry for entry in self.timers if entry[2].callback is not None]
            heapify(self.timers)
            self.cancelled = 0

    def next_time(self) -> float | None:
        while self.timers and self.timers[0][2].callback is None:
            heappop(self.timers)
        return self.timers[0][0] if self.timers else None

    def run_due(self, now: float) -> None:
        """Hand everything due to the loop; what those calls ask for anew waits for the next time."""
        while self.timers and self.timers[0][0] <= now:
            timer = heappop(self.timers)[2]
            self.loop.call_soon(timer.run, context=timer.context)
        self.activity += 1


class VirtualClock:
    """A `llmroute.clock.Clock` whose time moves only when nothing else is left to do.

    `start` is the first value of `now()`, `wall` that of `time()`, in seconds. With `auto` the time
    jumps to the earliest timer as soon as the loop is idle; without it the test calls `advance`.
    `settle` spreads the search for idleness over that many real seconds per jump, for code that
    waits for threads or sockets as well.

    `sleeps` lists the seconds every `sleep` was asked for. A clock serves any number of loops, one
    after the other.
    """

    def __init__(
        self,
        start: float = 0.0,
        auto: bool = True,
        wall: float = 1_700_000_000.0,
        *,
        settle: float = 0.0,
    ) -> None:
        self.sleeps: list[float] = []
        self._start = self._now = start
        self._auto = auto
        self._wall = wall
        self._pause = settle / QUIET_PASSES
        self._agendas: dict[asyncio.AbstractEventLoop, _Agenda] = {}

    def now(self) -> float:
        return self._now

    def time(self) -> float:
        return self._wall + (self._now - self._start)

    @property
    def pending(self) -> int:
        """How many timers wait on open loops: 0 when everything under test has cleaned up."""
        agendas = [agenda for loop, agenda in self._agendas.items() if not loop.is_closed()]
        return sum(timer.callback is not None for agenda in agendas for _, _, timer in agenda.timers)

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time; zero or less yields once, an infinite time waits for cancellation."""
        self.sleeps.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        timer = self.call_at(self._now + seconds, partial(_wake, waiter))
        try:
            await waiter
        finally:
            timer.cancel()

    def call_at(self, when: float, callback: Callable[[], None]) -> _Timer:
        """Run `callback` on the running loop when `now()` reaches `when`; never if that is infinite.

        Raises ValueError if `when` is not a number.
        """
        if math.isnan(when):
            raise ValueError("a timer needs a time, got NaN")
        agenda = self._agenda()
        if when == math.inf:
            return _Timer(agenda, callback)
        timer = agenda.add(when, callback)
        self._drive(agenda)
        return timer

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """`asyncio.timeout` in virtual time, with its rules for cancellation."""
        return _VirtualTimeout(self, math.inf if seconds is None else self._now + seconds)

    async def advance(self, seconds: float) -> None:
        """Move the time on, running all that falls due on this loop, each at its own moment.

        Returns when the loop is idle at the new time. Also pushes an `auto` clock onwards: past a
        cool-down, say, while nothing is waiting.
        """
        agenda = self._agenda()
        end = self._now + max(0.0, seconds)
        agenda.held += 1
        try:
            await self._idle(agenda)
            while (when := agenda.next_time()) is not None and when <= end:
                self._jump(agenda, when)
                await self._idle(agenda)
            self._now = max(self._now, end)
        finally:
            agenda.held -= 1
            self._drive(agenda)

    def _agenda(self) -> _Agenda:
        loop = asyncio.get_running_loop()
        agenda = self._agendas.get(loop)
        if agenda is None:
            self._agendas = {known: kept for known, kept in self._agendas.items() if not known.is_closed()}
            agenda = self._agendas[loop] = _Agenda(loop)
        return agenda

    def _jump(self, agenda: _Agenda, when: float) -> None:
        self._now = max(self._now, when)
        agenda.run_due(self._now)

    async def _idle(self, agenda: _Agenda) -> None:
        seen, quiet = agenda.activity, 0
        while quiet < QUIET_PASSES:
            await asyncio.sleep(self._pause)
            quiet = quiet + 1 if agenda.activity == seen else 0
            seen = agenda.activity

    def _drive(self, agenda: _Agenda) -> None:
        """Start the driver, a callback that re-arms itself while there are timers."""
        if self._auto and not agenda.driven and not agenda.held and agenda.timers:
            agenda.driven = True
            agenda.loop.call_soon(self._pass, agenda, agenda.activity, 0)

    def _pass(self, agenda: _Agenda, seen: int, quiet: int) -> None:
        when = agenda.next_time()
        if when is None or agenda.held:
            agenda.driven = False
            return
        quiet = quiet + 1 if agenda.activity == seen else 0
        if quiet >= QUIET_PASSES:
            self._jump(agenda, when)
            quiet = 0
        if self._pause:
            agenda.loop.call_later(self._pause, self._pass, agenda, agenda.activity, quiet)
        else:
            agenda.loop.call_soon(self._pass, agenda, agenda.activity, quiet)


class _VirtualTimeout(AbstractAsyncContextManager[asyncio.Timeout]):
    """Fires a standard timeout by hand, so that what it does to the task is the standard's."""

    def __init__(self, clock: VirtualClock, when: float) -> None:
        self._clock = clock
        self._when = when
        self._inner = asyncio.timeout(None)
        self._timer: _Timer | None = None

    async def __aenter__(self) -> asyncio.Timeout:
        await self._inner.__aenter__()
        if self._when <= self._clock.now():
            self._expire()
        else:
            self._timer = self._clock.call_at(self._when, self._expire)
        return self._inner

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # It never swallows: it raises TimeoutError or lets the block's exception pass.
        await self._inner.__aexit__(kind, error, traceback)

    def _expire(self) -> None:
        self._inner.reschedule(asyncio.get_running_loop().time())


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
