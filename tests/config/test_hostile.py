"""Hostile configs, headers and bodies: refused by name or made harmless, and always soon."""

from __future__ import annotations

import builtins
import gc
import json
import logging
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from llmroute import APIStatusError, ConfigError, Router
from llmroute.config.document import Config
from llmroute.config.schema import FORBIDDEN_FORWARDS, LATER_MEMBERS
from llmroute.patterns import compile_pattern
from llmroute.providers.registry import ADAPTERS
from llmroute.testing import (
    Reply,
    ScriptedTransport,
    VirtualClock,
    completion,
    gemini_completion,
    reply,
)

CASES = json.loads((Path(__file__).parents[1] / "cases" / "hostile.json").read_text())
UP = "http://127.0.0.1:9101/v1"
REDIRECTING = "http://127.0.0.1:9102/v1"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
#: Nothing blocks the loop for longer than this, in CPU seconds.
SOON = 0.1
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
}
CONDITIONAL = (
    '{"strategy":{"mode":"conditional","conditions":[{"query":%s,"then":"a"}],"default":"a"},'
    '"targets":[{"name":"a","provider":"openai","api_key":"k","custom_host":"@UP@"}]}'
)
#: These name nothing that a router in code would refuse: their harm is in the request.
ONLY_IN_REQUESTS = {"body-array", "inject-forward-crlf-value", "inject-trace-id"}


class Upstream(ScriptedTransport):
    """Answers in the format that it is asked in; remembers whose word the hosts were."""

    def __init__(self) -> None:
        super().__init__(_answer, VirtualClock(auto=True))
        self.guarded: list[bool] = []

    async def send(self, request: Any, *, connect_timeout: float | None = None, guarded: bool = False) -> Any:
        self.guarded.append(guarded)
        return await super().send(request, connect_timeout=connect_timeout, guarded=guarded)


def _answer(sent: Any) -> Reply:
    if sent.url.startswith(REDIRECTING):
        return reply(307, headers={"location": "http://169.254.169.254/latest"})
    if "/converse" in sent.url:
        return reply(json=CONVERSED)
    return gemini_completion("ok") if "/models/" in sent.url else completion("ok")


def put_in(text: str) -> str:
    return (
        text.replace("@UP:rd.307.metadata@", REDIRECTING)
        .replace("@UP@", UP)
        .replace("@5000 DIGITS@", "9" * 5_000)
    )


def text_of(case: dict[str, Any]) -> str | None:
    """The config as text, None for what only code can give."""
    if "config" in case:
        return put_in(json.dumps(case["config"]))
    if "config_text" in case:
        return put_in(case["config_text"])
    if "repeat" not in case:
        return None
    head, count, middle, tail = case["repeat"]
    text = head * count + middle + tail * count
    return put_in(CONDITIONAL % text if case.get("wrap") == "conditional-query" else text)


def source_of(case: dict[str, Any]) -> Any:
    """The config as code gives it."""
    if "python" in case:
        return evaluated(case["python"])
    text = text_of(case)
    return json.loads(text) if "config" in case and text else text


def evaluated(expression: str) -> Any:
    return builtins.eval(put_in(expression))


def body_of(case: dict[str, Any]) -> Any:
    return evaluated(case["body_python"]) if "body_python" in case else case.get("body", HELLO)


def names(path: str, places: list[str]) -> bool:
    """Whether one of the places is the expected one, or lies inside it."""
    for member in LATER_MEMBERS["ConfigNode"]:
        if path.startswith(f"config.{member}"):
            path = f"config.{member}"
    return any(place == path or place.startswith((f"{path}.", f"{path}[")) for place in places)


def assert_harmless(transport: Upstream, case: dict[str, Any]) -> None:
    """What did get out went where it should, and nothing in it was smuggled."""
    for sent in transport.requests:
        if "custom_host" in str(case.get("config")) and "api_key" in str(case.get("config")):
            assert sent.url.startswith((UP, REDIRECTING)) or case.get("no_connect"), sent.url
        assert ".." not in sent.path.split("/")
        assert "x=y" not in sent.wire.url.query_string or "x=y" in str(case.get("config"))
        for name, value in sent.headers.items():
            assert not set("\r\n\0") & set(name + value)
            assert "0" != value or name not in FORBIDDEN_FORWARDS


class Seen:
    """Everything that came out: none of it may hold a secret."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, *things: Any) -> None:
        self.texts += [f"{thing!r} {thing}" for thing in things]

    def assert_clean(self, caplog: pytest.LogCaptureFixture) -> None:
        assert "SECRET" not in "".join(self.texts) + caplog.text
        assert not any("\n" in record.getMessage() for record in caplog.records)


@pytest.fixture(autouse=True)
def _only_its_own_time():
    """What is measured is the case itself: no imports, no collection of other tests' garbage."""
    for place in ADAPTERS.values():
        import_module(place.partition(":")[0])
    compile_pattern("a")
    gc.disable()
    yield
    gc.enable()


def timed(start: float, case: dict[str, Any]) -> None:
    spent = time.process_time() - start
    assert spent < SOON or case["name"] == "body-py-20mb", f"{spent:.3f} s"


@pytest.mark.parametrize("case", [c for c in CASES if text_of(c) is not None], ids=lambda case: case["name"])
async def test_a_request_with_it_is_answered_with_400_or_served_without_harm(case, caplog):
    """Untrusted, through the wire-level door: never an exception, never a secret, never another host."""
    caplog.set_level(logging.DEBUG)
    transport, seen = Upstream(), Seen()
    router = Router(transport=transport, clock=VirtualClock(auto=True))
    headers = {"x-portkey-config": text_of(case), **case.get("headers", {})}
    if "metadata" in case:
        headers["x-portkey-metadata"] = json.dumps(case["metadata"])
    body = body_of(case)

    start = time.process_time()
    response = await router.handle(body, headers)
    timed(start, case)

    seen.add(response, response.headers, response.body, router)
    seen.assert_clean(caplog)
    assert_harmless(transport, case)
    if case["verdict"] == "accept":
        assert 200 == response.status, response.body
    elif case["verdict"] == "reject":
        assert 400 == response.status
        assert [] == transport.requests
        problems = response.body.get("errors", [f"{response.body['error']['param']}: "])
        # An empty header is no header.
        path = case["path"] if text_of(case) else "headers"
        assert names(path, [problem.split(": ")[0] for problem in problems]), problems
    else:
        assert response.status in (200, 307, 400, 446)
    assert "custom_host" not in str(case.get("config")) or all(transport.guarded)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["name"] not in ONLY_IN_REQUESTS], ids=lambda case: case["name"]
)
async def test_a_router_with_it_is_refused_or_works(case, caplog):
    """The same in code: ConfigError with the path, or a router that answers."""
    caplog.set_level(logging.DEBUG)
    transport, seen, source = Upstream(), Seen(), source_of(case)
    places: list[str] = []
    status = 200
    body = body_of(case)

    start = time.process_time()
    try:
        if case["name"].startswith(("ssrf", "url")):
            source = Config(source, trusted=False)
        router = Router(
            source, transport=transport, metadata=case.get("metadata"), clock=VirtualClock(auto=True)
        )
        seen.add(router, router._core.plan, router._core.config, router._core.config.node, router.warnings)
        answer = await router.chat.completions.create(**body)
        seen.add(answer, answer.route, router.health())
    except ConfigError as error:
        places = [problem.path for problem in error.problems]
        seen.add(error, *error.problems)
    except APIStatusError as error:
        places, status = [str(error.param)], error.status_code
        seen.add(error, error.__dict__)
    timed(start, case)

    seen.assert_clean(caplog)
    assert_harmless(transport, case)
    assert status in (200, 307, 400, 446)
    if case["verdict"] == "accept":
        assert [] == places
    elif case["verdict"] == "reject":
        assert [] == transport.requests
        assert names(case["path"], places), places


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["name"].startswith("cond-regex-bomb")], ids=lambda case: case["name"]
)
@pytest.mark.parametrize("size", [30, 50_000])
async def test_a_pattern_that_explodes_is_decided_soon(case, size):
    """Either the call goes to a target, or it is refused with 400; the loop is never held for long."""
    transport = Upstream()
    router = Router(transport=transport, clock=VirtualClock(auto=True))
    headers = {
        "x-portkey-config": text_of(case),
        "x-portkey-metadata": json.dumps({"plan": "a" * size + "!"}),
    }

    start = time.process_time()
    response = await router.handle(HELLO, headers)
    timed(start, case)

    assert response.status in (200, 400)
    assert 200 == response.status or "condition_timeout" == response.body["error"]["code"]
