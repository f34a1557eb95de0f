"""What a stream of 200 chunks costs against bare aiohttp splitting lines and parsing JSON by hand.

    python benchmarks/streaming.py [--rounds 7] [--only block]

"block" is a stream that arrives in one piece, "paced" one write for each event. Exit status 1 when a
ratio is above its bound (BOUNDS).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import aiohttp
import orjson
from measure import compare, provider, report
from overhead import HEADERS, SMALL, target

from llmroute import Router, SyncRouter

BOUNDS = {"block": 1.50, "paced": 1.50}
BODY = {**SMALL, "stream": True}


async def run(base: str, rounds: int, only: str | None) -> int:
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
    return report(BOUNDS, ratios)


def sync_cost(base: str) -> None:
    """The same stream through SyncRouter, as CPU of the whole process."""
    import time

    with SyncRouter(target(f"{base}/stream/v1")) as router:

        def once() -> int:
            return sum(bool(chunk.choices[0].delta.content) for chunk in router.chat.completions.create(**BODY))

        assert once() == 200
        start = time.process_time()
        for _ in range(100):
            once()
        print(f"{'sync block':24} llmroute {(time.process_time() - start) / 100 * 1e6:7.1f} us")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only")
    args: Any = parser.parse_args()
    with provider() as base:
        status = asyncio.run(run(base, args.rounds, args.only))
        sync_cost(base)
    return status


if __name__ == "__main__":
    sys.exit(main())
