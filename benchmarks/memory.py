"""By how much memory grows over many calls, once it has settled.

    python benchmarks/memory.py [--rounds 24] [--calls 10000]

Each round makes that many calls, 16 at a time: completions, streams, and fallbacks after a 429. The first
third of the rounds is for the allocator to settle: it takes its last pages only after some 50,000 calls.
The figure is the slope of the resident memory over the others, as KB for 10,000 calls, by the median of
all pairs of rounds (Theil and Sen), which a single jump does not move. Exit status 1 when it is above its
bound.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from itertools import combinations
from pathlib import Path
from statistics import median

from measure import batch, provider
from overhead import SMALL, target

from llmroute import Router

BOUND = 20.0
PARALLEL = 16


def resident() -> int:
    """Resident memory in KB, without what the collector can free."""
    gc.collect()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


async def run(base: str, rounds: int, calls: int) -> float:
    chain = {
        "strategy": {"mode": "fallback"},
        "targets": [target(f"{base}/fail/v1"), target(f"{base}/ok/v1")],
    }
    streaming = target(f"{base}/stream/v1")
    async with (
        Router(target(f"{base}/ok/v1")) as plain,
        Router(chain) as failing,
        Router(streaming) as streamed,
    ):

        async def answer() -> None:
            await plain.chat.completions.create(**SMALL)

        async def second_answer() -> None:
            await failing.chat.completions.create(**SMALL)

        async def stream() -> None:
            async for _ in await streamed.chat.completions.create(**SMALL, stream=True):
                pass

        async def mixed() -> None:
            await batch(answer, calls * 85 // 100, PARALLEL)
            await batch(second_answer, calls * 10 // 100, PARALLEL)
            await batch(stream, calls * 5 // 100, PARALLEL)

        await mixed()
        levels = [resident()]
        for _ in range(rounds):
            await mixed()
            levels.append(resident())
    slopes = [
        (late - early) / (n - m)
        for (m, early), (n, late) in combinations(enumerate(levels[rounds // 3 :]), 2)
    ]
    growth = median(slopes) * 10_000 / calls
    print(f"memory   {levels[0]} KB after {calls} calls, then {[level - levels[0] for level in levels[1:]]}")
    print(f"growth   {growth:.1f} KB for 10,000 calls")
    return growth


def main() -> int:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--calls", type=int, default=10_000)
    args = parser.parse_args()
    with provider() as base:
        growth = asyncio.run(run(base, args.rounds, args.calls))
    if growth > BOUND:
        print(f"OVER: {growth:.1f} KB, at most {BOUND:.0f}")
    return growth > BOUND


if __name__ == "__main__":
    sys.exit(main())
