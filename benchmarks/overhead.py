"""What routing one chat completion costs against bare aiohttp and orjson doing the same by hand.

    python benchmarks/overhead.py [--rounds 7] [--only c16]

Exit status 1 when a ratio is above its bound (BOUNDS).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import aiohttp
import orjson
from measure import compare, provider, report

from llmroute import Router

BOUNDS = {"c1": 1.15, "c16": 1.20, "c128": 1.20, "fallback": 1.15, "large": 1.10}
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-bench"}
SMALL: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is a lighthouse?"},
    ],
    "temperature": 0.2,
}
LARGE = {**SMALL, "messages": [{"role": "user", "content": "word " * 20_000}]}


def target(url: str) -> dict[str, Any]:
    return {"provider": "openai", "api_key": "sk-bench", "custom_host": url}


async def run(base: str, rounds: int, only: str | None) -> int:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    good, bad = f"{base}/ok/v1", f"{base}/fail/v1"
    chain = {"strategy": {"mode": "fallback"}, "targets": [target(good), target(good)]}
    failing = {"strategy": {"mode": "fallback"}, "targets": [target(bad), target(good)]}

    async def post(url: str, body: dict[str, Any]) -> str | None:
        async with session.post(
            url + "/chat/completions", data=orjson.dumps(body), headers=HEADERS
        ) as response:
            document = orjson.loads(await response.read())
            return document["choices"][0]["message"]["content"] if response.status < 400 else None

    async def by_hand(body: dict[str, Any] = SMALL) -> str | None:
        return await post(good, body)

    async def by_hand_after_failure() -> str | None:
        return await post(bad, SMALL) or await post(good, SMALL)

    async with session, Router(chain) as router, Router(failing) as failing_router:

        async def routed(body: dict[str, Any] = SMALL) -> str | None:
            completion = await router.chat.completions.create(**body)
            return completion.choices[0].message.content

        async def routed_after_failure() -> str | None:
            completion = await failing_router.chat.completions.create(**SMALL)
            return completion.choices[0].message.content

        cases = {
            "c1": (by_hand, routed, 600, 1),
            "c16": (by_hand, routed, 1600, 16),
            "c128": (by_hand, routed, 2560, 128),
            "fallback": (by_hand_after_failure, routed_after_failure, 400, 1),
            "large": (lambda: by_hand(LARGE), lambda: routed(LARGE), 400, 1),
        }
        ratios = {
            label: await compare(label, floor, subject, count=count, parallel=parallel, rounds=rounds)
            for label, (floor, subject, count, parallel) in cases.items()
            if only in (None, label)
        }
    return report(BOUNDS, ratios)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only")
    args = parser.parse_args()
    with provider() as base:
        return asyncio.run(run(base, args.rounds, args.only))


if __name__ == "__main__":
    sys.exit(main())
