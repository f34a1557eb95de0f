"""Interleaved pairs: a batch of the floor, a batch of the subject, again and again; the ratio of each pair.

The figure is the CPU time (user and system) of this process for one operation, which other load on
the machine disturbs little; a ratio within one pair is disturbed even less.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

Work = Callable[[], Awaitable[object]]


@contextmanager
def provider() -> Iterator[str]:
    """The base URL of a fake provider, on another core where there are several."""
    command = [sys.executable, str(Path(__file__).with_name("upstream.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = int(process.stdout.readline())
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, {cores[-1]})
            os.sched_setaffinity(0, {cores[0]})
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()


async def batch(work: Work, count: int, parallel: int) -> float:
    """CPU microseconds of one operation, over `count` of them, `parallel` at a time."""

    async def worker(share: int) -> None:
        for _ in range(share):
            await work()

    share = max(1, count // parallel)
    start = time.process_time()
    await asyncio.gather(*(worker(share) for _ in range(parallel)))
    return (time.process_time() - start) / (share * parallel) * 1e6


async def compare(
    label: str, floor: Work, subject: Work, *, count: int, parallel: int = 1, rounds: int = 7
) -> float:
    """Print and return the median ratio of `subject` to `floor`."""
    await batch(floor, count // 4, parallel)
    await batch(subject, count // 4, parallel)
    ratios, floors, subjects = [], [], []
    for _ in range(rounds):
        floors.append(await batch(floor, count, parallel))
        subjects.append(await batch(subject, count, parallel))
        ratios.append(subjects[-1] / floors[-1])
    low, high = min(ratios), max(ratios)
    print(
        f"{label:24} floor {median(floors):7.1f} us   llmroute {median(subjects):7.1f} us   "
        f"ratio {median(ratios):.3f} ({low:.2f} to {high:.2f})",
        flush=True,
    )
    return median(ratios)


def report(bounds: dict[str, float], ratios: dict[str, float]) -> int:
    """Exit status: 1 when a ratio is above its bound."""
    late = {label: ratio for label, ratio in ratios.items() if ratio > bounds.get(label, float("inf"))}
    for label, ratio in late.items():
        print(f"OVER: {label} {ratio:.3f}, at most {bounds[label]:.2f}")
    return 1 if late else 0
