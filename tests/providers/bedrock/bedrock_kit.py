"""What the tests of the Bedrock adapter share: cases, frames, a run of one case, judging."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from multidict import CIMultiDict

from llmroute.outcome import Failure
from llmroute.providers.base import Adapter, DecodeError, EncodeError, ProviderSettings, ReplyError
from llmroute.providers.bedrock import adapter
from llmroute.wire.message import WireReply, WireRequest

CASES = Path(__file__).parents[2] / "cases" / "native"
HOST = "http://upstream"
HELLO = [{"role": "user", "content": "Hi"}]
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-lite-v1:0"


def target(**settings: Any) -> Adapter:
    """An adapter; the arguments are settings."""
    return adapter(ProviderSettings(provider="bedrock", **settings))


def request(
    messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
) -> WireRequest:
    return target(**(settings or {})).encode({"model": CLAUDE, "messages": messages, **params}, None)


def encoded(
    messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """The JSON body that `messages` and `params` become."""
    body: dict[str, Any] = json.loads(request(messages, settings=settings, **params).body)
    return body


def sent(messages: Any = HELLO, **params: Any) -> dict[str, Any]:
    """The body without its messages."""
    return {name: value for name, value in encoded(messages, **params).items() if name != "messages"}


def lost(messages: Any = HELLO, **params: Any) -> list[str]:
    """The parameters that the warnings name."""
    return [text.split()[0] for text in request(messages, **params).warnings]


def refusal(messages: Any = HELLO, **params: Any) -> EncodeError:
    """The EncodeError that the request raises."""
    try:
        wire = request(messages, **params)
    except EncodeError as error:
        return error
    raise AssertionError(f"accepted: {wire.body!r}")


def reply(body: Any, status: int = 200, **headers: str) -> WireReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WireReply(status, CIMultiDict({"content-type": "application/json", **named}), data)


def message(content: list[Any], **members: Any) -> dict[str, Any]:
    """An answer of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        "metrics": {"latencyMs": 12},
        **members,
    }


def decoded(
    content: list[Any], *, strict: bool = True, model: str = CLAUDE, **members: Any
) -> dict[str, Any]:
    """The completion for an answer with `content`."""
    return target(strict=strict).decode(reply(message(content, **members)), {"model": model})


# -- streams -----------------------------------------------------------------


def frame(event: str, payload: Any, kind: str = "event") -> bytes:
    """One message of an AWS event stream, with its checksums."""
    label = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}[kind]
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in ((label, event), (":content-type", "application/json"), (":message-type", kind))
    )
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    prelude = struct.pack(">II", len(headers) + len(data) + 16, len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def frames(*events: tuple[str, Any]) -> bytes:
    return b"".join(frame(name, payload) for name, payload in events)


def events_of(answer: Mapping[str, Any], step: int = 4) -> list[tuple[str, Any]]:
    """The events by which Converse would stream `answer`, its texts cut into pieces of `step`."""
    events: list[tuple[str, Any]] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(answer["output"]["message"]["content"]):
        start, deltas = _streamed(block, step)
        here = {"contentBlockIndex": index}
        if start is not None:
            events.append(("contentBlockStart", {**here, "start": start}))
        events += [("contentBlockDelta", {**here, "delta": delta}) for delta in deltas]
        events.append(("contentBlockStop", here))
    events.append(("messageStop", {"stopReason": answer["stopReason"]}))
    closing = {name: value for name, value in answer.items() if name not in ("output", "stopReason")}
    return [*events, ("metadata", closing)]


def _streamed(block: Mapping[str, Any], step: int) -> tuple[Any, list[Any]]:
    def pieces(text: str) -> Iterator[str]:
        return (text[i : i + step] for i in range(0, len(text), step))

    kind, value = next(iter(block.items()))
    if kind == "text":
        return None, [{"text": piece} for piece in pieces(value)]
    if kind == "citationsContent":
        texts = [{"text": piece} for piece in pieces(value["content"][0]["text"])]
        return None, [*texts, *({"citation": each} for each in value["citations"])]
    if kind == "reasoningContent":
        if "redactedContent" in value:
            return None, [{"reasoningContent": {"redactedContent": value["redactedContent"]}}]
        inner = value["reasoningText"]
        deltas = [{"reasoningContent": {"text": piece}} for piece in pieces(inner["text"])]
        if "signature" in inner:
            deltas.append({"reasoningContent": {"signature": inner["signature"]}})
        return None, deltas
    if kind == "toolUse":
        start = {name: each for name, each in value.items() if name != "input"}
        text = json.dumps(value["input"]) if value["input"] else ""
        return {"toolUse": start}, [{"toolUse": {"input": piece}} for piece in pieces(text)]
    if kind == "toolResult":
        start = {name: each for name, each in value.items() if name != "content"}
        return {"toolResult": start}, [{"toolResult": value["content"]}]
    start = {name: each for name, each in value.items() if name != "source"}
    return {kind: start}, [{kind: {"source": value["source"]}}]


def streamed(
    data: bytes, *, strict: bool = True, step: int | None = None, model: str = CLAUDE
) -> tuple[list[Any], Any]:
    """The chunks of a stream fed in pieces of `step` bytes, and the decoder."""
    decoder = target(strict=strict).decoder({"model": model})
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
                elif name in ("annotations", "images"):
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
    calls[piece["index"]]["function"]["arguments"] += piece["function"].get("arguments", "")


# -- botocore ----------------------------------------------------------------

#: Members of Converse that are binary; in JSON they are base64.
_BLOBS = frozenset({"bytes", "redactedContent"})


class Judge:
    """Amazon's own model of Converse: every request is checked against it."""

    def __init__(self) -> None:
        from botocore.session import Session
        from botocore.validate import ParamValidator

        model = Session().get_service_model("bedrock-runtime")
        self._shape = model.operation_model("Converse").input_shape
        self._validator = ParamValidator()

    def problems(self, body: Mapping[str, Any], model: str = CLAUDE) -> str:
        """What is wrong with a Converse body, "" when nothing is."""
        params = {"modelId": model, **_with_bytes(body, self._shape)}
        report = self._validator.validate(params, self._shape)
        text: str = report.generate_report()
        return text + "".join(_unknown(params, self._shape, "$"))


def _with_bytes(value: Any, shape: Any) -> Any:
    """JSON as the values that botocore would be given: base64 becomes bytes."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        members = shape.members
        return {k: _with_bytes(v, members[k]) if k in members else v for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_with_bytes(each, shape.member) for each in value]
    return base64.b64decode(value) if kind == "blob" and isinstance(value, str) else value


def _unknown(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Members that Converse does not have, and texts that are none of those it lists."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        for name, each in value.items():
            if name in shape.members:
                yield from _unknown(each, shape.members[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is unknown\n"
    elif kind == "list" and isinstance(value, list):
        for i, each in enumerate(value):
            yield from _unknown(each, shape.member, f"{path}[{i}]")
    elif kind == "string" and isinstance(value, str):
        limits = shape.metadata
        if "enum" in limits and value not in limits["enum"]:
            yield f"{path}: {value} is none of {limits['enum']}\n"
        if "pattern" in limits and path != "$.modelId" and not re.fullmatch(limits["pattern"], value):
            yield f"{path}: {value!r} does not match {limits['pattern']}\n"
        if len(value) > limits.get("max", len(value)):
            yield f"{path}: longer than {limits['max']}\n"


# -- cases -------------------------------------------------------------------


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file; in them {{UPSTREAM}} stands for the host."""
    text = (CASES / f"{name}.json").read_text(encoding="utf-8").replace("{{UPSTREAM}}", HOST)
    found: list[dict[str, Any]] = json.loads(text)
    return found


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
    settings = _settings(case["request"]["headers"])
    built = adapter(settings)
    params = case["request"]["body"]
    try:
        wire = built.encode(params, None)
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
        decoder = built.decoder(params)
        done.chunks = []
        step = case["reply"].get("split") or max(len(data), 1)
        for start in range(0, len(data), step):
            done.chunks += decoder.feed(data[start : start + step])
        done.chunks += decoder.close()
        done.failure = decoder.failure
        return done
    headers = CIMultiDict(case["reply"].get("headers", {}))
    _read_whole(done, built, WireReply(done.status, headers, data), params)
    return done


def _read_whole(done: Run, built: Adapter, whole: WireReply, params: Mapping[str, Any]) -> None:
    if done.status >= 300:
        done.failure = built.failure(whole)
    else:
        try:
            done.body = built.decode(whole, params)
            return
        except DecodeError as error:
            done.failure = Failure("parse", str(error))
        except ReplyError as error:
            done.failure = error.failure
        done.status = 502
    error_object = {name: getattr(done.failure, name) for name in ("message", "type", "param", "code")}
    done.body = {"error": error_object, "provider": "bedrock"}


def _settings(headers: Mapping[str, str]) -> ProviderSettings:
    options = {
        name: headers[f"x-portkey-{name.replace('_', '-')}"]
        for name in ("aws_region", "aws_bedrock_model")
        if f"x-portkey-{name.replace('_', '-')}" in headers
    }
    return ProviderSettings(
        provider="bedrock",
        base_url=headers["x-portkey-custom-host"],
        options=options,
        strict=headers.get("x-portkey-strict-open-ai-compliance") != "false",
    )


def _reply_bytes(answer: Mapping[str, Any]) -> bytes:
    if "json" in answer:
        return json.dumps(answer["json"], ensure_ascii=False).encode()
    if "hex" in answer:
        return bytes.fromhex(answer["hex"])
    text: str = answer["text"]
    return text.encode()


#: Headers that the target's credentials add.
SIGNED = ("authorization", "x-amz-content-sha256", "x-amz-date")
