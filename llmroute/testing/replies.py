"""What an upstream answers, as values: played by ScriptedTransport and by LoopbackUpstream alike.

A Reply is a head and a list of steps: bytes to hand over, a Pause, or a Break. The builders here
make the common ones and those in OpenAI's format; `native` has Anthropic's and Gemini's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from ..transport.base import TransportErrorKind
from ..wire.json import dumps, loads, text_of

#: `created` of every reply: 2023-11-14 22:13:20 UTC, the wall time a VirtualClock starts at.
CREATED = 1_700_000_000
#: The text of a reply for which the test gives none.
DEFAULT_TEXT = "Hello!"

_ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@attrs.frozen
class Pause:
    """Wait; `math.inf` seconds is for ever. With `connecting` it is the connect time that passes."""

    seconds: float
    connecting: bool = False


@attrs.frozen
class Break:
    """The network fails here."""

    kind: TransportErrorKind = "connection"
    message: str = "scripted: the connection was reset"


Step = bytes | Pause | Break


def _headers(headers: Mapping[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(headers))


def _steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(steps)


@attrs.frozen
class Reply:
    """One scripted answer; a value that may be played any number of times.

    `before` happens ahead of the head, `steps` make the body: every bytes step is one read, and in
    a stream one event.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_headers)
    steps: tuple[Step, ...] = attrs.field(default=(), converter=_steps)
    before: tuple[Pause | Break, ...] = ()

    @property
    def body(self) -> bytes:
        """All bytes of the body, whatever interrupts them."""
        return b"".join(step for step in self.steps if isinstance(step, bytes))

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The parsed body. Raises ValueError when it is not JSON."""
        return loads(self.body)


class Delivery(TypedDict, total=False):
    """How a reply is delivered: extra `headers`, and seconds of `delay` before its head."""

    headers: Mapping[str, str]
    delay: float


class StreamDelivery(Delivery, total=False):
    """A Delivery with a `gap`: seconds before every event but the first."""

    gap: float


@attrs.frozen
class ToolCall:
    """A call the scripted model makes. `arguments` given as text goes out as it is, even broken.

    Without `id` OpenAI and Anthropic replies number their calls and Gemini replies have no ids.
    """

    name: str
    arguments: Mapping[str, Any] | str = attrs.field(factory=dict)
    id: str | None = None

    @property
    def arguments_text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else text_of(dict(self.arguments))

    @property
    def arguments_object(self) -> dict[str, Any]:
        """For formats whose arguments are an object. Raises ValueError when the text is none."""
        arguments = loads(self.arguments) if isinstance(self.arguments, str) else dict(self.arguments)
        if not isinstance(arguments, dict):
            raise ValueError(f"the arguments of {self.name} are not a JSON object")
        return arguments


def tool_call(name: str, arguments: Mapping[str, Any] | str | None = None, id: str | None = None) -> ToolCall:
    """A call for `tool_calls=` of the builders."""
    return ToolCall(name, {} if arguments is None else arguments, id)


def reply(
    status: int = 200,
    *,
    json: Any = None,
    text: str | bytes | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """Any answer: `json` as application/json, or `text` as text/plain unless `headers` say otherwise.

    With neither the body is empty.
    """
    if json is not None:
        return _deliver(status, "application/json", [dumps(json)], delivery)
    data = text.encode() if isinstance(text, str) else text
    return _deliver(status, "text/plain; charset=utf-8", [data] if data else [], delivery)


def completion(
    text: str | None = None,
    *,
    model: str = "gpt-4o-mini",
    tool_calls: Iterable[ToolCall] = (),
    finish_reason: str | None = None,
    usage: Mapping[str, Any] | None = None,
    message: Mapping[str, Any] | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """A chat completion in OpenAI's format.

    `text` is "Hello!" unless there are `tool_calls`, beside which it may be left out.
    `finish_reason` follows from them; `usage` is 10 prompt and 5 completion tokens; `message` adds
    members to the message (`reasoning_content`, `refusal`, ...) or replaces them.
    """
    calls = [_openai_call(number, call) for number, call in enumerate(tool_calls)]
    content: dict[str, Any] = {"role": "assistant", "content": text_or_default(text, calls), "refusal": None}
    if calls:
        content["tool_calls"] = calls
    choice = {
        "index": 0,
        "message": {**content, **(message or {})},
        "logprobs": None,
        "finish_reason": finish_reason or ("tool_calls" if calls else "stop"),
    }
    return reply(
        json={
            "id": "chatcmpl-test",
            "object": "chat.completion",
            "created": CREATED,
            "model": model,
            "choices": [choice],
            "usage": dict(usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}),
        },
        **delivery,
    )


def stream(
    text: str | Iterable[str | Mapping[str, Any]] | None = None,
    *,
    model: str = "gpt-4o-mini",
    tool_calls: Iterable[ToolCall] = (),
    finish_reason: str | None = None,
    usage: Mapping[str, Any] | None = None,
    done: bool = True,
    **delivery: Unpack[StreamDelivery],
) -> Reply:
    """A streamed chat completion in OpenAI's format, one event a step.

    `text` is cut into words; given as a list, each text is one piece and each mapping one `delta`.
    `usage`, when given, goes out in a chunk of its own, as with `include_usage`. Without `done`
    there is no `[DONE]`.
    """
    calls = [_openai_call(number, call) for number, call in enumerate(tool_calls)]
    deltas: list[Mapping[str, Any]] = [{"role": "assistant", "content": None if calls else ""}]
    parts = pieces(text_or_default(text, calls))
    deltas += [{"content": part} if isinstance(part, str) else part for part in parts]
    for number, call in enumerate(calls):
        deltas.extend({"tool_calls": [part]} for part in _call_parts(number, call))

    head = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": CREATED, "model": model}
    events: list[Event] = [{**head, "choices": [_choice(delta)]} for delta in deltas]
    end = finish_reason or ("tool_calls" if calls else "stop")
    events.append({**head, "choices": [_choice({}, end)]})
    if usage is not None:
        events.append({**head, "choices": [], "usage": dict(usage)})
    if done:
        events.append("data: [DONE]")
    return sse(events, **delivery)


def error(
    status: int = 500,
    message: str = "scripted failure",
    *,
    type: str | None = None,
    code: str | None = None,
    param: str | None = None,
    retry_after: float | str | None = None,
    **delivery: Unpack[Delivery],
) -> Reply:
    """An error in OpenAI's format; `type` follows from `status`.

    `retry_after` is the header of that name: seconds, or text such as an HTTP date.
    """
    kind = type or _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return with_retry_after(reply(status, json=body, **delivery), retry_after)


#: An SSE event: a JSON object as data, the same under an event name, or the lines as they are.
Event = Mapping[str, Any] | tuple[str, Mapping[str, Any]] | str | bytes


def sse(
    events: Iterable[Event],
    *,
    status: int = 200,
    eol: str = "\n",
    **delivery: Unpack[StreamDelivery],
) -> Reply:
    """Server-sent events: one step each.

    An object becomes `data: {...}`, a pair (name, object) also `event: name`; text is sent with an
    empty line after it (comments, broken JSON, `data: [DONE]`), bytes exactly as they are.
    """
    gap = delivery.get("gap", 0.0)
    steps: list[Step] = []
    for event in events:
        if gap and steps:
            steps.append(Pause(gap))
        steps.append(_block(event, eol))
    return _deliver(status, "text/event-stream; charset=utf-8", steps, delivery)


def connection_error(
    kind: TransportErrorKind = "connection", message: str = "scripted: connection refused"
) -> Reply:
    """No answer at all: the transport raises TransportError."""
    return Reply(before=(Break(kind, message),))


def hang(stage: Literal["connect", "head"] = "head") -> Reply:
    """An upstream that never answers.

    With "connect" not even the connection comes about: a request with a `connect_timeout` fails
    with TransportError `connect_timeout` when that has passed.
    """
    return Reply(before=(Pause(math.inf, connecting=stage == "connect"),))


def cut(answer: Reply, after: int, *, orderly: bool = False) -> Reply:
    """`answer` ends after its first `after` pieces (events of a stream).

    The connection breaks there; with `orderly` the body merely ends too early.
    """
    return _ending(answer, after, () if orderly else (Break(),))


def stall(answer: Reply, after: int) -> Reply:
    """`answer` goes silent for ever after its first `after` pieces (events of a stream)."""
    return _ending(answer, after, (Pause(math.inf),))


def split(answer: Reply, size: int) -> Reply:
    """The body of `answer` in pieces of `size` bytes, wherever that cuts; its pauses are dropped."""
    body = answer.body
    return attrs.evolve(answer, steps=[body[at : at + size] for at in range(0, len(body), size)])


def text_or_default(text: Any, calls: Sequence[object]) -> Any:
    """`text`, or the default text where there is neither text nor a tool call."""
    return DEFAULT_TEXT if text is None and not calls else text


def pieces(text: str | Iterable[str | Mapping[str, Any]] | None) -> list[str | Mapping[str, Any]]:
    """The parts in which `text` is streamed: a word and the blanks after it, or as given."""
    if isinstance(text, str):
        return list(re.findall(r"\s*\S+\s*|\s+", text))
    return list(text or ())


def with_retry_after(answer: Reply, wish: float | str | None) -> Reply:
    """`answer` with a Retry-After header, unless `wish` is None."""
    if wish is None:
        return answer
    return attrs.evolve(answer, headers={**answer.headers, "Retry-After": str(wish)})


def _deliver(status: int, content_type: str, steps: Iterable[Step], delivery: Delivery) -> Reply:
    headers = CIMultiDict({"Content-Type": content_type})
    headers.update(delivery.get("headers") or {})
    delay = delivery.get("delay", 0.0)
    return Reply(status, headers, tuple(steps), (Pause(delay),) if delay else ())


def _ending(answer: Reply, after: int, end: tuple[Step, ...]) -> Reply:
    kept: list[Step] = []
    for step in answer.steps:
        if isinstance(step, bytes):
            if not after:
                break
            after -= 1
        kept.append(step)
    return attrs.evolve(answer, steps=(*kept, *end))


def _block(event: Event, eol: str) -> bytes:
    if isinstance(event, bytes):
        return event
    if isinstance(event, str):
        return (event + 2 * eol).encode()
    name, data = event if isinstance(event, tuple) else (None, event)
    lines = [f"event: {name}"] if name else []
    return eol.join([*lines, f"data: {text_of(dict(data))}", "", ""]).encode()


def _choice(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish_reason}


def _openai_call(number: int, call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_text}
    return {"id": call.id or f"call_{number + 1}", "type": "function", "function": function}


def _call_parts(index: int, call: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A streamed call: its name first, then the arguments in two pieces."""
    function = call["function"]
    opening = {**call, "index": index, "function": {"name": function["name"], "arguments": ""}}
    arguments = function["arguments"]
    middle = len(arguments) // 2
    halves = [half for half in (arguments[:middle], arguments[middle:]) if half]
    return [opening, *({"index": index, "function": {"arguments": half}} for half in halves)]
