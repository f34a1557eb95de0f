"""AiohttpTransport over real sockets: what it sends, takes, refuses, and how failures look."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import resource
import socket

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from raw_server import RawServer, Stopwatch, answer, chunk, chunked, sockets
from yarl import URL

from llmroute.transport.aiohttp import AiohttpTransport, translated
from llmroute.transport.base import TransportError
from llmroute.wire.message import WireRequest

KEY = "sk-never-shown"
LIMIT = 64 * 2**20


def request(url, body=b"{}", **headers):
    return WireRequest(URL(url), {"Authorization": f"Bearer {KEY}", **headers}, body)


@pytest.fixture
async def transport():
    made = AiohttpTransport()
    yield made
    await made.aclose()


async def ask(transport, url, limit=LIMIT, **options):
    """Status and body of one call."""
    reply = await transport.send(request(url), **options)
    try:
        body = await reply.read(limit)
        reply.release()
        return reply.status, body
    finally:
        reply.close()


async def failure(transport, url, **options):
    with pytest.raises(TransportError) as caught:
        await ask(transport, url, **options)
    return caught.value


async def answering(connection):
    while True:
        await connection.request()
        await connection.send(answer())


def playing(*parts):
    """A script that reads one request and sends the parts."""

    async def play(connection):
        await connection.request()
        for part in parts:
            await connection.send(part)
            await asyncio.sleep(0.01)

    return play


def peak_memory():
    """The most memory this process has ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- requests


async def test_calls_share_a_connection(transport):
    """The connection of an answer that was read to its end serves the next request."""
    async with RawServer(answering) as server:
        answers = [await ask(transport, server.url) for _ in range(3)]

        assert [(200, b'{"ok":true}')] * 3 == answers
        assert (3, 1) == (len(server.seen), len(server.connections))


async def test_the_request_goes_out_as_it_is(transport):
    """Method, path, headers and body are the request's; the length is added."""
    async with RawServer(answering) as server:
        url = URL(server.url + "/v1/models/a%2Fb:generateContent?alt=sse", encoded=True)
        (await transport.send(WireRequest(url, {"X-Test": "1"}, b"[1]"))).close()
        seen = server.seen[0]

        assert ("POST", "/v1/models/a%2Fb:generateContent?alt=sse", b"[1]") == (
            seen.method,
            seen.target,
            seen.body,
        )
        assert {
            "x-test": "1",
            "user-agent": "llmroute",
            "content-length": "3",
        }.items() <= seen.headers.items()


async def test_there_is_no_pool_limit(transport):
    """110 requests that never get an answer do not hold up the next one."""

    async def silent_at_first(connection):
        await connection.request()
        if len(server.connections) <= 110:
            await connection.hang_up()
        await connection.send(answer())

    async with RawServer(silent_at_first) as server:
        waiting = [asyncio.create_task(ask(transport, server.url)) for _ in range(110)]
        await server.until_seen(110)

        assert 200 == (await ask(transport, server.url))[0]
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_answers(transport, status):
    """A redirect is handed over as it is: its target sees neither the request nor the key."""
    async with RawServer(answering) as other:
        reply = answer(b"", f"Location: {other.url}/elsewhere", status=f"{status} Moved")
        async with RawServer(playing(reply)) as server:
            assert status == (await ask(transport, server.url))[0]
            assert [] == other.connections


async def test_cookies_are_not_kept(transport):
    """What one answer sets no later request carries."""

    async def setting(connection):
        while True:
            await connection.request()
            await connection.send(answer(b"{}", "Set-Cookie: session=1; Path=/"))

    async with RawServer(setting) as server:
        await ask(transport, server.url)
        await ask(transport, server.url)

        assert "cookie" not in server.seen[1].headers


async def test_proxies_of_the_environment_are_used_only_when_asked(transport, monkeypatch):
    """HTTP_PROXY counts with trust_env=True and for nothing without."""
    async with RawServer(answering) as server, RawServer(answering) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        await ask(transport, server.url + "/a")
        trusting = AiohttpTransport(trust_env=True)
        await ask(trusting, server.url + "/b")
        await trusting.aclose()

        assert ["/a"] == [seen.target for seen in server.seen]
        assert [f"{server.url}/b"] == [seen.target for seen in proxy.seen]


async def test_a_proxy_may_be_private_where_targets_may_not():
    """The proxy is the host program's choice: guarded requests reach it at a private address."""
    async with RawServer(answering) as proxy:
        resolver = Resolver({"proxy.corp": ["127.0.0.1"]})
        transport = AiohttpTransport(proxy=f"http://proxy.corp:{proxy.port}", resolver=resolver)

        assert 200 == (await ask(transport, "http://api.example/v1", guarded=True))[0]
        await transport.aclose()


# --- answers


async def test_an_answer_of_exactly_the_limit_is_taken(transport):
    """The cap counts decoded bytes, and the cap itself is allowed."""
    body = b"a" * 300_000
    async with RawServer(playing(answer(body))) as server:
        assert (200, body) == await ask(transport, server.url, limit=300_000)


async def test_a_declared_length_over_the_cap_is_refused_unread(transport):
    """Content-Length alone is enough: nothing is read, and the connection is dropped."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n"
    async with RawServer(playing(head + b"some")) as server:
        error = await failure(transport, server.url)

        assert ("too_large", "127.0.0.1: the answer is larger than 64 MiB") == (error.kind, error.message)
        await server.until_open(0)


async def test_a_streamed_answer_over_the_cap_is_refused(transport):
    """Without a length the bytes are counted as they come."""

    async def endless(connection):
        await connection.request()
        await connection.send(chunked())
        while True:
            await connection.send(chunk(b"a" * 65536))

    async with RawServer(endless) as server:
        error = await failure(transport, server.url, limit=2 * 2**20)

        assert ("too_large", "127.0.0.1: the answer is larger than 2 MiB") == (error.kind, error.message)
        await server.until_open(0)


async def test_a_small_answer_over_a_smaller_cap_is_refused(transport):
    """The cap also holds for an answer that arrives in one piece."""
    async with RawServer(playing(chunked() + chunk(b"a" * 50) + chunk(b""))) as server:
        assert "too_large" == (await failure(transport, server.url, limit=49)).kind


async def test_a_gzip_bomb_is_cut_at_the_cap(transport):
    """One megabyte that unpacks to a gigabyte costs the cap, not the gigabyte."""
    bomb = gzip.compress(bytes(64 * 2**20), 9) * 16
    async with RawServer(playing(answer(bomb, "Content-Encoding: gzip"))) as server:
        before = peak_memory()

        assert "too_large" == (await failure(transport, server.url, limit=8 * 2**20)).kind
        assert peak_memory() - before < 64


async def test_a_slow_reader_slows_the_sender(transport):
    """While nobody reads, an endless stream fills the sockets' buffers and no more."""

    async def endless(connection):
        await connection.request()
        await connection.send(chunked())
        while True:
            await connection.send(chunk(b"data: x\n\n" * 8192))

    async with RawServer(endless) as server:
        reply = await transport.send(request(server.url))
        await reply.read_some()
        await asyncio.sleep(0.2)
        before, sent = peak_memory(), server.connections[0].sent
        await asyncio.sleep(0.3)

        assert sent == server.connections[0].sent
        assert sent < 16 * 2**20
        assert peak_memory() - before < 4
        reply.close()
        await server.until_open(0)


# --- connections that the provider had closed


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_stale_pooled_connection_is_replaced(transport, how):
    """A request that meets an idle connection the provider has closed goes out once more, on a new one."""

    async def first_is_stale(connection):
        await connection.request()
        await connection.send(answer())
        await connection.request()
        if connection is server.connections[0]:
            getattr(connection, how)()
        else:
            await connection.send(answer())

    async with RawServer(first_is_stale) as server:
        await ask(transport, server.url)

        assert (200, b'{"ok":true}') == await ask(transport, server.url)
        assert (3, 2) == (len(server.seen), len(server.connections))


async def test_a_request_is_sent_again_once_and_on_a_new_connection(transport):
    """With a pool full of stale connections the second sending does not try another of them."""

    async def one_answer(connection):
        await connection.request()
        await together.wait()
        await connection.send(answer())
        await connection.request()

    async with RawServer(one_answer) as server:
        together = asyncio.Barrier(4)
        await asyncio.gather(*(ask(transport, server.url) for _ in range(4)))
        together = asyncio.Barrier(1)

        assert (200, b'{"ok":true}') == await ask(transport, server.url)
        assert (6, 5) == (len(server.seen), len(server.connections))


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_new_connection_that_ends_is_not_tried_again(transport, how):
    """Such a request may have been carried out: whether to repeat it is for the config to say."""

    async def ending(connection):
        await connection.request()
        getattr(connection, how)()

    async with RawServer(ending) as server:
        assert "connection" == (await failure(transport, server.url)).kind
        assert 1 == len(server.seen)


async def test_the_second_sending_is_the_last(transport):
    """A provider that ends every connection at the second request sees three requests, not more."""

    async def always(connection):
        if connection is server.connections[0]:
            await connection.request()
            await connection.send(answer())
        await connection.request()

    async with RawServer(always) as server:
        await ask(transport, server.url)

        assert "connection" == (await failure(transport, server.url)).kind
        assert 3 == len(server.seen)


async def test_a_begun_answer_is_never_asked_for_again(transport):
    """A pooled connection that ends within a status line has not been stale."""

    async def within_the_head(connection):
        await connection.request()
        await connection.send(answer())
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Ty")

    async with RawServer(within_the_head) as server:
        await ask(transport, server.url)

        assert "connection" == (await failure(transport, server.url)).kind
        assert 2 == len(server.seen)


# --- failures


FAILING = {
    "closed": ((), "connection"),
    "half a status line": ((b"HTTP/1.1 20",), "connection"),
    "half a head": ((b"HTTP/1.1 200 OK\r\nContent-Le",), "connection"),
    "half a body": ((answer(b"{}").replace(b": 2", b": 20"),), "connection"),
    "half a chunked body": ((chunked() + chunk(b"data: x"),), "connection"),
    "a chunk size that is none": ((chunked() + b"zz\r\n",), "protocol"),
    "no HTTP": ((b"SSH-2.0-OpenSSH_9.6\r\n",), "protocol"),
    "a status that is none": ((b"HTTP/1.1 abc OK\r\n\r\n",), "protocol"),
    "two lengths": ((b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",), "protocol"),
    "NUL in a header": ((answer(b"{}", "X: a\0b"),), "protocol"),
    "an endless header": ((b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,), "protocol"),
    "gzip that is none": ((answer(b"not gzip at all", "Content-Encoding: gzip"),), "protocol"),
}


def assert_clean(error):
    """The exception stands alone and its text holds neither the key nor what the upstream said."""
    assert TransportError is type(error)
    assert (None, None) == (error.__cause__, error.__context__)
    assert KEY not in repr(error)
    assert error.message == str(error)


@pytest.mark.parametrize("name", FAILING)
async def test_network_failures_are_transport_errors(transport, name):
    """Whatever aiohttp raises becomes one exception with a kind, a scrubbed text and nothing behind it."""
    parts, kind = FAILING[name]
    async with RawServer(playing(*parts)) as server:
        error = await failure(transport, server.url)

        assert kind == error.kind
        assert_clean(error)
        await server.until_open(0)


async def test_a_reset_within_a_body_is_a_connection_failure(transport):
    """So is everything that breaks between the head and the end."""

    async def resetting(connection):
        await connection.request()
        await connection.send(answer(b"x" * 1000).replace(b": 1000", b": 2000"))
        await asyncio.sleep(0.02)
        connection.reset()

    async with RawServer(resetting) as server:
        error = await failure(transport, server.url)

        assert "connection" == error.kind
        assert_clean(error)


async def test_a_refused_connection_says_so(transport):
    """Nothing listens: the text names the host and the reason."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        error = await failure(transport, f"http://127.0.0.1:{probe.getsockname()[1]}")

    assert ("connection", "127.0.0.1: cannot connect (Connection refused)") == (error.kind, error.message)
    assert_clean(error)


async def test_tls_to_a_plain_port_is_a_connection_failure(transport):
    """https:// to a server that speaks HTTP ends at the handshake."""

    async def refusing(connection):
        await asyncio.sleep(0.01)
        await connection.send(answer(b"", status="400 Bad Request"))

    async with RawServer(refusing) as server:
        error = await failure(transport, server.url.replace("http", "https"))

        assert "connection" == error.kind
        assert_clean(error)


async def test_headers_that_cannot_be_sent_are_refused(transport):
    """A line end in a header is never sent, and its text not shown."""
    async with RawServer(answering) as server:
        with pytest.raises(TransportError) as caught:
            await transport.send(request(server.url, **{"X-Key": f"{KEY}\r\nX-Evil: 1"}))

        assert_clean(caught.value)
        assert [] == server.seen


def instances():
    """One exception of every kind that aiohttp's client raises, each holding a request with the key."""
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": KEY}))
    about = aiohttp.RequestInfo(URL(f"http://h/{KEY}"), "POST", headers, URL("http://h/"))
    key = ConnectionKey("h", 80, False, True, None, None, None)
    made = {
        aiohttp.ClientResponseError: (about, ()),
        aiohttp.ClientConnectorError: (key, OSError(111, KEY)),
        aiohttp.ClientConnectorCertificateError: (key, ValueError(KEY)),
        aiohttp.ServerFingerprintMismatch: (b"a", b"b", "h", 80),
        aiohttp.ClientOSError: (104, KEY),
        aiohttp.ClientError: (KEY,),
    }
    for name, kind in inspect.getmembers(aiohttp, inspect.isclass):
        if issubclass(kind, aiohttp.ClientError):
            yield pytest.param(kind(*next(made[base] for base in kind.__mro__ if base in made)), id=name)


@pytest.mark.parametrize("error", list(instances()))
def test_every_exception_of_aiohttp_has_a_translation(error):
    """Also the classes that no server provokes: a kind, and a text without what they hold."""
    made = translated(error, "h")

    assert made.kind in {"connection", "connect_timeout", "protocol"}
    assert made.message.startswith("h: ")
    assert KEY not in made.message


# --- connecting


class Resolver(aiohttp.abc.AbstractResolver):
    """Answers from a table; None never answers."""

    def __init__(self, table):
        self._table = table
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        addresses = self._table[host]
        if addresses is None:
            await asyncio.Event().wait()
        return [
            {"hostname": host, "host": to, "port": port, "family": family, "proto": 0, "flags": 0}
            for to in addresses
        ]

    async def close(self):
        pass


REFUSED = "resolves to an address that may not be called"


@pytest.mark.parametrize(
    ("addresses", "guarded", "allowed"),
    [
        (["127.0.0.1"], False, True),
        (["127.0.0.1"], True, False),
        (["10.0.0.1"], True, False),
        (["::ffff:10.0.0.1"], True, False),
        (["93.184.215.14", "192.168.0.1"], True, False),
        (["169.254.169.254"], True, False),
        (["169.254.169.254"], False, False),
        (["127.0.0.1", "100.100.100.200"], False, False),
        (["fd00:ec2::254"], False, False),
    ],
)
async def test_resolved_addresses_are_judged(addresses, guarded, allowed):
    """Guarded requests reach no private address, and none a metadata endpoint, whatever the name."""
    async with RawServer(answering) as server:
        transport = AiohttpTransport(resolver=Resolver({"rebound.example": addresses}))
        url = f"http://rebound.example:{server.port}"
        if allowed:
            assert 200 == (await ask(transport, url, guarded=guarded))[0]
        else:
            error = await failure(transport, url, guarded=guarded)
            assert ("connection", f"rebound.example {REFUSED}") == (error.kind, error.message)
            assert_clean(error)
            assert [] == server.connections
        await transport.aclose()


async def test_guarded_requests_do_not_use_the_connections_of_others(transport):
    """A pooled connection to a private address is not lent to a request that may not go there."""
    async with RawServer(answering) as server:
        resolver = Resolver({"rebound.example": ["127.0.0.1"]})
        transport = AiohttpTransport(resolver=resolver)
        url = f"http://rebound.example:{server.port}"
        await ask(transport, url)

        assert REFUSED in (await failure(transport, url, guarded=True)).message
        await transport.aclose()


@pytest.mark.parametrize(
    ("url", "guarded"),
    [
        ("http://169.254.169.254/latest/meta-data", False),
        ("http://[::ffff:169.254.169.254]/", False),
        ("http://100.100.100.200/", False),
        ("http://10.0.0.1:1/", True),
        ("http://[::ffff:10.0.0.1]:1/", True),
    ],
)
async def test_addresses_in_urls_are_judged_too(transport, url, guarded):
    """An adapter of the host's own may name an address without any resolution."""
    watch = Stopwatch()
    error = await failure(transport, url, guarded=guarded)

    assert "is an address that may not be called" in error.message
    assert_clean(error)
    assert watch.seconds < 0.2


async def test_a_name_that_does_not_resolve_is_a_connection_failure():
    """The text does not depend on the system's resolver."""

    class Failing(Resolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise OSError(None, f"no such name, asked with {KEY}")

    transport = AiohttpTransport(resolver=Failing({}))
    error = await failure(transport, "http://nowhere.example/")

    assert ("connection", "nowhere.example: the name does not resolve") == (error.kind, error.message)
    assert_clean(error)
    await transport.aclose()


@pytest.fixture
def black_hole():
    """The port of a listener whose queue is full: connections to it hang."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


async def test_connecting_ends_at_its_limit(transport, black_hole):
    """connect_timeout, in seconds, bounds a connection that does not come about."""
    watch = Stopwatch()
    error = await failure(transport, f"http://127.0.0.1:{black_hole}", connect_timeout=0.1)

    assert ("connect_timeout", "127.0.0.1: no connection in time") == (error.kind, error.message)
    assert_clean(error)
    assert 0.1 <= watch.seconds < 0.35


async def test_resolving_counts_as_connecting():
    """A resolver that never answers is cut off by connect_timeout as well."""
    transport = AiohttpTransport(resolver=Resolver({"slow.example": None}))
    watch = Stopwatch()

    assert "connect_timeout" == (await failure(transport, "http://slow.example", connect_timeout=0.1)).kind
    assert watch.seconds < 0.35
    await transport.aclose()


async def test_waiting_for_a_slot_does_not_count_as_connecting():
    """With a bound of its own the pool may be full for longer than connect_timeout."""

    async def slow(connection):
        while True:
            await connection.request()
            await asyncio.sleep(0.15)
            await connection.send(answer())

    async with RawServer(slow) as server:
        transport = AiohttpTransport(limit=1)
        both = await asyncio.gather(*(ask(transport, server.url, connect_timeout=0.05) for _ in range(2)))

        assert [200, 200] == [status for status, _ in both]
        assert 1 == len(server.connections)
        await transport.aclose()


# --- hanging up


async def hung_up_on(server, held):
    """Cancel the call; the server sees it within 250 ms and no socket is left."""
    before = sockets()
    held.cancel()
    await asyncio.wait([held])
    await server.until_open(0)
    assert held.cancelled()
    assert before - 2 == sockets()


async def test_a_call_cancelled_before_the_head_hangs_up(transport):
    """Nobody waits for this answer any more, and the provider is told."""

    async def silent(connection):
        await connection.request()
        await connection.hang_up()

    async with RawServer(silent) as server:
        call = asyncio.create_task(ask(transport, server.url))
        await server.until_seen()
        await hung_up_on(server, call)


async def test_a_call_cancelled_within_the_body_hangs_up(transport):
    """As is the reader of a stream that has gone silent."""

    async def stalling(connection):
        await connection.request()
        await connection.send(chunked() + chunk(b"data: x\n\n"))
        await connection.hang_up()

    async with RawServer(stalling) as server:
        call = asyncio.create_task(ask(transport, server.url))
        await server.until_seen()
        await asyncio.sleep(0.02)
        await hung_up_on(server, call)


async def test_a_call_cancelled_while_connecting_leaves_no_socket(transport, black_hole):
    """The half-open connection is given up."""
    before = sockets()
    call = asyncio.create_task(ask(transport, f"http://127.0.0.1:{black_hole}"))
    await asyncio.sleep(0.05)
    assert before + 1 == sockets()

    call.cancel()
    await asyncio.wait([call])
    assert before == sockets()


async def test_an_unread_answer_hangs_up_when_closed(transport):
    """`close` drops the connection at once, twice is fine, and it is not used again."""

    async def long(connection):
        await connection.request()
        with_rest = chunked() + chunk(b"data: x\n\n")
        await connection.send(with_rest)
        await connection.hang_up()

    async with RawServer(long) as server:
        reply = await transport.send(request(server.url))
        reply.close()
        reply.close()
        await server.until_open(0)


async def test_an_answer_may_be_closed_on_another_thread(transport):
    """Finalizers run wherever the collector does: the connection's loop is told, and does it."""

    async def silent(connection):
        await connection.request()
        await connection.send(chunked())
        await connection.hang_up()

    async with RawServer(silent) as server:
        reply = await transport.send(request(server.url))
        await asyncio.get_running_loop().run_in_executor(None, reply.close)
        await server.until_open(0)


async def test_a_waiting_read_can_be_interrupted(transport):
    """`interrupt` makes it raise what it is given: the timer of a silent stream."""

    async def silent(connection):
        await connection.request()
        await connection.send(chunked())
        await connection.hang_up()

    async with RawServer(silent) as server:
        reply = await transport.send(request(server.url))
        asyncio.get_running_loop().call_later(0.01, reply.interrupt, LookupError("over"))
        with pytest.raises(LookupError, match="over"):
            await reply.read_some()
        reply.close()
