"""Tokens: fetched once, shared, renewed in time, and never an empty one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from llmroute.providers.auth.base import in_thread
from llmroute.providers.auth.key import CredentialError
from llmroute.providers.auth.token import (
    RENEW_BEFORE,
    RENEW_PAUSE,
    RENEW_TIMEOUT,
    Token,
    TokenCache,
    TokenTable,
)
from llmroute.testing import VirtualClock
from llmroute.transport.base import TransportError


class Service:
    """A token service that numbers its tokens; an answer that is an exception is raised."""

    def __init__(self, clock: VirtualClock, *, lifetime: float | None = 3600.0, takes: float = 0.0) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.takes = takes
        self.calls = 0
        self.ended = 0
        self.error: BaseException | None = None

    async def __call__(self) -> Token:
        self.calls += 1
        try:
            if self.takes:
                await self.clock.sleep(self.takes)
            if self.error is not None:
                raise self.error
            return Token(f"token-{self.calls}", self.lifetime)
        finally:
            self.ended += 1


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(auto=True)


async def test_a_token_is_fetched_once_and_kept(clock: VirtualClock) -> None:
    """Until it has to be renewed, nobody is asked again."""
    cache, service = TokenCache(clock), Service(clock)

    assert ["token-1"] * 3 == [await cache.get(service, "t") for _ in range(3)]
    assert 1 == service.calls
    assert "token-1" == cache.peek()


async def test_callers_at_the_same_time_share_one_fetch(clock: VirtualClock) -> None:
    """Single-flight: a hundred calls at once are one request to the service."""
    cache, service = TokenCache(clock), Service(clock, takes=2.0)

    assert {"token-1"} == set(await asyncio.gather(*(cache.get(service, "t") for _ in range(100))))
    assert 1 == service.calls


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(3600.0, 3600.0 - RENEW_BEFORE), (100.0, 80.0)])
async def test_a_token_is_renewed_before_its_end(
    clock: VirtualClock, lifetime: float, renewed_after: float
) -> None:
    """Five minutes before, or at four fifths of a short life."""
    cache, service = TokenCache(clock), Service(clock, lifetime=lifetime)
    await cache.get(service, "t")

    await clock.sleep(renewed_after - 1)
    assert "token-1" == await cache.get(service, "t")
    await clock.sleep(1)
    assert "token-2" == await cache.get(service, "t")


async def test_the_life_of_a_token_is_counted_from_its_request(clock: VirtualClock) -> None:
    """What the request took is gone from the token's life."""
    cache, service = TokenCache(clock), Service(clock, lifetime=100.0, takes=10.0)
    await cache.get(service, "t")

    await clock.sleep(71)
    assert cache.peek() is None


async def test_a_token_without_end_is_never_renewed(clock: VirtualClock) -> None:
    """Given keys have no end."""
    cache, service = TokenCache(clock), Service(clock, lifetime=None)
    await cache.get(service, "t")

    await clock.sleep(1e9)
    assert "token-1" == await cache.get(service, "t")


async def test_a_forgotten_token_is_fetched_anew(clock: VirtualClock) -> None:
    """A provider that refused it is the reason."""
    cache, service = TokenCache(clock), Service(clock)
    await cache.get(service, "t")
    cache.forget()

    assert "token-2" == await cache.get(service, "t")


async def test_a_failed_renewal_leaves_the_old_token_while_it_is_good(clock: VirtualClock) -> None:
    """The service is asked again after a pause; once the token has ended, the failure is told."""
    cache, service = TokenCache(clock), Service(clock)
    await cache.get(service, "t")
    service.error = TransportError("connection", "sts: no answer")

    await clock.sleep(3600.0 - RENEW_BEFORE)
    assert "token-1" == await cache.get(service, "t")
    assert "token-1" == await cache.get(service, "t")
    assert 2 == service.calls
    await clock.sleep(RENEW_PAUSE)
    await cache.get(service, "t")
    assert 3 == service.calls
    await clock.sleep(RENEW_BEFORE)
    with pytest.raises(CredentialError, match=r"^here: sts: no answer$"):
        await cache.get(service, "here")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TransportError("connection", "host: cannot connect"), "config: host: cannot connect"),
        (RuntimeError("secret=hunter2"), "config: RuntimeError"),
        (CredentialError("config: refused"), "config: refused"),
        (TimeoutError("secret"), f"config: no answer within {RENEW_TIMEOUT:g} s"),
    ],
)
async def test_a_failure_names_the_target_and_holds_no_secret(
    clock: VirtualClock, error: Exception, told: str
) -> None:
    """Of foreign exceptions only the class is told; their texts quote what the service answered."""
    cache, service = TokenCache(clock), Service(clock)
    service.error = error

    with pytest.raises(CredentialError) as caught:
        await cache.get(service, "config")
    assert told == str(caught.value)
    assert caught.value.__context__ is None


async def test_a_failure_is_not_kept(clock: VirtualClock) -> None:
    """The next caller asks again."""
    cache, service = TokenCache(clock), Service(clock)
    service.error = RuntimeError()
    with pytest.raises(CredentialError):
        await cache.get(service, "t")
    service.error = None

    assert "token-2" == await cache.get(service, "t")


async def test_a_fetch_has_a_time_limit(clock: VirtualClock) -> None:
    """A service that never answers costs RENEW_TIMEOUT seconds."""
    cache, service = TokenCache(clock), Service(clock, takes=1e6)
    with pytest.raises(CredentialError, match="no answer within"):
        await cache.get(service, "t")

    assert RENEW_TIMEOUT == clock.now()
    assert 1 == service.ended


async def test_a_caller_that_leaves_does_not_end_the_fetch_of_the_others(clock: VirtualClock) -> None:
    """The fetch goes on while anybody waits."""
    cache, service = TokenCache(clock), Service(clock, takes=5.0)
    first = asyncio.create_task(cache.get(service, "t"))
    second = asyncio.create_task(cache.get(service, "t"))
    await clock.sleep(1.0)
    first.cancel()

    assert "token-1" == await second
    assert first.cancelled()


async def test_the_last_caller_that_leaves_ends_the_fetch(clock: VirtualClock) -> None:
    """No task is left behind."""
    cache, service = TokenCache(clock), Service(clock, takes=5.0)
    only = asyncio.create_task(cache.get(service, "t"))
    await clock.sleep(1.0)
    only.cancel()
    await asyncio.wait([only])
    await asyncio.sleep(0)

    assert 1 == service.ended
    assert 1 == len(asyncio.all_tasks())


async def test_a_caller_does_not_join_a_fetch_that_was_abandoned(clock: VirtualClock) -> None:
    """Whoever comes right after the last one has left begins a fetch of his own."""
    cache, service = TokenCache(clock), Service(clock, takes=5.0)
    only = asyncio.create_task(cache.get(service, "t"))
    await clock.sleep(1.0)
    only.cancel()
    next_one = asyncio.create_task(cache.get(service, "t"))

    assert "token-2" == await next_one


def test_a_token_serves_any_number_of_loops(clock: VirtualClock) -> None:
    """One loop fetches it, the next one finds it there."""
    cache, service = TokenCache(clock), Service(clock)

    assert "token-1" == asyncio.run(cache.get(service, "t"))
    assert "token-1" == asyncio.run(cache.get(service, "t"))


def test_a_fetch_that_died_with_its_loop_is_not_waited_for(clock: VirtualClock) -> None:
    """A loop that was closed in the middle leaves nothing that others would join."""
    cache, service = TokenCache(clock), Service(clock, takes=5.0)

    async def leave() -> None:
        task = asyncio.create_task(cache.get(service, "t"))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    service.takes = 0.0
    assert "token-2" == asyncio.run(cache.get(service, "t"))


def test_a_table_has_one_cache_a_credential_and_forgets_the_oldest(clock: VirtualClock) -> None:
    """Bounded, and the least recently asked for goes first."""
    table = TokenTable(limit=2)
    first = table.get("a", clock)
    table.get("b", clock)

    assert first is table.get("a", clock)
    table.get("c", clock)
    assert first is table.get("a", clock)
    assert 2 == len(table._caches)


@pytest.mark.parametrize("error", [None, ValueError("bad")])
async def test_a_blocking_function_runs_beside_the_loop(error: Exception | None) -> None:
    """Its result, or its exception, comes back to the caller."""

    def function() -> int:
        if error is not None:
            raise error
        return 7

    if error is None:
        assert 7 == await in_thread(function)
    else:
        with pytest.raises(ValueError, match="bad"):
            await in_thread(function)


async def test_a_caller_that_leaves_does_not_wait_for_the_thread() -> None:
    """A vendor's library that hangs holds nobody."""
    import threading

    goes_on: Any = threading.Event()
    function: Callable[[], Any] = goes_on.wait
    task = asyncio.create_task(in_thread(function))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    goes_on.set()
