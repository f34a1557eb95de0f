"""What the tests of the Anthropic adapter share: cases, a run of one case, assembling."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from multidict import CIMultiDict

from llmroute.outcome import Failure
from llmroute.providers.anthropic import adapter
from llmroute.providers.base import Adapter, DecodeError, EncodeError, ProviderSettings, ReplyError
from llmroute.wire.message import WireReply, WireRequest

CASES = Path(__file__).parents[2] / "cases" / "native"
HOST = "http://upstream"
HELLO = [{"role": "user", "content": "Hi"}]
MODEL = "claude-sonnet-4-5"


def target(**settings: Any) -> Adapter:
    """An adapter; the arguments are settings."""
    return adapter(ProviderSettings(provider="anthropic", **settings))


def encoded(
    messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """The JSON body that `messages` and `params` become."""
    return json.loads(request(messages, settings=settings, **params).body)


def request(
    messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
) -> WireRequest:
    return target(**(settings or {})).encode({"model": MODEL, "messages": messages, **params}, "sk-test")


def refusal(messages: Any = HELLO, **params: Any) -> EncodeError:
    """The EncodeError that the request raises."""
    try:
        wire = request(messages, **params)
    except EncodeError as error:
        return error
    raise AssertionError(f"accepted: {wire.body!r}")


def reply(body: Any, status: int = 200) -> WireReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WireReply(status, CIMultiDict({"content-type": "application/json"}), data)


def message(content: list[Any], **members: Any) -> dict[str, Any]:
    """An answer of the Messages API."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
        **members,
    }


def decoded(content: list[Any], *, strict: bool = True, **members: Any) -> dict[str, Any]:
    """The completion for an answer with `content`."""
    return target(strict=strict).decode(reply(message(content, **members)), {})


# -- streams -----------------------------------------------------------------


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def events_of(answer: Mapping[str, Any], step: int = 4) -> list[dict[str, Any]]:
    """The events by which the API would stream `answer`, its texts cut into pieces of `step`."""
    start = {**answer, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(answer["content"]):
        first, deltas = _streamed(block, step)
        events.append({"type": "content_block_start", "index": index, "content_block": first})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": answer["stop_reason"], "stop_sequence": answer["stop_sequence"]}
    events.append({"type": "message_delta", "delta": ending, "usage": answer["usage"]})
    events.append({"type": "message_stop"})
    return events


def _streamed(block: Mapping[str, Any], step: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    def pieces(text: str) -> Iterator[str]:
        return (text[i : i + step] for i in range(0, len(text), step))

    kind = block["type"]
    if kind == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        deltas += [{"type": "citations_delta", "citation": each} for each in block.get("citations", [])]
        return {"type": "text", "text": ""}, deltas
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if "input" in block:
        text = json.dumps(block["input"]) if block["input"] else ""
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(text))]
        return {**block, "input": {}}, deltas
    return dict(block), []


def streamed(data: bytes, *, strict: bool = True, step: int | None = None) -> tuple[list[Any], Any]:
    """The chunks of a stream fed in pieces of `step` bytes, and the decoder."""
    decoder = target(strict=strict).decoder({})
    chunks: list[Any] = []
    for start in range(0, len(data), step or max(len(data), 1)):
        chunks += decoder.feed(data[start : start + (step or len(data))])
        if decoder.done or decoder.failure is not None:
            return chunks, decoder
    return chunks + decoder.close(), decoder


def assembled(chunks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The message, finish reason and usage that a caller makes of chunks."""
    whole: dict[str, Any] = {"content": ""}
    calls: dict[int, dict[str, Any]] = {}
    finish = usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            for name, value in choice["delta"].items():
                if name == "tool_calls":
                    for piece in value:
                        _join_call(calls, piece)
                elif name in ("content", "reasoning_content"):
                    whole[name] = whole.get(name, "") + value
                elif name == "annotations":
                    whole[name] = whole.get(name, []) + value
                elif name != "content_blocks":
                    whole[name] = value
    if calls:
        whole["tool_calls"] = [calls[index] for index in sorted(calls)]
    return {"message": whole, "finish_reason": finish, "usage": usage}


def _join_call(calls: dict[int, dict[str, Any]], piece: Mapping[str, Any]) -> None:
    if piece["index"] not in calls:
        calls[piece["index"]] = {
            "id": piece["id"],
            "type": piece["type"],
            "function": {"name": piece["function"]["name"], "arguments": ""},
        }
    calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]


# -- cases -------------------------------------------------------------------


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file; in them {{UPSTREAM}} stands for the host."""
    text = (CASES / f"{name}.json").read_text(encoding="utf-8").replace("{{UPSTREAM}}", HOST)
    return json.loads(text)


@attrs.define
class Run:
    """What one case led to."""

    status: int
    call: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    body: Any = None
    chunks: list[Any] | None = None
    failure: Failure | None = None


def run(case: Mapping[str, Any]) -> Run:
    """Encode the case's request, decode its reply; `status` is what the caller would see."""
    settings, key, overrides = _settings(case["request"]["headers"])
    built = adapter(settings)
    params = {**case["request"]["body"], **overrides}
    try:
        wire = built.encode(params, key)
    except EncodeError as error:
        return Run(400, body={"error": {"message": error.message, "param": error.param}})
    call = {
        "method": wire.method,
        "path": wire.url.raw_path,
        "query": dict(wire.url.query),
        "headers": {name.lower(): value for name, value in wire.headers.items()},
        "json": json.loads(wire.body),
    }
    done = Run(case["reply"].get("status", 200), call, wire.warnings)
    data = _reply_bytes(case["reply"])
    if done.status < 300 and params.get("stream"):
        done.chunks, decoder = streamed(data, strict=settings.strict, step=case["reply"].get("split"))
        done.failure = decoder.failure
        return done
    _read_whole(done, built, WireReply(done.status, CIMultiDict(), data))
    return done


def _read_whole(done: Run, built: Adapter, whole: WireReply) -> None:
    if done.status >= 300:
        done.failure = built.failure(whole)
    else:
        try:
            done.body = built.decode(whole, {})
            return
        except DecodeError as error:
            done.failure = Failure("parse", str(error))
        except ReplyError as error:
            done.failure = error.failure
        done.status = 502
    error_object = attrs.asdict(done.failure, filter=lambda each, _: each.name in _ERROR_MEMBERS)
    done.body = {"error": error_object, "provider": "anthropic"}


_ERROR_MEMBERS = ("message", "type", "param", "code")


def _settings(headers: Mapping[str, str]) -> tuple[ProviderSettings, str | None, dict[str, Any]]:
    config = json.loads(headers.get("x-portkey-config", "{}"))
    options = {name: config[name] for name in ("anthropic_beta", "anthropic_version") if name in config}
    for name in ("anthropic-beta", "anthropic-version"):
        value = headers.get(f"x-portkey-{name}", headers.get(name))
        if value:
            options[name.replace("-", "_")] = value
    key = config.get("api_key") or headers.get("x-api-key")
    if key is None and "authorization" in headers:
        key = headers["authorization"].removeprefix("Bearer ")
    strict = headers.get("x-portkey-strict-open-ai-compliance") != "false"
    settings = ProviderSettings(
        provider="anthropic",
        base_url=config.get("custom_host", HOST),
        options=options,
        strict=strict and config.get("strict_open_ai_compliance", True),
    )
    return settings, key, config.get("override_params", {})


def _reply_bytes(answer: Mapping[str, Any]) -> bytes:
    if "json" in answer:
        return json.dumps(answer["json"], ensure_ascii=False).encode()
    if "text" in answer:
        return answer["text"].encode()
    end = answer.get("eol", "\n")
    lines = []
    for event in answer["sse"]:
        name = f"event: {event['event']}{end}" if "event" in event else ""
        data = event["data"]
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines.append(f"{name}data: {text}{end}{end}")
    return "".join(lines).encode()
