"""What a stream of 200 chunks costs against bare aiohttp splitting lines and parsing JSON by hand.

    python benchmarks/streaming.py [--rounds 7] [--only block]

"block" is a stream that arrives in one piece, "paced" one write for each event; "sync" is the first of
them through SyncRouter against Router. Exit status 1 when a ratio is above its bound (BOUNDS).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import aiohttp
import orjson
from measure import compare, provider, report
from overhead import HEADERS, SMALL, target

from llmroute import Router, SyncRouter

BOUNDS = {"block": 1.50, "paced": 1.50, "sync": 2.50}
BODY = {**SMALL, "stream": True}


async def run(base: str, rounds: int, only: str | None) -> dict[str, float]:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    ratios: dict[str, float] = {}
    async with session:
        for label, path in (("block", "stream"), ("paced", "paced")):
            if only not in (None, label):
                continue
            url = f"{base}/{path}/v1"

            async def by_hand(url: str = url) -> int:
                count, tail = 0, b""
                async with session.post(
                    url + "/chat/completions", data=orjson.dumps(BODY), headers=HEADERS
                ) as response:
                    async for block in response.content.iter_any():
                        *lines, tail = (tail + block).split(b"\n")
                        for line in lines:
                            if line.startswith(b"data: ") and line != b"data: [DONE]":
                                chunk = orjson.loads(line[6:])
                                count += bool(chunk["choices"][0]["delta"].get("content"))
                return count

            async with Router(target(url)) as router:

                async def routed(router: Router = router) -> int:
                    count = 0
                    async for chunk in await router.chat.completions.create(**BODY):
                        count += bool(chunk.choices[0].delta.content)
                    return count

                assert await by_hand() == await routed() == 200
                ratios[label] = await compare(label, by_hand, routed, count=60, rounds=rounds)
    return ratios


def sync_cost(base: str, rounds: int) -> float:
    """The stream that arrives in one piece through SyncRouter against Router: CPU of the whole process."""
    loop = asyncio.new_event_loop()
    router, chosen = Router(target(f"{base}/stream/v1")), SyncRouter(target(f"{base}/stream/v1"))

    async def read() -> int:
        chunks = await router.chat.completions.create(**BODY)
        return sum([bool(chunk.choices[0].delta.content) async for chunk in chunks])

    def routed() -> int:
        return loop.run_until_complete(read())

    def synchronous() -> int:
        return sum([bool(chunk.choices[0].delta.content) for chunk in chosen.chat.completions.create(**BODY)])

    def cost(work: Callable[[], int]) -> float:
        start = time.process_time()
        for _ in range(40):
            assert work() == 200
        return (time.process_time() - start) / 40 * 1e6

    pairs = [(cost(routed), cost(synchronous)) for _ in range(rounds + 1)][1:]
    ratio = median(slow / fast for fast, slow in pairs)
    fast, slow = (median(side) for side in zip(*pairs, strict=True))
    print(f"{'sync':24} async {fast:7.1f} us   sync     {slow:7.1f} us   ratio {ratio:.3f}")
    chosen.close()
    loop.run_until_complete(router.aclose())
    loop.close()
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only")
    args: Any = parser.parse_args()
    with provider() as base:
        ratios = asyncio.run(run(base, args.rounds, args.only))
        if args.only in (None, "sync"):
            ratios["sync"] = sync_cost(base, args.rounds)
    return report(BOUNDS, ratios)


if __name__ == "__main__":
    sys.exit(main())
