"""OpenAI's conversation as Mistral's: nearly the same messages, with fewer members and shorter ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...wire.json import JSONError, loads, text_of
from ..base import EncodeError
from ..marked import placed
from ..report import Report
from .content import own_state
from .ids import short_id
from .parts import chunks_of

Json = dict[str, Any]

#: The members of each role's messages; the API refuses others.
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "prefix"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
#: Members that past answers, of whichever provider, leave in the messages: never sent.
_LEFT: Final = frozenset(
    {
        "annotations",
        "citations",
        "provider_state",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
    }
)


def messages_of(messages: Any, report: Report, *, native: bool) -> list[Json]:
    """Mistral's `messages`. Raises EncodeError that names the message and its member.

    With `native` the messages are for Mistral's own API, which refuses members it does not know.
    Other servers get the members and parts that the caller gives them.
    """
    if not isinstance(messages, (list, tuple)) or not messages:
        raise EncodeError("messages: a list with at least one message was expected", "messages")
    found = []
    legacy: dict[str, str] = {}
    for i, message in enumerate(messages):
        if type(message) is dict and len(message) == 2 and type(message.get("content")) is str:
            role = message.get("role")
            if role == "user" or role == "assistant" or role == "system":
                found.append(message)  # the bulk of any conversation
                continue
        found.append(_message(message, f"messages[{i}]", report, legacy, native=native))
    if native:
        _mark_prefix(found, report)
    return found


def _mark_prefix(messages: list[Json], report: Report) -> None:
    """The API takes an assistant's message as the last one only when it is to be continued."""
    last = messages[-1]
    if last["role"] == "assistant" and "prefix" not in last and not last.get("tool_calls"):
        messages[-1] = {**last, "prefix": True}
        report.told("messages", "end with the assistant's, which is sent as a prefix to be continued")


def _message(message: Any, where: str, report: Report, legacy: dict[str, str], *, native: bool) -> Json:
    if not isinstance(message, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    role = message.get("role")
    changes: Json = {}
    if role == "developer":
        role = changes["role"] = "system"
    elif role == "function" and native:
        role = _make_tool_result(changes, message, legacy, where)
    if native and (not isinstance(role, str) or role not in _MEMBERS):
        raise EncodeError(f"{where}.role: {role!r:.100} is no role", f"{where}.role")
    if role == "assistant":
        _assistant(changes, message, where, legacy, native=native)
    elif role == "tool":
        identifier = changes.get("tool_call_id", message.get("tool_call_id"))
        changes["tool_call_id"] = short_id(_text(identifier, where, "tool_call_id"))
    if native:
        return _known(message, changes, str(role), where, report)
    found = {name: value for name, value in message.items() if name not in _LEFT}
    found.update(changes)
    return found


def _known(message: Json, changes: Json, role: str, where: str, report: Report) -> Json:
    """`message` with `changes` as Mistral's own API takes it."""
    members = _MEMBERS[role]
    found: Json = {}
    for name, value in message.items():
        if value is None or name in changes:
            continue
        if name in members:
            found[name] = value
        elif name not in _LEFT and name != "function_call":
            report.lost(f"messages[].{name}")
    found.update(changes)
    content = found.get("content")
    if isinstance(content, (list, tuple)):
        found["content"] = chunks_of(content, f"{where}.content", report)
    elif content is not None and not isinstance(content, str):
        raise EncodeError(f"{where}.content: a text or a list was expected", f"{where}.content")
    elif content is None and not found.get("tool_calls"):
        found["content"] = ""
    return found


# -- the assistant -----------------------------------------------------------


def _assistant(changes: Json, message: Json, where: str, legacy: dict[str, str], *, native: bool) -> None:
    content = message.get("content")
    if content is None:
        content = message.get("refusal")
    entries = own_state(message, where)
    if entries is not None:
        content = placed(entries, _blocks(content, where))[0]
    if content is not None:
        changes["content"] = content
    calls = message.get("tool_calls")
    if calls is not None:
        if not _is_list(calls):
            raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
        changes["tool_calls"] = [
            _call(call, f"{where}.tool_calls[{j}]", native=native) for j, call in enumerate(calls)
        ]
    if native and message.get("function_call") is not None:
        call = _call({"id": where, "function": message["function_call"]}, where, native=True)
        legacy[call["function"]["name"]] = call["id"]
        changes["tool_calls"] = [*changes.get("tool_calls", ()), call]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _blocks(content: Any, where: str) -> str | list[Json] | None:
    """Content as `placed` reads it. Raises EncodeError."""
    if content is None or isinstance(content, str):
        return content
    blocks: list[Any] = list(content) if _is_list(content) else [None]
    for block in blocks:
        if not isinstance(block, dict) or not isinstance(block.get("text", ""), str):
            raise EncodeError(f"{where}.content: a text or a list of parts was expected", where)
    return blocks


def _make_tool_result(changes: Json, message: Json, legacy: dict[str, str], where: str) -> str:
    """Turn the result of a deprecated `function_call` into a tool's."""
    name = message.get("name")
    if not isinstance(name, str) or name not in legacy:
        raise EncodeError(
            f"{where}: a function's result must follow the assistant's function_call", f"{where}.name"
        )
    changes.update(role="tool", tool_call_id=legacy.pop(name))
    return "tool"


def _call(call: Any, where: str, *, native: bool) -> Json:
    if not isinstance(call, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    identifier = short_id(_text(call.get("id"), where, "id"))
    if not native:
        return {**{k: v for k, v in call.items() if k != "provider_state"}, "id": identifier}
    function = call.get("function")
    if not isinstance(function, dict):
        custom = call.get("custom")
        if not isinstance(custom, dict):
            raise EncodeError(f"{where}.function: an object was expected", f"{where}.function")
        function = {"name": custom.get("name"), "arguments": {"input": custom.get("input")}}
    name = _text(function.get("name"), where, "function.name")
    arguments = _arguments(function.get("arguments"), where)
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def _arguments(arguments: Any, where: str) -> str:
    """The text of a JSON value; nothing and blank text stand for an empty object."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return "{}"
    try:
        if not isinstance(arguments, str):
            return text_of(arguments)
        loads(arguments)
    except JSONError as problem:
        where = f"{where}.function.arguments"
        raise EncodeError(f"{where}: not JSON: {problem}"[:300], where) from None
    return arguments


def _text(value: Any, where: str, member: str) -> str:
    if not isinstance(value, str) or not value:
        raise EncodeError(f"{where}.{member}: a text was expected", f"{where}.{member}")
    return value
