"""The network: aiohttp with one session per event loop.

What is switched off and why: redirects (a key or a prompt must not follow one), cookies (one caller's
would reach another's request), proxies of the environment unless asked, aiohttp's own total and read
timeouts (the Exchange layer bounds the time), the pool's limit (waiting for a slot would look like an
outage). aiohttp's exceptions end here: their repr and frames hold request headers, so only their class
and a scrubbed text go on.
"""

from __future__ import annotations

import asyncio
import io
import math
import os
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs
from aiohttp.abc import AbstractResolver, ResolveResult

from ..wire.addresses import parse_address
from ..wire.hosts import HostPolicy, address_problem
from ..wire.message import WireRequest
from .base import TransportError
from .request import AT_ONCE, KNOWN_AIOHTTP, WholeRequest
from .sessions import SessionTable, call_on

if TYPE_CHECKING:
    from ssl import SSLContext

#: Whether the request in this context runs on a pooled connection; a new one sets it to False.
_reused: ContextVar[bool] = ContextVar("llmroute_reused", default=False)
#: The proxy that the connection in this context is made to: the host program's choice.
_proxy: ContextVar[str | None] = ContextVar("llmroute_proxy", default=None)


class AiohttpTransport:
    """The default transport. Usable from any number of loops and threads, and after fork.

    `ssl` is an `ssl.SSLContext`, True for the default checks or False for none; `proxy` a proxy URL;
    `trust_env` reads the usual proxy variables; `limit` bounds the connections per loop (0: no bound);
    `resolver` is an aiohttp resolver. `hosts` and `untrusted_hosts` judge every resolved address.
    """

    def __init__(
        self,
        *,
        ssl: SSLContext | bool = True,
        proxy: str | None = None,
        trust_env: bool = False,
        limit: int = 0,
        resolver: AbstractResolver | None = None,
        hosts: HostPolicy | None = None,
        untrusted_hosts: HostPolicy | None = None,
    ) -> None:
        self._proxy = proxy
        self._limit = limit
        policies = (hosts or HostPolicy.trusting(), untrusted_hosts or HostPolicy.strict())
        self._table = SessionTable(_SessionMaker(ssl, trust_env, limit, resolver, policies))
        self._timeouts: dict[float | None, aiohttp.ClientTimeout] = {}

    async def send(
        self, request: WireRequest, *, connect_timeout: float | None = None, guarded: bool = False
    ) -> Exchanged:
        """Send and wait for the head of the answer. Raises TransportError."""
        held = self._table.of_running_loop()
        timeout = self._timeouts.get(connect_timeout) or self._new_timeout(connect_timeout)
        host, body = request.url.host or "", request.body
        failure: TransportError
        for kind in (guarded, guarded + _UNPOOLED):
            session = held.sessions.get(kind) or await held.open(kind)
            _reused.set(True)
            try:
                response = await session.request(
                    request.method,
                    request.url,
                    # aiohttp warns of longer bytes, and copies them; a file it sends in parts.
                    data=body if len(body) <= AT_ONCE else io.BytesIO(body),
                    headers=request.headers,
                    timeout=timeout,
                    allow_redirects=False,
                    proxy=self._proxy,
                )
            except aiohttp.ClientError as error:
                failure = translated(error, host)
                if _reused.get() and _unanswered(error):
                    continue  # the provider had closed an idle connection: once more, on a new one
            except (OSError, ValueError, RuntimeError) as error:
                failure = TransportError("connection", f"{host}: {type(error).__name__}")
            except asyncio.CancelledError:
                if _is_cancelled():
                    raise
                # aiohttp cancels its own futures when a session is closed while a name is resolved.
                failure = TransportError("connection", f"{host}: the connection was closed while it was made")
            else:
                return Exchanged(response, host, held.loop)
            break
        raise failure

    async def aclose(self) -> None:
        """Close the session of the running loop at once and tell the other loops to close theirs."""
        await self._table.aclose()

    def _new_timeout(self, connect: float | None) -> aiohttp.ClientTimeout:
        if len(self._timeouts) > 100:
            self._timeouts.clear()
        timeout = self._timeouts[connect] = aiohttp.ClientTimeout(
            # `connect` covers the name's resolution too, but also the wait for a slot of a bounded pool.
            connect=None if self._limit else connect,
            sock_connect=connect,
            # Never rounded up to whole seconds: a limit is a limit.
            ceil_threshold=math.inf,
        )
        return timeout


#: The sessions of a loop by kind: `guarded` (0 or 1), plus this for one that keeps no connection.
_UNPOOLED = 2


@attrs.frozen
class _SessionMaker:
    """What all sessions of a transport have in common."""

    ssl: SSLContext | bool
    trust_env: bool
    limit: int
    resolver: AbstractResolver | None
    policies: tuple[HostPolicy, HostPolicy]

    def __call__(self, kind: int) -> aiohttp.ClientSession:
        policy = self.policies[kind % _UNPOOLED]
        return aiohttp.ClientSession(
            connector=(_CleanConnector if _is_known() else _Connector)(
                policy,
                limit=self.limit,
                ssl=self.ssl,
                resolver=_CheckingResolver(policy, self.resolver),
                force_close=kind >= _UNPOOLED,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self.trust_env,
            request_class=_request_class(kind),
            headers={"User-Agent": "llmroute"},
        )


def _request_class(kind: int) -> type[aiohttp.ClientRequest]:
    """The quick one where it is known to fit."""
    return WholeRequest if _is_known() and kind < _UNPOOLED else aiohttp.ClientRequest


def _is_known() -> bool:
    """Whether what is not public in this version of aiohttp is known to be as we expect it."""
    return aiohttp.__version__.startswith(KNOWN_AIOHTTP)


class Exchanged:
    """An aiohttp answer behind the transport's protocol."""

    __slots__ = ("_content", "_host", "_loop", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, host: str, loop: asyncio.AbstractEventLoop) -> None:
        self._response = response
        self._content = response.content
        self._host = host
        self._loop = loop
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self, limit: int) -> bytes:
        content = self._content
        if content.is_eof() and content.exception() is None and content.total_bytes <= limit:
            return content.read_nowait()
        length = self._response.content_length
        if length is not None and length > limit:
            raise self._too_large(limit)
        data = await self.read_some()
        if len(data) <= limit and self._content.at_eof():
            return data
        parts, size = [], 0
        while data:
            size += len(data)
            if size > limit:
                raise self._too_large(limit)
            parts.append(data)
            data = await self.read_some()
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
        # One that has arrived whole gave its connection back by itself.
        if not self._response.closed:
            self._response.release()

    def close(self) -> None:
        """Hang up. On another thread, where a finalizer may run, the loop is asked to do it."""
        if asyncio._get_running_loop() is self._loop:
            self._response.close()
        else:
            call_on(self._loop, self._response.close)

    def _too_large(self, limit: int) -> TransportError:
        return TransportError("too_large", f"{self._host}: the answer is larger than {limit / 2**20:g} MiB")


class _Connector(aiohttp.TCPConnector):
    """Tells new connections from pooled ones, and judges hosts that are addresses."""

    def __init__(self, policy: HostPolicy, **options: Any) -> None:
        super().__init__(**options)
        self._policy = policy

    async def _create_connection(self, req: aiohttp.ClientRequest, *args: Any, **options: Any) -> Any:
        _reused.set(False)
        _proxy.set(None if req.proxy is None else req.proxy.raw_host)
        host = req.url.raw_host or ""
        # Names go through the resolver; aiohttp never asks it about addresses.
        if parse_address(host) is not None and address_problem(host, self._policy, host, req.url.port):
            raise _RefusedAddress(f"{host} is an address that may not be called")
        return await super()._create_connection(req, *args, **options)


class _CleanConnector(_Connector):
    """Keeps a connection only where nothing is on its way in either direction, and hangs up at once.

    aiohttp looks at a connection when it comes back, not when it goes out again: an answer that arrived in
    between would be taken for that of the next request. And it closes a connection only when everything has
    been sent, which a provider that has stopped reading puts off for ever.
    """

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        transport = protocol.transport
        if transport is not None:
            unsent = transport.get_write_buffer_size() > 0
            if should_close or unsent or protocol.should_close:
                should_close = True
                transport.abort()
        super()._release(key, protocol, should_close=should_close)

    async def _get(self, key: Any, traces: Any) -> Any:
        while (connection := await super()._get(key, traces)) is not None:
            protocol = connection.protocol
            if protocol is not None and not protocol.should_close:
                return connection
            connection.close()
        return None


class _RefusedAddress(aiohttp.ClientConnectionError, OSError):
    """The host policy does not allow the address."""


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
        policy = HostPolicy.trusting() if host == _proxy.get() else self._policy
        for result in results:
            if address_problem(result["host"], policy, host, port) is not None:
                raise _RefusedAddress(f"{host} resolves to an address that may not be called")
        return results

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _unanswered(error: aiohttp.ClientError) -> bool:
    """Whether the connection ended before a byte of the answer, as far as aiohttp tells."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else the part of a head that had arrived
    return isinstance(error, aiohttp.ClientOSError) and not isinstance(error, aiohttp.ClientConnectorError)


def translated(error: aiohttp.ClientError, host: str) -> TransportError:
    """The kind of an aiohttp exception and a text that holds neither headers nor keys."""
    name = type(error).__name__
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TransportError("connect_timeout", f"{host}: no connection in time")
    if isinstance(error, _RefusedAddress):
        return TransportError("connection", str(error))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if isinstance(error.os_error, _RefusedAddress):
            return TransportError("connection", str(error.os_error))
        return TransportError("connection", f"{host}: the name does not resolve")
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
    if isinstance(error, aiohttp.ClientConnectionError):
        return TransportError("connection", f"{host}: the connection broke ({name})")
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
