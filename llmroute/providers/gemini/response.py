"""Whole generateContent answers as OpenAI's completions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from ...wire.message import WireReply
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, failure_from, is_index, parsed_reply
from .annotations import annotations_of
from .answer import Answer, BrokenAnswerError, Pieces, Reading, digest, problem_of
from .usage import logprobs_of, usage_of

#: Members of a candidate that a choice shows when it need not keep to OpenAI's.
EXTRAS: Final = (
    "groundingMetadata",
    "citationMetadata",
    "urlContextMetadata",
    "safetyRatings",
    "finishMessage",
    "avgLogprobs",
    "continuationToken",
)

Json = dict[str, Any]


def completion(reply: WireReply, model: str, reading: Reading) -> Json:
    """The completion in a 2xx `reply`. `model` stands in where the answer names none.

    A prompt that was blocked is a choice without content that ends with content_filter. Raises
    ReplyError for an error inside the answer and for a generation that broke off, DecodeError for
    everything else that is no answer.
    """
    body = parsed_reply(reply, reading.provider)
    if isinstance(body, list) and len(body) == 1:
        # The form in which streams without `alt=sse` report errors.
        body = body[0]
    if not isinstance(body, dict):
        raise DecodeError(f"{reading.provider} answered with something that is no completion")
    candidates = body.get("candidates")
    if body.get("error") and not candidates:
        raise ReplyError(failure_from(body, reading.provider, error_status(body)))
    id = answer_id(body) or digest(reply.body)
    made: Json = {
        "id": id,
        "object": "chat.completion",
        "model": model_of(body) or model,
        "provider": reading.provider,
    }
    if isinstance(candidates, list) and candidates:
        made["choices"] = _choices(candidates, id, reading)
    elif is_blocked(body):
        message = {"role": "assistant", "content": ""}
        made["choices"] = [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "content_filter"}
        ]
    else:
        raise DecodeError(f"{reading.provider} answered without candidates")
    usage = usage_of(body.get("usageMetadata"), strict=reading.strict)
    if usage is not None:
        made["usage"] = usage
    if not reading.strict and body.get("promptFeedback"):
        made["promptFeedback"] = body["promptFeedback"]
    return made


def answer_id(body: Mapping[str, Any]) -> str | None:
    """The answer's id where it is usable."""
    id = body.get("responseId")
    return id if isinstance(id, str) and 0 < len(id) <= MAX_INDEX else None


def error_status(body: Mapping[str, Any]) -> int:
    """The HTTP status that an error inside an answer names, 502 when it names none."""
    error = body.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if type(code) is int and 400 <= code < 600 else 502


def model_of(body: Mapping[str, Any]) -> str | None:
    """The model that served the call."""
    model = body.get("modelVersion")
    return model.removeprefix("models/") if isinstance(model, str) and model else None


def is_blocked(body: Mapping[str, Any]) -> bool:
    """Whether the prompt was refused before anything was generated."""
    feedback = body.get("promptFeedback")
    return isinstance(feedback, Mapping) and bool(feedback.get("blockReason"))


def _choices(candidates: list[Any], id: str, reading: Reading) -> list[Json]:
    if len(candidates) > MAX_INDEX:
        raise DecodeError(f"{reading.provider} answered with {len(candidates)} candidates")
    choices = []
    for position, candidate in enumerate(candidates):
        if not isinstance(candidate, Mapping):
            raise DecodeError(f"{reading.provider}: candidates[{position}]: an object was expected")
        problem = problem_of(candidate, reading)
        if problem is not None:
            raise ReplyError(problem)
        index = candidate.get("index", position)
        if not is_index(index):
            raise DecodeError(f"{reading.provider}: candidates[{position}].index is out of range")
        choices.append(_choice(candidate, Answer(reading, id, index), reading))
    return choices


def _choice(candidate: Mapping[str, Any], answer: Answer, reading: Reading) -> Json:
    content = candidate.get("content")
    try:
        pieces = answer.read(content.get("parts") if isinstance(content, Mapping) else None)
    except BrokenAnswerError as problem:
        raise DecodeError(f"{reading.provider} answered with {problem}") from None
    choice: Json = {
        "index": answer.index,
        "message": _message(candidate, pieces, answer, reading),
        "logprobs": logprobs_of(candidate.get("logprobsResult")),
        "finish_reason": answer.finish_reason(candidate.get("finishReason")),
    }
    if not reading.strict:
        choice.update((name, candidate[name]) for name in EXTRAS if name in candidate)
    return choice


def _message(candidate: Mapping[str, Any], pieces: Pieces, answer: Answer, reading: Reading) -> Json:
    text = "".join(pieces.text)
    instead = pieces.calls or pieces.audio
    message: Json = {"role": "assistant", "content": None if instead and not text else text}
    if pieces.thoughts:
        message["reasoning_content"] = "".join(pieces.thoughts)
    if pieces.calls:
        message["tool_calls"] = pieces.calls
    if pieces.images:
        message["images"] = pieces.images
    if pieces.audio:
        message["audio"] = audio_of(joined(pieces.audio), pieces.audio_type, answer.id)
    annotations = annotations_of(candidate, text)
    if annotations:
        message["annotations"] = annotations
    if pieces.blocks:
        message["content_blocks"] = pieces.blocks
    state = answer.provider_state()
    if state is not None:
        message["provider_state"] = state
    return message


def audio_of(data: str, media_type: str, id: str) -> Json:
    """OpenAI's `audio`: Gemini gives no transcript and keeps nothing, so it expires at once."""
    return {"id": f"audio_{id}", "data": data, "expires_at": 0, "transcript": "", "mime_type": media_type}


def joined(pieces: list[str]) -> str:
    """Pieces of base64 as one text of it: each may end with padding."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode("ascii")
    except (binascii.Error, ValueError):
        return "".join(pieces)
