"""Response.sse(): the stream as a client's bytes, and the hang-up when that client goes."""

from __future__ import annotations

import asyncio
import gc

import pytest
from engine_kit import Rig, collect, target

from llmroute import Response
from llmroute.testing import completion, cut, stall, stream
from llmroute.wire.json import loads

BEAT = b": keep-alive\n\n"


async def streamed(answer, **options):
    rig = Rig(target(), answer, **options)
    return rig, await rig.handle(stream=True)


def payloads(events):
    """The data of events, parsed where it is JSON."""
    found = [event.removeprefix(b"data: ").strip() for event in events if event.startswith(b"data: ")]
    return [data.decode() if data == b"[DONE]" else loads(data) for data in found]


async def test_every_chunk_is_one_event_and_done_ends_it():
    """What an OpenAI client expects to read."""
    rig, response = await streamed(stream("Hello there"))
    events = await collect(response.sse())

    assert all(event.endswith(b"\n\n") and event.count(b"\n") == 2 for event in events)
    assert "[DONE]" == payloads(events)[-1]
    assert ["", "Hello ", "there"] == [
        data["choices"][0]["delta"]["content"] for data in payloads(events)[:3]
    ]
    rig.assert_clean()


async def test_a_broken_stream_ends_with_one_error_and_no_done():
    """The client can tell a cut answer from a complete one."""
    rig, response = await streamed(cut(stream("Hello there"), 2))
    events = payloads(await collect(response.sse()))

    assert {"type": "stream_error", "param": None, "code": None}.items() <= events[-1]["error"].items()
    assert "broke" in events[-1]["error"]["message"]
    assert "[DONE]" not in events
    rig.assert_clean()


async def test_a_heartbeat_fills_silences():
    """One comment for each `heartbeat` seconds without a chunk, none between prompt ones."""
    rig, response = await streamed(stream("one two", gap=10.0))
    events = await collect(response.sse(heartbeat=4.0))
    shape = "".join("b" if event == BEAT else "d" for event in events)

    # The first two gaps passed before the commit; then role and text at once.
    assert "ddbbdbbdbbd" == shape
    assert "[DONE]" == payloads(events)[-1]
    rig.assert_clean()


async def test_a_heartbeat_longer_than_every_silence_is_never_seen():
    """The events are then those of the plain form."""
    _, plain = await streamed(stream("one two", gap=1.0))
    rig, beating = await streamed(stream("one two", gap=1.0))

    assert await collect(plain.sse()) == await collect(beating.sse(heartbeat=2.0))
    rig.assert_clean()


@pytest.mark.parametrize("heartbeat", [None, 5.0])
async def test_a_failure_while_beating_is_told_once(heartbeat):
    """Silence of the provider over the idle limit, heartbeats going out meanwhile."""
    rig = Rig(target(stream_idle_timeout=12_000), stall(stream("Hello there"), 2))
    events = await collect((await rig.handle(stream=True)).sse(heartbeat=heartbeat))

    assert (2 if heartbeat else 0) == events.count(BEAT)
    assert "silent for 12000 ms" in payloads(events)[-1]["error"]["message"]
    rig.assert_clean()


@pytest.mark.parametrize("heartbeat", [None, 5.0])
async def test_closing_the_generator_hangs_up(heartbeat):
    """A web framework closes it when its client has gone."""
    rig, response = await streamed(stall(stream("Hello there"), 2))
    events = response.sse(heartbeat=heartbeat)
    await anext(events)
    await events.aclose()

    assert rig.transport.requests[0].closed
    rig.assert_clean()


@pytest.mark.parametrize("heartbeat", [None, 5.0])
async def test_cancelling_the_reader_hangs_up(heartbeat):
    """While it waits for the provider; no task of ours is left behind."""
    rig, response = await streamed(stall(stream("Hello there"), 3), auto=False)

    task = asyncio.ensure_future(collect(response.sse(heartbeat=heartbeat)))
    await asyncio.sleep(0)
    await rig.clock.advance(11.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert rig.transport.requests[0].closed
    rig.assert_clean()


@pytest.mark.parametrize("heartbeat", [None, 5.0])
@pytest.mark.parametrize("read", [0, 1, 2])
async def test_dropping_the_generator_hangs_up(heartbeat, read):
    """Nobody closed anything: the garbage collector and one turn of the loop do."""
    rig, response = await streamed(stall(stream("Hello there"), 3))
    events = response.sse(heartbeat=heartbeat)
    for _ in range(read):
        await anext(events)
    del events, response
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)

    assert rig.transport.requests[0].closed
    rig.assert_clean()


async def test_dropping_an_unread_response_hangs_up():
    """Whoever forgets `aclose` loses no connection for long."""
    rig, response = await streamed(stall(stream("Hello there"), 3))
    del response

    assert rig.transport.requests[0].closed


async def test_aclose_hangs_up_and_may_be_repeated():
    """Also for a response without a stream."""
    rig, response = await streamed(stall(stream("Hello there"), 3))
    await response.aclose()
    await response.aclose()
    await Response(200, {}, {"id": "x"}).aclose()

    rig.assert_clean()


async def test_only_a_stream_has_events():
    """A body is sent as JSON."""
    rig = Rig(target(), completion())
    response = await rig.handle()
    with pytest.raises(TypeError, match="no stream"):
        await collect(response.sse())
    assert "<Response 200 with a body>" == repr(response)


async def test_the_stream_itself_raises_what_broke_it():
    """`Response.stream` yields parsed chunks; its end stands for [DONE]."""
    _, response = await streamed(stream("Hello there"))
    chunks = await collect(response.stream)

    assert "<Response 200 with a stream>" == repr(response)
    assert all(isinstance(chunk, dict) for chunk in chunks)
    assert "stop" == chunks[-1]["choices"][0]["finish_reason"]
