"""A committed stream: chunks pulled from the provider, watched by one timer, ended exactly once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import ref

from ..clock import Clock, TimerHandle
from ..outcome import EndCallback, Failure, StreamEnd, StreamFailed, Usage, usage_in
from ..providers.base import StreamDecoder
from ..transport.base import Exchanged, TransportError
from .scrub import Scrubber

#: Comments and pings prove life for this long while a chunk is awaited (DESIGN section 4).
MAX_SILENCE = 300.0

#: Chunks that say nothing are held until one does; an answer has a few of them.
MAX_HELD = 10_000

_REQUEST_IDS = ("x-amzn-requestid", "x-request-id", "request-id")

_COMMITTING = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio")


class _Interrupted(Exception):
    """Wakes a read that has waited too long."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def commits(chunk: dict[str, Any]) -> bool:
    """Whether a chunk says something, so that handing it on binds the answer to its target."""
    for choice in chunk.get("choices") or ():
        if not isinstance(choice, dict):
            continue
        if choice.get("finish_reason"):
            return True
        delta = choice.get("delta")
        if isinstance(delta, dict) and any(delta.get(name) for name in _COMMITTING):
            return True
    return False


async def open_stream(
    reply: Exchanged, decoder: StreamDecoder, clock: Clock, sent: Mapping[str, str]
) -> LiveStream | Failure:
    """Read until a chunk commits the stream, or until it has failed as an ordinary answer would.

    `sent` are the headers of the request, whose credentials no failure of the stream may quote.
    Raises TransportError; the caller bounds the time and closes the reply unless a stream came back.
    """
    held: list[dict[str, Any]] = []
    while True:
        data = await reply.read_some()
        chunks = decoder.feed(data) if data else decoder.close()
        held += chunks
        # An answer that says nothing is an answer all the same when its end mark has come.
        complete = decoder.done and held and decoder.failure is None
        if complete or any(map(commits, chunks)):
            return LiveStream(reply, decoder, clock, held, ended=not data, sent=sent)
        if decoder.failure is not None:
            return decoder.failure
        if len(held) > MAX_HELD:
            text = f"the stream sent {MAX_HELD} chunks that say nothing"
            return Failure("too_large", text, type="invalid_response_error")
        if decoder.done or not data:
            text = "the stream ended without an answer"
            return Failure("interrupted", text, type="invalid_response_error")


class LiveStream:
    """The chunk dicts of one answer.

    `created` is filled in where the provider's format has none, the same for every chunk.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_clock",
        "_created",
        "_deadline",
        "_decoder",
        "_end",
        "_failure",
        "_id",
        "_idle",
        "_over",
        "_pending",
        "_read_since",
        "_reply",
        "_sent",
        "_timer",
        "_usage",
        "_wait_since",
    )  # fmt: skip

    def __init__(
        self,
        reply: Exchanged,
        decoder: StreamDecoder,
        clock: Clock,
        held: list[dict[str, Any]],
        ended: bool,
        sent: Mapping[str, str],
    ) -> None:
        self._reply = reply
        self._sent = sent
        self._decoder = decoder
        self._clock = clock
        self._created = int(clock.time())
        self._id = ""
        self._pending: deque[dict[str, Any]] = deque()
        self._failure: Failure | None = None
        self._over = False
        self._end: tuple[StreamEnd, Failure | None] | None = None
        self._callbacks: list[EndCallback] = []
        self._usage: Usage = None
        self._idle = 0.0
        self._deadline: float | None = None
        self._timer: TimerHandle | None = None
        self._read_since: float | None = None
        self._wait_since: float | None = None
        self._take(held, ended)

    def watch(self, idle: float, deadline: float | None) -> None:
        """Bound the time spent waiting for the provider, and the whole by `deadline`."""
        self._idle = idle
        self._deadline = deadline
        if not self._over:
            self._arm(self._clock.now() + min(idle, MAX_SILENCE))

    @property
    def usage(self) -> Usage:
        return self._usage

    def on_end(self, callback: EndCallback) -> None:
        if self._end is not None:
            callback(*self._end, self._usage)
        else:
            self._callbacks.append(callback)

    def __aiter__(self) -> LiveStream:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while True:
            chunk = self.take()
            if chunk is not None:
                return chunk
            if self._over:
                self._finish()
                if self._failure is not None:
                    raise StreamFailed(self._failure, _status(self._failure))
                raise StopAsyncIteration
            await self._read()

    def take(self) -> dict[str, Any] | None:
        if not self._pending:
            return None
        chunk = self._pending.popleft()
        if not chunk.get("created"):
            chunk["created"] = self._created
            if "id" not in chunk:
                chunk["id"] = self._id = self._id or self._made_id()
        return chunk

    def _made_id(self) -> str:
        """An id for a stream whose format has none: the request's, else one made of the time."""
        headers = self._reply.headers
        given = next((headers[name] for name in _REQUEST_IDS if name in headers), "")
        return given[:256] or f"chatcmpl-{int(self._clock.time() * 1e6):x}"

    @property
    def ended(self) -> StreamEnd | None:
        return None if self._end is None else self._end[0]

    async def aclose(self) -> None:
        self.close()

    def close(self, failure: Failure | None = None) -> None:
        unread = bool(self._pending)
        self._pending.clear()
        if not self._over:
            self._over = True
            self._failure = failure
            self._reply.close()
            self._settle("abandoned", None)
        elif unread and self._failure is None:
            self._settle("abandoned", None)
        self._finish()

    def __del__(self) -> None:
        # An iterator that was dropped without closing must not hold a connection.
        if self._end is None:
            # The loop may be gone, or the interpreter going: the connection goes with either.
            with suppress(RuntimeError, ImportError):
                self.close()

    # -- reading -------------------------------------------------------------------------------

    async def _read(self) -> None:
        self._read_since = now = self._clock.now()
        if self._wait_since is None:
            self._wait_since = now
        try:
            data = await self._reply.read_some()
        except TransportError as error:
            self._fail(Failure("interrupted", f"the stream broke: {error.message}", type="stream_error"))
            return
        except _Interrupted as error:
            self._fail(error.failure)
            return
        except BaseException:
            # Cancelled: nobody will read on, and whoever tries must not take this for the end.
            self.close(Failure("interrupted", "reading the stream was cancelled", type="stream_error"))
            raise
        finally:
            self._read_since = None
        self._take(self._decoder.feed(data) if data else self._decoder.close(), not data)
        if self._pending:
            self._wait_since = None

    def _take(self, chunks: list[dict[str, Any]], ended: bool) -> None:
        self._pending.extend(chunks)
        for chunk in chunks:
            # Noted here, not where chunks are handed on: it was used whether or not they are read.
            if chunk.get("usage"):
                self._usage = usage_in(chunk) or self._usage
        decoder = self._decoder
        if decoder.failure is not None:
            self._fail(decoder.failure)
        elif ended or decoder.done:
            self._over = True
            self._disarm()
            # What follows the end mark is not read; the transport keeps a connection only if it is clean.
            self._reply.release()

    def _fail(self, failure: Failure) -> None:
        if not self._over:
            self._over = True
            self._failure = Scrubber(self._sent).failure(failure)
            self._disarm()
            self._reply.close()

    def _finish(self) -> None:
        """Everything has been handed on: tell how it ended."""
        if self._end is None:
            self._settle("failed" if self._failure is not None else "completed", self._failure)

    def _settle(self, end: StreamEnd, failure: Failure | None) -> None:
        if self._end is None:
            self._end = (end, failure)
            self._disarm()
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback(end, failure, self._usage)

    # -- time ----------------------------------------------------------------------------------

    def _arm(self, when: float) -> None:
        if self._deadline is not None:
            when = min(when, self._deadline)
        # Held weakly: a stream that nobody reads any more must not live on in its own timer.
        self._timer = self._clock.call_at(when, partial(_look_at, ref(self)))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check(self) -> None:
        """The one timer of the stream: re-arms itself, so that chunks cost no timer."""
        if self._over:
            return
        now = self._clock.now()
        read, wait = self._read_since, self._wait_since
        if self._deadline is not None and now >= self._deadline:
            self._interrupt(Failure("deadline", "the time for the whole call is over", type="timeout_error"))
        elif read is not None and now >= read + self._idle:
            text = f"the stream was silent for {round(self._idle * 1000)} ms"
            self._interrupt(Failure("timeout", text, type="timeout_error"))
        elif read is not None and wait is not None and now >= wait + MAX_SILENCE:
            text = f"the stream sent no chunk for {MAX_SILENCE:g} s, only signs of life"
            self._interrupt(Failure("timeout", text, type="timeout_error"))
        else:
            silence = now if wait is None else wait
            self._arm(min((now if read is None else read) + self._idle, silence + MAX_SILENCE))

    def _interrupt(self, failure: Failure) -> None:
        if self._read_since is not None:
            self._reply.interrupt(_Interrupted(failure))
        else:
            self._fail(failure)


def _look_at(held: ref[LiveStream]) -> None:
    stream = held()
    if stream is not None:
        stream.check()


def _status(failure: Failure) -> int:
    return 408 if failure.kind in ("timeout", "deadline") else 502
