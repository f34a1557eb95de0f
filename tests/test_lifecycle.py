"""The end of a router: running calls are waited for, then ended; and its life over several loops."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import pytest
from engine_kit import HELLO, Rig, collect, read, target

from llmroute import IncompleteStreamError, RouterClosedError
from llmroute.testing import completion, hang, stall, stream

OK = completion()


async def closing(rig, *work, grace=None):
    """Begin `work`, close the router meanwhile; what became of each, and when it was closed."""
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await rig.router.aclose(grace)
    closed_at = rig.clock.now()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return results, closed_at


async def test_a_closed_router_refuses_calls():
    """One clear error, from every way in; closing again is fine."""
    rig = Rig(target(), OK)
    await rig.router.aclose()
    await rig.router.aclose()
    for call in (rig.create(), rig.stream(), rig.handle(), rig.router.with_options(trace_id="x").handle({})):
        with pytest.raises(RouterClosedError, match="has been closed"):
            await call

    assert rig.transport.closed
    assert "" == rig.hosts


async def test_the_context_manager_closes():
    """Also after an exception inside."""
    rig = Rig(target(), OK)

    async def fail():
        async with rig.router as router:
            assert router is rig.router
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert rig.transport.closed


async def test_running_calls_are_waited_for():
    """They end as if nothing had happened; new ones are refused at once."""
    rig = Rig(target(), completion("Paris", delay=4.0))
    results, closed_at = await closing(rig, rig.create(), rig.create())

    assert ["Paris", "Paris"] == [made.choices[0].message.content for made in results]
    assert 4.0 == closed_at
    rig.assert_clean()


@pytest.mark.parametrize(("grace", "expected"), [(None, 10.0), (2.5, 2.5), (0, 0.0)])
async def test_calls_that_do_not_end_are_cancelled(grace, expected):
    """After 10 s, or as long as they are given."""
    rig = Rig(target(), hang())
    results, closed_at = await closing(rig, rig.create(), grace=grace)

    assert isinstance(results[0], asyncio.CancelledError)
    assert expected == closed_at
    assert rig.transport.closed
    rig.assert_clean()


async def test_streams_are_waited_for_to_their_end():
    """A stream is running until it is over, whoever reads it and however slowly."""
    rig = Rig(target(), stream("one two three", gap=1.0))
    opened = await rig.stream()
    results, closed_at = await closing(rig, collect(opened))

    assert 5 == len(results[0])
    assert closed_at > 3.0


async def test_a_call_that_becomes_a_stream_meanwhile_is_waited_for_whole():
    """No gap between the call's end and the stream's begin."""
    rig = Rig(target(), stream("one two three", delay=2.0, gap=1.0))

    async def all_of_it():
        return await collect(await rig.stream())

    results, closed_at = await closing(rig, all_of_it())

    assert 5 == len(results[0])
    assert closed_at > 5.0


async def test_a_stream_that_does_not_end_is_told_so():
    """Its reader gets IncompleteStreamError, not a clean end."""
    rig = Rig(target(), stall(stream("one two"), 2))
    opened = await rig.stream()
    results, closed_at = await closing(rig, read(opened), grace=3.0)
    seen, failure = results[0]

    assert (2, IncompleteStreamError, 3.0) == (len(seen), type(failure), closed_at)
    assert "the router was closed" in str(failure)
    rig.assert_clean()


async def test_an_unread_stream_is_not_waited_for_for_ever():
    """It is hung up on; whoever reads it then learns why."""
    rig = Rig(target(), stall(stream("one two"), 2))
    opened = await rig.stream()
    await rig.router.aclose(1.0)
    _, failure = await read(opened)

    assert "the router was closed" in str(failure)
    rig.assert_clean()


async def test_a_dropped_stream_is_not_waited_for():
    """It has hung up already."""
    rig = Rig(target(), stall(stream("one two"), 2))
    opened = await rig.stream()
    del opened
    gc.collect()
    await rig.router.aclose()

    assert 0.0 == rig.clock.now()


async def test_two_may_close_at_once():
    """Both return when the calls are over."""
    rig = Rig(target(), completion(delay=4.0))
    ended = []

    async def close():
        await rig.router.aclose()
        ended.append(rig.clock.now())

    results, _ = await closing(rig, rig.create(), close(), close())

    assert 200 == results[0].route.attempts[0].status
    assert [4.0, 4.0] == ended
    rig.assert_clean()


async def test_a_cancelled_close_can_be_repeated():
    """Whoever waits may give up waiting."""
    rig = Rig(target(), completion(delay=4.0), auto=False)
    call = asyncio.ensure_future(rig.create())
    closer = asyncio.ensure_future(rig.router.aclose())
    await rig.clock.advance(1.0)
    closer.cancel()
    await asyncio.gather(closer, return_exceptions=True)
    again = asyncio.ensure_future(rig.router.aclose())
    await rig.clock.advance(4.0)
    await again

    assert call.done()
    assert rig.transport.closed
    rig.assert_clean()


def test_a_router_is_used_from_several_loops_in_turn():
    """Built before any of them, closed in none."""
    rig = Rig(target(), OK)
    for _ in range(3):
        assert 200 == asyncio.run(rig.create()).route.attempts[0].status


def test_a_router_is_used_from_several_threads():
    """Each with a loop of its own; closing in one of them ends what runs in the others."""
    rig = Rig(target(), OK)
    failures = []

    def work():
        async def calls():
            for _ in range(20):
                await rig.create()

        try:
            asyncio.run(calls())
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == failures
    assert 80 == len(rig.transport.requests)


def test_closing_ends_calls_on_other_loops():
    """Through their own loops, as asyncio demands."""
    rig = Rig(target(), hang(), auto=False)
    begun, ended = threading.Event(), []

    async def hanging():
        asyncio.get_running_loop().call_soon(begun.set)
        await rig.create()

    def work():
        try:
            asyncio.run(hanging())
        except asyncio.CancelledError:
            ended.append("cancelled")

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(5)

    async def close():
        closer = asyncio.ensure_future(rig.router.aclose(1.0))
        await rig.clock.advance(2.0)
        await closer

    asyncio.run(close())
    thread.join(5)

    assert ["cancelled"] == ended


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_draws_its_own_random_numbers():
    """Balancers of a pre-forking server do not march in step; ids differ anyway."""
    config = {"strategy": {"mode": "loadbalance"}, "targets": [target(name) for name in "abcdefgh"]}
    rig = Rig(config, OK)

    def picks():
        asyncio.run(ask())
        return rig.hosts[-20:]

    async def ask():
        for _ in range(20):
            await rig.router.chat.completions.create(**HELLO)

    reading, writing = os.pipe()
    # A fork without exec is what pre-forking servers do.
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, picks().encode())
        finally:
            os._exit(0)
    os.close(writing)
    theirs = os.read(reading, 100).decode()
    os.waitpid(child, 0)

    assert 20 == len(theirs)
    assert picks() != theirs
