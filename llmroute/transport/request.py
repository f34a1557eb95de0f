"""A request that is made and written at once, where aiohttp takes a detour that most do not need.

The body of a chat completion is one piece of bytes that is already here. aiohttp wraps every body, goes
through the headers several times and writes from a task of its own (before Python 3.12 with a turn of the
loop and three callbacks more), so that an answer may come while a long upload goes on. A short body fits
into the connection's buffer anyway.
"""

from __future__ import annotations

from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from aiohttp.http import HttpVersion11, StreamWriter
from multidict import CIMultiDict
from yarl import URL

#: Bytes of a body up to which it is handed over whole: what the socket does not take at once waits in the
#: connection's buffer, and nobody waits for it.
AT_ONCE: Final = 2**20

#: The versions whose requests are known to hold just what WholeRequest sets.
KNOWN_AIOHTTP: Final = "3.14."

_DEFAULTS: Final = tuple(aiohttp.ClientRequest.DEFAULT_HEADERS.items())


class WholeRequest(aiohttp.ClientRequest):
    """Head and body in one write. Whatever is more than a plain request is left to aiohttp.

    For sessions that keep their connections.
    """

    #: The body; None where aiohttp has it.
    _whole: bytes | None = None

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        headers: Any = None,
        data: Any = None,
        session: Any = None,
        loop: Any = None,
        timer: Any = None,
        traces: Any = None,
        response_class: Any = None,
        ssl: Any = True,
        version: Any = HttpVersion11,
        **more: Any,
    ) -> None:
        if type(data) is not bytes or not _is_plain(url, data, headers, version, more):
            super().__init__(
                method,
                url,
                headers=headers,
                data=data,
                session=session,
                loop=loop,
                timer=timer,
                traces=traces,
                response_class=response_class,
                ssl=ssl,
                version=version,
                **more,
            )
            return
        self._session, self._timer, self._ssl, self._traces = session, timer, ssl, traces
        self.method = method
        self.url = self.original_url = url
        self.loop = loop
        self.response_class = response_class
        self.version = version
        self.length = self.chunked = self.compress = None
        self.server_hostname = self.proxy = self.proxy_auth = self.proxy_headers = None
        self._whole = data
        self.headers = sent = CIMultiDict[str]()
        sent[hdrs.HOST] = url.host_port_subcomponent or ""
        sent.extend(headers)
        for name, text in _DEFAULTS:
            sent.setdefault(name, text)
        sent[hdrs.CONTENT_LENGTH] = str(len(data))

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write the request to a connection; its answer is still to come."""
        protocol, whole = conn.protocol, self._whole
        if whole is None:
            return await super().send(conn)
        writer = StreamWriter(protocol, self.loop)
        await writer.write_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        try:
            await writer.write(whole, drain=False)
        except OSError as error:
            # As from aiohttp's task: the connection is gone.
            raise aiohttp.ClientOSError(error.errno, "cannot write the request") from error
        writer.set_eof()
        protocol.start_timeout()
        response: aiohttp.ClientResponse = self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=self._traces,
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )
        self.response = response  # type: ignore[assignment]  # declared without a type there
        return response


def _is_plain(url: URL, data: bytes, headers: Any, version: Any, more: dict[str, Any]) -> bool:
    """Whether nothing asks for what only aiohttp's own requests can do: compression, cookies, a proxy."""
    return (
        type(headers) is CIMultiDict
        and hdrs.CONTENT_TYPE in headers
        and hdrs.USER_AGENT in headers
        and not any(more.values())
        and hdrs.EXPECT not in headers
        and hdrs.TRANSFER_ENCODING not in headers
        and hdrs.CONTENT_LENGTH not in headers
        and hdrs.HOST not in headers
        and len(data) <= AT_ONCE
        and version == HttpVersion11
        and not url.raw_fragment
    )
