"""What guardrails cost: nothing when absent, each check on a text of 2 KB, and the modes of streams.

    python benchmarks/guardrails.py [--rounds 7]

A stub answers in place of the network, so that the figures are CPU time of the router alone. Exit
status 1 when a figure is above its bound (BOUNDS).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from statistics import median
from typing import Any

import orjson
from measure import batch

from llmroute import Router
from llmroute.hooks.engine import Subject
from llmroute.routing.plan import targets_of
from llmroute.wire.message import WireRequest

#: "absent" is a ratio; the others are microseconds: what five text checks add to a call, and what they take
#: by themselves, results included. In a call they come to half as much again: little of it is in the caches.
BOUNDS = {"absent": 1.05, "five text checks": 60.0, "judging": 50.0}
TEXT = ("The lighthouse keeper wrote to the harbour office about the lamp, the fog and the ships. " * 30)[
    :2_048
]
SMALL: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": TEXT}]}
TARGET = {"provider": "openai", "api_key": "sk-bench", "custom_host": "https://bench.example/v1"}
CHUNKS = 400

FIVE = [
    {"contains": {"operator": "none", "words": ["password", "secret", "token"]}},
    {"regexMatch": {"rule": "[A-Z]{8}", "not": True}},
    {"wordCount": {"minWords": 1, "maxWords": 1_000}},
    {"characterCount": {"minCharacters": 1, "maxCharacters": 10_000}},
    {"endsWith": {"suffix": "never", "not": True}},
]
SINGLE = {
    "contains": FIVE[0],
    "regexMatch": FIVE[1],
    "wordCount": FIVE[2],
    "pii": {"pii": {}},
    "secrets": {"secrets": {}},
    "promptInjection": {"promptInjection": {}},
}
ANSWER_SCHEMA = {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "object"}}}}
ANSWER_TEXT = orjson.dumps(
    {"items": [{"id": i, "name": f"item {i}", "ok": True} for i in range(45)]}
).decode()


class Stub:
    """A transport that always has the same answer, chunk by chunk."""

    keyless = True

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts
        #: How many parts of the last answer have been read.
        self.read = 0

    async def send(self, request: WireRequest, **options: Any) -> StubReply:
        self.read = 0
        return StubReply(self)

    async def aclose(self) -> None: ...


class StubReply:
    status = 200

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self.headers: Mapping[str, str] = {"content-type": "application/json"}

    async def read(self, limit: int) -> bytes:
        return b"".join(self._stub.parts)

    async def read_some(self) -> bytes:
        stub = self._stub
        if stub.read >= len(stub.parts):
            return b""
        stub.read += 1
        return stub.parts[stub.read - 1]

    def interrupt(self, error: Exception) -> None: ...
    def release(self) -> None: ...
    def close(self) -> None: ...


def completion(text: str) -> list[bytes]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 400, "completion_tokens": 8, "total_tokens": 408}
    head = {"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
    return [orjson.dumps({**head, "choices": [choice], "usage": usage})]


def events() -> list[bytes]:
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    pieces = [{"delta": {"content": f"word{i % 10} "}, "finish_reason": None} for i in range(CHUNKS)]
    pieces.append({"delta": {}, "finish_reason": "stop"})
    data = [
        b"data: " + orjson.dumps({**head, "choices": [{"index": 0, **piece}]}) + b"\n\n" for piece in pieces
    ]
    return [*data, b"data: [DONE]\n\n"]


async def added(
    rounds: int, stub: Stub, members: Mapping[str, Any], body: dict[str, Any] = SMALL
) -> tuple[float, float]:
    """Microseconds that `members` add to a call, and the ratio of both calls."""
    floors, costs = [], []
    async with (
        Router(TARGET, transport=stub) as plain,
        Router({**TARGET, **members}, transport=stub) as guarded,
    ):
        for _ in range(rounds):
            floors.append(await batch(lambda: plain.chat.completions.create(**body), 300, 1))
            costs.append(await batch(lambda: guarded.chat.completions.create(**body), 300, 1))
    # The best of each: other work on the machine only ever adds.
    return min(costs) - min(floors), min(costs) / min(floors)


async def absent(rounds: int) -> float:
    """The ratio of a router that knows checks and guardrails, but whose config has none."""
    stub = Stub(completion("ok"))
    ratios = []
    known = {"checks": {"acme.x": lambda context: True}, "guardrails": {"x": FIVE[0]}}
    async with Router(TARGET, transport=stub) as plain, Router(TARGET, transport=stub, **known) as knowing:
        for _ in range(rounds * 2):
            floor = await batch(lambda: plain.chat.completions.create(**SMALL), 1_000, 1)
            ratios.append(await batch(lambda: knowing.chat.completions.create(**SMALL), 1_000, 1) / floor)
    return median(ratios)


async def judging(rounds: int, members: Mapping[str, Any]) -> float:
    """Microseconds that the hooks take outside of any call."""
    async with Router({**TARGET, **members}, transport=Stub([])) as router:
        plan = router._plan()
        assert plan is not None
        [spec] = targets_of(plan.spec)
        engine = router._core.env.hook_kit().engine

        async def judge() -> object:
            return (await engine.run(spec.input_hooks, Subject(event="before", request=SMALL))).results()

        return min([await batch(judge, 3_000, 1) for _ in range(rounds)])


async def calls(rounds: int) -> dict[str, float]:
    stub = Stub(completion("ok"))
    five = {"input_guardrails": [{name: check for entry in FIVE for name, check in entry.items()}]}
    found = {"absent": await absent(rounds), "judging": await judging(rounds, five)}
    print(f"{'absent':24} ratio {found['absent']:.3f}", flush=True)
    print(f"{'judging':24} takes {found['judging']:6.1f} us", flush=True)
    cases: dict[str, tuple[Stub, Mapping[str, Any]]] = {
        "no check": (stub, {"input_guardrails": [{"id": "empty"}]}),
        "five text checks": (stub, five),
        **{name: (stub, {"input_guardrails": [check]}) for name, check in SINGLE.items()},
        "jsonSchema": (
            Stub(completion(ANSWER_TEXT)),
            {"output_guardrails": [{"jsonSchema": {"schema": ANSWER_SCHEMA}}]},
        ),
    }
    for label, (answering, members) in cases.items():
        found[label], ratio = await added(rounds * (2 if label in BOUNDS else 1), answering, members)
        print(f"{label:24} adds {found[label]:7.1f} us   ratio {ratio:.2f}", flush=True)
    return found


async def streams(rounds: int) -> None:
    """CPU for each chunk, and how much of the answer has arrived when the first text is handed on."""
    stub = Stub(events())
    hook = {"contains": {"operator": "none", "words": ["password"]}}
    redaction = {"regexReplace": {"rule": "/word7/g", "redactText": "******"}}
    cases: dict[str, Mapping[str, Any]] = {
        "none": {},
        "after": {"output_guardrails": [{**hook, "stream": "after"}]},
        "window": {"output_guardrails": [{**hook, "stream": "window"}]},
        "window, changing": {"output_mutators": [redaction]},
        "buffer": {"output_guardrails": [{**hook, "deny": True}]},
        "buffer, changing": {"output_mutators": [{**redaction, "stream": "buffer"}]},
    }
    for label, members in cases.items():
        first = 0
        async with Router({**TARGET, **members}, transport=stub) as router:

            async def read(router: Router = router) -> None:
                nonlocal first
                first = 0
                async for chunk in await router.chat.completions.create(**SMALL, stream=True):
                    if not first and chunk.choices[0].delta.content:
                        first = stub.read

            costs = [await batch(read, 20, 1) / CHUNKS for _ in range(rounds)]
        print(
            f"stream: {label:16} {median(costs):6.2f} us a chunk   first text after {first} of {CHUNKS} chunks",
            flush=True,
        )


async def run(rounds: int) -> int:
    found = await calls(rounds)
    await streams(rounds)
    late = {label: figure for label, figure in found.items() if figure > BOUNDS.get(label, float("inf"))}
    for label, figure in late.items():
        print(f"OVER: {label} {figure:.3f}, at most {BOUNDS[label]}")
    return 1 if late else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    return asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    sys.exit(main())
