"""A TCP server that says exactly the bytes a test wants, and sees when its clients hang up."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import attrs


class HungUpError(Exception):
    """The client has closed the connection."""


@attrs.frozen
class Seen:
    """A request as it came in; `headers` by lower-case name."""

    method: str
    target: str
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


class Connection(asyncio.Protocol):
    """One client. A script reads requests from it and writes whatever it likes."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._data = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.gone = asyncio.Event()
        self.sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.accept(self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._news.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        self._news.set()
        self._writable.set()

    async def request(self) -> Seen:
        """The next whole request. Raises HungUpError."""
        while True:
            head, mark, rest = bytes(self._data).partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if mark and len(rest) >= size:
                del self._data[: len(head) + 4 + size]
                return self._keep(head.decode("latin-1"), rest[:size])
            if self.gone.is_set():
                raise HungUpError
            self._news.clear()
            await self._news.wait()

    def _keep(self, head: str, body: bytes) -> Seen:
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        seen = Seen(method, target, headers, body)
        self._server.seen.append(seen)
        return seen

    async def send(self, data: bytes) -> None:
        """Write and wait until the client keeps up. Raises HungUpError."""
        if self.gone.is_set():
            raise HungUpError
        self._transport.write(data)
        self.sent += len(data)
        await asyncio.sleep(0)  # a write that fails is told a turn later
        await self._writable.wait()

    async def hang_up(self) -> None:
        """Say nothing more until the client hangs up."""
        await self.gone.wait()
        raise HungUpError

    def close(self) -> None:
        """End the connection in order, once everything is written."""
        self._transport.close()

    def reset(self) -> None:
        """End it so that the client gets a TCP reset."""
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._transport.abort()


Script = Callable[[Connection], Awaitable[None]]


class RawServer:
    """Runs `script` for every connection while the context lasts; what the script leaves open is closed.

    `seen` are the requests that scripts have read, `connections` all that were accepted.
    """

    def __init__(self, script: Script) -> None:
        self.seen: list[Seen] = []
        self.connections: list[Connection] = []
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """How many connections clients hold."""
        return sum(not connection.gone.is_set() for connection in self.connections)

    async def until_open(self, count: int = 0, within: float = 1.0) -> None:
        """Wait until clients hold `count` connections. Raises TimeoutError after `within` seconds."""
        await until(lambda: self.open == count, within)

    async def until_seen(self, count: int = 1) -> None:
        """Wait until `count` requests have been read."""
        await until(lambda: len(self.seen) >= count, 5)

    def accept(self, connection: Connection) -> None:
        self.connections.append(connection)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        with suppress(HungUpError):
            await self._script(connection)
            connection.close()

    async def __aenter__(self) -> RawServer:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self.connections:
            connection.close()
        await self.until_open(0, within=5)


def answer(body: bytes = b'{"ok":true}', *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with a true Content-Length."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*headers: str, status: str = "200 OK", content_type: str = "text/event-stream") -> bytes:
    """The head of an answer in chunks; see `chunk`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", "Transfer-Encoding: chunked", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk; without data the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            count += os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    return count


def settles(condition: Callable[[], bool], within: float = 5.0) -> bool:
    """Whether a condition that other threads bring about comes true, outside of any loop."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()


async def until(condition: Callable[[], bool], within: float) -> None:
    """Wait for something that no event tells. Raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start
