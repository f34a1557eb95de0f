"""What the tests of the Gemini adapter share: cases, a run of one case, comparing, joining chunks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from multidict import CIMultiDict

from llmroute.outcome import Failure
from llmroute.providers.base import (
    Adapter,
    DecodeError,
    EncodeError,
    ProviderSettings,
    ReplyError,
    StreamDecoder,
)
from llmroute.providers.gemini import adapter
from llmroute.wire.message import WireReply, WireRequest

CASES = Path(__file__).parents[2] / "cases" / "native"
HOST = "http://upstream"
HELLO = [{"role": "user", "content": "Hi"}]
MODEL = "gemini-2.5-flash"
CURRENT = "gemini-3-pro-preview"
PIXEL = "iVBORw0KGgo="


def target(**settings: Any) -> Adapter:
    """An adapter; the arguments are settings."""
    return adapter(ProviderSettings(provider="google", **settings))


def request(
    messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
) -> WireRequest:
    return target(**(settings or {})).encode({"model": MODEL, "messages": messages, **params}, "key-1")


def encoded(
    messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """The JSON body that `messages` and `params` become."""
    return json.loads(request(messages, settings=settings, **params).body)


def generation(**params: Any) -> dict[str, Any]:
    """The `generationConfig` that `params` become."""
    return encoded(**params).get("generationConfig", {})


def lost(messages: Any = HELLO, **params: Any) -> list[str]:
    """The parameters that the warnings name."""
    return [warning.split()[0] for warning in request(messages, **params).warnings]


def refusal(messages: Any = HELLO, **params: Any) -> EncodeError:
    """The EncodeError that the request raises."""
    try:
        wire = request(messages, **params)
    except EncodeError as error:
        return error
    raise AssertionError(f"accepted: {wire.body!r}")


# -- answers -----------------------------------------------------------------

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}


def candidate(*parts: Any, finish: str | None = "STOP", **members: Any) -> dict[str, Any]:
    """One candidate with `parts`; a text stands for a part of text."""
    made = [{"text": part} if isinstance(part, str) else part for part in parts]
    ending = {} if finish is None else {"finishReason": finish}
    return {"content": {"role": "model", "parts": made}, "index": 0, **ending, **members}


def answer(*candidates: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A GenerateContentResponse."""
    shared = {"usageMetadata": USAGE, "modelVersion": MODEL, "responseId": "resp-1"}
    return {"candidates": list(candidates), **shared, **members}


def call(name: str, args: Any = None, signature: str | None = None, **members: Any) -> dict[str, Any]:
    """A part with a function call."""
    made = {"functionCall": {"name": name, **({} if args is None else {"args": args}), **members}}
    return made if signature is None else {**made, "thoughtSignature": signature}


def reply(body: Any, status: int = 200, **headers: str) -> WireReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WireReply(status, CIMultiDict(headers), data)


def decoded(body: Any, *, strict: bool = True, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return target(strict=strict).decode(reply(body), params or {"model": MODEL})


def message(*parts: Any, strict: bool = True, **members: Any) -> dict[str, Any]:
    """The message that a candidate with `parts` becomes."""
    return decoded(answer(candidate(*parts, **members)), strict=strict)["choices"][0]["message"]


# -- streams -----------------------------------------------------------------


def sse(*events: Any, end: str = "\r\n") -> bytes:
    return b"".join(f"data: {json.dumps(event)}{end}{end}".encode() for event in events)


def array(*events: Any) -> bytes:
    """The events as the array of the older form."""
    return b"[" + b",\r\n".join(json.dumps(event, indent=2).encode() for event in events) + b"\n]\n"


def streamed(
    data: bytes,
    *,
    strict: bool = True,
    step: int | None = None,
    params: Mapping[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], StreamDecoder]:
    """The chunks of a stream fed in pieces of `step` bytes, and the decoder after its end."""
    decoder = target(strict=strict).decoder(params or {"model": MODEL})
    chunks: list[dict[str, Any]] = []
    for start in range(0, len(data), step or max(len(data), 1)):
        chunks += decoder.feed(data[start : start + (step or len(data))])
    return chunks + decoder.close(), decoder


def joined(chunks: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Message and finish reason that a caller makes of chunks, by the index of the choice."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            whole = choices.setdefault(choice["index"], {"message": {}, "finish_reason": None})
            whole["finish_reason"] = choice["finish_reason"] or whole["finish_reason"]
            _join(whole["message"], choice["delta"])
    return choices


def _join(whole: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for piece in value:
                calls = whole.setdefault("tool_calls", [])
                assert piece["index"] == len(calls), "every call comes whole, in order"
                calls.append({key: each for key, each in piece.items() if key != "index"})
        elif name in ("content", "reasoning_content", "annotations", "images"):
            whole[name] = whole.get(name, type(value)()) + value
        elif name != "content_blocks":
            whole[name] = value


def usage_of(chunks: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The usage of every chunk that has one."""
    return [chunk["usage"] for chunk in chunks if "usage" in chunk]


# -- cases -------------------------------------------------------------------


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file; in them {{UPSTREAM}} stands for the host."""
    text = (CASES / f"{name}.json").read_text(encoding="utf-8").replace("{{UPSTREAM}}", HOST)
    return json.loads(text)


@attrs.define
class Run:
    """What one case led to; `status` is what the caller would see."""

    status: int
    call: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    body: Any = None
    chunks: list[dict[str, Any]] = attrs.field(factory=list)
    failure: Failure | None = None


def run(case: Mapping[str, Any]) -> Run:
    """Encode the case's request and decode its reply."""
    headers, params = case["request"]["headers"], case["request"]["body"]
    config = json.loads(headers.get("x-portkey-config", "{}"))
    host = headers.get("x-portkey-custom-host", config.get("custom_host"))
    key = config.get("api_key", headers.get("authorization", "").removeprefix("Bearer "))
    strict = headers.get("x-portkey-strict-open-ai-compliance") != "false"
    built = target(base_url=host, strict=strict)
    try:
        wire = built.encode(params, key)
    except EncodeError as error:
        return Run(400, body={"error": {"message": error.message, "param": error.param}})
    sent = {
        "method": wire.method,
        "path": wire.url.raw_path,
        "query": {name: value for name, value in wire.url.query.items() if name != "alt"},
        "headers": {name.lower(): value for name, value in wire.headers.items()},
        "json": json.loads(wire.body),
    }
    done = Run(case["reply"].get("status", 200), sent, wire.warnings)
    data = _reply_bytes(case["reply"])
    if done.status < 300 and params.get("stream"):
        done.chunks, decoder = streamed(data, strict=strict, step=case["reply"].get("split"), params=params)
        done.failure = decoder.failure
    else:
        _read_whole(done, built, WireReply(done.status, CIMultiDict(), data), params)
    return done


def _read_whole(done: Run, built: Adapter, whole: WireReply, params: Mapping[str, Any]) -> None:
    if done.status >= 300:
        done.failure = built.failure(whole)
    else:
        try:
            done.body = {**built.decode(whole, params), "created": 1}
            return
        except DecodeError as error:
            done.failure = Failure("parse", str(error))
        except ReplyError as error:
            done.failure = error.failure
        done.status = 502
    shown = {name: getattr(done.failure, name) for name in ("message", "type", "param", "code")}
    done.body = {"error": shown, "provider": "google"}


def _reply_bytes(answer: Mapping[str, Any]) -> bytes:
    if "json" in answer:
        return json.dumps(answer["json"], ensure_ascii=False).encode()
    if "text" in answer:
        return answer["text"].encode()
    return sse(*(event["data"] for event in answer["sse"]), end=answer.get("eol", "\n"))
