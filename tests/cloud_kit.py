"""What the tests of the cloud providers share: cases played through `Router.handle`, and comparing."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import attrs

from llmroute import Router
from llmroute.telemetry.events import ParametersDropped
from llmroute.testing import Reply, ScriptedTransport, VirtualClock, reply

CASES = Path(__file__).parent / "cases" / "native"
HOST = "http://127.0.0.1:8000/up"
HELLO = [{"role": "user", "content": "Hi"}]
_PEM = "{{TEST_RSA_PRIVATE_KEY_PKCS8_PEM}}"


@functools.cache
def private_key() -> str:
    """A throw-away RSA key as PKCS 8 PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file; in them {{UPSTREAM}} stands for the host."""
    text = (CASES / f"{name}.json").read_text(encoding="utf-8").replace("{{UPSTREAM}}", HOST)
    if _PEM in text:
        # It stands in a JSON text inside a JSON text, so it is escaped twice.
        text = text.replace(_PEM, json.dumps(json.dumps(private_key())[1:-1])[1:-1])
    found: list[dict[str, Any]] = json.loads(text)
    return found


def by_id(case: Mapping[str, Any]) -> str:
    return str(case["id"])


@attrs.define
class Run:
    """What one case led to."""

    status: int
    calls: list[dict[str, Any]]
    warnings: tuple[str, ...]
    body: Any = None
    chunks: list[Any] | None = None
    broken: str | None = None


async def run(case: Mapping[str, Any]) -> Run:
    """Play the case's request against the case's reply."""
    transport = ScriptedTransport(reply_of(case["reply"]))
    transport.keyless = False
    events: list[Any] = []
    clock = VirtualClock(auto=True)
    async with Router(transport=transport, clock=clock, observers=[events.append]) as router:
        response = await router.handle(case["request"]["body"], headers=case["request"]["headers"])
        done = Run(response.status, [], ())
        if response.stream is None:
            done.body = response.body
        else:
            await _read(done, response.stream)
        done.calls = [call_of(sent) for sent in transport.requests]
        dropped = [event for event in events if isinstance(event, ParametersDropped)]
        done.warnings = tuple(text for event in dropped for text in event.warnings)
    return done


async def _read(done: Run, stream: Any) -> None:
    done.chunks = []
    try:
        async for chunk in stream:
            done.chunks.append(chunk)
    except Exception as error:
        done.broken = f"{type(error).__name__}: {error}"


def call_of(sent: Any) -> dict[str, Any]:
    """A request as the cases have it; the path is relative to the host."""
    path = sent.path
    return {
        "method": sent.method,
        "path": path.removeprefix("/up") if sent.host == "127.0.0.1" else path,
        "query": {name: value for name, value in sent.wire.url.query.items() if name != "alt"},
        "headers": {name.lower(): value for name, value in sent.headers.items()},
        "json": json.loads(sent.body),
    }


def reply_of(recorded: Mapping[str, Any]) -> Reply:
    """The recorded reply, cut where the case asks for it."""
    data = _bytes(recorded)
    step = recorded.get("split") or max(len(data), 1)
    parts = [data[start : start + step] for start in range(0, len(data), step)]
    made = reply(recorded.get("status", 200), headers=recorded.get("headers") or {})
    return attrs.evolve(made, steps=tuple(parts))


def _bytes(recorded: Mapping[str, Any]) -> bytes:
    if "json" in recorded:
        return json.dumps(recorded["json"], ensure_ascii=False).encode()
    if "hex" in recorded:
        return bytes.fromhex(recorded["hex"])
    if "sse" not in recorded:
        return str(recorded.get("text", "")).encode()
    end = recorded.get("eol", "\n")
    lines = []
    for event in recorded["sse"]:
        name = f"event: {event['event']}{end}" if "event" in event else ""
        data = event["data"]
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines.append(f"{name}data: {text}{end}{end}")
    return "".join(lines).encode()


# -- comparing ---------------------------------------------------------------

_GENERATED = re.compile(r"<[a-z0-9]+>")


def differences(expected: Any, actual: Any, path: str = "$", *, exact: bool = False) -> list[str]:
    """What of `expected` is not in `actual`; null is as good as absent, a count of 0 too.

    With `exact`, members that are not expected count as well. "<text>" stands for any text,
    "<contains>X" for one with X in it, other such words for anything, also within a text.
    """
    if isinstance(expected, str) and expected.startswith("<contains>"):
        found = isinstance(actual, str) and expected.removeprefix("<contains>") in actual
        return [] if found else [f"{path}: {expected}, got {actual!r}"]
    if expected == "<text>":
        return [] if isinstance(actual, str) and actual else [f"{path}: no text but {actual!r}"]
    if isinstance(expected, str) and _GENERATED.search(expected):
        pattern = "(?s:.*)".join(map(re.escape, _GENERATED.split(expected)))
        same = actual is not None and re.fullmatch(pattern, str(actual))
        return [] if same else [f"{path}: {expected!r}, got {actual!r}"]
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = [name for name, value in expected.items() if name in actual or value not in (None, 0)]
        found = [
            each
            for name in names
            for each in differences(expected[name], actual.get(name), f"{path}.{name}", exact=exact)
        ]
        return found + [f"{path}.{name}: unexpected" for name in actual if exact and name not in expected]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return [d for i, (e, a) in pairs for d in differences(e, a, f"{path}[{i}]", exact=exact)]
    same = isinstance(expected, bool) == isinstance(actual, bool) and expected == actual
    return [] if same else [f"{path}: {expected!r}, got {actual!r}"]


def assembled(chunks: list[Any]) -> dict[str, Any]:
    """What a caller makes of chunks: the message and finish reason of each choice, and the usage."""
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or []:
            whole = choices.setdefault(
                choice.get("index", 0), {"message": {"content": ""}, "finish_reason": None}
            )
            whole["finish_reason"] = choice.get("finish_reason") or whole["finish_reason"]
            _join(whole["message"], choice.get("delta") or {})
    return {"choices": [choices[index] for index in sorted(choices)], "usage": usage}


def _join(whole: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for piece in value:
                _join_call(whole.setdefault("tool_calls", []), piece)
        elif name in ("content", "reasoning_content", "refusal", "annotations", "images"):
            whole[name] = value if name not in whole else whole[name] + (value or type(whole[name])())
        elif name != "content_blocks":
            whole[name] = value


def _join_call(calls: list[dict[str, Any]], piece: Mapping[str, Any]) -> None:
    if piece["index"] == len(calls):
        calls.append({"id": "", "type": piece.get("type")})
    call = calls[piece["index"]]
    call["id"] = call["id"] or piece.get("id") or ""
    for kind in ("function", "custom"):
        for name, text in (piece.get(kind) or {}).items():
            held = call.setdefault(kind, {})
            held[name] = held.get(name, "") + (text or "")


# -- judging -----------------------------------------------------------------


def problems(case: Mapping[str, Any], done: Run) -> list[str]:
    """What is not as the case says, in the request as in the answer."""
    found = []
    expected = case["expect_upstream"]
    if (expected is None) != (not done.calls):
        return [f"upstream was called {len(done.calls)} times; the answer: {done.body}"]
    if expected is not None:
        call = done.calls[0]
        query = {name: value for name, value in (expected.get("query") or {}).items() if name != "alt"}
        found += differences({**expected, "query": query}, call, "call")
        found += differences(query, call["query"], "query", exact=True)
        found += differences(expected["json"], call["json"], "call.json", exact=True)
    expect = case["expect"]
    if expect["status"] != done.status:
        return [*found, f"status {done.status}: {done.body}"]
    if "sse" in expect:
        found += differences(assembled(expect["sse"]), assembled(done.chunks or []), "stream")
        found += differences(expect.get("broken"), done.broken, "broken")
        if expect.get("broken") is None and done.broken is not None:
            found.append(f"the stream broke: {done.broken}")
    else:
        found += differences(expect["json"], done.body, "answer")
    return found


# -- credentials -------------------------------------------------------------


@attrs.frozen
class Asked:
    """One request that a TokenServer got."""

    path: str
    headers: Mapping[str, str]
    body: str


class TokenServer:
    """A token service on loopback, for vendors' libraries that bring clients of their own."""

    def __init__(self, answer: Mapping[str, Any], status: int = 200) -> None:
        self.asked: list[Asked] = []
        asked, data = self.asked, json.dumps(answer).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length).decode()
                asked.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> TokenServer:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
