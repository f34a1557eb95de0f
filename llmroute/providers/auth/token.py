"""Tokens that expire: cached, fetched once at a time, renewed before their end."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any, Final

import attrs

from ...clock import Clock
from ...transport.base import TransportError
from .key import CredentialError

#: A token is renewed when it has this many seconds to live, or a fifth of its life if that is less.
RENEW_BEFORE: Final = 300.0
#: Seconds that one renewal may take, all its requests together.
RENEW_TIMEOUT: Final = 20.0
#: Seconds before a failed renewal is tried again while the old token is still good.
RENEW_PAUSE: Final = 15.0
MAX_CACHES: Final = 10_000

_LARGEST_LIFE: Final = 10 * 365 * 86_400.0


@attrs.frozen
class Token:
    """Something fetched: an access token, or a set of temporary keys. `lifetime` is in seconds from
    the start of the request that brought it, None for no end."""

    value: Any = attrs.field(repr=False)
    lifetime: float | None = None


MakeToken = Callable[[], Awaitable[Token]]


class TokenCache:
    """One token for all callers of all loops. Fetches are single-flight per loop.

    A fetch goes on while anybody waits for it, and is cancelled with the last one.
    """

    __slots__ = ("_clock", "_flights", "_good_until", "_lock", "_renew_at", "_token")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._good_until = 0.0
        self._flights: dict[asyncio.AbstractEventLoop, _Flight] = {}

    def forget(self) -> None:
        """Fetch anew at the next use."""
        self._token = None

    def peek(self) -> Any:
        """The token's value if it needs no renewal; None when `get` has to be awaited."""
        token = self._token
        if token is not None and (token.lifetime is None or self._clock.now() < self._renew_at):
            return token.value
        return None

    async def get(self, make: MakeToken, what: str) -> Any:
        """The token's value, fetched with `make` where that is needed.

        `what` names target and service in messages: "config.targets[0]: AWS STS". Raises
        CredentialError when there is no usable token; while the old one is good a failed renewal
        is not told.
        """
        value = self.peek()
        if value is not None:
            return value
        flight = self._join(make, what)
        problem = await flight.wait()
        if problem is None:
            return flight.value
        token = self._token
        if token is None or self._clock.now() >= self._good_until:
            raise CredentialError(problem)
        self._renew_at = min(self._good_until, self._clock.now() + RENEW_PAUSE)
        return token.value

    def _join(self, make: MakeToken, what: str) -> _Flight:
        """The fetch that is under way on this loop, or a new one."""
        loop = asyncio.get_running_loop()
        with self._lock:
            for closed in [other for other in self._flights if other.is_closed()]:
                del self._flights[closed]
            flight = self._flights.get(loop)
            if flight is None or flight.abandoned:
                flight = self._flights[loop] = _Flight()
                flight.task = loop.create_task(self._renew(flight, make, what))
                flight.task.add_done_callback(lambda _: self._land(loop, flight))
        return flight

    def _land(self, loop: asyncio.AbstractEventLoop, flight: _Flight) -> None:
        with self._lock:
            if self._flights.get(loop) is flight:
                del self._flights[loop]

    async def _renew(self, flight: _Flight, make: MakeToken, what: str) -> None:
        started = self._clock.now()
        try:
            token = await self._made(make, what)
        except CredentialError as error:
            flight.problem = str(error)
            return
        flight.value = token.value
        self._keep(token, started)

    async def _made(self, make: MakeToken, what: str) -> Token:
        """What `make` fetches. A foreign exception ends here: its text and frames may hold secrets."""
        try:
            async with self._clock.timeout(RENEW_TIMEOUT):
                return await make()
        except CredentialError:
            raise
        except TimeoutError:
            problem = f"no answer within {RENEW_TIMEOUT:g} s"
        except TransportError as error:
            problem = error.message
        except Exception as error:
            problem = type(error).__name__
        raise CredentialError(f"{what}: {problem}")

    def _keep(self, token: Token, started: float) -> None:
        life = min(max(0.0, token.lifetime), _LARGEST_LIFE) if token.lifetime is not None else _LARGEST_LIFE
        self._good_until = started + life
        self._renew_at = self._good_until - min(RENEW_BEFORE, life / 5)
        self._token = token


class _Flight:
    """One fetch and those who wait for it, all on one loop."""

    __slots__ = ("_waiting", "abandoned", "problem", "task", "value")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.value: Any = None
        self.problem: str | None = None
        self.abandoned = False
        self._waiting = 0

    async def wait(self) -> str | None:
        """Wait for the end of the fetch; what went wrong, None when `value` is there."""
        task = self.task
        assert task is not None
        self._waiting += 1
        try:
            await asyncio.wait([task])
        finally:
            self._waiting -= 1
            if not self._waiting and not task.done():
                self.abandoned = True
                task.cancel()
        return "the request for a token was cancelled" if task.cancelled() else self.problem


class TokenTable:
    """Token caches by credential fingerprint, the least recently built forgotten first."""

    def __init__(self, limit: int = MAX_CACHES) -> None:
        self._limit = limit
        self._caches: OrderedDict[str, TokenCache] = OrderedDict()
        self._lock = Lock()

    def get(self, fingerprint: str, clock: Clock) -> TokenCache:
        """The cache of a credential, made when it is new."""
        with self._lock:
            cache = self._caches.get(fingerprint)
            if cache is None:
                cache = self._caches[fingerprint] = TokenCache(clock)
                if len(self._caches) > self._limit:
                    self._caches.popitem(last=False)
            else:
                self._caches.move_to_end(fingerprint)
            return cache
