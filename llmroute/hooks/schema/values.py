"""JSON values as JSON Schema sees them: 1 and 1.0 are the same, 1 and true are not."""

from __future__ import annotations

from typing import Any


def type_name(value: Any) -> str:
    """The JSON type of a parsed value."""
    return _NAMES.get(type(value), "object")


_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number, however it is written."""
    return type(value) is int or (type(value) is float and value.is_integer())


def identity(value: Any) -> Any:
    """Something hashable that two values share if they are equal in JSON."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return ("object", frozenset((key, identity(entry)) for key, entry in value.items()))
    if isinstance(value, (list, tuple)):
        return ("array", tuple(identity(entry) for entry in value))
    return value
