"""A transport that plays scripted replies and keeps what it was sent."""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from multidict import CIMultiDict

from ..clock import Clock, SystemClock
from ..secret import MASK
from ..transport.base import TransportError
from ..wire.json import loads
from ..wire.message import WireRequest
from .replies import Break, Pause, Reply

_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|signature|credential", re.IGNORECASE)


class ScriptError(AssertionError):
    """The code under test sent a request the script has no reply for.

    An AssertionError, so that it ends the test: a TransportError would be retried, or answered by
    the next target.
    """


class MaskedHeaders(CIMultiDict[str]):
    """Case-insensitive headers whose repr, and so a failing assert, does not show credentials."""

    def __repr__(self) -> str:
        shown = {name: MASK if _SECRET_HEADER.search(name) else value for name, value in self.items()}
        return f"{type(self).__name__}({shown!r})"


class SentRequest:
    """A request as the transport got it. Its repr shows neither headers, query nor body."""

    def __init__(self, wire: WireRequest) -> None:
        self.wire = wire
        self.headers = MaskedHeaders(wire.headers)
        #: What came back; None while nothing has, and when sending failed.
        self.exchange: ScriptedExchange | None = None
        self._cancelled = False

    @property
    def url(self) -> str:
        """The whole URL, query included."""
        return str(self.wire.url)

    @property
    def host(self) -> str:
        return self.wire.url.host or ""

    @property
    def path(self) -> str:
        """The URL's path, percent-encoded as sent."""
        return self.wire.url.raw_path

    @property
    def method(self) -> str:
        return self.wire.method

    @property
    def body(self) -> bytes:
        return self.wire.body

    @property
    def json(self) -> Any:
        """The parsed body. Raises ValueError when it is not JSON."""
        return loads(self.wire.body)

    @property
    def closed(self) -> bool:
        """Whether the upstream was hung up on: before its answer, or in the middle of it."""
        return self._cancelled or (self.exchange is not None and self.exchange.closed)

    def abandon(self) -> None:
        """Note that the sender was cancelled before the head of the answer."""
        self._cancelled = True

    def __repr__(self) -> str:
        return f"<SentRequest {self.method} {self.wire.url.scheme}://{self.host}{self.path}>"


class ScriptedExchange:
    """One reply being read: `llmroute.transport.base.Exchanged` without a network."""

    def __init__(self, answer: Reply, clock: Clock) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        #: Hung up by the reader before the end.
        self.closed = False
        #: Given back by the reader.
        self.released = False
        self._steps = iter(answer.steps)
        self._clock = clock
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._ended = False

    @property
    def open(self) -> bool:
        """Whether it still holds its connection: not at the end, not broken, not given back."""
        return not (self._ended or self.closed or self.released)

    async def read(self, limit: int) -> bytes:
        data = bytearray()
        while part := await self.read_some():
            data += part
            if len(data) > limit:
                self.close()
                raise TransportError("too_large", f"the answer is larger than {limit} bytes")
        return bytes(data)

    async def read_some(self) -> bytes:
        if self._waiter is not None:
            raise RuntimeError("read_some is already waiting")
        while True:
            if self._error is not None:
                raise self._error
            step = next(self._steps, None)
            if isinstance(step, Pause):
                await self._wait(step.seconds)
            elif isinstance(step, Break):
                self._ended = True
                self._error = TransportError(step.kind, step.message)
            elif step is None:
                self._ended = True
                return b""
            elif step:
                return step

    def interrupt(self, error: Exception) -> None:
        """Make the `read_some` that is waiting, or else the next one, raise `error`."""
        self._error = self._error or error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def release(self) -> None:
        self.released = True

    def close(self) -> None:
        if self.open:
            self.closed = True
            self.interrupt(TransportError("connection", "the answer was closed by its reader"))

    async def _wait(self, seconds: float) -> None:
        # Not clock.sleep: a VirtualClock's `sleeps` are those of the code under test.
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await _pause(self._clock, seconds, self._waiter)
        finally:
            self._waiter = None


#: What a script may be; see ScriptedTransport.
Script: TypeAlias = "Reply | Callable[[SentRequest], Reply] | Mapping[str, Script] | Iterable[Reply]"

#: What gives the reply to each request.
Player = Callable[[SentRequest], Reply]


class ScriptedTransport:
    """A `llmroute.transport.base.Transport` that answers from a script.

    The script is one of
    - a Reply, given to every request;
    - a list (or any iterable, `itertools.cycle` say) of replies, one for each request in order;
      a request beyond its end raises ScriptError;
    - a function from SentRequest to Reply; what it raises reaches the sender;
    - a mapping from a part of the URL, a host for example, to a script of its own, any of these: the
      first key that the URL contains counts, and a URL without any raises ScriptError.

    Anything else raises TypeError, at once where it is the script and when its turn comes where it
    stands in place of a reply.

    Delays pass on `clock`, the real one by default: give it the router's. `requests` lists what was
    sent, in order. Safe from several threads and loops.
    """

    #: Its requests reach no provider, so targets need no keys.
    keyless = True

    def __init__(self, script: Script, clock: Clock | None = None) -> None:
        self.requests: list[SentRequest] = []
        #: Whether `aclose` was called; sending still works, for tests that share a transport.
        self.closed = False
        self._clock = clock or SystemClock()
        self._play = _player(script, "the script")

    @property
    def open(self) -> int:
        """How many answers still hold a connection: 0 when the code under test leaks none."""
        return sum(sent.exchange is not None and sent.exchange.open for sent in self.requests)

    async def send(
        self, request: WireRequest, *, connect_timeout: float | None = None, guarded: bool = False
    ) -> ScriptedExchange:
        sent = SentRequest(request)
        self.requests.append(sent)
        answer = self._play(sent)
        if not isinstance(answer, Reply):
            raise TypeError(f"the script gave {type(answer).__name__} for {sent!r}, expected a Reply")
        try:
            for step in answer.before:
                await self._before(step, connect_timeout)
        except asyncio.CancelledError:
            sent.abandon()
            raise
        sent.exchange = ScriptedExchange(answer, self._clock)
        return sent.exchange

    async def aclose(self) -> None:
        self.closed = True

    async def _before(self, step: Pause | Break, connect_timeout: float | None) -> None:
        if isinstance(step, Break):
            raise TransportError(step.kind, step.message)
        limit = connect_timeout if step.connecting and connect_timeout is not None else math.inf
        await _pause(self._clock, min(step.seconds, limit), asyncio.get_running_loop().create_future())
        if step.seconds > limit:
            raise TransportError("connect_timeout", f"scripted: no connection in {limit:g} s")


async def _pause(clock: Clock, seconds: float, waiter: asyncio.Future[None]) -> None:
    """Wait for `waiter`, which `clock` wakes after `seconds`; never, when they are infinite."""
    timer = None if seconds == math.inf else clock.call_at(clock.now() + seconds, partial(_wake, waiter))
    try:
        await waiter
    finally:
        if timer is not None:
            timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _player(script: object, place: str) -> Player:
    """What plays a script. Raises TypeError that names the `place` of what is none."""
    if isinstance(script, Reply):
        return lambda sent: script
    if callable(script):
        return script
    if isinstance(script, Mapping):
        return _by_url(script, place)
    if isinstance(script, Iterable) and not isinstance(script, (str, bytes, bytearray)):
        return _Sequence(script)
    expected = "a Reply, several in a list or another iterable, a function that gives one, or a mapping"
    raise TypeError(f"{place}: expected {expected}, got {type(script).__name__}")


def _by_url(scripts: Mapping[Any, object], place: str) -> Player:
    """Plays the first script whose key is part of the URL."""
    players: dict[str, Player] = {}
    for part, script in scripts.items():
        if not isinstance(part, str):
            raise TypeError(f"{place}: its keys are parts of URLs, got {type(part).__name__}")
        players[part] = _player(script, f"{place}[{part!r}]")

    def play(sent: SentRequest) -> Reply:
        for part, player in players.items():
            if part in sent.url:
                return player(sent)
        raise ScriptError(f"no key of {place} is part of the URL of {sent!r}: {list(players)}")

    return play


class _Sequence:
    """Replies in order, whatever thread asks."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        self._rest: Iterator[Reply] = iter(replies)
        self._lock = threading.Lock()
        self._played = 0

    def __call__(self, sent: SentRequest) -> Reply:
        with self._lock:
            try:
                answer = next(self._rest)
            except StopIteration:
                raise ScriptError(f"{sent!r}: the script's {self._played} replies are used up") from None
            self._played += 1
        return answer
