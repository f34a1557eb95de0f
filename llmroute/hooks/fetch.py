"""The outgoing requests of checks, over the router's transport: host policy, one limit, a capped answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from yarl import URL

from ..clock import Clock
from ..transport.base import Exchanged, Transport, TransportError
from ..wire.hosts import HostPolicy, check_url, header_name_problem, header_problem
from ..wire.message import WireRequest
from .base import Fetched, FetchError

CONNECT_TIMEOUT: Final = 5.0


class Fetcher:
    """`Services.fetch`. Redirects come back as they are, status 3xx."""

    def __init__(self, transport: Transport, clock: Clock, hosts: Iterable[str] = ()) -> None:
        self._transport = transport
        self._clock = clock
        self._trusting = HostPolicy.trusting()
        # Not even the machine itself: the URL may be the model's, or a stranger's.
        self._strict = HostPolicy(trusted=frozenset(hosts))

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,
        limit: int = 2**20,
        trusted: bool = False,
    ) -> Fetched:
        """See `base.Fetch`."""
        request = self._request(method, url, headers or {}, body or b"", trusted)
        problem: FetchError
        try:
            async with self._clock.timeout(timeout):
                reply = await self._transport.send(
                    request, connect_timeout=min(timeout, CONNECT_TIMEOUT), guarded=not trusted
                )
                return await _read(reply, limit)
        except TimeoutError:
            problem = FetchError("timeout", f"no complete answer within {round(timeout * 1000)} ms")
        except TransportError as error:
            problem = _translated(error)
        raise problem

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, trusted: bool
    ) -> WireRequest:
        text = check_url(url, self._trusting if trusted else self._strict)
        for name, value in headers.items():
            text = text or header_name_problem(name) or header_problem(value)
        if text is not None:
            raise FetchError("refused", text)
        try:
            parsed = URL(url)
        except ValueError:
            parsed = None
        if parsed is None or not parsed.host:
            raise FetchError("refused", "not a URL like https://host/path")
        return WireRequest(parsed, headers, body, method)


async def _read(reply: Exchanged, limit: int) -> Fetched:
    try:
        data = await reply.read(limit)
    except BaseException:
        reply.close()
        raise
    reply.release()
    return Fetched(reply.status, {name.lower(): value for name, value in reply.headers.items()}, data)


def _translated(error: TransportError) -> FetchError:
    if error.kind == "too_large":
        return FetchError("too_large", error.message)
    return FetchError("timeout" if error.kind == "connect_timeout" else "connection", error.message)
