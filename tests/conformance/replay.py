"""Replays recorded routing cases: one request against scripted targets, compared with what was recorded.

The cases are in tests/cases/routing, one a line:

- `request`: headers (objects are sent as JSON text) and `body`, or `body_text` as it is.
- `upstream`: per target its replies in order, the last one for ever: `status`, `headers`, `json` or
  `text` or `sse` (events), `sse_delay_ms`, `disconnect_after` (events), `delay_ms`, `disconnect`.
- `expect`: `status`, the routing `headers`, `json` or `sse`, the `calls` that reached the targets, and
  `elapsed_s`, the bounds of what the call took, waits included.

A text `$name` stands for a member of shared.json, `{{UPSTREAM}}` for the targets' base URL. Expected texts
may be `<text>` (any, not empty), `<contains>part`, or another name in angle brackets (anything).
"""

from __future__ import annotations

import itertools
import json
import time
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from llmroute.clock import SystemClock, TimerHandle
from llmroute.testing import LoopbackUpstream, Reply, UpstreamCall, connection_error, cut, reply, sse

CASES = Path(__file__).parents[1] / "cases" / "routing"
ROUTING_HEADERS = (
    "x-portkey-cache-status",
    "x-portkey-last-used-option-index",
    "x-portkey-provider",
    "x-portkey-retry-attempt-count",
)


# --- reading


@cache
def _shared() -> dict[str, Any]:
    return json.loads((CASES / "shared.json").read_text(encoding="utf-8"))


def load(area: str) -> list[dict[str, Any]]:
    """The cases of one file, names replaced by what they stand for."""
    return [_filled(case) for case in json.loads((CASES / f"{area}.json").read_text(encoding="utf-8"))]


def _filled(value: Any) -> Any:
    if isinstance(value, str) and value[:1] == "$" and value[1:] in _shared():
        return _filled(_shared()[value[1:]])
    if isinstance(value, dict):
        return {name: _filled(member) for name, member in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _at(value: Any, url: str) -> Any:
    """`value` with the targets' base URL in place."""
    return json.loads(json.dumps(value).replace("{{UPSTREAM}}", url))


# --- playing


class HurriedClock(SystemClock):
    """The real clock, but for waits: they pass at once and are counted."""

    __slots__ = ("waited",)

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def now(self) -> float:
        return super().now() + self.waited

    async def sleep(self, seconds: float) -> None:
        self.waited += max(0.0, seconds)
        await super().sleep(0)

    def call_at(self, when: float, callback: Any) -> TimerHandle:
        return super().call_at(when - self.waited, callback)


def _scripted(recorded: dict[str, Any]) -> Reply:
    """One recorded reply for LoopbackUpstream."""
    status, headers = recorded.get("status", 200), recorded.get("headers") or {}
    delay = recorded.get("delay_ms", 0) / 1000
    if recorded.get("disconnect"):
        return connection_error()
    if "sse" in recorded:
        gap = recorded.get("sse_delay_ms", 0) / 1000
        answer = sse(recorded["sse"], status=status, headers=headers, delay=delay, gap=gap)
        return cut(answer, recorded["disconnect_after"]) if "disconnect_after" in recorded else answer
    return reply(status, json=recorded.get("json"), text=recorded.get("text"), headers=headers, delay=delay)


class Replay:
    """One case against an upstream that others use too: this case's targets have a prefix of their own."""

    def __init__(self, case: dict[str, Any], upstream: LoopbackUpstream) -> None:
        self._prefix = f"/{case['id']}"
        self._case = _at(case, upstream.url + self._prefix)
        self._upstream = upstream
        upstream.play(self._prefix, itertools.repeat(reply(599, text="no such target")))
        for target, replies in self._case["upstream"].items():
            played = [_scripted(one) for one in replies]
            endless = itertools.chain(played, itertools.repeat(played[-1]))
            upstream.play(f"{self._prefix}/{target}", endless)

    async def problems(self, router: Any, clock: HurriedClock) -> list[str]:
        """What is not as recorded."""
        request, expect = self._case["request"], self._case["expect"]
        headers = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in request.get("headers", {}).items()
        }
        start = time.perf_counter()
        response = await router.handle(request.get("body_text", request.get("body")), headers=headers)
        chunks = None if response.stream is None else [chunk async for chunk in response.stream]
        took = time.perf_counter() - start + clock.waited

        found = _answer_problems(expect, response, chunks)
        bounds = expect.get("elapsed_s")
        if bounds is not None and not bounds["at_least"] <= took < bounds["below"]:
            found.append(f"took {took:.2f} s, recorded {bounds}")
        return found + self._call_problems(expect.get("calls", []))

    def _call_problems(self, expected: list[dict[str, Any]]) -> list[str]:
        own = [call for call in self._upstream.calls if call.path.startswith(self._prefix + "/")]
        made = [_seen(call) for call in own]
        found = differences([call["target"] for call in expected], [call["target"] for call in made], "calls")
        if not found:
            for number, (wanted, got) in enumerate(zip(expected, made, strict=True)):
                found += differences(wanted, got, f"call {number}")
                found += surplus(wanted.get("json"), got["json"], f"call {number}.json")
        return found


def _seen(call: UpstreamCall) -> dict[str, Any]:
    """A call in the shape in which calls were recorded."""
    _, _, target, path = call.path.split("/", 3)
    headers = {name.lower(): value for name, value in call.headers.items()}
    return {
        "target": target,
        "method": call.method,
        "path": f"/{path}",
        "headers": headers,
        "json": call.json,
    }


# --- comparing


def _answer_problems(expect: dict[str, Any], response: Any, chunks: list[Any] | None) -> list[str]:
    if expect["status"] != response.status:
        return [f"status: {response.status} instead of {expect['status']}: {response.body}"]
    recorded = {name: text for name, text in expect["headers"].items() if name in ROUTING_HEADERS}
    found = differences(recorded, response.headers, "headers")
    if "sse" in expect:
        events = [event.removeprefix("data: ") for event in expect["sse"]]
        wanted = assembled([json.loads(event) for event in events if event.startswith("{")])
        return found + differences(wanted, assembled(chunks or []), "stream")
    return found + differences(expect.get("json", {}), response.body, "json")


def differences(expected: Any, actual: Any, path: str) -> list[str]:
    """What of `expected` is not in `actual`; null is as good as absent."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            text
            for name, value in expected.items()
            if value is not None or actual.get(name) is not None
            for text in differences(value, actual.get(name), f"{path}.{name}")
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return [text for number, pair in pairs for text in differences(*pair, f"{path}[{number}]")]
    return [] if _same(expected, actual) else [f"{path}: {actual!r} instead of {expected!r}"]


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, str) and expected.startswith("<"):
        if expected == "<text>":
            return isinstance(actual, str) and actual != ""
        if expected.startswith("<contains>"):
            return isinstance(actual, str) and expected.removeprefix("<contains>") in actual
        return True
    return expected == actual and isinstance(expected, bool) == isinstance(actual, bool)


def surplus(expected: Any, actual: Any, path: str) -> list[str]:
    """Members of `actual`, at any depth of objects, that were not recorded."""
    if not isinstance(expected, dict) or not isinstance(actual, dict):
        return []
    found = [f"{path}.{name}: sent, though not recorded" for name in actual if name not in expected]
    for name in expected.keys() & actual.keys():
        found += surplus(expected[name], actual[name], f"{path}.{name}")
    return found


def assembled(chunks: list[Any]) -> dict[str, Any]:
    """What a reader of a stream ends up with, whatever the chunk boundaries."""
    content: dict[int, str] = defaultdict(str)
    finish: dict[int, Any] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or []:
            index = choice.get("index", 0)
            content[index] += (choice.get("delta") or {}).get("content") or ""
            finish[index] = choice.get("finish_reason") or finish.get(index)
    texts = {str(index): text for index, text in content.items() if text}
    reasons = {str(index): reason for index, reason in finish.items()}
    return {
        "content": texts,
        "finish": reasons,
        "usage": usage,
        "error": any("error" in chunk for chunk in chunks),
    }
