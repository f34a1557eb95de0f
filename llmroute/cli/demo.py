"""`llmroute demo`: routing shown against a fake provider on the loopback interface, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from .. import ChatCompletion, Router
from ..config.primitives import SecretText
from ..config.schema import OPTIONS
from ..secret import MASK
from ..testing import LoopbackUpstream, anthropic_completion, completion, gemini_stream, tool_call
from ..types.chat import ToolCall
from .console import BOLD, DIM, Console
from .routes import route_lines

_WIDTH = 100
_SECRETS = frozenset({"api_key", *(name for name, check in OPTIONS.items() if isinstance(check, SecretText))})
_QUESTION = [
    {"role": "system", "content": "Answer in one word."},
    {"role": "user", "content": "What is the capital of France?"},
]
_STORY = "A lighthouse shows ships where the rocks are, at night and in fog, and asks for nothing in return."
_WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def run_demo(console: Console) -> int:
    """Run the demo; about three seconds."""
    return asyncio.run(_demo(console))


async def _demo(console: Console) -> int:
    started = time.monotonic()
    async with LoopbackUpstream() as upstream:
        console.line("llmroute demo: offline, no keys needed.", BOLD)
        console.line(f"A fake provider at {upstream.url} speaks the formats of OpenAI, Anthropic and Gemini.")
        config = _config(upstream.url)
        async with Router(config) as router:
            _title(console, "1. The config (secrets masked)")
            _indented(console, "\n".join(_drawn(masked(config))))
            _title(console, "2. What a call would do: router.explain(...)")
            _indented(console, str(router.explain({"model": "gpt-4o-mini", "messages": _QUESTION})))
            await _show_fallback(console, upstream, router)
            await _show_tools(console, upstream, router)
            await _show_stream(console, upstream, router)
        console.line()
        seconds = time.monotonic() - started
        console.line(f"Done: {len(upstream.calls)} HTTP requests to the fake provider in {seconds:.1f} s.")
    return 0


def _config(url: str) -> dict[str, Any]:
    return {
        "strategy": {"mode": "fallback", "on_status_codes": [429, 500, 502, 503, 504]},
        "retry": {"attempts": 1, "on_status_codes": [429], "use_retry_after_headers": True},
        "targets": [
            {"provider": "openai", "api_key": "sk-demo-1", "custom_host": f"{url}/openai/v1"},
            {
                "provider": "anthropic",
                "api_key": "sk-demo-2",
                "custom_host": f"{url}/anthropic/v1",
                "override_params": {"model": "claude-sonnet-4-5", "max_tokens": 500},
            },
        ],
    }


async def _show_fallback(console: Console, upstream: LoopbackUpstream, router: Router) -> None:
    _title(console, "3. A retry, then a fallback")
    console.line("   Target 0 answers 429 with Retry-After: 1. It is tried once more, is still at its limit,")
    console.line("   and target 1 takes over, in Anthropic's format.")
    upstream.fail("/openai", status=429, times=2, message="Rate limit reached", retry_after=1)
    upstream.play("/anthropic", [anthropic_completion("Paris.", model="claude-sonnet-4-5")])
    answer = await router.chat.completions.create(model="gpt-4o-mini", messages=_QUESTION)
    console.line()
    _field(console, "question", _QUESTION[1]["content"])
    _field(console, "answer", _text(answer))
    _show_route(console, answer)
    sent = upstream.calls[-1]
    console.line()
    console.line(f"   What target 1 was sent, at {sent.path}:")
    _indented(console, "\n".join(_drawn(sent.json)), DIM)


async def _show_tools(console: Console, upstream: LoopbackUpstream, router: Router) -> None:
    _title(console, "4. A tool call; the provider changes between its two turns")
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    upstream.play("/openai", [completion(tool_calls=[tool_call("get_weather", {"city": "Paris"})])])
    first = await router.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[_WEATHER_TOOL]
    )
    message = first.choices[0].message
    messages.append(message)
    for call in message.tool_calls or ():
        assert isinstance(call, ToolCall)
        _field(console, "tool call", f"{call.function.name}({call.function.arguments})  from {_who(first)}")
        result = json.dumps({"city": json.loads(call.function.arguments)["city"], "celsius": 18})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        _field(console, "result", result)
    upstream.fail("/openai", status=503, message="The server is overloaded")
    second = await router.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[_WEATHER_TOOL]
    )
    _field(console, "answer", f"{_text(second)}  from {_who(second)}")
    _show_route(console, second)


async def _show_stream(console: Console, upstream: LoopbackUpstream, router: Router) -> None:
    _title(console, "5. A stream, from Gemini's format")
    gemini = {"provider": "google", "api_key": "demo-3", "custom_host": f"{upstream.url}/gemini/v1beta"}
    upstream.play("/gemini", [gemini_stream(_STORY, gap=0.05)])
    view = router.with_options(config=gemini)
    question = [{"role": "user", "content": "What is a lighthouse?"}]
    console.write("   answer     ")
    chunks = 0
    async with await view.chat.completions.create(
        model="gemini-2.5-flash", messages=question, stream=True
    ) as stream:
        async for chunk in stream:
            chunks += 1
            console.write(chunk.choices[0].delta.content or "")
        console.line()
        whole = await stream.final()
    _field(
        console, "chunks", f"{chunks}, in OpenAI's shape; finish reason {whole.choices[0].finish_reason!r}"
    )
    _show_route(console, whole)


def _title(console: Console, text: str) -> None:
    console.line()
    console.line(text, BOLD)


def _field(console: Console, name: str, text: str) -> None:
    console.line(f"   {name:10} {text}")


def _indented(console: Console, text: str, style: str | None = None) -> None:
    for line in text.splitlines():
        console.line(f"   {line}", style)


def _show_route(console: Console, answer: ChatCompletion) -> None:
    _indented(console, "\n".join(route_lines(answer.route)))


def _text(answer: ChatCompletion) -> str:
    return answer.choices[0].message.content or ""


def _who(answer: ChatCompletion) -> str:
    return answer.route.provider


def masked(config: Any) -> Any:
    """The config with the values of secret members replaced."""
    if isinstance(config, Mapping):
        return {name: MASK if name in _SECRETS else masked(value) for name, value in config.items()}
    return [masked(entry) for entry in config] if isinstance(config, list) else config


def _drawn(value: Any, indent: str = "", head: str = "") -> list[str]:
    """JSON in lines of moderate width: what fits stays on one line."""
    flat = f"{indent}{head}{json.dumps(value, ensure_ascii=False)}"
    if len(flat) <= _WIDTH or not isinstance(value, (dict, list)) or not value:
        return [flat]
    if isinstance(value, dict):
        parts = [_drawn(entry, f"{indent}  ", f"{json.dumps(name)}: ") for name, entry in value.items()]
    else:
        parts = [_drawn(entry, f"{indent}  ") for entry in value]
    for part in parts[:-1]:
        part[-1] += ","
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return [f"{indent}{head}{opening}", *(line for part in parts for line in part), f"{indent}{closing}"]
