"""Which aiohttp session belongs to which event loop, and when each is closed.

A session is closed by `aclose`, with its loop (`asyncio.run` ends the loop's async generators, and one
of them holds the session), or when its transport is dropped. In a forked child the parent's sessions are
neutralised, never closed: closing would take the sockets out of the epoll that both processes share,
and the parent would wait for ever.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import cache
from typing import Any

from aiohttp import BaseConnector, ClientSession

Loop = asyncio.AbstractEventLoop
MakeSession = Callable[[int], ClientSession]


class SessionTable:
    """The sessions of one transport by event loop; for any number of threads."""

    def __init__(self, make: MakeSession) -> None:
        self._make = make
        self._held: dict[Loop, LoopSessions] = {}
        #: Kept to the end of the process, as sockets that are dropped warn of not having been closed.
        self._inherited: list[BaseConnector] = []
        _tables().add(self)

    def of_running_loop(self) -> LoopSessions:
        """The sessions of the running loop; made when it has none."""
        loop = asyncio.get_running_loop()
        return self._held.get(loop) or self._add(loop)

    def _add(self, loop: Loop) -> LoopSessions:
        for other in list(self._held):
            if other.is_closed():
                self._forget(other)
        held = self._held[loop] = LoopSessions(self._make, loop)
        # In a registry of its own, out of reach of the collector: the sessions of a transport that is
        # dropped are then still alive to be closed.
        dropped = weakref.finalize(self, held.close_from_anywhere)
        dropped.atexit = False
        held.on_closed = dropped.detach
        return held

    def _forget(self, loop: Loop) -> None:
        held = self._held.pop(loop, None)
        if held is not None:
            held.neutralise()

    async def aclose(self) -> None:
        """Close the sessions of the running loop at once and tell the other loops to close theirs."""
        current = asyncio.get_running_loop()
        held, self._held = self._held, {}
        for loop, sessions in list(held.items()):
            if loop is current:
                await sessions.aclose()
            else:
                sessions.close_from_anywhere()

    def after_fork(self) -> None:
        """In the child: let go of the parent's sessions without closing them."""
        inherited, self._held = self._held, {}
        for held in inherited.values():
            self._inherited += held.neutralise()


class LoopSessions:
    """The sessions of one loop by kind, each made when first needed."""

    def __init__(self, make: MakeSession, loop: Loop) -> None:
        self.loop = loop
        self.sessions: dict[int, ClientSession] = {}
        #: Called when the sessions have been closed.
        self.on_closed: Callable[[], object] = bool
        self._make = make
        self._holder: Any = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self, kind: int) -> ClientSession:
        """The session of this kind, which was not there. Runs without a break."""
        if self._holder is None:
            self._holder = self._hold()
            await anext(self._holder)
        session = self.sessions[kind] = self._make(kind)
        return session

    async def _hold(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._holder = None
            await self._close()

    async def aclose(self) -> None:
        """Close the sessions; on their loop."""
        holder = self._holder
        if holder is not None and not holder.ag_running:
            await holder.aclose()

    async def _close(self) -> None:
        sessions, self.sessions = self.sessions, {}
        self.on_closed()
        for session in sessions.values():
            await session.close()

    def close_from_anywhere(self) -> None:
        """Close the sessions, from any thread: their loop does it as soon as it runs."""
        if self.sessions:
            call_on(self.loop, self._close_soon, closed=self.neutralise)

    def _close_soon(self) -> None:
        # Kept in a member: tasks are only weakly held by their loop.
        self._closing = self.loop.create_task(self.aclose())

    def neutralise(self) -> list[BaseConnector]:
        """Forget the sockets without touching their loop: it is closed, or the parent's."""
        self.on_closed()
        sessions, self.sessions = self.sessions, {}
        connectors = [session.connector for session in sessions.values() if session.connector is not None]
        for session in sessions.values():
            session.detach()
        for connector in connectors:
            # aiohttp's finalizer would close the transports through the loop; there is no public
            # way to tell it not to.
            connector._closed = True
        self._end_holder()
        return connectors

    def _end_holder(self) -> None:
        """End the generator, which has nothing left to close, before its loop's finalizer sees it."""
        holder = self._holder
        if holder is not None and not holder.ag_running:
            with suppress(StopIteration):
                holder.aclose().send(None)


def call_on(loop: Loop, call: Callable[[], object], *, closed: Callable[[], object] | None = None) -> None:
    """Have `loop` make a call, from any thread. When the loop is closed make `closed`, or the call, here."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        (closed or call)()


@cache
def _tables() -> weakref.WeakSet[SessionTable]:
    """All tables of the process: functions for after a fork are registered for good, so there is one."""
    tables: weakref.WeakSet[SessionTable] = weakref.WeakSet()

    def after_fork() -> None:
        for table in list(tables):
            table.after_fork()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork)
    return tables
