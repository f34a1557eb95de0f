"""How long work takes by itself: CPU time, the best of three, without the collector's or the machine's pauses."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any


def soon(work: Callable[[], Any], limit: float = 0.1) -> Any:
    """The result of `work`, after a check that it takes less than `limit` seconds."""
    spent: list[float] = []
    for _ in range(3):
        with _measured(spent):
            result = work()
        if spent[-1] < limit:
            return result
    raise AssertionError(f"took {min(spent):.3f} s, at most {limit} s are allowed")


async def soon_awaited(work: Callable[[], Awaitable[Any]], limit: float = 0.1) -> Any:
    """The same for what is awaited; only this thread's work counts, no waiting."""
    spent: list[float] = []
    for _ in range(3):
        with _measured(spent):
            result = await work()
        if spent[-1] < limit:
            return result
    raise AssertionError(f"took {min(spent):.3f} s, at most {limit} s are allowed")


@contextmanager
def _measured(spent: list[float]) -> Iterator[None]:
    collecting = gc.isenabled()
    gc.disable()
    start = time.thread_time()
    try:
        yield
    finally:
        spent.append(time.thread_time() - start)
        if collecting:
            gc.enable()
