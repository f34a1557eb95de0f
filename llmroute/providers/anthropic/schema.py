"""JSON schemas as structured outputs take them.

The API compiles a schema into a grammar and refuses what it cannot compile: open objects, recursion,
references outside, bounds on numbers, lengths and sizes. Source: platform.claude.com, structured
outputs, JSON Schema limitations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...wire.json import text_of

_DEFINITIONS: Final = ("$defs", "definitions")
_LISTS: Final = ("anyOf", "allOf")
#: Bounds that cannot be enforced; they are told to the model in the description instead.
_TOLD: Final = frozenset(
    {
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "uniqueItems",
    }
)
_FORMATS: Final = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"}
)
#: Members that hold data, not schemas.
_VALUES: Final = frozenset({"const", "default", "enum", "examples"})
#: What no grammar can be made of.
_BEYOND: Final = frozenset(
    {"dependentSchemas", "else", "if", "not", "patternProperties", "prefixItems", "propertyNames", "then"}
)


class _InexpressibleError(Exception):
    """The schema allows what structured outputs cannot produce."""


def fitted(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """`schema` with the same meaning in the subset that the API compiles, None when it has none.

    Objects that say nothing of further properties are closed, as the API demands; bounds move into
    the description; `oneOf` becomes `anyOf`. Open objects and recursion have no counterpart.
    """
    try:
        found: dict[str, Any] = _fitted(schema)
        _check_references(schema)
    except _InexpressibleError:
        return None
    return found


def _fitted(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if not _BEYOND.isdisjoint(schema):
        raise _InexpressibleError
    found: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "properties" or name in _DEFINITIONS:
            if not isinstance(value, dict):
                raise _InexpressibleError
            found[name] = {key: _fitted(each) for key, each in value.items()}
        elif name in _LISTS or name == "oneOf":
            if not isinstance(value, (list, tuple)):
                raise _InexpressibleError
            found["anyOf" if name == "oneOf" else name] = [_fitted(each) for each in value]
        elif name == "items":
            found[name] = _fitted(value)
        elif _is_told(name, value):
            told[name] = value
        else:
            found[name] = value
    if told:
        bounds = text_of(told)
        found["description"] = f"{found['description']}\n\n{bounds}" if found.get("description") else bounds
    is_object = "properties" in found or _is_object(found.get("type"))
    if is_object and found.setdefault("additionalProperties", False) is not False:
        raise _InexpressibleError
    return found


def _is_told(name: str, value: Any) -> bool:
    if name in _TOLD:
        return True
    if name == "format":
        return not isinstance(value, str) or value not in _FORMATS
    return name == "minItems" and value not in (0, 1)


def _is_object(kind: Any) -> bool:
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _check_references(schema: Mapping[str, Any]) -> None:
    """Raise for references that lead outside or, over any way, to where they came from."""
    places = {"#": schema}
    for group in _DEFINITIONS:
        if isinstance(schema.get(group), Mapping):
            places.update((f"#/{group}/{name}", each) for name, each in schema[group].items())
    leads = {place: _references(each, top=place == "#") for place, each in places.items()}
    safe: set[str] = set()

    def visit(place: str, way: frozenset[str]) -> None:
        if place in way or place not in leads:
            raise _InexpressibleError
        if place not in safe:
            for target in leads[place]:
                visit(target, way | {place})
            safe.add(place)

    for place in leads:
        visit(place, frozenset())


def _references(schema: Any, *, top: bool = False) -> set[str]:
    """The `$ref` targets in `schema`, but for those inside its definitions when it is the `top` one."""
    if isinstance(schema, (list, tuple)):
        return {target for each in schema for target in _references(each)}
    if not isinstance(schema, dict):
        return set()
    found = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    for name, value in schema.items():
        if name not in _VALUES and not (top and name in _DEFINITIONS):
            found |= _references(value)
    return found
