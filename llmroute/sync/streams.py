"""Streams for threads: plain iterators over what a pump brings."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

from ..client import JOIN_AFTER, ChatStream, WireStream
from ..errors import APIError, RouterClosedError
from ..outcome import StreamFailed
from ..response import Response
from ..types.chat import ChatCompletion
from ..types.chunk import ChatCompletionChunk, chunk_of
from ..types.route import Route
from ..wire.json import dumps
from .pump import Pump, Source
from .thread import LoopThread


class _Pumped:
    """What both kinds of stream have in common: leaving one early, or dropping it, hangs up."""

    def __init__(self, stream: ChatStream | WireStream, source: Source, thread: LoopThread) -> None:
        self._stream = stream
        self._thread = thread
        self._pump = Pump(source, thread)

    def next_chunk(self, timeout: float | None = None) -> dict[str, Any]:
        """The next chunk. Raises StopIteration, StreamError, and queue.Empty after `timeout` seconds."""
        try:
            return self._pump.next(timeout)
        except StreamFailed as error:
            failed = self._stream._failed(error)
        except (Exception, GeneratorExit):
            raise
        except BaseException:
            self._pump.stop()  # an interrupt: nobody reads on
            raise
        raise failed

    def close(self) -> None:
        """Hang up; safe at any time."""
        self._pump.stop()
        with suppress(RouterClosedError):
            self._thread.run(self._stream.aclose)

    def stop(self) -> None:
        """`close` without waiting for it."""
        self._pump.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        pump = getattr(self, "_pump", None)
        if pump is not None:
            pump.stop()


class SyncChatStream(_Pumped):
    """`ChatStream` as a plain iterator and context manager."""

    _stream: ChatStream

    def __init__(self, stream: ChatStream, thread: LoopThread) -> None:
        super().__init__(stream, stream._stream, thread)

    @property
    def route(self) -> Route:
        """How the stream came about; `duration` runs until now."""
        return self._stream.route

    @property
    def hook_results(self) -> dict[str, Any] | None:
        """What guardrails have found so far, None when there are none; complete at the end of the stream."""
        return self._stream.hook_results

    @property
    def text(self) -> str:
        """The first choice's text as far as it has been read."""
        return self._stream.text

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        chunk = self.next_chunk()
        # What has been read is kept on this side: the loop never touches it.
        stream = self._stream
        stream._kept.append(chunk)
        if len(stream._kept) >= JOIN_AFTER:
            stream._join()
        return chunk_of(chunk)

    def final(self) -> ChatCompletion:
        """Read to the end and return the whole completion. Raises what the iteration would raise.

        A stream that was closed before its end raises IncompleteStreamError.
        """
        for _ in self:
            pass
        return self._stream._completion()


class SyncWireStream(_Pumped):
    """The chunk dicts of `SyncResponse.stream`; a broken one raises StreamError."""

    def __init__(self, stream: WireStream, thread: LoopThread) -> None:
        super().__init__(stream, stream, thread)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        return self.next_chunk()


class SyncResponse:
    """`Response` with a plain iterator of chunk dicts. Who does not read it to its end calls `close()`."""

    def __init__(self, response: Response, thread: LoopThread) -> None:
        self._response = response
        self.status = response.status
        self.headers = response.headers
        self.body = response.body
        self.stream: SyncWireStream | None = None
        if response.stream is not None:
            assert isinstance(response.stream, WireStream)
            self.stream = SyncWireStream(response.stream, thread)

    def sse(self, heartbeat: float | None = None) -> Iterator[bytes]:
        """The stream as server-sent events; see Response.sse. Raises TypeError when there is none."""
        if self.stream is None:
            raise TypeError("this response is no stream; see body")
        return _events(self.stream, heartbeat)

    def close(self) -> None:
        """Hang up a stream that will not be read on."""
        if self.stream is not None:
            self.stream.close()

    def __repr__(self) -> str:
        return f"<Sync{repr(self._response)[1:]}"


def _events(stream: SyncWireStream, heartbeat: float | None) -> Iterator[bytes]:
    try:
        while True:
            try:
                event = b"data: " + dumps(stream.next_chunk(heartbeat)) + b"\n\n"
            except queue.Empty:
                event = b": keep-alive\n\n"
            except StopIteration:
                break
            yield event
        yield b"data: [DONE]\n\n"
    except APIError as error:
        body = {"error": {"message": error.message, "type": "stream_error", "param": None, "code": None}}
        yield b"data: " + dumps(body) + b"\n\n"
    finally:
        # Not `close`, which waits: the collector may end a generator on any thread.
        stream.stop()
