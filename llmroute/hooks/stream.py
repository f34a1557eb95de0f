"""The streams that output hooks hand on: one that has been read to its end, and the base of the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ..outcome import EndCallback, Failure, StreamEnd, StreamFailed, Usage


class ReadyStream:
    """Chunks that are there already. An `outcome.OutcomeStream`.

    `usage` is that of the stream they come from: hooks may have changed or dropped the chunk that told it.
    Subclasses get more in `_more`, which adds to `_ready` or calls `_conclude`.
    """

    __slots__ = ("__weakref__", "_callbacks", "_end", "_failure", "_over", "_ready", "_status", "_usage")

    def __init__(
        self, chunks: Iterable[dict[str, Any]] = (), *, over: bool = True, usage: Usage = None
    ) -> None:
        self._ready = deque(chunks)
        self._over = over
        self._failure: Failure | None = None
        self._status = 502
        self._end: tuple[StreamEnd, Failure | None] | None = None
        self._callbacks: list[EndCallback] = []
        self._usage = usage

    def __aiter__(self) -> ReadyStream:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while True:
            chunk = self.take()
            if chunk is not None:
                return chunk
            if self._over:
                self._settle("failed" if self._failure is not None else "completed", self._failure)
                if self._failure is not None:
                    raise StreamFailed(self._failure, self._status)
                raise StopAsyncIteration
            await self._more()

    def take(self) -> dict[str, Any] | None:
        return self._ready.popleft() if self._ready else None

    @property
    def ended(self) -> StreamEnd | None:
        return None if self._end is None else self._end[0]

    @property
    def usage(self) -> Usage:
        return self._usage

    def on_end(self, callback: EndCallback) -> None:
        if self._end is not None:
            callback(*self._end, self.usage)
        else:
            self._callbacks.append(callback)

    async def aclose(self) -> None:
        self.close()

    def close(self, failure: Failure | None = None) -> None:
        unread = bool(self._ready) or not self._over
        self._ready.clear()
        if not self._over:
            self._over = True
            self._failure = failure
            self._hang_up(failure)
        if unread:
            self._settle("abandoned", None)
        self._settle("failed" if self._failure is not None else "completed", self._failure)

    def __del__(self) -> None:
        # Whoever waits for its end must hear of it, also when it was dropped.
        if self._end is None:
            with suppress(RuntimeError):  # the loop of the connection is gone
                self.close()

    def _conclude(self, failure: Failure | None = None, status: int = 502) -> None:
        """Nothing comes after what is ready."""
        if not self._over:
            self._over = True
            self._failure, self._status = failure, status

    def _settle(self, end: StreamEnd, failure: Failure | None) -> None:
        if self._end is None:
            self._end = (end, failure)
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback(end, failure, self.usage)

    async def _more(self) -> None:
        raise NotImplementedError

    def _hang_up(self, failure: Failure | None) -> None:
        """End what the chunks come from."""
