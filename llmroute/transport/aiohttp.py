"""The network: aiohttp with one session per event loop.

What is switched off and why: redirects (a key or a prompt must not follow one), cookies (one caller's
would reach another's request), proxies of the environment unless asked, aiohttp's own total and read
timeouts (the Exchange layer bounds the time), the pool's limit (waiting for a slot would look like an
outage). aiohttp's exceptions end here: their repr and frames hold request headers, so only their class
and a scrubbed text go on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ..wire.hosts import HostPolicy, address_problem
from ..wire.message import WireRequest
from .base import TransportError

Loop = asyncio.AbstractEventLoop

#: How often a request is moved from a pooled connection that turned out closed to another one.
MAX_STALE = 5
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)

#: Whether the request in this context runs on a pooled connection; a new one sets it to False.
_reused: ContextVar[bool] = ContextVar("llmroute_reused", default=False)


class AiohttpTransport:
    """The default transport. Usable from any number of loops and threads, and after fork.

    `ssl` is an `ssl.SSLContext`, True for the default checks or False for none; `proxy` a proxy URL;
    `trust_env` reads the usual proxy variables; `limit` bounds the connections per loop (0: no bound);
    `resolver` is an aiohttp resolver. `hosts` and `untrusted_hosts` judge every resolved address.
    """

    def __init__(
        self,
        *,
        ssl: Any = True,
        proxy: str | None = None,
        trust_env: bool = False,
        limit: int = 0,
        resolver: AbstractResolver | None = None,
        hosts: HostPolicy | None = None,
        untrusted_hosts: HostPolicy | None = None,
    ) -> None:
        self._ssl = ssl
        self._proxy = proxy
        self._trust_env = trust_env
        self._limit = limit
        self._resolver = resolver
        self._policies = (hosts or HostPolicy.trusting(), untrusted_hosts or HostPolicy.strict())
        self._pid = os.getpid()
        self._sessions: dict[Loop, _LoopSessions] = {}
        self._inherited: list[_LoopSessions] = []
        self._timeouts: dict[float | None, aiohttp.ClientTimeout] = {}

    async def send(
        self, request: WireRequest, *, connect_timeout: float | None = None, guarded: bool = False
    ) -> Exchanged:
        """Send and wait for the head of the answer. Raises TransportError."""
        session = self._ready_session(guarded) or await self._new_session(guarded)
        timeout = self._timeouts.get(connect_timeout) or self._new_timeout(connect_timeout)
        host = request.url.host or ""
        failure: TransportError
        for _ in range(MAX_STALE):
            _reused.set(True)
            try:
                response = await session.request(
                    request.method,
                    request.url,
                    data=request.body,
                    headers=request.headers,
                    timeout=timeout,
                    allow_redirects=False,
                    proxy=self._proxy,
                )
            except aiohttp.ClientError as error:
                failure = translated(error, host)
                if isinstance(error, _STALE) and _reused.get():
                    continue  # the provider had closed an idle connection: take another one
            except (OSError, ValueError, RuntimeError) as error:
                failure = TransportError("connection", f"{host}: {type(error).__name__}")
            else:
                return Exchanged(response, host)
            break
        raise failure

    async def aclose(self) -> None:
        """Close the session of the running loop at once and tell the other loops to close theirs."""
        current = asyncio.get_running_loop()
        sessions, self._sessions = self._sessions, {}
        if self._pid != os.getpid():
            self._inherited += sessions.values()
            return
        for loop, held in sessions.items():
            if loop is current:
                await held.aclose()
            elif loop.is_running():
                loop.call_soon_threadsafe(held.close_soon)
            else:
                held.neutralise()

    def _new_timeout(self, connect: float | None) -> aiohttp.ClientTimeout:
        if len(self._timeouts) > 100:
            self._timeouts.clear()
        timeout = self._timeouts[connect] = aiohttp.ClientTimeout(total=None, sock_connect=connect)
        return timeout

    def _ready_session(self, guarded: bool) -> aiohttp.ClientSession | None:
        if self._pid != os.getpid():
            self._after_fork()
        held = self._sessions.get(asyncio.get_running_loop())
        return None if held is None else held.sessions.get(guarded)

    async def _new_session(self, guarded: bool) -> aiohttp.ClientSession:
        held = self._sessions.get(asyncio.get_running_loop()) or self._open()
        return await held.open(guarded)

    def _open(self) -> _LoopSessions:
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            self._sessions.pop(loop).neutralise()
        held = _LoopSessions(self)
        self._sessions[asyncio.get_running_loop()] = held
        return held

    def _after_fork(self) -> None:
        """Closing an inherited session would unregister the parent's sockets from the shared epoll."""
        self._pid = os.getpid()
        inherited, self._sessions = self._sessions, {}
        for held in inherited.values():
            held.neutralise()
            self._inherited.append(held)

    def make_session(self, guarded: bool) -> aiohttp.ClientSession:
        """A session for the running loop."""
        connector = _Connector(
            limit=self._limit,
            ssl=self._ssl,
            resolver=_CheckingResolver(self._policies[guarded], self._resolver),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._trust_env,
            headers={"User-Agent": "llmroute"},
        )


class _LoopSessions:
    """The sessions of one loop: the ordinary one and the guarded one, each made when first needed.

    Each lives in an async generator, so that `asyncio.run` closes it with the loop's generators.
    """

    def __init__(self, transport: AiohttpTransport) -> None:
        self._transport = transport
        self._holders: list[AsyncGenerator[aiohttp.ClientSession, None]] = []
        self.sessions: dict[bool, aiohttp.ClientSession] = {}
        self._closing: asyncio.Task[None] | None = None

    async def open(self, guarded: bool) -> aiohttp.ClientSession:
        holder = self._hold(guarded)
        session = await anext(holder)
        if guarded in self.sessions:
            await holder.aclose()
            return self.sessions[guarded]
        self._holders.append(holder)
        self.sessions[guarded] = session
        return session

    async def _hold(self, guarded: bool) -> AsyncGenerator[aiohttp.ClientSession, None]:
        session = self._transport.make_session(guarded)
        try:
            yield session
        finally:
            self.sessions.pop(guarded, None)
            await session.close()

    async def aclose(self) -> None:
        holders, self._holders = self._holders, []
        for holder in holders:
            await holder.aclose()

    def close_soon(self) -> None:
        """Close from within the loop, as a task that the loop waits for like any other."""
        # Kept in a member: tasks are only weakly held by their loop.
        self._closing = asyncio.get_running_loop().create_task(self.aclose())

    def neutralise(self) -> None:
        """Forget the sockets without touching their loop: it is closed, stopped, or the parent's."""
        for session in self.sessions.values():
            connector = session.connector
            session.detach()
            if connector is not None:
                # aiohttp's finalizer would close the transports through the loop; there is no
                # public way to tell it not to.
                connector._closed = True


class Exchanged:
    """An aiohttp answer behind the transport's protocol."""

    __slots__ = ("_content", "_host", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self._response = response
        self._content = response.content
        self._host = host
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self, limit: int) -> bytes:
        length = self._response.content_length
        if length is not None and length > limit:
            raise self._too_large(limit)
        data = await self.read_some()
        if self._content.at_eof():
            return data
        parts, size = [data], len(data)
        while data:
            data = await self.read_some()
            size += len(data)
            if size > limit:
                raise self._too_large(limit)
            parts.append(data)
        return b"".join(parts)

    async def read_some(self) -> bytes:
        failure: TransportError
        try:
            return await self._content.readany()
        except aiohttp.ClientError as error:
            failure = translated(error, self._host)
        except (OSError, ValueError) as error:
            failure = TransportError("connection", f"{self._host}: {type(error).__name__}")
        raise failure

    def interrupt(self, error: Exception) -> None:
        self._content.set_exception(error)

    def release(self) -> None:
        self._response.release()

    def close(self) -> None:
        self._response.close()

    def _too_large(self, limit: int) -> TransportError:
        return TransportError("too_large", f"{self._host}: the answer is larger than {limit >> 20} MiB")


class _Connector(aiohttp.TCPConnector):
    """Tells new connections from pooled ones: only a request that met a stale one is sent again."""

    async def _create_connection(self, *args: Any, **options: Any) -> Any:
        _reused.set(False)
        return await super()._create_connection(*args, **options)


class _CheckingResolver(AbstractResolver):
    """Judges every address that a name resolves to: a public name may point inside."""

    def __init__(self, policy: HostPolicy, inner: AbstractResolver | None) -> None:
        self._policy = policy
        self._inner = inner
        self._own: AbstractResolver | None = None

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        if self._inner is None and self._own is None:
            self._own = aiohttp.DefaultResolver()
        resolver = self._inner or self._own
        assert resolver is not None
        results = await resolver.resolve(host, port, family)
        for result in results:
            problem = address_problem(result["host"], self._policy, host, port)
            if problem is not None:
                raise OSError(None, f"{host} resolves to an address that may not be called")
        return results

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()


def translated(error: aiohttp.ClientError, host: str) -> TransportError:
    """The kind of an aiohttp exception and a text that holds neither headers nor keys."""
    name = type(error).__name__
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TransportError("connect_timeout", f"{host}: no connection in time")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return TransportError("connection", f"{host}: the name does not resolve to a usable address")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return TransportError("connection", f"{host}: the certificate does not verify")
    if isinstance(error, aiohttp.ClientSSLError):
        return TransportError("connection", f"{host}: no TLS connection ({name})")
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransportError("connection", f"{host}: cannot connect ({_reason(error.os_error)})")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return TransportError("connection", f"{host}: the connection was closed without an answer")
    if isinstance(error, aiohttp.ClientOSError):
        return TransportError("connection", f"{host}: the connection broke ({_reason(error)})")
    if isinstance(error, aiohttp.ClientPayloadError):
        return _payload_error(error, host)
    return TransportError("protocol", f"{host}: not a valid HTTP answer ({name})")


def _payload_error(error: aiohttp.ClientPayloadError, host: str) -> TransportError:
    cause = type(error.__cause__).__name__ if error.__cause__ is not None else ""
    if "Encoding" in cause and "Transfer" not in cause:
        return TransportError("protocol", f"{host}: the body's content encoding is broken")
    return TransportError("connection", f"{host}: the body was cut before its end")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
