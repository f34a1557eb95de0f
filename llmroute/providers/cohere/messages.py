"""OpenAI's conversation as Cohere's, message by message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...wire.json import JSONError, loads, text_of
from ..base import EncodeError
from ..calls import LegacyCalls, read_call
from ..report import Report
from .state import own_state, replayed

Json = dict[str, Any]

#: The content blocks that each role's messages may hold.
_TEXT: Final = frozenset({"text", "refusal"})
_BLOCKS: Final[Mapping[str, frozenset[str]]] = {
    "system": _TEXT,
    "assistant": _TEXT | {"thinking"},
    "user": _TEXT | {"image_url", "file"},
    "tool": _TEXT | {"document"},
}


def messages_of(messages: Any, report: Report) -> list[Json]:
    """Cohere's `messages`. Raises EncodeError that names the message and its member."""
    if not isinstance(messages, (list, tuple)) or not messages:
        raise EncodeError("messages: a list with at least one message was expected", "messages")
    calls = LegacyCalls()
    found = []
    for i, message in enumerate(messages):
        if type(message) is dict and len(message) == 2 and type(message.get("content")) is str:
            role = message.get("role")
            if role == "user" or role == "assistant" or role == "system":
                found.append(message)  # the bulk of any conversation
                continue
        found.append(_message(message, f"messages[{i}]", calls, report))
    return found


def _message(message: Any, where: str, calls: LegacyCalls, report: Report) -> Json:
    if not isinstance(message, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    role = message.get("role")
    if role == "assistant":
        return _assistant(message, where, calls, report)
    if role == "tool":
        return _result(message, message.get("tool_call_id"), where, report)
    if role == "function":
        return _result(message, calls.close(message, where), where, report)
    if role == "developer":
        role = "system"
    if role not in ("user", "system"):
        raise EncodeError(f"{where}.role: {role!r:.100} is no role", f"{where}.role")
    _note_losses(message, report)
    return {"role": role, "content": _content(message.get("content"), role, f"{where}.content", report)}


def _note_losses(message: Mapping[str, Any], report: Report) -> None:
    for name in ("name", "cache_control", "audio"):
        if message.get(name):
            report.lost(f"messages[].{name}")


def _result(message: Mapping[str, Any], call: Any, where: str, report: Report) -> Json:
    if not isinstance(call, str) or not call:
        raise EncodeError(f"{where}.tool_call_id: a text was expected", f"{where}.tool_call_id")
    content = message.get("content")
    content = "" if content is None else _content(content, "tool", f"{where}.content", report)
    return {"role": "tool", "tool_call_id": call, "content": content}


# -- the assistant -----------------------------------------------------------


def _assistant(message: Mapping[str, Any], where: str, legacy: LegacyCalls, report: Report) -> Json:
    _note_losses(message, report)
    calls = _calls(message, where)
    if message.get("function_call") is not None:
        opened = legacy.open(message["function_call"])
        calls.append(_call(opened, f"{where}.function_call"))
    content = message.get("content")
    if content is None:
        content = message.get("refusal")
    if content is not None:
        content = _content(content, "assistant", f"{where}.content", report)
    found: Json = {"role": "assistant"}
    state = own_state(message, where)
    if state is not None:
        found.update(replayed(state, content, with_calls=bool(calls)))
    elif content or (content is not None and not calls):
        found["content"] = content
    if calls:
        found["tool_calls"] = calls
    return found


def _calls(message: Mapping[str, Any], where: str) -> list[Json]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, (list, tuple)):
        raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
    return [_call(call, f"{where}.tool_calls[{j}]") for j, call in enumerate(calls)]


def _call(call: Any, where: str) -> Json:
    identifier, name, arguments = read_call(call, where)
    text = _arguments(arguments, f"{where}.function.arguments")
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": text}}


def _arguments(arguments: Any, where: str) -> str:
    """The text of a JSON object; nothing and blank text stand for an empty one."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return "{}"
    try:
        if not isinstance(arguments, str):
            value, text = arguments, text_of(arguments)
        else:
            value, text = loads(arguments), arguments
    except JSONError as problem:
        raise EncodeError(f"{where}: not JSON: {problem}"[:300], where) from None
    if not isinstance(value, dict):
        raise EncodeError(f"{where}: the JSON of an object was expected", where)
    return text


# -- content -----------------------------------------------------------------


def _content(content: Any, role: str, where: str, report: Report) -> str | list[Json]:
    if isinstance(content, str):
        return content
    if not isinstance(content, (list, tuple)):
        raise EncodeError(f"{where}: a text or a list was expected", where)
    return [_block(part, role, f"{where}[{j}]", report) for j, part in enumerate(content)]


def _block(part: Any, role: str, where: str, report: Report) -> Json:
    if not isinstance(part, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _BLOCKS[role]:
        raise EncodeError(f"{where}: Cohere's API takes no {kind!r:.100} from role {role}", where)
    if part.get("cache_control") is not None:
        report.lost("cache_control")
    if kind == "image_url":
        return _image(part.get("image_url"), f"{where}.image_url")
    if kind == "file":
        report.lost("messages[].content[].file", "is sent as it is, though Cohere documents no files")
    if kind not in _TEXT:
        return {name: value for name, value in part.items() if name != "cache_control"}
    if not isinstance(part.get(kind), str):
        raise EncodeError(f"{where}.{kind}: a text was expected", f"{where}.{kind}")
    return {"type": "text", "text": part[kind]}


def _image(image: Any, where: str) -> Json:
    """An https or data URL, with OpenAI's `detail`."""
    found = image if isinstance(image, dict) else {"url": image}
    if not isinstance(found.get("url"), str) or not found["url"]:
        raise EncodeError(f"{where}.url: a URL was expected", f"{where}.url")
    kept = {name: found[name] for name in ("url", "detail") if found.get(name) is not None}
    return {"type": "image_url", "image_url": kept}
