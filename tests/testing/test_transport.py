"""ScriptedTransport: replies from a script, requests kept for the test."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest
from yarl import URL

from llmroute.testing import (
    Pause,
    Reply,
    ScriptedTransport,
    ScriptError,
    VirtualClock,
    completion,
    connection_error,
    cut,
    error,
    hang,
    reply,
    split,
    sse,
    stall,
    stream,
)
from llmroute.transport.base import Exchanged, Transport, TransportError
from llmroute.wire.message import WireRequest

KEY = "sk-very-secret"
LIMIT = 1_000_000


def wire(url="https://api.openai.com/v1/chat/completions", **fields):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return WireRequest(URL(url), headers, b'{"model": "gpt-4o-mini"}', **fields)


async def drain(exchange):
    """All pieces until the orderly end."""
    pieces = []
    while piece := await exchange.read_some():
        pieces.append(piece)
    return pieces


def conforms(transport: ScriptedTransport, exchange_type: type[Exchanged]) -> Transport:
    """Typed use: the fake satisfies the protocol."""
    return transport


async def test_a_list_is_played_in_order_and_then_ends_the_test():
    """Each request takes the next reply; one too many is an AssertionError naming the request."""
    transport = ScriptedTransport([error(429, "slow"), completion("Paris")])

    assert [429, 200] == [(await transport.send(wire())).status for _ in range(2)]
    with pytest.raises(ScriptError, match=r"POST https://api\.openai\.com.*2 replies are used up") as caught:
        await transport.send(wire())
    assert isinstance(caught.value, AssertionError)


async def test_one_reply_answers_every_request():
    """A Reply that stands alone repeats, and an iterator may be endless."""
    for script in (completion("again"), itertools.repeat(completion("again"))):
        transport = ScriptedTransport(script)
        for _ in range(3):
            exchange = await transport.send(wire())
            assert completion("again").body == await exchange.read(LIMIT)


async def test_a_mapping_chooses_by_a_part_of_the_url():
    """The first key contained in the URL counts; every key has its own replies."""
    transport = ScriptedTransport(
        {
            "api.openai.com": [reply(500), reply(200)],
            "anthropic": reply(201),
            "": [reply(418)],
        }
    )
    urls = [
        "https://api.openai.com/v1",
        "https://api.anthropic.com/v1",
        "https://api.openai.com/",
        "http://x/",
    ]

    assert [500, 201, 200, 418] == [(await transport.send(wire(url))).status for url in urls]


async def test_each_part_of_a_mapping_is_a_script_of_its_own():
    """A reply, a list, an endless iterator, a function, even another mapping."""
    transport = ScriptedTransport(
        {
            "one.example": reply(200),
            "list.example": [reply(201), reply(202)],
            "endless.example": itertools.cycle([reply(203), reply(204)]),
            "function.example": lambda request: reply(205, text=request.path),
            "map.example": {"/v1": reply(206), "/v2": lambda request: reply(207)},
        }
    )

    async def statuses(*urls):
        return [(await transport.send(wire(f"https://{url}"))).status for url in urls]

    assert [200, 200] == await statuses("one.example/", "one.example/")
    assert [203, 201, 204, 202, 203] == await statuses(
        "endless.example", "list.example", "endless.example", "list.example", "endless.example"
    )
    assert [205, 206, 207] == await statuses("function.example/", "map.example/v1", "map.example/v2")
    with pytest.raises(ScriptError, match="2 replies are used up"):
        await statuses("list.example/")
    with pytest.raises(ScriptError, match=r"no key of the script\['map.example'\] .* \['/v1', '/v2'\]"):
        await statuses("map.example/v3")


@pytest.mark.parametrize(
    ("script", "place"),
    [
        (5, "the script: expected a Reply, .* a function that gives one, or a mapping, got int"),
        ("reply", "the script: .* got str"),
        (b"reply", "the script: .* got bytes"),
        (None, "the script: .* got NoneType"),
        ({"a.example": 200}, r"the script\['a.example'\]: expected a Reply, .* got int"),
        ({"a.example": {"/v1": "text"}}, r"the script\['a.example'\]\['/v1'\]: .* got str"),
        ({5: reply()}, "the script: its keys are parts of URLs, got int"),
    ],
    ids=str,
)
def test_what_is_no_script_is_refused_at_once(script, place):
    """With its place in the script, what may stand there and what does."""
    with pytest.raises(TypeError, match=f"^{place}$"):
        ScriptedTransport(script)


async def test_what_is_no_reply_is_refused_in_its_turn():
    """A None in a list is not its end."""
    transport = ScriptedTransport({"openai": [None, "text"], "other": lambda request: 200})
    for url, kind in (("https://openai/", "NoneType"), ("https://openai/", "str"), ("https://other/", "int")):
        with pytest.raises(TypeError, match=f"the script gave {kind} .* expected a Reply"):
            await transport.send(wire(url))


async def test_a_url_the_script_does_not_know_ends_the_test():
    """The message lists the keys there are."""
    transport = ScriptedTransport({"openai.com": reply(200)})
    with pytest.raises(ScriptError, match=r"openai\.com"):
        await transport.send(wire("https://example.org/"))


async def test_a_function_sees_the_request():
    """A callable script decides by URL, headers and body; what it raises reaches the sender."""

    def script(request):
        if request.json["model"] != "gpt-4o-mini":
            raise AssertionError(request.json)
        return reply(
            200, text=f"{request.method} {request.host}{request.path} {request.headers['authorization']}"
        )

    exchange = await ScriptedTransport(script).send(wire("https://h.example/a%20b?x=1"))
    assert f"POST h.example/a%20b Bearer {KEY}".encode() == await exchange.read(LIMIT)

    with pytest.raises(ZeroDivisionError):
        await ScriptedTransport(lambda request: 1 // 0).send(wire())
    with pytest.raises(TypeError, match="NoneType"):
        await ScriptedTransport(lambda request: None).send(wire())


async def test_requests_are_kept_and_hide_their_secrets():
    """URL, headers and parsed body can be read; no repr shows a credential."""
    transport = ScriptedTransport(reply())
    await transport.send(wire("https://user:pw@api.example/v1/x?key=k-secret"))
    [sent] = transport.requests

    assert ("https://user:pw@api.example/v1/x?key=k-secret", {"model": "gpt-4o-mini"}) == (
        sent.url,
        sent.json,
    )
    assert f"Bearer {KEY}" == sent.headers["AUTHORIZATION"]
    assert "<SentRequest POST https://api.example/v1/x>" == repr(sent)
    assert KEY not in repr(sent.headers)
    assert "application/json" in repr(sent.headers)


async def test_headers_of_a_reply_are_case_insensitive():
    """As those of the real transport."""
    exchange = await ScriptedTransport(error(429, retry_after=2)).send(wire())
    assert ("2", "application/json") == (exchange.headers["retry-after"], exchange.headers["CONTENT-TYPE"])


async def test_delays_pass_on_the_given_clock():
    """The delay before the head and the gaps in a stream are virtual, and are not the router's sleeps."""
    clock = VirtualClock()
    transport = ScriptedTransport(stream(["a", "b"], delay=5, gap=2), clock)
    exchange = await transport.send(wire())
    assert 5 == clock.now()
    assert 5 == len(await drain(exchange))
    assert (13, []) == (clock.now(), clock.sleeps)


async def test_a_connection_error_is_a_transport_error():
    """connection_error() gives no head; its kind can be chosen."""
    transport = ScriptedTransport([connection_error(), connection_error("protocol", "not HTTP")])
    kinds = []
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            await transport.send(wire())
        kinds.append(caught.value.kind)
    assert ["connection", "protocol"] == kinds
    assert not any(sent.closed for sent in transport.requests)


async def test_a_hanging_upstream_is_abandoned_by_a_timeout():
    """hang() answers nothing; the sender's timeout ends it and the test can see that it hung up."""
    clock = VirtualClock()
    transport = ScriptedTransport(hang(), clock)
    with pytest.raises(TimeoutError):
        async with clock.timeout(30):
            await transport.send(wire())
    assert (30, True, 0) == (clock.now(), transport.requests[0].closed, transport.open)


async def test_a_connection_that_hangs_fails_at_the_connect_timeout():
    """hang("connect") ends by itself at the request's connect_timeout, and never without one."""
    clock = VirtualClock()
    transport = ScriptedTransport(hang("connect"), clock)
    with pytest.raises(TransportError) as caught:
        await transport.send(wire(), connect_timeout=2.5)
    assert ("connect_timeout", 2.5) == (caught.value.kind, clock.now())

    with pytest.raises(TimeoutError):
        async with clock.timeout(1_000):
            await transport.send(wire())


async def test_a_slow_connection_may_come_about_in_time():
    """A connecting pause shorter than the connect_timeout only delays."""
    clock = VirtualClock()
    transport = ScriptedTransport(Reply(before=(Pause(2, connecting=True),)), clock)
    assert 200 == (await transport.send(wire(), connect_timeout=2.5)).status
    assert 2 == clock.now()


async def test_a_cut_stream_breaks_after_its_first_events():
    """cut() raises when the events before it have been read, and goes on raising."""
    exchange = await ScriptedTransport(cut(stream(["a", "b", "c"]), after=2)).send(wire())
    assert b"data: " == (await exchange.read_some())[:6]
    assert b'"a"' in await exchange.read_some()
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            await exchange.read_some()
        assert "connection" == caught.value.kind
    assert not exchange.open


async def test_an_orderly_cut_only_ends_too_early():
    """cut(orderly=True) is a body without its end, but no network error."""
    exchange = await ScriptedTransport(cut(stream(["a", "b"]), after=2, orderly=True)).send(wire())
    assert 2 == len(await drain(exchange))
    assert b"" == await exchange.read_some()


async def test_interrupt_wakes_a_stalled_read():
    """The error given to interrupt comes out of the waiting read_some, at that moment."""
    clock = VirtualClock()
    transport = ScriptedTransport(stall(stream(["a"]), after=1), clock)
    exchange = await transport.send(wire())
    await exchange.read_some()
    clock.call_at(120, lambda: exchange.interrupt(TimeoutError("idle")))
    with pytest.raises(TimeoutError, match="idle"):
        await exchange.read_some()
    assert (120, 1) == (clock.now(), transport.open)
    with pytest.raises(TimeoutError, match="idle"):
        await exchange.read_some()

    exchange.close()
    assert (True, 0) == (transport.requests[0].closed, transport.open)


async def test_closing_wakes_a_reader_and_is_recorded():
    """close() in the middle is a hang-up: `closed` is set, a waiting or later read fails."""
    clock = VirtualClock()
    transport = ScriptedTransport(stall(stream(["a"]), after=0), clock)
    exchange = await transport.send(wire())
    reader = asyncio.create_task(exchange.read_some())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already waiting"):
        await exchange.read_some()
    exchange.close()
    exchange.close()
    with pytest.raises(TransportError, match="closed"):
        await reader
    assert transport.requests[0].closed


async def test_a_cancelled_read_leaves_the_answer_usable():
    """A read that was cancelled in a pause leaves no timer; the next one goes on behind it."""
    clock = VirtualClock(auto=False)
    exchange = await ScriptedTransport(sse(["data: 1", "data: 2"], gap=50), clock).send(wire())
    await exchange.read_some()
    reader = asyncio.create_task(exchange.read_some())
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert 0 == clock.pending
    assert b"data: 2\n\n" == await exchange.read_some()


async def test_an_answer_that_was_read_or_released_is_no_hang_up():
    """close() after the end, a break or release() changes nothing."""
    transport = ScriptedTransport([completion(), completion(), cut(completion(), after=0)])
    read = await transport.send(wire())
    await read.read(LIMIT)
    released = await transport.send(wire())
    released.release()
    broken = await transport.send(wire())
    with pytest.raises(TransportError):
        await broken.read(LIMIT)
    for exchange in (read, released, broken):
        exchange.close()
    assert ([False] * 3, 0) == ([sent.closed for sent in transport.requests], transport.open)


async def test_read_is_limited():
    """More than `limit` bytes raise `too_large` and hang up; exactly as many do not."""
    transport = ScriptedTransport(split(reply(text="0123456789"), 4))
    assert b"0123456789" == await (await transport.send(wire())).read(10)
    with pytest.raises(TransportError) as caught:
        await (await transport.send(wire())).read(9)
    assert ("too_large", True) == (caught.value.kind, transport.requests[1].closed)


async def test_an_answer_nobody_reads_counts_as_open():
    """`open` finds leaked answers."""
    transport = ScriptedTransport(stream("hello"))
    await transport.send(wire())
    assert 1 == transport.open


async def test_empty_pieces_are_not_taken_for_the_end():
    """An empty step is skipped, as a network never delivers nothing."""
    exchange = await ScriptedTransport(Reply(steps=(b"", b"a", b"", b"b"))).send(wire())
    assert [b"a", b"b"] == await drain(exchange)


def test_one_script_serves_several_threads():
    """Every reply of a shared list is given exactly once."""
    transport = ScriptedTransport(reply(200 + number) for number in range(200))

    async def take():
        return [(await transport.send(wire())).status for _ in range(50)]

    async def from_threads():
        taken = await asyncio.gather(*(asyncio.to_thread(asyncio.run, take()) for _ in range(4)))
        return sorted(itertools.chain(*taken))

    assert list(range(200, 400)) == asyncio.run(from_threads())


async def test_closing_the_transport_is_recorded():
    """aclose() is noted, and that is all."""
    transport = ScriptedTransport(reply())
    assert not transport.closed
    await transport.aclose()
    assert transport.closed


async def test_an_infinite_pause_needs_no_timer():
    """A stall on the real clock can be cancelled like any wait."""
    exchange = await ScriptedTransport(Reply(steps=(Pause(math.inf),))).send(wire())
    reader = asyncio.create_task(exchange.read_some())
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
