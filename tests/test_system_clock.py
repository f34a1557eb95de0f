"""The real clock: its limits follow asyncio.timeout's rules, and distant ones share their timers."""

from __future__ import annotations

import asyncio
import time

import pytest

from llmroute.clock import Clock, SystemClock
from llmroute.testing import VirtualClock

BLINK = 0.01


class Turns:
    """An event loop's timers without their time: `call_at` and `call_later` only record."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.handles: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when, callback, *args):
        self.handles.append(Handle(when, callback, args))
        return self.handles[-1]

    @property
    def live(self) -> list[Handle]:
        return [handle for handle in self.handles if not handle.cancelled]


class Handle:
    def __init__(self, when, callback, args) -> None:
        self.when, self.callback, self.args, self.cancelled = when, callback, args, False

    def cancel(self) -> None:
        self.cancelled = True

    def run(self) -> None:
        self.callback(*self.args)


class Limit:
    """Stands in a slot; notes that its time is over."""

    expired = False

    def expire(self) -> None:
        self.expired = True


def conforms(clock: Clock) -> Clock:
    """Typed use: both clocks satisfy the protocol."""
    return clock


def test_both_clocks_are_clocks():
    """now() is monotonic, time() is the wall's."""
    clock = conforms(SystemClock())
    conforms(VirtualClock())

    assert clock.now() <= time.monotonic() <= clock.now()
    assert clock.time() == pytest.approx(time.time(), abs=1)


async def test_sleep_waits_and_a_time_in_the_past_yields_once():
    """Negative waits are no error: a deadline may just have passed."""
    clock = SystemClock()
    order = []
    asyncio.get_running_loop().call_soon(order.append, "other")
    await clock.sleep(-1)
    order.append("slept")
    before = clock.now()
    await clock.sleep(BLINK)

    assert ["other", "slept"] == order
    assert clock.now() - before >= BLINK * 0.9


async def test_call_at_runs_at_the_time_and_can_be_cancelled():
    """A past time means at once."""
    clock = SystemClock()
    ran = []
    clock.call_at(clock.now() + BLINK, lambda: ran.append("later"))
    clock.call_at(clock.now() - 5, lambda: ran.append("past"))
    clock.call_at(clock.now() + BLINK / 2, lambda: ran.append("cancelled")).cancel()
    await asyncio.sleep(3 * BLINK)

    assert ["past", "later"] == ran


@pytest.mark.parametrize("seconds", [0.0, BLINK])
async def test_a_limit_raises_timeout_error(seconds):
    """Only a limit that is over; the block inside sees a cancellation."""
    clock = SystemClock()
    seen = []

    async def work():
        async with clock.timeout(seconds):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    with pytest.raises(TimeoutError):
        await work()
    async with clock.timeout(10):
        await asyncio.sleep(0)

    assert ["cancelled"] == seen
    assert 0 == asyncio.current_task().cancelling()


async def test_no_limit_never_ends():
    """None is no limit."""
    async with SystemClock().timeout(None):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [5.0, 600.0])
@pytest.mark.parametrize("limited", [True, False])
async def test_somebody_elses_cancellation_passes(seconds, limited):
    """A cancelled task gets CancelledError, not TimeoutError, and nothing stays counted."""
    clock = SystemClock()

    async def work():
        async with clock.timeout(seconds if limited else None):
            await asyncio.sleep(10)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_during_the_expiry_wins():
    """Both at once: the caller's wish is not turned into a timeout."""
    clock = SystemClock()

    async def work():
        async with clock.timeout(BLINK):
            try:
                await asyncio.sleep(10)
            finally:
                asyncio.current_task().cancel()
                # The next await raises the second cancellation.
        return "not reached"

    task = asyncio.ensure_future(work())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_block_that_fails_after_the_expiry_keeps_its_error():
    """The limit translates its own cancellation, nothing else."""

    async def work():
        async with SystemClock().timeout(BLINK):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                raise KeyError("cleanup") from None

    with pytest.raises(KeyError):
        await work()
    assert 0 == asyncio.current_task().cancelling()


async def test_limits_nest():
    """The inner limit ends the inner block only."""
    clock = SystemClock()
    reached = []
    async with clock.timeout(600):
        with pytest.raises(TimeoutError):
            async with clock.timeout(BLINK):
                await asyncio.sleep(10)
        reached.append("outer goes on")

    assert ["outer goes on"] == reached


@pytest.mark.parametrize("seconds", [1.0, 600.0])
async def test_a_limit_needs_a_task(seconds):
    """Outside of a task there is nothing to cancel."""
    limit = SystemClock().timeout(seconds)
    with pytest.raises(RuntimeError, match="needs a task"):
        await _outside_of_tasks(limit.__aenter__())


async def _outside_of_tasks(coroutine):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def step():
        try:
            coroutine.send(None)
        except StopIteration:
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)

    loop.call_soon(step)
    await done


def test_distant_limits_of_one_moment_share_a_timer():
    """A thousand calls of 600 s begun together cost a handful of timers, due at most 1/8 s late."""
    loop = Turns()
    timers = SystemClock().shared_timers(loop)
    limits = [Limit() for _ in range(1000)]
    for number, limit in enumerate(limits):
        loop.now = 100.0 + number / 10_000
        timers.slot(600.0).add(limit)

    assert len(loop.handles) <= 2
    assert all(0 < handle.when - 700.0 <= 0.1 + 0.125 for handle in loop.handles)
    for handle in loop.handles:
        handle.run()
    assert all(limit.expired for limit in limits)


def test_slots_in_which_nobody_waits_give_up_their_timers():
    """An hour of calls that all end early leaves a bounded number of timers."""
    loop = Turns()
    timers = SystemClock().shared_timers(loop)
    for second in range(3600):
        loop.now = 100.0 + second
        limit = Limit()
        slot = timers.slot(600.0)
        slot.add(limit)
        slot.discard(limit)

    assert len(loop.live) <= 40


def test_a_slot_in_use_keeps_its_timer():
    """However many slots come after it."""
    loop = Turns()
    timers = SystemClock().shared_timers(loop)
    waiting = Limit()
    timers.slot(600.0).add(waiting)
    first = loop.handles[0]
    for second in range(200):
        loop.now = 101.0 + second
        timers.slot(600.0)

    assert not first.cancelled
    first.run()
    assert waiting.expired


def test_each_loop_has_its_own_shared_timers():
    """A router may be used from several loops; limits of one never end in another."""
    clock = SystemClock()
    one, other = Turns(), Turns()

    assert clock.shared_timers(one) is clock.shared_timers(one)
    assert clock.shared_timers(one) is not clock.shared_timers(other)


async def test_a_shared_limit_really_ends():
    """With the running loop's own timers, two seconds being the shortest shared limit."""
    clock = SystemClock()
    timers = clock.shared_timers(asyncio.get_running_loop())

    async def work():
        async with clock.timeout(2.0):
            (slot,) = timers._slots.values()
            (limit,) = slot
            asyncio.get_running_loop().call_soon(limit.expire)
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        await work()
    assert [set()] == list(timers._slots.values())
