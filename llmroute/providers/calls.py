"""What a past tool call says, for formats that take it apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire.json import JSONError, loads
from .base import EncodeError


def read_call(call: Any, where: str) -> tuple[str, str, Any]:
    """Id, name and arguments, as they are; a custom tool's free text is its `input`. Raises EncodeError."""
    if not isinstance(call, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    identifier = call.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise EncodeError(f"{where}.id: a text was expected", f"{where}.id")
    function = call.get("custom")
    if isinstance(function, dict):
        arguments: Any = {"input": function.get("input")}
    else:
        function = call.get("function")
        if not isinstance(function, dict):
            raise EncodeError(f"{where}.function: an object was expected", f"{where}.function")
        arguments = function.get("arguments")
    name = function.get("name")
    if not isinstance(name, str):
        raise EncodeError(f"{where}.function.name: a text was expected", f"{where}.function.name")
    return identifier, name, arguments


def arguments_object(arguments: Any, where: str) -> dict[str, Any]:
    """The object that the arguments' JSON stands for; nothing and blank text stand for an empty one."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return {}
    if isinstance(arguments, str):
        try:
            arguments = loads(arguments)
        except JSONError as problem:
            raise EncodeError(f"{where}: not JSON: {problem}"[:300], where) from None
    if not isinstance(arguments, dict):
        raise EncodeError(f"{where}: the JSON of an object was expected", where)
    return arguments


class LegacyCalls:
    """Open calls of the deprecated kind (`function_call`): known by their names, they get ids here."""

    __slots__ = ("_count", "_open")

    def __init__(self) -> None:
        self._open: dict[str, str] = {}
        self._count = 0

    def open(self, call: Any) -> dict[str, Any]:
        """The call in the form of `tool_calls`."""
        self._count += 1
        identifier = f"call_{self._count}"
        name = call.get("name") if isinstance(call, dict) else None
        if isinstance(name, str):
            self._open[name] = identifier
        return {"id": identifier, "type": "function", "function": call}

    def close(self, message: Mapping[str, Any], where: str) -> str:
        """The id of the call that a message of the role `function` answers. Raises EncodeError."""
        name = message.get("name")
        if not isinstance(name, str) or name not in self._open:
            raise EncodeError(
                f"{where}: a function's result must follow the assistant's function_call", f"{where}.name"
            )
        return self._open.pop(name)
