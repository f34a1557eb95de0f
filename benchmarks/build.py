"""What a config costs: building a router for 1,000 targets, and a call that has to find its way among them.

    python benchmarks/build.py

Exit status 1 when a figure is above its bound (BOUNDS). CPU time of this process throughout.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from measure import batch, report

from llmroute import Router
from llmroute.testing import Reply, ScriptedTransport, completion

#: Milliseconds to build the usual targets; a call among many against one among two.
BOUNDS = {"build": 15.0, "loadbalance": 1.25, "fallback": 1.25}
MANY = 1_000
ROUNDS = 9
CALLS = 4_000
HELLO = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def lean(index: int) -> dict[str, Any]:
    """A target with no more than it needs."""
    return {"provider": "openai", "api_key": f"key-{index}"}


def usual(index: int) -> dict[str, Any]:
    """A target with a weight and a model of its own."""
    return {**lean(index), "weight": 1 + index % 3, "override_params": {"model": f"model-{index % 7}"}}


def rich(index: int) -> dict[str, Any]:
    """A target that replaces most of what it could inherit."""
    return {
        **usual(index),
        "name": f"target-{index}",
        "custom_host": f"https://host-{index}.example.com/v1",
        "request_timeout": 20_000,
        "retry": {"attempts": 2, "on_status_codes": [429, 503]},
        "forward_headers": ["x-tenant"],
    }


def config(target: Callable[[int], dict[str, Any]], count: int, mode: str = "loadbalance") -> dict[str, Any]:
    """`count` targets under one strategy."""
    return {
        "strategy": {"mode": mode},
        "retry": {"attempts": 1},
        "targets": [target(index) for index in range(count)],
    }


def build_time(source: Mapping[str, Any] | str) -> float:
    """CPU milliseconds of `Router(source)`, the best of several."""
    Router(source)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        router = Router(source)
        times.append(time.process_time() - start)
        del router  # its end is not part of the next one's beginning
    return min(times) * 1e3


async def call_time(mode: str, count: int, answer: Reply) -> float:
    """CPU microseconds of one call over a scripted transport, every target once used before."""
    transport = ScriptedTransport(answer)
    router = Router(config(usual, count, mode), transport=transport, seed=1)

    async def call() -> None:
        await router.chat.completions.create(**HELLO)
        transport.requests.clear()

    await batch(call, 6 * count, 1)
    return min([await batch(call, CALLS, 1) for _ in range(5)])


async def main() -> int:
    figures: dict[str, float] = {}
    for shape in (lean, rich, usual):
        source = config(shape, MANY)
        figures["build"], text = build_time(source), build_time(json.dumps(source))
        label = f"build {MANY} targets, {shape.__name__}"
        print(f"{label:28} {figures['build']:6.1f} ms from a mapping, {text:6.1f} ms from JSON")
    answer = completion("Hello")
    for mode in ("loadbalance", "fallback"):
        few, many = await call_time(mode, 2, answer), await call_time(mode, MANY, answer)
        figures[mode] = many / few
        print(f"call, {mode:12} {few:6.1f} us of 2 targets, {many:6.1f} us of {MANY}: {many / few:.2f}")
    return report(BOUNDS, figures)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
