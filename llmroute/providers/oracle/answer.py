"""Oracle's answers as OpenAI's completions; both formats of answers are read by the same code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from ...outcome import Failure
from ...wire.json import JSONError, loads, text_of
from ..base import DecodeError, ProviderSettings, ReplyError
from ..failures import MAX_INDEX, RESERVED, failure_from, is_index
from .parts import Json
from .tools import custom_names

_FINISH_REASONS: Final = {
    "STOP": "stop",
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "LENGTH": "length",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "TOOL_CALLS": "tool_calls",
    "FUNCTION_CALL": "tool_calls",
    "CONTENT_FILTER": "content_filter",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ERROR_TOXIC": "content_filter",
}
#: The answer is broken, not ended.
_BROKEN: Final = frozenset({"ERROR", "ERROR_LIMIT", "USER_CANCEL", "MALFORMED_FUNCTION_CALL"})
_ANSWER: Final = frozenset(
    {"apiFormat", "choices", "finishReason", "id", "message", "serviceTier", "timeCreated", "usage"}
)
_CHOICE: Final = frozenset({"index", "message", "finishReason", "logprobs", "usage", "serviceTier", "pad"})


@attrs.frozen
class Reading:
    """How answers of one call are read. `custom` are the names of tools that take free text."""

    provider: str
    model: str
    strict: bool
    custom: frozenset[str] = frozenset()


def reading_of(params: Mapping[str, Any], settings: ProviderSettings) -> Reading:
    """How the answer to `params` is to be read."""
    model = params.get("model")
    return Reading(
        settings.provider,
        model if isinstance(model, str) else "",
        settings.strict,
        custom_names(params) if params.get("tools") else frozenset(),
    )


class BrokenAnswerError(Exception):
    """What the provider sent is no usable answer."""


def with_type(failure: Failure) -> Failure:
    """Oracle's errors have a code and no type; the code stands for both, as recorded."""
    if failure.type is not None or not isinstance(failure.code, str):
        return failure
    return attrs.evolve(failure, type=failure.code)


def completion_of(body: Any, reading: Reading, id: str | None, data: bytes) -> Json:
    """The completion in a 2xx answer; `id` is the request's id at Oracle.

    Raises ReplyError for an error inside it and a generation that broke off, DecodeError otherwise.
    """
    answer = body.get("chatResponse") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(answer, dict):
        if isinstance(body, dict) and body.get("code") and body.get("message"):
            raise ReplyError(with_type(failure_from(dict(body), reading.provider)))
        raise DecodeError(f"{reading.provider} answered with something that is no completion")
    own = answer.get("id")
    id = id or (own if isinstance(own, str) else None) or digest(data)
    try:
        choices = _choices(answer, reading, id)
    except BrokenAnswerError as problem:
        raise DecodeError(f"{reading.provider} answered with {problem}") from None
    model = body.get("modelId")
    made: Json = {
        "id": id,
        "object": "chat.completion",
        "model": model if isinstance(model, str) else reading.model,
        "provider": reading.provider,
        "choices": choices,
    }
    created = _timestamp(answer.get("timeCreated"))
    if created:
        made["created"] = created
    usage = usage_of(answer.get("usage"))
    if usage is not None:
        made["usage"] = usage
    add_tier(made, answer)
    made.update(_extras(answer, _ANSWER, made))
    if body.get("modelVersion") is not None:
        made["modelVersion"] = body["modelVersion"]
    return made


def digest(data: bytes) -> str:
    """An id for an answer that has none."""
    return "oci-" + hashlib.sha256(data).hexdigest()[:24]


def _timestamp(text: Any) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) if isinstance(text, str) else 0
    except (ValueError, OverflowError, OSError):
        return 0


def _extras(holder: Mapping[str, Any], known: frozenset[str], made: Mapping[str, Any]) -> Json:
    """What else the service says, under its own names."""
    return {
        name: value
        for name, value in holder.items()
        if name not in known and name not in made and name not in RESERVED and value is not None
    }


def _choices(answer: Mapping[str, Any], reading: Reading, id: str) -> list[Json]:
    """The list of a generic answer; Cohere's answer is a choice by itself."""
    given = answer.get("choices")
    if given is None and isinstance(answer.get("message"), dict):
        given = [{name: answer.get(name) for name in ("message", "finishReason", "logprobs")}]
    if not isinstance(given, list) or not 0 < len(given) <= MAX_INDEX:
        raise BrokenAnswerError("no choices")
    made = []
    for position, choice in enumerate(given):
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise BrokenAnswerError("a choice without a message")
        index = choice.get("index", position)
        if not is_index(index):
            raise BrokenAnswerError("a choice whose index is out of range")
        check_end(choice.get("finishReason"), answer, reading)
        made.append(_choice(choice, index, reading, id))
    return made


def check_end(reason: Any, holder: Mapping[str, Any], reading: Reading) -> None:
    """Raises ReplyError for a generation that broke off: passing it off as complete would hide that."""
    if isinstance(reason, str) and reason.upper() in _BROKEN:
        told = holder.get("errorMessage")
        text = told if isinstance(told, str) and told else f"the generation ended with {reason}"
        raise ReplyError(failure_from({"message": text, "code": reason}, reading.provider))


def _choice(choice: Mapping[str, Any], index: int, reading: Reading, id: str) -> Json:
    said = choice["message"]
    text, thoughts = texts_of(said)
    calls = [
        _whole_call(call, f"{id}-{index}-{position}", reading) for position, call in enumerate(calls_of(said))
    ]
    message: Json = {"role": "assistant", "content": None if calls and not text else text}
    if thoughts:
        message["reasoning_content"] = thoughts
    if isinstance(said.get("refusal"), str) and said["refusal"]:
        message["refusal"] = said["refusal"]
    if calls:
        message["tool_calls"] = calls
    message.update(media_of(said))
    made: Json = {"index": index, "message": message, "logprobs": logprobs_of(choice.get("logprobs"))}
    made.update(ending_of(choice.get("finishReason"), bool(calls), reading.strict))
    made.update(_extras(choice, _CHOICE, made))
    return made


# -- messages ----------------------------------------------------------------


def texts_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """The text and the thoughts of a message or a piece of one. Raises BrokenAnswerError."""
    content = message.get("content")
    texts: list[str] = []
    thoughts: list[str] = []
    if isinstance(content, str):
        texts.append(content)
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            raise BrokenAnswerError("content that is no list of objects")
        _add_text(part.get("text"), texts)
        _add_text(part.get("thinking"), thoughts)
    said = (message.get(name) for name in ("toolPlan", "reasoningContent"))
    thoughts += [thought for thought in said if isinstance(thought, str)]
    return "".join(texts), "".join(thoughts)


def _add_text(value: Any, found: list[str]) -> None:
    if type(value) is str:
        found.append(value)
    elif value is not None:
        raise BrokenAnswerError("a part of content whose text is no text")


def media_of(message: Mapping[str, Any]) -> Json:
    """Images and annotations, where a message has any, after texts_of has checked its content."""
    made: Json = {}
    content, notes = message.get("content"), message.get("annotations")
    images = [
        {"type": "image_url", "image_url": dict(part["imageUrl"]), "index": position}
        for position, part in enumerate(content if isinstance(content, list) else ())
        if "imageUrl" in part and isinstance(part["imageUrl"], dict)
    ]
    if images:
        made["images"] = images
    if isinstance(notes, list) and notes:
        made["annotations"] = [_annotation(note) for note in notes[:MAX_INDEX] if isinstance(note, dict)]
    if message.get("citations"):
        made["citations"] = message["citations"]
    return made


def _annotation(note: Mapping[str, Any]) -> Json:
    cited = note.get("urlCitation")
    if not isinstance(cited, dict):
        return dict(note)
    names = {"startIndex": "start_index", "endIndex": "end_index"}
    return {
        "type": "url_citation",
        "url_citation": {names.get(name, name): value for name, value in cited.items()},
    }


def calls_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tool calls of a message or a piece of one. Raises BrokenAnswerError."""
    calls = message.get("toolCalls")
    if calls is None:
        return []
    if not isinstance(calls, list) or len(calls) > MAX_INDEX:
        raise BrokenAnswerError("tool calls that are no list")
    if not all(isinstance(call, dict) for call in calls):
        raise BrokenAnswerError("a tool call that is no object")
    return calls


def named_call(call: Mapping[str, Any]) -> tuple[str | None, str | None, str]:
    """Id, name and arguments of a call; Cohere's have the latter two in `function`."""
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    id, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
    if isinstance(arguments, (dict, list)):
        arguments = text_of(arguments)
    return (
        id if isinstance(id, str) and id else None,
        name if isinstance(name, str) and name else None,
        arguments if isinstance(arguments, str) else "",
    )


def _whole_call(call: Mapping[str, Any], stand_in: str, reading: Reading) -> Json:
    """Models of Google's give no ids, but results must name one."""
    id, name, arguments = named_call(call)
    if name is None:
        raise BrokenAnswerError("a tool call without a name")
    if name in reading.custom:
        return {
            "id": id or stand_in,
            "type": "custom",
            "custom": {"name": name, "input": free_text(arguments)},
        }
    function = {"name": name, "arguments": arguments or "{}"}
    return {"id": id or stand_in, "type": "function", "function": function}


def free_text(arguments: str) -> str:
    """What a tool that takes free text was given."""
    try:
        given = loads(arguments).get("input")
    except (JSONError, AttributeError):
        return arguments
    return given if isinstance(given, str) else arguments


# -- ends and counts ---------------------------------------------------------


def ending_of(reason: Any, calls: bool, strict: bool) -> Json:
    """`finish_reason`, and what it does not say by itself."""
    if not isinstance(reason, str) or not reason:
        return {"finish_reason": "tool_calls" if calls else "stop"}
    if not strict:
        return {"finish_reason": reason}
    word = reason.upper()
    found = _FINISH_REASONS.get(word, "stop")
    made: Json = {"finish_reason": "tool_calls" if calls and found == "stop" else found}
    if word not in _FINISH_REASONS:
        made["native_finish_reason"] = reason
    return made


def usage_of(usage: Any) -> Json | None:
    """OpenAI's `usage`; None when there is none."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage, "promptTokens"), _count(usage, "completionTokens")
    spent, given = usage.get("completionTokensDetails"), usage.get("promptTokensDetails")
    made: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": max(_count(usage, "totalTokens"), prompt + completion),
        "completion_tokens_details": _counts(spent),
        "prompt_tokens_details": {"cached_tokens": 0, **_counts(given)},
    }
    return made


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and value > 0 else 0


def _counts(details: Any) -> dict[str, int]:
    """`reasoningTokens` as `reasoning_tokens`, and so on."""
    if not isinstance(details, dict):
        return {}
    return {_snake(str(name)): n for name, n in details.items() if type(n) is int and n >= 0}


def _snake(name: str) -> str:
    return "".join("_" + char.lower() if char.isupper() else char for char in name)


def add_tier(made: Json, answer: Mapping[str, Any]) -> None:
    """The tier that served the call, by OpenAI's name."""
    tier = answer.get("serviceTier")
    if isinstance(tier, str) and tier:
        made["service_tier"] = tier.lower()


def logprobs_of(logprobs: Any) -> Json | None:
    """OpenAI's `logprobs`; None when there are none."""
    tokens = logprobs.get("tokens") if isinstance(logprobs, dict) else None
    if not isinstance(logprobs, dict) or not isinstance(tokens, list) or not tokens:
        return None
    values, tops = logprobs.get("tokenLogprobs"), logprobs.get("topLogprobs")
    values, tops = values if isinstance(values, list) else [], tops if isinstance(tops, list) else []
    content = []
    for position, token in enumerate(tokens):
        entry = _likelihood(token, values[position] if position < len(values) else None)
        others = tops[position] if position < len(tops) else None
        others = others.items() if isinstance(others, dict) else ()
        entry["top_logprobs"] = [_likelihood(other, value) for other, value in others]
        content.append(entry)
    return {"content": content, "refusal": None}


def _likelihood(token: Any, value: Any) -> Json:
    token = token if isinstance(token, str) else ""
    try:
        # Probabilities of other tokens come as texts.
        logprob = float(value)
    except (TypeError, ValueError):
        logprob = 0.0
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}
