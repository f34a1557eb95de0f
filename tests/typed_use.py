"""Code as a user would write it; `mypy --strict` reads it in test_client.py. Never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

from llmroute import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatStream,
    Config,
    ConfigDict,
    Explanation,
    Observer,
    Response,
    Route,
    Router,
    SyncRouter,
    Transport,
)
from llmroute.telemetry.events import Event
from llmroute.testing import ScriptedTransport, completion
from llmroute.transport.aiohttp import AiohttpTransport

CONFIG: ConfigDict = {"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}]}
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]


def observe(event: Event) -> None:
    """An observer is a function."""


observer: Observer = observe
transports: list[Transport] = [AiohttpTransport(), ScriptedTransport(completion())]
router = Router(CONFIG, observers=[observer], transport=transports[0])
Router(provider="openai", Authorization="Bearer x")
Router(Config(CONFIG))


async def plain() -> None:
    made = await router.chat.completions.create(model="m", messages=MESSAGES, temperature=0.5)
    assert_type(made, ChatCompletion)
    assert_type(made.choices[0].message.content, str | None)
    assert_type(made.route, Route)
    await router.chat.completions.create(messages=[*MESSAGES, made.choices[0].message], stream=False)
    await router.chat.completions.create(messages=MESSAGES, vendor_option={"a": 1}, timeout=5, extra_body={})


async def streaming() -> None:
    opened = await router.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    assert_type(opened, ChatStream)
    async for chunk in opened:
        assert_type(chunk, ChatCompletionChunk)
        assert_type(chunk.choices[0].delta.content, str | None)
    assert_type(await opened.final(), ChatCompletion)
    assert_type(opened.text, str)


async def either(stream: bool) -> None:
    made = await router.chat.completions.create(messages=MESSAGES, stream=stream)
    assert_type(made, ChatCompletion | ChatStream)


async def wire(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    response = await router.handle(body, headers)
    assert_type(response, Response)
    assert_type(response.body, dict[str, Any] | None)
    async for event in response.sse(heartbeat=15):
        assert_type(event, bytes)


def views() -> None:
    view = router.with_options(config=CONFIG, trace_id="x", timeout=5)
    assert_type(view, Router)
    assert_type(view.explain({"messages": MESSAGES}), Explanation)


def synchronous() -> None:
    with SyncRouter(CONFIG) as blocking:
        blocking.chat.completions.create(messages=MESSAGES)
