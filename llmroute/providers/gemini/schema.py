"""JSON Schema as Gemini takes it: its own Schema (a subset of OpenAPI 3.0), or JSON Schema itself.

Schema is the older form that every model takes; it knows no references, no lists of types and few
keywords. The JSON Schema members (`responseJsonSchema`, `parametersJsonSchema`) carry what it would
lose. Source: GenerationConfig and Schema in the API reference of ai.google.dev, v1beta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..base import EncodeError

#: References are put in place up to this many nodes and levels; beyond, they stay references.
_MAX_NODES: Final = 5_000
_MAX_LEVELS: Final = 100
#: A dict is found at once; the abstract class alone takes ten times as long to ask.
OBJECT: Final = (dict, Mapping)

_KEPT: Final = frozenset({
    "format", "title", "description", "nullable", "required", "minItems", "maxItems", "minProperties",
    "maxProperties", "minLength", "maxLength", "pattern", "minimum", "maximum", "default", "example",
    "propertyOrdering",
})  # fmt: skip
#: Says nothing about values, or is resolved elsewhere. `additionalProperties` is looked at first.
_DROPPED: Final = frozenset({
    "$schema", "$id", "$comment", "$defs", "definitions", "examples", "deprecated", "readOnly", "writeOnly",
    "additionalProperties", "strict",
})  # fmt: skip
#: Of several schemas in one the last one's count.
_ANNOTATIONS: Final = frozenset({"title", "description", "default", "examples", "example", "$comment", "$id"})
#: Keywords whose value maps names to schemas.
_MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
#: Keywords whose value is no schema, whatever it looks like.
_LITERALS: Final = frozenset({"enum", "const", "default", "example", "examples", "required"})


class _InexpressibleError(Exception):
    """Schema has no words for it."""


def either_form(schema: Any, own: str, json: str, where: str) -> dict[str, Any]:
    """`{own: Schema}` or, when that would lose something, `{json: JSON Schema}`.

    `own` and `json` are the names of the two members. Raises EncodeError, naming `where`, for what
    is no schema.
    """
    if not isinstance(schema, OBJECT):
        raise EncodeError(f"{where}: a JSON schema object was expected", where)
    try:
        return {own: _Writer(schema).node(schema, 0)}
    except _InexpressibleError:
        return {json: _cleaned(schema, where, 0)}


class _Writer:
    """Writes Schema, with every reference put in place."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions: dict[str, Any] = {}
        for name in ("definitions", "$defs"):
            found = root.get(name)
            if isinstance(found, OBJECT):
                self._definitions.update((f"#/{name}/{key}", value) for key, value in found.items())
        self._open: list[str] = []
        self._nodes = 0

    def node(self, schema: Any, level: int) -> dict[str, Any]:
        self._count()
        if not isinstance(schema, OBJECT) or level > _MAX_LEVELS:
            raise _InexpressibleError
        if "$ref" in schema or "allOf" in schema:
            return self._composed(schema, level)
        written: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "additionalProperties" and isinstance(value, OBJECT) and value:
                raise _InexpressibleError
            if key in _DROPPED:
                continue
            if key in _KEPT:
                written[key] = value
            elif key in _WRITERS:
                _WRITERS[key](self, written, value, level + 1)
            elif key.startswith("x-"):
                continue
            else:
                raise _InexpressibleError
        if "enum" in written:
            written.setdefault("type", "string")
        return written

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _InexpressibleError

    def _composed(self, schema: Mapping[str, Any], level: int) -> dict[str, Any]:
        """The node of a schema that refers to another or consists of several (allOf)."""
        members = schema.get("allOf", [])
        if not isinstance(members, list):
            raise _InexpressibleError
        names: list[str] = []
        parts = [self._followed(part, names) for part in [*members, _without(schema, "allOf")]]
        before = len(self._open)
        self._open += names
        try:
            return self.node(_joined(parts), level + 1)
        finally:
            del self._open[before:]

    def _followed(self, part: Any, names: list[str]) -> Mapping[str, Any]:
        """`part` without its `$ref`; the names that were followed are added to `names`."""
        if not isinstance(part, OBJECT):
            raise _InexpressibleError
        followed: Mapping[str, Any] = part
        while "$ref" in followed:
            self._count()
            name = followed["$ref"]
            if not isinstance(name, str) or name in self._open or name in names:
                raise _InexpressibleError
            target = self._definitions.get(name)
            if not isinstance(target, OBJECT):
                raise _InexpressibleError
            names.append(name)
            followed = _joined([target, _without(followed, "$ref")])
        return followed

    def types(self, written: dict[str, Any], value: Any, level: int) -> None:
        """One type, or a list of one and null, which is `nullable`."""
        if isinstance(value, str):
            written["type"] = value
            return
        if not isinstance(value, list):
            raise _InexpressibleError
        names = [name for name in value if name != "null"]
        if len(names) != 1:
            raise _InexpressibleError
        written["type"] = names[0]
        if len(names) < len(value):
            written["nullable"] = True

    def alternatives(self, written: dict[str, Any], value: Any, level: int) -> None:
        """anyOf; oneOf means the same to Gemini. Null among them is `nullable`."""
        if not isinstance(value, list) or "anyOf" in written:
            raise _InexpressibleError
        branches = [branch for branch in value if branch != {"type": "null"}]
        if len(branches) < len(value):
            written["nullable"] = True
        if len(branches) == 1:
            for key, item in self.node(branches[0], level).items():
                written.setdefault(key, item)
        elif branches:
            written["anyOf"] = [self.node(branch, level) for branch in branches]

    def values(self, written: dict[str, Any], value: Any, level: int) -> None:
        """enum: texts only; null among them is `nullable`."""
        texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
        if not texts or any(item is not None and not isinstance(item, str) for item in value):
            raise _InexpressibleError
        if len(texts) < len(value):
            written["nullable"] = True
        written["enum"] = texts

    def constant(self, written: dict[str, Any], value: Any, level: int) -> None:
        self.values(written, [value], level)

    def properties(self, written: dict[str, Any], value: Any, level: int) -> None:
        if not isinstance(value, OBJECT):
            raise _InexpressibleError
        written["properties"] = {name: self.node(item, level) for name, item in value.items()}

    def items(self, written: dict[str, Any], value: Any, level: int) -> None:
        written["items"] = self.node(value, level)


_WRITERS: Final[Mapping[str, Callable[[_Writer, dict[str, Any], Any, int], None]]] = {
    "type": _Writer.types,
    "anyOf": _Writer.alternatives,
    "oneOf": _Writer.alternatives,
    "enum": _Writer.values,
    "const": _Writer.constant,
    "properties": _Writer.properties,
    "items": _Writer.items,
}


def _without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}


def _joined(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """One schema that asks for what all `parts` ask for, where they do not contradict each other."""
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            known = whole.get(key)
            if key not in whole or known == value or key in _ANNOTATIONS:
                whole[key] = value
            elif key == "properties":
                whole[key] = _both(known, value)
            elif key == "required" and isinstance(known, list) and isinstance(value, list):
                whole[key] = [*known, *(name for name in value if name not in known)]
            else:
                raise _InexpressibleError
    return whole


def _both(first: Any, second: Any) -> dict[str, Any]:
    if isinstance(first, OBJECT) and isinstance(second, OBJECT) and first.keys().isdisjoint(second):
        return {**first, **second}
    raise _InexpressibleError


def _cleaned(schema: Any, where: str, level: int) -> Any:
    """JSON Schema in the words that the API documents, references kept."""
    if level > _MAX_LEVELS:
        raise EncodeError(f"{where}: nested too deeply", where)
    if isinstance(schema, list):
        return [_cleaned(item, where, level + 1) for item in schema]
    if not isinstance(schema, OBJECT):
        return schema
    cleaned: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("$schema", "strict"):
            continue
        if key in _MAPS and isinstance(value, OBJECT):
            name = "$defs" if key == "definitions" else key
            cleaned[name] = {name: _cleaned(item, where, level + 1) for name, item in value.items()}
        elif key == "const" and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            cleaned["enum"] = [value]
        elif key == "$ref" and isinstance(value, str):
            cleaned[key] = value.replace("#/definitions/", "#/$defs/", 1)
        else:
            cleaned[key] = value if key in _LITERALS else _cleaned(value, where, level + 1)
    if "$ref" in cleaned and "anyOf" not in cleaned and not all(key.startswith("$") for key in cleaned):
        # Beside `$ref` the API takes only members that start with a dollar sign.
        cleaned["anyOf"] = [{"$ref": cleaned.pop("$ref")}]
    return cleaned
