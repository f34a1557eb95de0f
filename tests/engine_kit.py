"""What the tests of the engine share: routers on scripted replies in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

from llmroute import APIError, Router
from llmroute.testing import ScriptedTransport, VirtualClock

KEY = "sk-canary-0123456789"
MESSAGES = [{"role": "user", "content": "Hello"}]
HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": MESSAGES}


def target(host: str = "a", /, **members: Any) -> dict[str, Any]:
    """An OpenAI-compatible target on a host of its own: `target("b")` calls https://b.example."""
    return {"provider": "openai", "api_key": KEY, "custom_host": f"https://{host}.example/v1", **members}


def fallback(*targets: Any, strategy: Any = (), **members: Any) -> dict[str, Any]:
    """A fallback over targets given as configs or by the names of their hosts."""
    return {"strategy": {"mode": "fallback", **dict(strategy)}, "targets": listed(targets), **members}


def listed(targets: Any) -> list[dict[str, Any]]:
    return [target(entry) if isinstance(entry, str) else entry for entry in targets]


class Rig:
    """A router, the transport that answers it and the clock it lives by."""

    def __init__(
        self, config: Any, script: Any, *, auto: bool = True, keyless: bool = True, **options: Any
    ) -> None:
        self.clock = options.pop("clock", None) or VirtualClock(auto=auto)
        self.transport = ScriptedTransport(script, self.clock)
        self.transport.keyless = keyless
        self.events: list[Any] = []
        if options.pop("observe", False):
            options["observers"] = [self.events.append]
        self.router = Router(config, transport=self.transport, clock=self.clock, seed=7, **options)

    async def create(self, **params: Any) -> Any:
        """`chat.completions.create` with the usual request below `params`."""
        return await self.router.chat.completions.create(**{**HELLO, **params})

    async def handle(self, headers: Any = None, **params: Any) -> Any:
        """`Router.handle` with the usual request below `params`."""
        return await self.router.handle({**HELLO, **params}, headers)

    async def stream(self, **params: Any) -> Any:
        """The stream object of a streamed call."""
        return await self.create(stream=True, **params)

    @property
    def hosts(self) -> str:
        """The first letters of the hosts that were called, in order: "aab"."""
        return "".join(sent.host[0] for sent in self.transport.requests)

    @property
    def sleeps(self) -> list[float]:
        return self.clock.sleeps

    def assert_clean(self) -> None:
        """No connection, no timer and no task is left."""
        assert 0 == self.transport.open
        assert 0 == self.clock.pending
        assert {asyncio.current_task()} == asyncio.all_tasks()


def texts(chunks: Any) -> list[str]:
    """The texts of chunks, objects or dicts, where they have one."""
    return [
        text for chunk in chunks for choice in chunk["choices"] if (text := choice["delta"].get("content"))
    ]


async def collect(stream: Any) -> list[Any]:
    """All chunks of a stream."""
    return [chunk async for chunk in stream]


async def read(stream: Any) -> tuple[list[Any], APIError | None]:
    """The chunks of a stream, and what it raised instead of ending."""
    seen: list[Any] = []
    while True:
        try:
            seen.append(await anext(stream))
        except StopAsyncIteration:
            return seen, None
        except APIError as failure:
            return seen, failure
