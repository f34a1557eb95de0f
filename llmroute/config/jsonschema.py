"""The JSON Schema of the config language, derived from the same annotations that check it."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import attrs

from .parse import snake_to_camel
from .schema import OPTIONS, ConfigNode

_NAMES = {
    "ConfigNode": "config",
    "StrategySettings": "strategy",
    "RetrySettings": "retry",
    "ConditionSettings": "condition",
}


def json_schema() -> dict[str, Any]:
    """A schema (draft 2020-12) that accepts what `Config` accepts, as far as a schema can tell."""
    definitions: dict[str, Any] = {}
    root = _reference(ConfigNode, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "llmroute config",
        **root,
        "$defs": definitions,
    }


def _reference(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    name = _NAMES[kind.__name__]
    if name not in definitions:
        definitions[name] = {}  # stands here while the class refers to itself
        definitions[name].update(_object(kind, definitions))
    return {"$ref": f"#/$defs/{name}"}


def _object(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    attrs.resolve_types(kind)
    properties: dict[str, Any] = {}
    required = []
    for field in attrs.fields(kind):
        if field.metadata.get("gathered"):
            properties |= {name: check.schema() for name, check in OPTIONS.items()}
            continue
        properties[field.name] = _schema(field.type, definitions)
        if field.default is attrs.NOTHING:
            required.append(field.name)
    camel = {snake_to_camel(name): schema for name, schema in properties.items() if "_" in name}
    made: dict[str, Any] = {
        "type": "object",
        "properties": {**properties, **camel, "$schema": {"type": "string"}},
        "patternProperties": {"^_(?!_)": {}},
        "additionalProperties": False,
    }
    if required:
        made["required"] = required
    return made


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(kind) is Annotated:
        schema: dict[str, Any] = get_args(kind)[1].schema()
        return schema
    if get_origin(kind) in (Union, UnionType):
        return _schema(next(arg for arg in get_args(kind) if arg is not type(None)), definitions)
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0], definitions), "maxItems": 10_000}
    return _reference(kind, definitions)
