"""Requests to Ollama's own endpoint, /api/chat, for what the compatible one cannot carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..calls import arguments_object
from ..links import ADVICE
from ..report import Report
from .tables import NATIVE_PARAMS, OPTION_NAMES, OPTIONS

Json = dict[str, Any]

#: Efforts that are called otherwise here.
_EFFORTS: Final[Mapping[str, str]] = {"minimal": "low", "xhigh": "max"}


def chat_body_of(params: Mapping[str, Any], report: Report) -> Json:
    """The body for parameters that `common_params` has been over. Raises EncodeError."""
    body: Json = {
        "model": params.get("model"),
        "messages": _messages(params.get("messages"), report),
        "stream": bool(params.get("stream")),  # the default here is to stream
    }
    for name in ("tools", "logprobs", "top_logprobs", *sorted(NATIVE_PARAMS - {"options", "format"})):
        if params.get(name) is not None:
            body[name] = params[name]
    options = _options(params)
    if options:
        body["options"] = options
    think = _think(params)
    if think is not None:
        body["think"] = think
    form = params.get("format")
    if form is None and params.get("response_format") is not None:
        form = _format(params["response_format"])
    if form is not None:
        body["format"] = form
    return body


def _options(params: Mapping[str, Any]) -> Json:
    given = params.get("options")
    if given is not None and not isinstance(given, dict):
        raise EncodeError("options: an object was expected", "options")
    found = {here: params[name] for name, here in OPTION_NAMES.items() if params.get(name) is not None}
    if isinstance(found.get("stop"), str):
        found["stop"] = [found["stop"]]
    found.update((name, params[name]) for name in OPTIONS & params.keys() if params[name] is not None)
    return {**found, **(given or {})}


def _think(params: Mapping[str, Any]) -> bool | str | None:
    """As the compatible endpoint maps efforts (openai.go, thinkFromReasoningEffort)."""
    reasoning = params.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else params.get("reasoning_effort")
    if effort is None:
        return None
    if not isinstance(effort, str):
        raise EncodeError("reasoning_effort: a text was expected", "reasoning_effort")
    return False if effort == "none" else _EFFORTS.get(effort, effort)


def _format(wanted: Any) -> Any:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return "json"
    described = wanted.get("json_schema") if isinstance(wanted, dict) else None
    if kind == "json_schema" and isinstance(described, dict) and isinstance(described.get("schema"), dict):
        return described["schema"]
    raise EncodeError("response_format: json_schema, json_object or text expected", "response_format")


# -- messages ----------------------------------------------------------------


def _messages(messages: Any, report: Report) -> list[Json]:
    if not isinstance(messages, (list, tuple)) or not messages:
        raise EncodeError("messages: a list with at least one message was expected", "messages")
    names: dict[str, str] = {}
    return [_message(message, f"messages[{i}]", names, report) for i, message in enumerate(messages)]


def _message(message: Any, where: str, names: dict[str, str], report: Report) -> Json:
    """One message; `names` holds the functions' names by the ids of their calls."""
    if not isinstance(message, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    role = message.get("role")
    if not isinstance(role, str):
        raise EncodeError(f"{where}.role: a text was expected", f"{where}.role")
    found: Json = {"role": "system" if role == "developer" else "tool" if role == "function" else role}
    _add_content(found, message, where, report)
    reasoning = message.get("reasoning_content", message.get("reasoning"))
    if role == "assistant" and isinstance(reasoning, str) and reasoning:
        found["thinking"] = reasoning
    calls = message.get("tool_calls")
    if calls is not None:
        if not isinstance(calls, (list, tuple)):
            raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
        found["tool_calls"] = [
            _call(call, f"{where}.tool_calls[{j}]", j, names) for j, call in enumerate(calls)
        ]
    if found["role"] == "tool":
        identifier = message.get("tool_call_id")
        name = message.get("name") or (names.get(identifier) if isinstance(identifier, str) else None)
        if isinstance(identifier, str):
            found["tool_call_id"] = identifier
        if isinstance(name, str):
            found["tool_name"] = name
    elif message.get("name"):
        report.lost("messages[].name")
    return found


def _add_content(found: Json, message: Mapping[str, Any], where: str, report: Report) -> None:
    content = message.get("content")
    if content is None or isinstance(content, str):
        found["content"] = content or message.get("refusal") or ""
        return
    if not isinstance(content, (list, tuple)):
        raise EncodeError(f"{where}.content: a text or a list was expected", f"{where}.content")
    texts, images = [], []
    for j, part in enumerate(content):
        place = f"{where}.content[{j}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" or kind == "refusal":
            texts.append(_text(part.get(kind), f"{place}.{kind}"))
        elif kind == "image_url":
            image = part.get("image_url")
            url = _text(image.get("url") if isinstance(image, dict) else image, f"{place}.image_url.url")
            images.append(_data_of(url, place))
        elif kind == "input_audio" and isinstance(part.get("input_audio"), dict):
            images.append(_text(part["input_audio"].get("data"), f"{place}.input_audio.data"))
        else:
            raise EncodeError(f"{place}: Ollama's API takes no part of type {kind!r:.100}", place)
        if part.get("cache_control") is not None:
            report.lost("cache_control")
    found["content"] = "\n".join(texts)
    if images:
        found["images"] = images


def _data_of(url: str, where: str) -> str:
    """The base64 text of a data URL; the API fetches nothing."""
    head, comma, data = url.partition(",")
    if not comma or head[:5].lower() != "data:" or not head.lower().endswith(";base64"):
        raise EncodeError(f"{where}: Ollama takes images as base64 data URLs only; {ADVICE}", where)
    return data


def _call(call: Any, where: str, index: int, names: dict[str, str]) -> Json:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise EncodeError(f"{where}.function: an object was expected", f"{where}.function")
    name = _text(function.get("name"), f"{where}.function.name")
    arguments = arguments_object(function.get("arguments"), f"{where}.function.arguments")
    found: Json = {"function": {"index": index, "name": name, "arguments": arguments}}
    if isinstance(call.get("id"), str):
        names[call["id"]] = name
        found["id"] = call["id"]
    return found


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise EncodeError(f"{where}: a text was expected", where)
    return value
