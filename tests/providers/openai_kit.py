"""What the tests of the OpenAI-compatible adapters share: recorded cases, replaying one, comparing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multidict import CIMultiDict

from llmroute.outcome import Failure
from llmroute.providers.base import Adapter, DecodeError, ProviderSettings, ReplyError, StreamDecoder
from llmroute.providers.registry import adapter_for
from llmroute.wire.message import WireReply, WireRequest

CASES = Path(__file__).parents[1] / "cases" / "openai_like"
HOST = "http://upstream"
HELLO = [{"role": "user", "content": "Hi"}]
PARAMS: dict[str, Any] = {"model": "m-1", "messages": HELLO}


def target(provider: str = "openai", **settings: Any) -> Adapter:
    """An adapter; the arguments are settings."""
    return adapter_for(ProviderSettings(provider=provider, **settings))


def request(
    provider: str = "openai", settings: Mapping[str, Any] | None = None, **params: Any
) -> WireRequest:
    """What is sent for `params` and a short message, unless there are others among them."""
    return target(provider, **(settings or {})).encode({**PARAMS, **params}, "sk-test")


def sent(provider: str = "openai", settings: Mapping[str, Any] | None = None, **params: Any) -> Any:
    """The JSON body of that request."""
    return json.loads(request(provider, settings, **params).body)


def reply(body: Any, status: int = 200, **headers: str) -> WireReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WireReply(status, CIMultiDict(headers), data)


def completion(message: Any = None, **members: Any) -> dict[str, Any]:
    """An answer with one choice, as OpenAI gives it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-1",
        "choices": [
            {
                "index": 0,
                "message": message or {"role": "assistant", "content": "Paris"},
                "finish_reason": "stop",
            }
        ],
        **members,
    }


def chunk(delta: Any, finish_reason: Any = None, index: int = 0, **members: Any) -> dict[str, Any]:
    """A chunk with one choice, as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m-1",
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        **members,
    }


def event(value: Any) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


DONE = event(b"[DONE]")


def decoded(
    data: bytes, provider: str = "openai", step: int | None = None, **settings: Any
) -> tuple[list[dict[str, Any]], StreamDecoder]:
    """The chunks of a whole stream that comes in blocks of `step` bytes, and its decoder."""
    decoder = target(provider, **settings).decoder(PARAMS)
    chunks: list[dict[str, Any]] = []
    for start in range(0, len(data), step or max(len(data), 1)):
        chunks += decoder.feed(data[start : start + (step or len(data))])
    return chunks + decoder.close(), decoder


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


# -- recorded cases ----------------------------------------------------------


def recorded() -> list[dict[str, Any]]:
    return [
        case
        for file in sorted(CASES.glob("*.json"))
        for case in json.loads(file.read_text(encoding="utf-8").replace("{UPSTREAM}", HOST))
    ]


class Replay:
    """One recorded case put through the adapter: `call` as upstream sees it, and what came back."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        headers = {name.lower(): value for name, value in case["request"]["headers"].items()}
        config = json.loads(headers["x-portkey-config"])
        params = {**case["request"]["body"], **config.get("override_params", {})}
        options = {name: value for name, value in config.items() if name.startswith(("openai_", "azure_"))}
        adapter = target(
            config["provider"],
            base_url=config["custom_host"],
            options=options,
            strict=config.get("strict_open_ai_compliance", True),
        )
        wire = adapter.encode(params, config.get("api_key"))
        forwarded = {name: headers[name] for name in config.get("forward_headers", ()) if name in headers}
        self.params = params
        self.call = {
            "method": wire.method,
            "path": wire.url.raw_path,
            "query": dict(wire.url.query),
            "headers": {**{name.lower(): value for name, value in wire.headers.items()}, **forwarded},
            "json": json.loads(wire.body),
        }
        self.chunks: list[dict[str, Any]] | None = None
        self.body: dict[str, Any] | None = None
        self.failure: Failure | None = None
        self._answer(adapter, case["reply"])

    def _answer(self, adapter: Adapter, answer: Mapping[str, Any]) -> None:
        self.status = answer.get("status", 200)
        data = _bytes(answer)
        wire = WireReply(self.status, CIMultiDict(answer.get("headers", {})), data)
        if self.status >= 300:
            self.failure = adapter.failure(wire)
        elif self.params.get("stream"):
            decoder = adapter.decoder(self.params)
            step = answer.get("split") or max(len(data), 1)
            blocks = [data[start : start + step] for start in range(0, len(data), step)]
            self.chunks = [chunk for block in blocks for chunk in decoder.feed(block)] + decoder.close()
            self.failure = decoder.failure
        else:
            try:
                self.body = adapter.decode(wire, self.params)
            except (DecodeError, ReplyError):
                self.status = 502

    def json(self) -> Any:
        """The answer as a caller gets it."""
        if self.failure is None:
            return self.body
        error = {name: getattr(self.failure, name) for name in ("message", "type", "code", "param")}
        members = self.failure.body if isinstance(self.failure.body, dict) else {}
        return {**members, "error": error, "provider": self.failure.message.partition(" error: ")[0]}


def _bytes(answer: Mapping[str, Any]) -> bytes:
    if "json" in answer:
        return json.dumps(answer["json"]).encode()
    if "sse" not in answer:
        return str(answer.get("text", "")).encode()
    end = answer.get("eol", "\n") * 2
    out = []
    for item in answer["sse"]:
        if isinstance(item, str) or "data" in item:
            data = item if isinstance(item, str) else item["data"]
            data = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
            out.append(f"data: {data}{end}")
        else:
            out.append(item["raw"])
    return "".join(out).encode()


def chunks_in(events: list[Any]) -> list[dict[str, Any]]:
    """The chunks among recorded events."""
    found = []
    for item in events:
        value = item.get("json", item.get("data")) if isinstance(item, dict) else item
        if isinstance(value, str):
            try:
                value = json.loads(value.removeprefix("data:"))
            except ValueError:
                continue
        if isinstance(value, dict):
            found.append(value)
    return found


def joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """What a stream says, however it was cut."""
    content: dict[int, str] = defaultdict(str)
    tools: dict[tuple[int, int], list[str]] = defaultdict(lambda: ["", "", ""])
    finish: dict[int, str] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or []:
            index = choice.get("index", 0)
            delta = choice.get("delta") or {}
            content[index] += delta.get("content") or ""
            for call in delta.get("tool_calls") or []:
                slot = tools[index, call["index"]]
                function = call.get("function") or {}
                slot[0] += call.get("id") or ""
                slot[1] += function.get("name") or ""
                slot[2] += function.get("arguments") or ""
            finish[index] = choice.get("finish_reason") or finish.get(index, "")
    texts = {index: text for index, text in content.items() if text}
    ends = {index: reason for index, reason in finish.items() if reason}
    return {"content": texts, "tools": dict(tools), "finish": ends, "usage": usage}


def differences(expected: Any, actual: Any, path: str = "$") -> list[str]:
    """What `expected` has and `actual` has not; null and absent are the same, as is a count of zero."""
    if isinstance(expected, str) and expected.startswith("<"):
        needle = expected.removeprefix("<contains>") if expected.startswith("<contains>") else ""
        good = isinstance(actual, str) and needle in actual and bool(actual)
        return [] if good else [f"{path}: {actual!r} is not {expected}"]
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = []
        for name, value in expected.items():
            if not value and name not in actual and (value is None or "usage" in path):
                continue
            found += differences(value, actual.get(name), f"{path}.{name}")
        return found
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [d for i, e in enumerate(expected) for d in differences(e, actual[i], f"{path}[{i}]")]
    return [] if expected == actual else [f"{path}: expected {expected!r}, got {actual!r}"]
