"""VirtualClock: time that moves only when nothing else is left to do."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from llmroute.testing import VirtualClock


async def test_five_long_waits_take_milliseconds():
    """Eighty virtual seconds under a ten-minute timeout are over at once."""
    clock = VirtualClock()
    started = time.perf_counter()
    async with clock.timeout(600):
        for _ in range(5):
            await clock.sleep(16)

    assert time.perf_counter() - started < 1.0
    assert 80.0 == clock.now()
    assert [16] * 5 == clock.sleeps
    assert 0 == clock.pending


async def test_start_and_wall_time_move_together():
    """now() begins at `start`, time() at `wall`, and both advance by what was slept."""
    clock = VirtualClock(start=100.0, wall=1_000.0)
    assert (100.0, 1_000.0) == (clock.now(), clock.time())
    await clock.sleep(2.5)
    assert (102.5, 1_002.5) == (clock.now(), clock.time())


async def test_concurrent_sleepers_wake_in_order_at_their_exact_times():
    """Every sleeper sees exactly its own time; equal times keep the order of asking."""
    clock = VirtualClock()
    woken = []

    async def sleeper(name, seconds):
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    await asyncio.gather(*(sleeper(name, s) for name, s in [("c", 3), ("a", 0.1), ("b", 2), ("b2", 2)]))

    assert [("a", 0.1), ("b", 2), ("b2", 2), ("c", 3)] == woken


async def test_time_stands_still_while_tasks_can_run():
    """A chain of tasks that hand over to each other finishes before a timer set earlier."""
    clock = VirtualClock()
    seen = []
    clock.call_at(1.0, lambda: seen.append("timer"))

    async def chain(depth):
        if depth:
            await asyncio.create_task(chain(depth - 1))
        else:
            seen.append(("chain", clock.now()))

    await chain(20)
    await clock.sleep(2)

    assert [("chain", 0.0), "timer"] == seen


@pytest.mark.parametrize("seconds", [0, -1, 0.0])
async def test_a_sleep_of_nothing_yields_once_and_takes_no_time(seconds):
    """Zero and less let other tasks run, and are listed like any other sleep."""
    clock = VirtualClock()
    order = []
    other = asyncio.create_task(_note(order, "other"))
    await asyncio.sleep(0)
    await clock.sleep(seconds)
    order.append("sleeper")
    await other

    assert ["other", "sleeper"] == order
    assert (0.0, [seconds]) == (clock.now(), clock.sleeps)


async def _note(order, name):
    order.append(name)


async def test_a_cancelled_sleep_leaves_no_timer():
    """The time does not go to where a cancelled sleeper would have woken."""
    clock = VirtualClock()
    sleeper = asyncio.create_task(clock.sleep(1_000))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper

    assert 0 == clock.pending
    await clock.sleep(1)
    assert 1 == clock.now()


async def test_timers_run_at_their_time_unless_cancelled():
    """call_at runs what was not cancelled, in order; cancelling later does nothing."""
    clock = VirtualClock()
    seen = []
    clock.call_at(5, lambda: seen.append(("five", clock.now())))
    dropped = clock.call_at(4, lambda: seen.append("dropped"))
    first = clock.call_at(3, lambda: (seen.append("three"), dropped.cancel()))
    await clock.sleep(6)
    first.cancel()

    assert ["three", ("five", 5)] == seen


async def test_a_timer_in_the_past_runs_without_moving_the_time():
    """What is due already runs at the current time, and so does what it asks for itself."""
    clock = VirtualClock(start=10)
    seen = []
    clock.call_at(3, lambda: clock.call_at(4, lambda: seen.append(clock.now())))
    await clock.sleep(1)

    assert [10] == seen


async def test_a_timer_may_cancel_another_of_the_same_moment():
    """The second of two timers due together does not run once the first has cancelled it."""
    clock = VirtualClock()
    seen = []
    timers = []
    clock.call_at(1, lambda: timers[0].cancel())
    timers.append(clock.call_at(1, lambda: seen.append("ran")))
    await clock.sleep(2)

    assert [] == seen


async def test_infinite_times_never_come_and_nan_is_refused():
    """An infinite timer is no reason to move the time; NaN is a ValueError."""
    clock = VirtualClock()
    clock.call_at(math.inf, lambda: pytest.fail("ran"))
    with pytest.raises(TimeoutError):
        async with clock.timeout(7):
            await clock.sleep(math.inf)
    assert 7 == clock.now()
    with pytest.raises(ValueError, match="NaN"):
        clock.call_at(math.nan, lambda: None)


async def test_a_timeout_raises_at_its_virtual_time():
    """TimeoutError comes after exactly the given seconds, from the innermost timeout that is due."""
    clock = VirtualClock()
    async with clock.timeout(100) as outer:
        with pytest.raises(TimeoutError):
            async with clock.timeout(30) as inner:
                await asyncio.get_running_loop().create_future()
        assert (30, True, False) == (clock.now(), inner.expired(), outer.expired())
        await clock.sleep(69)
    assert (99, 0) == (clock.now(), clock.pending)


@pytest.mark.parametrize("seconds", [0, -5])
async def test_a_timeout_of_nothing_expires_at_the_first_wait(seconds):
    """Like asyncio.timeout(0): the block begins, and its first wait is cancelled."""
    clock = VirtualClock()
    seen = []

    async def work():
        async with clock.timeout(seconds):
            seen.append("began")
            await asyncio.get_running_loop().create_future()
            seen.append("went on")

    with pytest.raises(TimeoutError):
        await work()
    assert ["began"] == seen


async def test_a_timeout_of_none_never_expires():
    """None means no limit."""
    clock = VirtualClock()
    async with clock.timeout(None) as limit:
        await clock.sleep(1e9)
    assert not limit.expired()


async def test_cancellation_from_outside_is_not_taken_for_a_timeout():
    """A task cancelled inside the block ends as cancelled, and its timer is gone."""
    clock = VirtualClock(auto=False)

    async def work():
        async with clock.timeout(10):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 0 == clock.pending


async def test_an_exception_of_the_block_passes():
    """The block's own exception comes out as it is."""
    clock = VirtualClock()
    with pytest.raises(KeyError):
        async with clock.timeout(10):
            raise KeyError


async def test_advance_runs_everything_due_in_order():
    """With auto=False time moves only by advance, which stops at every timer on the way."""
    clock = VirtualClock(auto=False)
    seen = []

    async def ticker():
        while True:
            await clock.sleep(2)
            seen.append(clock.now())

    task = asyncio.create_task(ticker())
    for _ in range(300):
        await asyncio.sleep(0)
    assert ([], 0.0) == (seen, clock.now())

    await clock.advance(5)
    assert ([2, 4], 5) == (seen, clock.now())
    await clock.advance(1)
    assert ([2, 4, 6], 6) == (seen, clock.now())
    await clock.advance(0)
    assert ([2, 4, 6], 6) == (seen, clock.now())
    task.cancel()


async def test_advance_pushes_an_automatic_clock_no_further_than_asked():
    """During advance the automatic jumps pause; afterwards they go on."""
    clock = VirtualClock()
    sleeper = asyncio.create_task(clock.sleep(100))
    await clock.advance(30)
    assert 30 == clock.now()
    await sleeper
    assert 100 == clock.now()


def test_one_clock_serves_several_loops_in_turn():
    """Time goes on over asyncio.run calls, also when one ended with a timer still pending."""
    clock = VirtualClock()

    async def leave_a_timer():
        clock.call_at(clock.now() + 1_000, lambda: pytest.fail("ran on a closed loop"))
        await clock.sleep(1)

    for _ in range(3):
        asyncio.run(leave_a_timer())
        assert 0 == clock.pending

    assert 3 == clock.now()


def test_a_loop_that_pauses_goes_on_where_it_was():
    """A loop that is run twice keeps its timers in between."""
    clock = VirtualClock()
    seen = []
    with asyncio.Runner() as runner:

        async def ask():
            clock.call_at(5, lambda: seen.append(clock.now()))

        runner.run(ask())
        runner.run(clock.sleep(6))
    assert [5] == seen


async def test_cancelled_timers_do_not_pile_up():
    """A thousand calls under a far timeout leave nothing behind, though its time never comes."""
    clock = VirtualClock()
    for _ in range(1_000):
        async with clock.timeout(600):
            pass
    agenda = clock._agendas[asyncio.get_running_loop()]
    assert len(agenda.timers) < 300
    assert (0, 0.0) == (clock.pending, clock.now())


async def test_a_failing_timer_is_reported_by_the_loop():
    """An exception in a callback goes to the loop's handler, as with the loop's own timers."""
    clock = VirtualClock()
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    error = RuntimeError("boom")

    def fail():
        raise error

    clock.call_at(1, fail)
    await clock.sleep(2)
    assert [error] == reported


async def test_settle_waits_for_work_in_threads():
    """With `settle` a result from a thread arrives before the virtual timeout around it."""
    clock = VirtualClock(settle=0.5)
    async with clock.timeout(30):
        assert 42 == await asyncio.to_thread(lambda: time.sleep(0.02) or 42)
    assert 0.0 == clock.now()


async def test_many_jumps_are_cheap():
    """A thousand waits one after the other stay well under two seconds of real time."""
    clock = VirtualClock()
    started = time.perf_counter()
    for _ in range(1_000):
        await clock.sleep(1)
    assert 1_000 == clock.now()
    assert time.perf_counter() - started < 2.0
