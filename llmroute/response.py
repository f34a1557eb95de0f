"""Response: the wire-level answer of `Router.handle`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from .clock import Clock, SystemClock
from .errors import APIError, GuardrailError
from .wire.json import dumps


class Response:
    """Status, headers, and a body dict or a stream of chunk dicts.

    The stream's end stands for `[DONE]`; a broken stream raises StreamError. Whoever does not read
    a stream to its end calls `aclose()`.
    """

    __slots__ = ("_clock", "body", "headers", "status", "stream")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: dict[str, Any] | None = None,
        stream: AsyncIterator[dict[str, Any]] | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.status = status
        self.headers = dict(headers)
        self.body = body
        self.stream = stream
        self._clock = clock or SystemClock()

    async def aclose(self) -> None:
        """Hang up a stream that will not be read on."""
        close = getattr(self.stream, "aclose", None)
        if close is not None:
            await close()

    async def sse(self, heartbeat: float | None = None) -> AsyncGenerator[bytes, None]:
        """The stream as server-sent events, ready to be written to a client.

        With `heartbeat` a comment goes out whenever nothing else has for that many seconds. A broken
        stream ends with one `data: {"error": ...}` and no `[DONE]`. When the generator is closed,
        cancelled or dropped, upstream is hung up on.
        """
        if self.stream is None:
            raise TypeError("this response is no stream; see body")
        try:
            if heartbeat is None:
                async for chunk in self.stream:
                    yield b"data: " + dumps(chunk) + b"\n\n"
            else:
                async with aclosing(_beating(self.stream, heartbeat, self._clock)) as beats:
                    async for beat in beats:
                        yield b": keep-alive\n\n" if beat is None else b"data: " + dumps(beat) + b"\n\n"
            yield b"data: [DONE]\n\n"
        except APIError as error:
            body: dict[str, Any] = {
                "error": {"message": error.message, "type": "stream_error", "param": None, "code": None}
            }
            if isinstance(error, GuardrailError):
                body["error"]["type"] = error.type
                body["hook_results"] = error.hook_results
            yield b"data: " + dumps(body) + b"\n\n"
        finally:
            await self.aclose()

    def __repr__(self) -> str:
        kind = "stream" if self.stream is not None else "body"
        return f"<Response {self.status} with a {kind}>"


async def _beating(
    stream: AsyncIterator[dict[str, Any]], heartbeat: float, clock: Clock
) -> AsyncGenerator[dict[str, Any] | None, None]:
    """The stream's chunks, and None whenever `heartbeat` seconds passed without one."""
    pending: asyncio.Future[dict[str, Any]] | None = None
    try:
        while True:
            # A read goes on through any number of heartbeats: cancelling it would end the stream.
            pending = pending or asyncio.ensure_future(_next(stream))
            if not await _done_within(pending, heartbeat, clock):
                yield None
                continue
            done, pending = pending, None
            try:
                yield done.result()
            except StopAsyncIteration:
                return
    finally:
        if pending is not None:
            pending.cancel()
            with suppress(asyncio.CancelledError, APIError, StopAsyncIteration):
                await pending


async def _done_within(pending: asyncio.Future[Any], seconds: float, clock: Clock) -> bool:
    beat: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_at(clock.now() + seconds, lambda: None if beat.done() else beat.set_result(None))
    try:
        await asyncio.wait((pending, beat), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
    return pending.done()


async def _next(stream: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    return await anext(stream)
