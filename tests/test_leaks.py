"""Nothing is left behind: sockets, tasks and objects stay level over many calls, faults and cancellations."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import resource

import pytest
from raw_server import sockets, until

from llmroute import APIError, Router
from llmroute.testing import LoopbackUpstream, connection_error, cut, error, reply, stall, stream


def say(text, **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def target(upstream, path=""):
    return {"provider": "openai", "api_key": "sk-test", "custom_host": upstream.url + path}


@pytest.fixture
async def upstream():
    async with LoopbackUpstream() as running:
        yield running


def level():
    """Sockets, tasks and collectable objects, garbage not counted."""
    gc.collect()
    return sockets(), len(asyncio.all_tasks()), len(gc.get_objects())


async def chat(router, text):
    completion = await router.chat.completions.create(**say(text))
    return completion.choices[0].message.content


async def streamed(router, text):
    chunks = await router.chat.completions.create(**say(text, stream=True))
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


async def handled(router, text):
    response = await router.handle(say(text))
    return response.body["choices"][0]["message"]["content"]


async def left(router, text):
    """A stream of which only the beginning is read."""
    chunks = await router.chat.completions.create(**say(text, stream=True))
    async for chunk in chunks:
        if chunk.choices[0].delta.content:
            return f"You said: {text}"
    return "no word"


async def test_a_long_mixed_run_leaves_nothing_behind(upstream):
    """3,000 calls of four kinds, one in twenty met by a fault: every answer is its own question's."""
    chance = random.Random(7)
    faults = [error(500), connection_error(), reply(text="no JSON"), reply(429), reply(200, json={})]
    config = {
        "strategy": {"mode": "fallback"},
        "targets": [target(upstream, "/first"), target(upstream, "/second")],
    }
    kinds = itertools.cycle([chat, streamed, handled, left])
    numbers = itertools.count()
    wrong = []

    async def worker(router, count):
        for _ in range(count):
            text = f"question {next(numbers)}"
            if chance.random() < 0.05:
                upstream.play("/first", [chance.choice(faults)])
            got = await next(kinds)(router, text)
            if got != f"You said: {text}":
                wrong.append((text, got))
            upstream.calls.clear()

    async with Router(config) as router:
        await asyncio.gather(*(worker(router, 15) for _ in range(20)))
        await asyncio.sleep(0.05)
        before, memory = level(), resident()
        await asyncio.gather(*(worker(router, 150) for _ in range(20)))
        await asyncio.sleep(0.05)
        after = level()

    assert [] == wrong
    # Pooled connections have two ends here, and differ by what happened to be open at once.
    assert abs(after[0] - before[0]) <= 40
    assert after[1] <= before[1] + 20  # the upstream has one task for each
    assert after[2] - before[2] < 1500
    assert resident() - memory < 3000


def resident():
    """Resident memory in KiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


async def test_streams_left_early_hold_no_sockets(upstream):
    """200 of them, closed or just dropped after the first word, all gone within a second."""
    upstream.play("/", itertools.repeat(stall(stream("a b c"), 3)))
    before = sockets()
    async with Router(target(upstream)) as router:

        async def leave(number):
            chunks = await router.chat.completions.create(**say("x", stream=True))
            async for chunk in chunks:
                if chunk.choices[0].delta.content:
                    break
            if number % 2:
                await chunks.close()

        await asyncio.gather(*map(leave, range(200)))
        await until(lambda: sockets() <= before, within=1)
        assert {"hung_up"} == {await call.wait() for call in upstream.calls}


async def test_broken_streams_hold_no_sockets(upstream):
    """Whatever ends a stream, its connection is not kept."""
    upstream.play("/", itertools.repeat(cut(stream("a b c"), 2)))
    before = sockets()
    async with Router(target(upstream)) as router:
        for _ in range(20):
            with pytest.raises(APIError):
                await streamed(router, "x")
        await until(lambda: sockets() <= before, within=1)


async def test_a_thousand_calls_in_parallel(upstream):
    """No pool is in the way, and every answer is its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard < 4096 and hard > 0 else 4096, hard))
    try:
        async with Router(target(upstream)) as router:
            answers = await asyncio.gather(*(chat(router, str(number)) for number in range(1000)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert [f"You said: {number}" for number in range(1000)] == answers


@pytest.mark.parametrize("kind", [chat, streamed, handled], ids=lambda kind: kind.__name__)
async def test_a_call_may_be_cancelled_at_every_step(upstream, kind):
    """Cancelled after n turns of the loop, for every n of a whole call: nothing is left, the next works."""
    async with Router(target(upstream)) as router:
        await kind(router, "warm")
        tasks = len(asyncio.all_tasks())
        cancelled, turns = 0, 0
        while cancelled == turns:
            call = asyncio.ensure_future(kind(router, "x"))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
            cancelled += call.cancelled()
            turns += 1
        assert turns > 5
        assert "You said: y" == await kind(router, "y")
        await until(lambda: len(asyncio.all_tasks()) <= tasks + 1, within=1)
        open_before = sockets()
    await until(lambda: sockets() < open_before, within=1)
    assert {"answered", "hung_up"} >= {await call.wait() for call in upstream.calls}


async def test_cancelled_calls_in_a_crowd_leave_nothing(upstream):
    """1,000 calls, 100 at a time, cancelled at random moments or not at all; the next 100 succeed."""
    chance = random.Random(3)
    before = sockets()
    raised = []

    async def disturbed(router):
        for _ in range(10):
            call = asyncio.ensure_future(chance.choice([chat, streamed, handled])(router, "x"))
            await asyncio.wait([call], timeout=chance.choice([0, 0.001, 0.01, 0.05, 1]))
            call.cancel()
            result = (await asyncio.gather(call, return_exceptions=True))[0]
            if result != "You said: x" and not isinstance(result, asyncio.CancelledError):
                raised.append(result)

    async with Router(target(upstream)) as router:
        await asyncio.gather(*(disturbed(router) for _ in range(100)))
        answers = await asyncio.gather(*(chat(router, str(number)) for number in range(100)))
    await until(lambda: sockets() <= before, within=2)

    assert [] == raised
    assert [f"You said: {number}" for number in range(100)] == answers
    gc.collect()
