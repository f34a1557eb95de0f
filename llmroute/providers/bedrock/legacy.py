"""Models from before Converse: a prompt in, a text out (InvokeModel).

Source: docs.aws.amazon.com/bedrock, "Inference request parameters": Cohere Command, AI21 Jurassic-2.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...outcome import Failure, FailureKind
from ...wire.json import JSONError, loads
from ...wire.message import WireReply
from ..base import DecodeError, EncodeError, ReplyError
from ..chunks import replay
from ..failures import MAX_INDEX, failure_from, is_index, parsed_reply, quoted
from ..report import Report
from .models import Model
from .response import answer_id
from .stream import FrameReader
from .tables import NEUTRAL_VALUES

Json = dict[str, Any]


@attrs.frozen
class _Param:
    """A parameter's name here and its documented bounds; `scale` wraps it in an object."""

    name: str
    least: float | None = None
    most: float | None = None
    scale: bool = False


_COHERE: Final[Mapping[str, _Param]] = {
    "frequency_penalty": _Param("frequency_penalty", 0, 1),
    "logit_bias": _Param("logit_bias"),
    "max_completion_tokens": _Param("max_tokens", 1),
    "max_tokens": _Param("max_tokens", 1),
    "n": _Param("num_generations", 1, 5),
    "presence_penalty": _Param("presence_penalty", 0, 1),
    "stop": _Param("end_sequences"),
    "temperature": _Param("temperature", 0, 5),
    "top_k": _Param("k", 0, 500),
    "top_p": _Param("p", 0, 1),
}
_AI21: Final[Mapping[str, _Param]] = {
    "frequency_penalty": _Param("frequencyPenalty", scale=True),
    "max_completion_tokens": _Param("maxTokens"),
    "max_tokens": _Param("maxTokens"),
    "n": _Param("numResults"),
    "presence_penalty": _Param("presencePenalty", scale=True),
    "stop": _Param("stopSequences"),
    "temperature": _Param("temperature"),
    "top_p": _Param("topP"),
}
_IGNORED: Final = frozenset({"messages", "model", "stream", "stream_options"})
#: Where a model's own word has a counterpart; others are handed on, as the gateway does.
_FINISH_REASONS: Final[Mapping[str, str]] = {
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "content_filter",
    "MAX_TOKENS": "length",
}


def streams(model: Model) -> bool:
    """Whether the model can stream: Jurassic-2 cannot."""
    return model.family == "cohere"


def legacy_body(params: Mapping[str, Any], model: Model, report: Report) -> Json:
    """The JSON body of an InvokeModel request. Raises EncodeError."""
    table = _COHERE if model.family == "cohere" else _AI21
    body: Json = {"prompt": _prompt(params.get("messages"))}
    for name, value in params.items():
        if name in _IGNORED or value is None:
            continue
        param = table.get(name)
        if param is None:
            if name not in NEUTRAL_VALUES or value != NEUTRAL_VALUES[name]:
                report.lost(name)
        elif name != "max_completion_tokens" or params.get("max_tokens") is None:
            body[param.name] = _value(name, value, param, report)
    if params.get("stream") is True and streams(model):
        body["stream"] = True
    return body


def _value(name: str, value: Any, param: _Param, report: Report) -> Any:
    if name == "stop" and isinstance(value, str):
        return [value]
    if param.scale:
        return {"scale": value}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        inside = value
        if param.least is not None and value < param.least:
            inside = param.least
        elif param.most is not None and value > param.most:
            inside = param.most
        if inside != value:
            report.lost(name, f"{value} is outside of what the model takes and was moved to {inside:g}")
        return inside
    return value


def _prompt(messages: Any) -> str:
    if not isinstance(messages, (list, tuple)) or not messages:
        raise EncodeError("messages: a list with something in it was expected", "messages")
    lines = []
    for i, message in enumerate(messages):
        where = f"messages[{i}]"
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(role, str):
            raise EncodeError(f"{where}: an object with a role was expected", where)
        if message.get("tool_calls") or role in ("tool", "function"):
            raise EncodeError(f"{where}: the model has no tools", where)
        lines.append(f"{'system' if role == 'developer' else role}: {_text(message.get('content'), where)}\n")
    return "".join(lines) + "Assistant:"


def _text(content: Any, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = (
        [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    )
    if (
        not isinstance(content, list)
        or len(texts) != len(content)
        or not all(isinstance(t, str) for t in texts)
    ):
        raise EncodeError(f"{where}.content: the model takes text only", f"{where}.content")
    return "\n".join(map(str, texts))


# -- answers -----------------------------------------------------------------


def legacy_completion(reply: WireReply, model: Model, provider: str) -> Json:
    """The completion in a 2xx `reply`. Raises ReplyError and DecodeError."""
    body = parsed_reply(reply, provider)
    made = _completion(body, model, provider)
    made["id"] = answer_id(reply)
    given = body.get("id")
    if isinstance(given, (str, int)) and not isinstance(given, bool) and str(given):
        made["id"] = str(given)[:256]
    usage = _usage(
        reply.headers.get("x-amzn-bedrock-input-token-count"),
        reply.headers.get("x-amzn-bedrock-output-token-count"),
    )
    if usage is not None:
        made["usage"] = usage
    return made


def _completion(body: Any, model: Model, provider: str) -> Json:
    answers = body.get("generations", body.get("completions")) if isinstance(body, dict) else None
    if isinstance(answers, list) and 0 < len(answers) <= MAX_INDEX:
        choices = [_choice(answer, i, provider) for i, answer in enumerate(answers)]
    elif isinstance(body, dict) and any(body.get(name) for name in ("message", "Message", "error")):
        raise ReplyError(failure_from(body, provider))
    else:
        raise DecodeError(f"{provider} answered with something that is no completion")
    return {
        "id": "",
        "object": "chat.completion",
        "model": model.asked,
        "provider": provider,
        "choices": choices,
    }


def _choice(answer: Any, index: int, provider: str) -> Json:
    inner = answer.get("data", answer) if isinstance(answer, dict) else None
    text = inner.get("text") if isinstance(inner, dict) else None
    if not isinstance(text, str):
        raise DecodeError(f"{provider} answered with a completion that has no text")
    reason = answer.get("finish_reason", answer.get("finishReason"))
    message = {"role": "assistant", "content": text}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _reason(reason)}


def _reason(reason: Any) -> str:
    if isinstance(reason, dict):
        reason = reason.get("reason")
    if not isinstance(reason, str) or not reason:
        return "stop"
    return _FINISH_REASONS.get(reason) or quoted(reason, 100)


def _usage(prompt: Any, completion: Any) -> Json | None:
    counts = [int(text) for text in (prompt, completion) if isinstance(text, str) and text[:15].isdecimal()]
    return None if len(counts) != 2 else _counted(*counts)


def _counted(prompt: int, completion: int) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


class LegacyDecoder:
    """Events `chunk` with base64 of Cohere's JSON; Jurassic's whole answers become chunks."""

    __slots__ = ("_ended", "_frames", "_model", "_provider", "done", "failure")

    def __init__(self, model: Model, provider: str) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._model = model
        self._provider = provider
        self._frames = FrameReader(provider)
        self._ended = False

    def feed(self, data: bytes) -> list[Json]:
        if self.done or self.failure is not None:
            return []
        chunks = []
        for message in self._frames.feed(data):
            try:
                piece = loads(base64.b64decode(loads(message.payload)["bytes"]))
                chunks.append(self._chunk(piece))
            except _MALFORMED:
                self._fail("parse", "an event of another shape than documented")
                return chunks
        self.failure = self._frames.failure
        return chunks

    def close(self) -> list[Json]:
        if self.done or self.failure is not None:
            return []
        whole = self._frames.whole()
        if whole is None:
            if self._ended:
                self.done = True
            else:
                self._fail("interrupted", "the stream ended before it was complete")
            return []
        try:
            made = legacy_completion(WireReply(200, {}, whole), self._model, self._provider)
        except ReplyError as error:
            self.failure = error.failure
        except DecodeError as problem:
            self._fail("parse", f"no completion instead of a stream: {problem}")
        else:
            self.done = True
            return replay(made)
        return []

    def _chunk(self, piece: Json) -> Json:
        index = piece.get("index") or 0
        if not is_index(index):
            raise ValueError
        choice: Json = {"index": index, "delta": {}, "logprobs": None, "finish_reason": None}
        chunk: Json = {
            "object": "chat.completion.chunk",
            "model": self._model.asked,
            "provider": self._provider,
            "choices": [choice],
        }
        if piece.get("is_finished"):
            # The last piece repeats the whole text.
            self._ended = True
            choice["finish_reason"] = _reason(piece.get("finish_reason"))
        else:
            choice["delta"] = {"role": "assistant", "content": _piece(piece["text"])}
        metrics = piece.get("amazon-bedrock-invocationMetrics")
        if isinstance(metrics, dict):
            prompt, completion = metrics.get("inputTokenCount"), metrics.get("outputTokenCount")
            if type(prompt) is int and type(completion) is int and min(prompt, completion) >= 0:
                chunk["usage"] = _counted(prompt, completion)
        return chunk

    def _fail(self, kind: FailureKind, what: str) -> None:
        self._frames.fail(kind, what)
        self.failure = self._frames.failure


_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError, JSONError, binascii.Error)


def _piece(text: Any) -> str:
    if type(text) is not str:
        raise TypeError
    return text
