"""Sessions belong to event loops: several loops, threads, `asyncio.run`, forks, and dropped transports."""

from __future__ import annotations

import asyncio
import gc
import itertools
import subprocess
import sys
import textwrap
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp.abc import AbstractResolver
from raw_server import RawServer, answer, chunk, chunked, settles, sockets, until
from yarl import URL

from llmroute import Router
from llmroute.testing import completion, stall, stream
from llmroute.transport.aiohttp import AiohttpTransport
from llmroute.transport.base import TransportError
from llmroute.wire.message import WireRequest

HELLO = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


def target(url):
    return {"provider": "openai", "api_key": "sk-test", "custom_host": url}


async def answering(connection):
    while True:
        await connection.request()
        await connection.send(answer())


async def ask(transport, url):
    reply = await transport.send(WireRequest(URL(url), {}, b"{}"))
    await reply.read(1000)
    reply.release()
    return reply.status


async def say(router):
    completion = await router.chat.completions.create(**HELLO)
    return completion.choices[0].message.content


# --- loops and threads


def test_one_router_serves_several_runs(loopback_upstream):
    """`asyncio.run` after `asyncio.run`, without closing: each loop has its own connections."""
    router = Router(target(loopback_upstream.url))

    assert ["You said: hi"] * 3 == [asyncio.run(say(router)) for _ in range(3)]


def test_loops_may_take_turns(loopback_upstream):
    """Two loops that run alternately keep their connections, and lose them when they are shut down."""
    transport = AiohttpTransport()
    loops = [asyncio.new_event_loop() for _ in range(2)]
    before = sockets()
    for loop in loops * 3:
        assert 405 == loop.run_until_complete(ask_get(transport, loopback_upstream.url))
    for loop in loops:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    # Each loop's selector pair is gone, and its connection at both ends.
    assert settles(lambda: sockets() == before - 2 * 2)


async def ask_get(transport, url):
    reply = await transport.send(WireRequest(URL(url + "/v1/chat/completions"), {}, b"", method="GET"))
    await reply.read(1000)
    reply.release()
    return reply.status


def test_threads_with_loops_share_a_router(loopback_upstream):
    """Eight threads, each with a loop of its own and ten calls in parallel."""
    router = Router(target(loopback_upstream.url))

    async def several():
        return await asyncio.gather(*(say(router) for _ in range(10)))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: asyncio.run(several()), range(8)))

    assert [["You said: hi"] * 10] * 8 == results


def test_sessions_of_closed_loops_are_swept(loopback_upstream, caplog):
    """A loop closed without its shutdown leaves its sockets to the collector once another loop is used."""
    transport = AiohttpTransport()
    before = sockets()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask_get(transport, loopback_upstream.url))
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # about whoever closed the loop too early
        asyncio.run(ask_get(transport, loopback_upstream.url))
        gc.collect()

    assert settles(lambda: sockets() <= before + 1)
    assert [] == caplog.records


# --- closing


async def test_aclose_closes_the_connections_of_the_running_loop():
    """At once: the provider sees it."""
    transport = AiohttpTransport()
    async with RawServer(answering) as server:
        await ask(transport, server.url)
        await transport.aclose()

        assert 0 == len(transport._table._held)
        await server.until_open(0)


async def test_aclose_reaches_the_loops_of_other_threads():
    """They are told, and close their connections themselves while they run on."""
    transport = AiohttpTransport()
    async with RawServer(answering) as server:
        stop = threading.Event()

        async def elsewhere():
            await ask(transport, server.url)
            await asyncio.to_thread(stop.wait)

        thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
        thread.start()
        await server.until_seen()
        await asyncio.sleep(0.02)
        await transport.aclose()
        await server.until_open(0)
        stop.set()
        await asyncio.to_thread(thread.join)


def test_aclose_reaches_a_loop_that_is_standing_still(loopback_upstream):
    """Its connections close as soon as it runs again."""
    transport = AiohttpTransport()
    loop = asyncio.new_event_loop()
    before = sockets()
    loop.run_until_complete(ask_get(transport, loopback_upstream.url))
    asyncio.run(transport.aclose())
    assert before < sockets()
    loop.run_until_complete(asyncio.sleep(0.01))

    assert settles(lambda: sockets() <= before + 1)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def test_closing_twice_at_once_is_fine():
    """`aclose` beside `aclose`, and after it."""
    transport = AiohttpTransport()
    async with RawServer(answering) as server:
        await ask(transport, server.url)
        await asyncio.gather(transport.aclose(), transport.aclose())
        await transport.aclose()
        await server.until_open(0)


async def test_closing_ends_requests_in_flight_with_an_error():
    """Whoever still waits is told that the connection is gone; nothing hangs."""

    async def silent(connection):
        await connection.request()
        await connection.hang_up()

    transport = AiohttpTransport()
    async with RawServer(silent) as server:
        call = asyncio.create_task(ask(transport, server.url))
        await server.until_seen()
        await transport.aclose()
        with pytest.raises(TransportError) as caught:
            await call

        assert "connection" == caught.value.kind


async def test_closing_ends_the_resolution_of_names_with_an_error():
    """aiohttp cancels what waits for it; nobody's task is cancelled by that."""

    class Silent(AbstractResolver):
        async def resolve(self, host, port=0, family=0):
            await asyncio.Event().wait()

        async def close(self):
            pass

    transport = AiohttpTransport(resolver=Silent())
    calls = [asyncio.create_task(ask(transport, "http://slow.example")) for _ in range(2)]
    await asyncio.sleep(0.01)
    await transport.aclose()
    failures = await asyncio.gather(*calls, return_exceptions=True)

    assert ["connection"] * 2 == [failure.kind for failure in failures]


async def test_a_dropped_transport_closes_its_connections(caplog):
    """Without aclose: the collector finds the transport, the loop closes the sockets, nothing is logged."""
    async with RawServer(answering) as server:
        transport = AiohttpTransport()
        transport.itself = transport  # as a router and its views know each other
        await ask(transport, server.url)
        del transport
        gc.collect()
        await server.until_open(0)

    assert [] == caplog.records


async def test_a_dropped_router_closes_its_connections(loopback_upstream, caplog):
    """The same for a router that went out of scope."""
    before = sockets()
    assert "You said: hi" == await say(Router(target(loopback_upstream.url)))
    gc.collect()
    await until(lambda: sockets() <= before, 1)

    assert [] == caplog.records


# --- streams that are left early


async def endless(connection):
    await connection.request()
    await connection.send(chunked())
    event = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
    while True:
        await connection.send(chunk(event))
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("how", ["close", "with", "break", "cancel"])
async def test_a_stream_that_is_left_early_hangs_up(how):
    """Closed, left by its `async with`, dropped after `break`, or cancelled: seen within 250 ms."""

    async def leave(router):
        stream = await router.chat.completions.create(**HELLO, stream=True)
        if how == "cancel":
            async for _ in stream:
                pass
        if how == "with":
            async with stream:
                async for _ in stream:
                    return
        async for _ in stream:
            break
        if how == "close":
            await stream.close()
            await stream.close()

    async with RawServer(endless) as server, Router(target(server.url)) as router:
        task = asyncio.create_task(leave(router))
        if how == "cancel":
            await server.until_seen()
            await asyncio.sleep(0.05)
            task.cancel()
        await asyncio.wait([task])
        await server.until_open(0)


async def test_a_stream_in_a_cycle_hangs_up_when_collected():
    """The collector may also run on another thread than the stream's loop."""
    async with RawServer(endless) as server, Router(target(server.url)) as router:
        stream = await router.chat.completions.create(**HELLO, stream=True)
        cycle = [stream]
        cycle.append(cycle)
        del stream, cycle
        await asyncio.to_thread(gc.collect)
        await server.until_open(0)


async def test_a_dropped_sse_stream_hangs_up():
    """`Response.sse()` that is closed, or dropped in the middle."""
    async with RawServer(endless) as server, Router(target(server.url)) as router:
        for drop in (False, True):
            response = await router.handle({**HELLO, "stream": True})
            events = response.sse()
            await anext(events)
            if drop:
                del events, response
            else:
                await events.aclose()
            await server.until_open(0)


# --- whole programs


def run(program, *args, flags=("-X", "dev", "-W", "error")):
    """Run a program of its own; it must end well, quickly, and print nothing but its result."""
    source = textwrap.dedent(PRELUDE) + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, *flags, "-c", source, *args], capture_output=True, text=True, timeout=20, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


PRELUDE = """
    import asyncio, gc, logging, os, sys
    from llmroute import Router

    # asyncio's development mode warns of slow steps too, which a busy machine has.
    logging.getLogger("asyncio").setLevel(logging.ERROR)

    def target():
        return {"provider": "openai", "api_key": "sk-test", "custom_host": sys.argv[1]}

    async def say(router, **more):
        hello = [{"role": "user", "content": "hi"}]
        made = await router.chat.completions.create(model="m", messages=hello, **more)
        return made if more else made.choices[0].message.content
"""

UNCLOSED = {
    "a router of the module": """
        router = Router(target())
        print(asyncio.run(say(router)), asyncio.run(say(router)))
    """,
    "a router of the function": """
        async def main():
            return await say(Router(target()))

        print(asyncio.run(main()), asyncio.run(main()))
    """,
    "a router that is collected while the loop runs": """
        async def main():
            text = await say(Router(target()))
            gc.collect()
            await asyncio.sleep(0.05)
            return text

        print(asyncio.run(main()), asyncio.run(main()))
    """,
    "calls in flight": """
        async def main():
            router = Router(target())
            calls = [asyncio.ensure_future(say(router)) for _ in range(20)]
            text = await say(router)
            return text

        print(asyncio.run(main()), asyncio.run(main()))
    """,
    "a stream in the middle": """
        router = Router(target())

        async def main():
            stream = await say(router, stream=True)
            async for chunk in stream:
                kept.append(stream)
                break
            return await say(router)

        kept = []
        print(asyncio.run(main()), asyncio.run(main()))
    """,
}


@pytest.mark.parametrize("name", UNCLOSED)
def test_nothing_warns_after_asyncio_run(loopback_upstream, name):
    """Without `aclose`, in development mode, with warnings as errors: not a word on stderr."""
    loopback_upstream.play("/v1/chat", [stall(stream("a b c"), 2)] if "stream" in name else [])

    assert "You said: hi You said: hi\n" == run(UNCLOSED[name], loopback_upstream.url)


FORKED = {
    "in a coroutine": """
        router = Router(target())

        async def main():
            text = await say(router)
            child = os.fork()
            if child == 0:
                print(asyncio.run(say(router)), flush=True)
                os._exit(0)
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                await asyncio.sleep(0.01)
            print(text, await say(router))

        asyncio.run(main())
    """,
    "in a coroutine with a stream open": """
        router = Router(target())

        async def main():
            stream = await say(router, stream=True)
            first = await anext(stream)
            child = os.fork()
            if child == 0:
                print(asyncio.run(say(router)), flush=True)
                del stream
                gc.collect()
                os._exit(0)
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                await asyncio.sleep(0.01)
            completion = await stream.final()
            print(completion.choices[0].message.content, await say(router))

        asyncio.run(main())
    """,
    "between two runs of a loop": """
        router = Router(target())
        loop = asyncio.new_event_loop()
        text = loop.run_until_complete(say(router))
        child = os.fork()
        if child == 0:
            print(asyncio.run(say(router)), flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(text, loop.run_until_complete(say(router)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    """,
    "by a child that does not route": """
        router = Router(target())
        loop = asyncio.new_event_loop()
        text = loop.run_until_complete(say(router))
        child = os.fork()
        if child == 0:
            del router, loop
            gc.collect()
            print("You said: hi", flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(text, loop.run_until_complete(asyncio.wait_for(say(router), 5)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    """,
    "by multiprocessing": """
        import multiprocessing

        router = Router(target())

        def work():
            print(asyncio.run(say(router)), flush=True)

        async def main():
            text = await say(router)
            child = multiprocessing.get_context("fork").Process(target=work)
            child.start()
            await asyncio.to_thread(child.join, 10)
            print(text, await say(router))

        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("name", FORKED)
def test_forks_do_not_disturb_each_other(loopback_upstream, name):
    """The child's calls work, the parent's next call on its old connection works, nothing is printed."""
    loopback_upstream.play("/v1/chat", [stream("You said: hi", gap=0.2)] if "stream" in name else [])
    printed = run(FORKED[name], loopback_upstream.url, flags=())

    assert "You said: hi\nYou said: hi You said: hi\n" == printed


def test_a_fork_gives_the_child_other_random_numbers(loopback_upstream):
    """Trace ids and picks differ between parent and child, also with a router that has made calls."""
    loopback_upstream.play("/a", itertools.repeat(completion("a")))
    loopback_upstream.play("/b", itertools.repeat(completion("b")))
    program = """
        targets = [{**target(), "custom_host": sys.argv[1] + path} for path in ("/a", "/b")]
        router = Router({"strategy": {"mode": "loadbalance"}, "targets": targets})

        async def picks():
            made = []
            for _ in range(40):
                made.append(await say(router))
            return "".join(made)

        asyncio.run(picks())
        child = os.fork()
        # In one write: both processes say theirs at the same time.
        os.write(1, asyncio.run(picks()).encode() + b" ")
        if child == 0:
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """
    parent, child = run(program, loopback_upstream.url, flags=()).split()

    assert parent != child
