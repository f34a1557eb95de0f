"""What the tests of the smaller native adapters share: cases, a run of one, comparing, assembling."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import typing_extensions
from compare_kit import differences
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
from llmroute.providers.registry import adapter_for
from llmroute.wire.message import WireReply, WireRequest

CASES = Path(__file__).parents[1] / "cases" / "native"
HOST = "http://upstream"
HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]


def by_id(case: Mapping[str, Any]) -> str:
    return str(case["id"])


# -- one adapter -------------------------------------------------------------


@attrs.frozen
class Kit:
    """Shorthands for one provider with one model."""

    provider: str
    model: str

    def target(self, **settings: Any) -> Adapter:
        """An adapter; the arguments are settings."""
        return adapter_for(ProviderSettings(provider=self.provider, **settings))

    def params(self, messages: Any = HELLO, **params: Any) -> dict[str, Any]:
        return {"model": self.model, "messages": messages, **params}

    def request(
        self, messages: Any = HELLO, *, settings: Mapping[str, Any] | None = None, **params: Any
    ) -> WireRequest:
        return self.target(**(settings or {})).encode(self.params(messages, **params), "sk-test")

    def encoded(self, messages: Any = HELLO, **params: Any) -> Any:
        """The JSON body that is sent."""
        return json.loads(self.request(messages, **params).body)

    def warnings(self, messages: Any = HELLO, **params: Any) -> tuple[str, ...]:
        return self.request(messages, **params).warnings

    def refusal(self, messages: Any = HELLO, **params: Any) -> EncodeError:
        """The EncodeError that the request raises."""
        try:
            wire = self.request(messages, **params)
        except EncodeError as error:
            return error
        raise AssertionError(f"accepted: {wire.body!r}")

    def decoded(self, body: Any, *, strict: bool = True, **params: Any) -> dict[str, Any]:
        """The completion for an answer."""
        return self.target(strict=strict).decode(reply(body), self.params(**params))

    def message(self, body: Any, **options: Any) -> Any:
        """The message of the completion's only choice."""
        return self.decoded(body, **options)["choices"][0]["message"]

    def failed(self, body: Any, status: int = 200) -> Failure:
        """What an answer without a completion reports."""
        adapter = self.target()
        if status >= 300:
            return adapter.failure(reply(body, status))
        try:
            completion = adapter.decode(reply(body), self.params())
        except ReplyError as error:
            return error.failure
        except DecodeError as error:
            return Failure("parse", str(error))
        raise AssertionError(f"taken for a completion: {completion!r}")

    def streamed(
        self, data: bytes, *, strict: bool = True, step: int | None = None, **params: Any
    ) -> tuple[list[dict[str, Any]], StreamDecoder]:
        """The chunks of a stream fed in pieces of `step` bytes, and the decoder."""
        decoder = self.target(strict=strict).decoder(self.params(**params))
        return fed(decoder, data, step), decoder

    def check_stream(self, data: bytes, **params: Any) -> list[dict[str, Any]]:
        """The chunks of a good stream: whole, byte by byte and with bytes left over the same."""
        chunks, decoder = self.streamed(data, **params)
        assert (True, None) == (decoder.done, decoder.failure)
        assert chunks == self.streamed(data, step=1, **params)[0]
        assert chunks == self.streamed(data + b"data: unfini", **params)[0]
        assert [] == decoder.feed(b"data: {}\n\n") + decoder.close()
        return chunks


def reply(body: Any, status: int = 200, **headers: str) -> WireReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WireReply(status, CIMultiDict(headers), data)


def sse(*events: Any) -> bytes:
    """A stream of events with JSON data; bytes stand for themselves."""
    texts = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    return b"".join(b"data: " + text + b"\n\n" for text in texts)


def fed(decoder: StreamDecoder, data: bytes, step: int | None = None) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = []
    for start in range(0, len(data), step or max(len(data), 1)):
        chunks += decoder.feed(data[start : start + (step or len(data))])
        if decoder.done or decoder.failure is not None:
            return chunks
    return chunks + decoder.close()


def assembled(chunks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The message, finish reason and usage that a caller makes of the chunks of one choice."""
    whole: dict[str, Any] = {"content": ""}
    calls: dict[int, dict[str, Any]] = {}
    finish = usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            finish = choice.get("finish_reason") or finish
            for name, value in choice["delta"].items():
                if name == "tool_calls":
                    for piece in value:
                        _join_call(calls, piece)
                elif name in ("content", "reasoning_content"):
                    whole[name] = whole.get(name, "") + (value or "")
                elif name in ("annotations", "citations"):
                    whole[name] = whole.get(name, []) + value
                else:
                    whole[name] = value
    if calls:
        whole["tool_calls"] = [calls[index] for index in sorted(calls)]
    return {"message": whole, "finish_reason": finish, "usage": usage}


def _join_call(calls: dict[int, dict[str, Any]], piece: Mapping[str, Any]) -> None:
    if piece["index"] not in calls:
        calls[piece["index"]] = {
            "id": piece["id"],
            "type": "function",
            "function": {"name": piece["function"]["name"], "arguments": ""},
        }
    calls[piece["index"]]["function"]["arguments"] += piece["function"].get("arguments") or ""


# -- cases -------------------------------------------------------------------

_OPTIONS = {
    "x-portkey-workers-ai-account-id": "workers_ai_account_id",
    "x-portkey-huggingface-base-url": "huggingface_base_url",
    "x-portkey-mistral-fim-completion": "mistral_fim_completion",
}
_ERROR_MEMBERS = ("message", "type", "param", "code")


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file; in them {{UPSTREAM}} stands for the host."""
    path = CASES / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8").replace("{{UPSTREAM}}", HOST))
    return found


@attrs.define
class Run:
    """What one case led to; `status` is what the caller would see."""

    status: int
    call: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    body: Any = None
    chunks: list[dict[str, Any]] | None = None
    failure: Failure | None = None


def run(case: Mapping[str, Any], *, strict: bool | None = None) -> Run:
    """Encode the case's request, decode its reply."""
    settings, key = _settings(case["request"]["headers"])
    if strict is not None:
        settings = attrs.evolve(settings, strict=strict)
    adapter = adapter_for(settings)
    params = case["request"]["body"]
    try:
        wire = adapter.encode(params, key)
    except EncodeError as error:
        return Run(400, body={"error": {"message": error.message, "param": error.param}})
    call = {
        "method": wire.method,
        "host": wire.url.host,
        "path": wire.url.raw_path,
        "query": dict(wire.url.query),
        "headers": {name.lower(): value for name, value in wire.headers.items()},
        "json": json.loads(wire.body),
    }
    done = Run(case["reply"].get("status", 200), call, wire.warnings)
    data = reply_bytes(case["reply"])
    if done.status < 300 and params.get("stream"):
        decoder = adapter.decoder(params)
        done.chunks = fed(decoder, data, case["reply"].get("split"))
        done.failure = decoder.failure
        return done
    _read_whole(done, adapter, WireReply(done.status, CIMultiDict(), data), params)
    if done.failure is not None:
        members = {name: getattr(done.failure, name) for name in _ERROR_MEMBERS}
        done.body = {"error": members, "provider": settings.provider}
    return done


def _read_whole(done: Run, adapter: Adapter, whole: WireReply, params: Mapping[str, Any]) -> None:
    if done.status >= 300:
        done.failure = adapter.failure(whole)
        return
    try:
        done.body = adapter.decode(whole, params)
    except DecodeError as error:
        done.failure, done.status = Failure("parse", str(error)), 502
    except ReplyError as error:
        done.failure, done.status = error.failure, 502


def _settings(headers: Mapping[str, str]) -> tuple[ProviderSettings, str | None]:
    config = json.loads(headers.get("x-portkey-config", "{}"))
    options = {here: headers[name] for name, here in _OPTIONS.items() if name in headers}
    options.update((name, config[name]) for name in _OPTIONS.values() if name in config)
    settings = ProviderSettings(
        provider=config.get("provider") or headers["x-portkey-provider"],
        base_url=config.get("custom_host") or headers.get("x-portkey-custom-host"),
        options=options,
        strict=headers.get("x-portkey-strict-open-ai-compliance") != "false",
    )
    key = headers.get("authorization", "").removeprefix("Bearer ") or None
    return settings, config.get("api_key") or key


def reply_bytes(answer: Mapping[str, Any]) -> bytes:
    if "json" in answer:
        return json.dumps(answer["json"], ensure_ascii=False).encode()
    if "text" in answer:
        return str(answer["text"]).encode()
    end = answer.get("eol", "\n")
    lines = []
    for event in answer["sse"]:
        name = f"event: {event['event']}{end}" if "event" in event else ""
        data = event["data"]
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines.append(f"{name}data: {text}{end}{end}")
    return "".join(lines).encode()


# -- comparing ---------------------------------------------------------------


def call_differences(case: Mapping[str, Any], done: Run) -> list[str]:
    """Where what is sent is not what the case expects; top-level members that it does not, too.

    Recorded messages and tools may have more members than recorded: the reference dropped some.
    """
    expected = case["expect_upstream"]
    if expected is None or done.call is None:
        return [] if expected is done.call else [f"expected {expected}, got {done.call}"]
    found = differences(expected, done.call)
    own = "says" in case
    found += [f"{name}: unexpected" for name in done.call["json"] if name not in expected["json"]]
    return found + (differences(expected["json"], done.call["json"], exact=True) if own else [])


def answer_differences(case: Mapping[str, Any], done: Run) -> list[str]:
    """Where what the caller gets is not what the case expects."""
    expect = case["expect"]
    found = differences(expect["status"], done.status, "status")
    if "sse" in expect:
        chunks = [chunk for chunk in expect["sse"] if isinstance(chunk, dict)]
        found += differences(assembled(chunks), assembled(done.chunks or ()))
    elif "stream" in expect:
        found += differences(expect["stream"], assembled(done.chunks or ()))
    else:
        found += differences(expect["json"], done.body)
    if "failure" in expect:
        shown = {name: getattr(done.failure, name, None) for name in expect["failure"]}
        found += differences(expect["failure"], shown, "failure")
    elif done.chunks is not None and done.failure is not None:
        found.append(f"failed: {done.failure}")
    return found


def told(warnings: Iterable[str]) -> list[str]:
    """What each warning is about."""
    return sorted(text.split()[0] for text in warnings)


# -- typed dictionaries as judges --------------------------------------------


def type_problems(value: Any, hint: Any, path: str = "$") -> list[str]:
    """Where `value`, made of JSON, is not of the type `hint`. Members unknown to a TypedDict count."""
    if isinstance(hint, typing_extensions.TypeAliasType):
        return type_problems(value, hint.__value__, path)
    origin, args = typing_extensions.get_origin(hint), typing_extensions.get_args(hint)
    if isinstance(origin, typing_extensions.TypeAliasType):
        return type_problems(value, origin.__value__[args], path)
    if hint in (Any, object):
        return []
    if origin in (typing_extensions.Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        return type_problems(value, args[0], path)
    if typing_extensions.is_typeddict(hint) or hasattr(hint, "model_fields"):
        return _object_problems(value, hint, path)
    if origin in (typing.Union, types.UnionType):
        found = [type_problems(value, each, path) for each in args]
        return [] if [] in found else min(found, key=len)
    if origin is typing_extensions.Literal:
        return [] if value in args else [f"{path}: {value!r} is none of {args}"]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        pairs = value.items() if isinstance(value, dict) else [(None, None)]
        return [each for name, item in pairs for each in type_problems(item, args[1], f"{path}.{name}")]
    if args:
        if not isinstance(value, list):
            return [f"{path}: no list but {value!r}"]
        return [d for i, item in enumerate(value) for d in type_problems(item, args[0], f"{path}[{i}]")]
    kind: Any = type(None) if hint is None else (int, float) if hint is float else hint
    return [] if isinstance(value, kind) else [f"{path}: {value!r} is no {hint}"]


def _object_problems(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: no object but {value!r}"]
    members, required = _members(hint)
    found = [f"{path}.{name}: missing" for name in required if name not in value]
    for name, item in value.items():
        if name in members:
            found += type_problems(item, members[name], f"{path}.{name}")
        else:
            found.append(f"{path}.{name}: unknown")
    return found


def _members(hint: Any) -> tuple[dict[str, Any], list[str]]:
    """The types of an object's members by name, and the names of those that must be there."""
    if not hasattr(hint, "model_fields"):
        return typing_extensions.get_type_hints(hint, include_extras=True), list(hint.__required_keys__)
    fields = {field.alias or name: field for name, field in hint.model_fields.items()}
    required = [name for name, field in fields.items() if field.is_required()]
    return {name: field.annotation for name, field in fields.items()}, required
