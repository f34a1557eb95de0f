"""The pool for checks that block: bounded, reused, gone with its owner."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading

import pytest

from llmroute.hooks import threads as module
from llmroute.hooks.threads import Threads, TooBusyError


def workers():
    return {thread for thread in threading.enumerate() if thread.name == "llmroute-check"}


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def test_results_and_errors_come_back():
    """In the context of the caller."""
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(5)
    pool = Threads()

    assert 5 == await pool.run(variable.get)
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 / 0)
    for error in (SystemExit, KeyboardInterrupt, StopIteration):
        with pytest.raises(RuntimeError, match=error.__name__):
            await pool.run(_raising(error))


def _raising(error):
    def function():
        raise error

    return function


async def test_threads_are_few_and_used_again():
    """As many as are needed at once, at most the limit."""
    before = workers()
    pool = Threads(3)
    for _ in range(5):
        await pool.run(lambda: None)
    assert 1 == len(workers() - before)

    gate = threading.Event()
    waiting = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(10)]
    await asyncio.sleep(0.05)
    assert 3 == len(workers() - before)
    gate.set()
    assert [True] * 10 == await asyncio.gather(*waiting)


async def test_too_many_jobs_are_refused(monkeypatch):
    """Rather than kept without bound."""
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    pool = Threads(1)
    gate = threading.Event()
    running = [asyncio.ensure_future(pool.run(gate.wait))]
    await asyncio.sleep(0.05)
    running += [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(TooBusyError):
        await pool.run(gate.wait)

    gate.set()
    await asyncio.gather(*running)


async def test_a_job_that_nobody_waits_for_is_not_begun():
    """The caller's time was over while it stood in the queue."""
    pool = Threads(1)
    gate, ran = threading.Event(), []
    first = asyncio.ensure_future(pool.run(gate.wait))
    await asyncio.sleep(0.05)
    second = asyncio.ensure_future(pool.run(lambda: ran.append(1)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)

    gate.set()
    await first
    await pool.run(lambda: None)

    assert [] == ran


async def test_threads_end_with_their_pool():
    """Nothing has to be closed."""
    before = workers()
    pool = Threads()
    await pool.run(lambda: None)
    assert 1 == len(workers() - before)

    del pool
    gc.collect()

    await until(lambda: not workers() - before)
