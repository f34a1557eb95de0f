"""WholeRequest against aiohttp's own requests: the same bytes and the same object, with fewer detours."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from functools import partial
from http.cookies import SimpleCookie

import aiohttp
import pytest
from aiohttp.helpers import TimerNoop
from aiohttp.http import HttpVersion10
from multidict import CIMultiDict
from raw_server import RawServer, answer, sockets, until
from yarl import URL

from llmroute.transport import aiohttp as module
from llmroute.transport.aiohttp import AiohttpTransport
from llmroute.transport.base import TransportError
from llmroute.transport.request import AT_ONCE, KNOWN_AIOHTTP, WholeRequest
from llmroute.wire.message import WireRequest

HEADERS = {"User-Agent": "llmroute", "Content-Type": "application/json", "Authorization": "Bearer sk-none"}
URLS = ["http://host.example/v1/chat", "https://host.example:8443/v1/chat?a=b%20c", "http://[::1]:80/"]


def made(kind, url="http://host.example/v1/chat", headers=None, **options):
    """A request as a session makes it."""
    return kind(
        "POST",
        URL(url),
        **{
            "params": {},
            "headers": CIMultiDict(HEADERS if headers is None else headers),
            "skip_auto_headers": None,
            "data": b'{"a":1}',
            "cookies": SimpleCookie(),
            "auth": None,
            "version": aiohttp.HttpVersion11,
            "compress": None,
            "chunked": None,
            "expect100": False,
            "loop": asyncio.get_running_loop(),
            "response_class": aiohttp.ClientResponse,
            "proxy": None,
            "proxy_auth": None,
            "timer": TimerNoop(),
            "session": None,
            "ssl": True,
            "server_hostname": None,
            "proxy_headers": None,
            "traces": [],
            "trust_env": False,
            **options,
        },
    )


def is_whole(request):
    return request._whole is not None


@pytest.mark.parametrize("url", URLS)
async def test_it_is_what_aiohttp_makes(url):
    """Every member that aiohttp sets is there with the same value, but for the wrapped body."""
    ours, theirs = made(WholeRequest, url), made(aiohttp.ClientRequest, url)

    assert is_whole(ours)
    members = {name: value for name, value in vars(theirs).items() if name not in ("_body", "_timer")}
    assert members == {name: value for name, value in vars(ours).items() if name not in ("_whole", "_timer")}
    assert theirs.connection_key == ours.connection_key
    assert theirs.request_info == ours.request_info


@pytest.mark.parametrize("url", URLS)
async def test_a_header_of_the_callers_own_wins(url):
    """What the adapter says is not what aiohttp would add."""
    own = {**HEADERS, "accept": "text/event-stream", "Accept-Encoding": "identity"}

    assert made(aiohttp.ClientRequest, url, own).headers == made(WholeRequest, url, own).headers


@pytest.mark.parametrize(
    "options",
    [
        {"params": {"a": "b"}},
        {"skip_auto_headers": ["Accept"]},
        {"data": bytearray(b"x")},
        {"data": "text"},
        {"data": None},
        {"cookies": SimpleCookie({"a": "b"})},
        {"auth": tuple.__new__(aiohttp.BasicAuth, ("a", "b", "latin1"))},
        {"version": HttpVersion10},
        {"compress": "gzip"},
        {"chunked": True},
        {"expect100": True},
        {"proxy": URL("http://proxy.example")},
        {"server_hostname": "other.example"},
        {"headers": {**HEADERS, "Expect": "100-continue"}},
        {"headers": {**HEADERS, "Transfer-Encoding": "chunked"}},
        {"headers": {**HEADERS, "Content-Length": "7"}},
        {"headers": {**HEADERS, "Host": "other.example"}},
        {"headers": {"User-Agent": "llmroute"}},
        {"headers": {"Content-Type": "application/json"}},
        {"url": "http://host.example/v1#part"},
    ],
    ids=str,
)
async def test_what_is_more_than_plain_is_left_to_aiohttp(options):
    """The quick way knows one kind of request; the others are aiohttp's, with the same headers."""
    ours, theirs = made(WholeRequest, **options), made(aiohttp.ClientRequest, **options)

    assert not is_whole(ours)
    assert theirs.headers == ours.headers
    assert getattr(theirs.body, "_value", None) == getattr(ours.body, "_value", None)


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_long_body_is_left_to_aiohttp():
    """What would hold up the loop is written in parts."""
    assert is_whole(made(WholeRequest, data=b"x" * AT_ONCE))
    assert not is_whole(made(WholeRequest, data=b"x" * (AT_ONCE + 1)))


async def sent_by(request_class, monkeypatch, body):
    monkeypatch.setattr(module, "_request_class", lambda kind: request_class)
    async with RawServer(answering) as server:
        transport = AiohttpTransport()
        wire = WireRequest(URL(f"{server.url}/v1/chat?a=b"), HEADERS, body)
        reply = await transport.send(wire)
        assert b'{"ok":true}' == await reply.read(1000)
        await transport.aclose()
        return server.seen[0]


async def answering(connection):
    while True:
        await connection.request()
        await connection.send(answer())


@pytest.mark.parametrize("size", [0, 1, 100_000, AT_ONCE, AT_ONCE + 1])
async def test_the_provider_sees_no_difference(monkeypatch, size):
    """Method, target, headers (all but the port of the server) and body are those of aiohttp."""
    theirs = await sent_by(aiohttp.ClientRequest, monkeypatch, b"x" * size)
    ours = await sent_by(WholeRequest, monkeypatch, b"x" * size)

    assert (theirs.method, theirs.target, theirs.body) == (ours.method, ours.target, ours.body)
    assert {**theirs.headers, "host": ""} == {**ours.headers, "host": ""}


@pytest.fixture
def small_buffers(monkeypatch):
    """Connections as they are at first over a long way; on this machine alone megabytes fit into them."""

    def narrow(address):
        made = socket.socket(*address[:3])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)
        return made

    plain = module._CleanConnector
    monkeypatch.setattr(module, "_CleanConnector", partial(plain, socket_factory=narrow))


@contextmanager
def listening():
    """A socket that takes connections and reads nothing by itself, with its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setblocking(False)
        yield listener, URL(f"http://127.0.0.1:{listener.getsockname()[1]}")


async def test_an_answer_that_comes_before_the_end_of_the_upload_is_read(small_buffers):
    """A provider that refuses a body by its head is heard, and the rest of the body is nobody's concern."""
    loop = asyncio.get_running_loop()
    transport = AiohttpTransport()
    with listening() as (listener, url):
        sending = asyncio.ensure_future(transport.send(WireRequest(url, HEADERS, b"x" * AT_ONCE)))
        connection, _ = await loop.sock_accept(listener)
        with connection:
            await loop.sock_sendall(connection, answer(status="413 Content Too Large"))
            reply = await asyncio.wait_for(sending, 5)

            assert 413 == reply.status
            assert b'{"ok":true}' == await reply.read(1000)
            assert len(connection.recv(2 * AT_ONCE)) < AT_ONCE

            # The next request does not wait behind the rest of the body: it takes a new connection.
            sending = asyncio.ensure_future(transport.send(WireRequest(url, HEADERS, b"{}")))
            other, _ = await asyncio.wait_for(loop.sock_accept(listener), 5)
            with other:
                await loop.sock_sendall(other, answer())
                assert 200 == (await asyncio.wait_for(sending, 5)).status
    await transport.aclose()


async def test_hanging_up_frees_the_socket_though_nobody_reads(small_buffers):
    """What is left of the upload is dropped: a provider that has stopped reading holds no memory here."""
    loop = asyncio.get_running_loop()
    transport = AiohttpTransport()
    with listening() as (listener, url):
        before = sockets()
        sending = asyncio.ensure_future(transport.send(WireRequest(url, HEADERS, b"x" * AT_ONCE)))
        connection, _ = await loop.sock_accept(listener)
        with connection:
            await asyncio.sleep(0.05)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await until(lambda: sockets() == before + 1, 1)  # the server's end alone is left
    await transport.aclose()


async def test_what_arrives_on_an_idle_connection_is_nobodys_answer():
    """A second answer that the provider sends unasked is not taken for that of the next request."""

    async def twice(connection):
        await connection.request()
        await connection.send(answer(b'{"first":1}'))
        await asyncio.sleep(0.02)
        await connection.send(answer(b'{"of":"somebody else"}'))
        await connection.request()

    async def scripted(connection):
        await (twice(connection) if connection is server.connections[0] else answering(connection))

    async with RawServer(scripted) as server:
        transport = AiohttpTransport()
        wire = WireRequest(URL(server.url), HEADERS, b"{}")
        assert b'{"first":1}' == await (await transport.send(wire)).read(1000)
        await asyncio.sleep(0.1)

        assert b'{"ok":true}' == await (await transport.send(wire)).read(1000)
        assert 2 == len(server.connections)
        await transport.aclose()


async def test_a_connection_that_closes_while_it_is_written_to_is_replaced(monkeypatch):
    """A write to a closing connection is that of a stale one: once more, on a new connection."""
    async with RawServer(answering) as server:
        transport = AiohttpTransport()
        wire = WireRequest(URL(server.url), HEADERS, b"{}")
        await (await transport.send(wire)).read(1000)
        plain, closed = WholeRequest.send, []

        async def closing(request, connection):
            if not closed:
                closed.append(True)
                connection.transport.close()
            return await plain(request, connection)

        monkeypatch.setattr(WholeRequest, "send", closing)

        assert b'{"ok":true}' == await (await transport.send(wire)).read(1000)
        assert 2 == len(server.connections)
        await transport.aclose()


async def test_a_failure_names_no_header(monkeypatch):
    """What cannot be written is a connection failure of the usual kind."""

    async def broken(connection):
        await connection.request()

    async def closing(request, connection):
        connection.transport.close()
        return await plain(request, connection)

    plain = WholeRequest.send
    monkeypatch.setattr(WholeRequest, "send", closing)
    async with RawServer(broken) as server:
        transport = AiohttpTransport()
        with pytest.raises(TransportError) as caught:
            await transport.send(WireRequest(URL(server.url), HEADERS, b"{}"))
        await transport.aclose()

    assert "connection" == caught.value.kind
    assert "sk-none" not in repr(caught.value)


def test_other_versions_of_aiohttp_make_their_requests_themselves(monkeypatch):
    """What WholeRequest sets is known for one series of versions only."""
    assert WholeRequest is module._request_class(0)
    assert aiohttp.ClientRequest is module._request_class(2)

    monkeypatch.setattr(aiohttp, "__version__", "3.99.0")

    assert aiohttp.ClientRequest is module._request_class(0)
    assert not "3.99.0".startswith(KNOWN_AIOHTTP)
