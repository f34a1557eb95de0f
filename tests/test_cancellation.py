"""A call cancelled at any of its awaits leaves nothing behind, and the next one works.

The awaits of one good call are counted; then the call is repeated, cancelled at the n-th, for every n.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

import pytest
from engine_kit import HELLO, KEY, Rig, collect, fallback, target

from llmroute.testing import completion, error, split, stream

MAX_AWAITS = 500


class Awaits(Awaitable[Any]):
    """Counts the suspensions of what it awaits, and cancels its task at the `cancel_at`-th."""

    def __init__(self, inner: Any, cancel_at: int = 0) -> None:
        self._inner = inner
        self._cancel_at = cancel_at
        self.count = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._inner.__await__()
        task = asyncio.current_task()
        to_send, to_throw = None, None
        while True:
            try:
                waited = inner.throw(to_throw) if to_throw is not None else inner.send(to_send)
            except StopIteration as stop:
                return stop.value
            self.count += 1
            if self.count == self._cancel_at:
                task.cancel()
            to_send = to_throw = None
            try:
                to_send = yield waited
            except BaseException as thrown:
                to_throw = thrown


async def key():
    await asyncio.sleep(0)
    return KEY


RETRY = {"attempts": 2, "jitter": "none"}
CONFIG = fallback(target("a", retry=RETRY, api_key=key), target("b", api_key=key), deadline=60_000)
ANSWERS = {"a.": error(500, delay=0.5), "b.": split(completion("Paris", delay=0.5), 40)}
STREAMS = {"a.": error(500, delay=0.5), "b.": stream("one two three", delay=0.5, gap=0.5)}


async def chat(rig):
    await rig.create()


async def handled(rig):
    assert 200 == (await rig.handle()).status


async def streamed(rig):
    assert 5 == len(await collect(await rig.stream()))


async def final(rig):
    async with await rig.stream() as opened:
        await opened.final()


async def events(rig):
    assert 6 == len(await collect((await rig.handle(stream=True)).sse()))


async def beating(rig):
    await collect((await rig.handle(stream=True)).sse(heartbeat=0.2))


@pytest.mark.parametrize("observe", [False, True])
@pytest.mark.parametrize(
    ("call", "script"),
    [
        (chat, ANSWERS),
        (handled, ANSWERS),
        (streamed, STREAMS),
        (final, STREAMS),
        (events, STREAMS),
        (beating, STREAMS),
    ],
)
async def test_cancelling_at_every_await_leaks_nothing(call, script, observe):
    """No task, no open answer, no timer; a running call counts no more, and the next call works."""
    counted = Awaits(call(Rig(CONFIG, script)))
    await counted
    assert 3 < counted.count < MAX_AWAITS

    for number in range(1, counted.count + 1):
        rig = Rig(CONFIG, script, observe=observe)
        awaits = Awaits(call(rig), number)
        task = asyncio.ensure_future(_await(awaits))
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

        assert number == awaits.count or call in (beating, final, events)
        rig.assert_clean()
        core = rig.router._core
        assert (0, 0) == (len(core._tasks), len(core._streams))
        await call(rig)
        rig.assert_clean()
        await rig.router.aclose()
        assert rig.clock.now() < 60.0


async def _await(awaitable):
    return await awaitable


async def test_a_cancelled_call_never_moves_on():
    """The caller's cancellation is neither retried nor a failure of the target."""
    config = fallback(target("a", retry={**RETRY, "use_retry_after_headers": True}), "b")
    rig = Rig(config, completion(delay=5.0), auto=False, observe=True)
    task = asyncio.ensure_future(rig.create())
    await rig.clock.advance(1.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert "a" == rig.hosts
    assert [] == [event for event in rig.events if "Attempt" in type(event).__name__]
    assert [True, True] == [health.available for health in rig.router.health()]


async def test_wait_for_and_timeout_of_the_caller_s_own_pass_through():
    """asyncio's own limits around a call end it like any other work."""
    rig = Rig(target(), completion(delay=5.0))
    with pytest.raises(TimeoutError):
        async with rig.clock.timeout(2.0):
            await rig.router.chat.completions.create(**HELLO)

    rig.assert_clean()
    assert 2.0 == rig.clock.now()
