"""Answers of /ai/run: an envelope around a result in Cloudflare's own form, or in OpenAI's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ...wire.json import JSONError, text_of
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX, checked_completion, failure_from, without_reserved
from ..row import Row

Json = dict[str, Any]

ROW: Final = Row(
    slug="workers-ai",
    base_url=None,
    env=("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
    docs="https://developers.cloudflare.com/workers-ai/",
)
#: Members of a result that have their place in a completion.
_PLACED: Final = frozenset({"choices", "error", "finish_reason", "response", "tool_calls", "usage"})


def completion_of(body: Any, params: Mapping[str, Any], identifier: str = "") -> Json:
    """The completion for a parsed answer; without `created` where upstream gives none.

    Cloudflare's own form tells no end: the finish reason is then "", but for tool calls. Raises
    ReplyError for errors, DecodeError for anything else that is no answer.
    """
    result = unwrapped(body)
    if "choices" in result:
        return _from_openai(checked_completion(result, ROW.slug), params)
    message: Json = {"role": "assistant", "content": text_in(result.get("response"))}
    calls = calls_in(result, params)
    if calls:
        message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in calls]
    reason = result.get("finish_reason")
    if not isinstance(reason, str):
        reason = "tool_calls" if calls else ""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    found: Json = {
        "id": identifier,
        "object": "chat.completion",
        "model": model_of(params),
        "provider": ROW.slug,
        "choices": [choice],
        **{name: value for name, value in result.items() if name not in _PLACED and value is not None},
    }
    if isinstance(result.get("usage"), dict):
        found["usage"] = result["usage"]
    return without_reserved(found)


def unwrapped(body: Any) -> Json:
    """The result in an envelope, or an object without one. Raises ReplyError and DecodeError."""
    if not isinstance(body, dict):
        raise DecodeError(f"{ROW.slug} answered with something that is no result")
    if body.get("success") is False or body.get("error"):
        raise ReplyError(failure_from(body, ROW.slug))
    result = body.get("result", body)
    if not isinstance(result, dict) or not result.keys() & {"choices", "response", "tool_calls"}:
        raise DecodeError(f"{ROW.slug} answered without a response")
    return result


def model_of(params: Mapping[str, Any]) -> str:
    """Cloudflare's own form does not name the model."""
    model = params.get("model")
    return model if isinstance(model, str) else ""


def text_in(response: Any) -> str:
    """A response as text: in JSON mode it is any JSON value. Raises DecodeError."""
    if response is None or isinstance(response, str):
        return response or ""
    try:
        return text_of(response)
    except JSONError as problem:
        raise DecodeError(f"{ROW.slug} answered with a response that is {problem}") from None


def calls_in(result: Mapping[str, Any], params: Mapping[str, Any], before: int = 0) -> list[Json]:
    """The tool calls of a result, `before` of which were there already. Raises DecodeError.

    They are flat objects of name and arguments, or OpenAI's. Calls without an id get one that is the
    same for the same place in the same conversation.
    """
    calls = result.get("tool_calls")
    if not calls:
        return []
    if not isinstance(calls, list) or before + len(calls) > MAX_INDEX:
        raise DecodeError(f"{ROW.slug} answered with tool calls that are no list")
    return [_call(call, index, params) for index, call in enumerate(calls, before)]


def _call(call: Any, index: int, params: Mapping[str, Any]) -> Json:
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise DecodeError(f"{ROW.slug} answered with a tool call without a name")
    given = function.get("arguments")
    arguments = given if isinstance(given, str) else text_in({} if given is None else given)
    identifier = call.get("id")
    if not isinstance(identifier, str) or not identifier:
        identifier = _made_id(params, index, function["name"], arguments)
    made = {"name": function["name"], "arguments": arguments or "{}"}
    return {"index": index, "id": identifier, "type": "function", "function": made}


def _made_id(params: Mapping[str, Any], index: int, name: str, arguments: str) -> str:
    messages = params.get("messages")
    turn = len(messages) if isinstance(messages, (list, tuple)) else 0
    text = f"{turn}:{index}:{name}:{arguments}".encode("utf-8", "surrogatepass")
    return "call_" + hashlib.sha256(text).hexdigest()[:24]


def _from_openai(body: Json, params: Mapping[str, Any]) -> Json:
    body["provider"] = ROW.slug
    body.setdefault("object", "chat.completion")
    body.setdefault("model", model_of(params))
    for position, choice in enumerate(body["choices"]):
        choice.setdefault("index", position)
        message = choice["message"]
        message.setdefault("role", "assistant")
        if not isinstance(message.get("content"), (str, type(None))):
            message["content"] = text_in(message["content"])
        if isinstance(message.get("reasoning"), str):
            message.setdefault("reasoning_content", message["reasoning"])
        calls = calls_in(message, params)
        if calls:
            message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in calls]
        elif "tool_calls" in message:
            del message["tool_calls"]
    return without_reserved(body)
