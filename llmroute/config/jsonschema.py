"""The JSON Schema of the config language, derived from the same annotations that check it."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

import attrs

from .document import NOT_TELLING
from .parse import MAX_ENTRIES, required_type, snake_to_camel
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
        "not": _saying_nothing(),
        "$defs": definitions,
    }


def _saying_nothing() -> dict[str, Any]:
    """Configs that have only members which mean nothing alone."""
    silent: dict[str, Any] = {
        **dict.fromkeys(("$schema", *NOT_TELLING), True),
        "request_timeout": {"const": 0},
        "override_params": {"maxProperties": 0},
        "default_params": {"maxProperties": 0},
    }
    camel = {snake_to_camel(name): schema for name, schema in silent.items()}
    return {
        "type": "object",
        "properties": {**silent, **camel},
        "patternProperties": {"^_(?!_)": True},
        "additionalProperties": False,
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
        "patternProperties": {"^_(?!_)": True},
        "additionalProperties": False,
    }
    if required:
        made["required"] = required
    return made


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    kind = required_type(kind)
    if get_origin(kind) is Annotated:
        schema: dict[str, Any] = get_args(kind)[1].schema()
        return schema
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0], definitions), "maxItems": MAX_ENTRIES}
    return _reference(kind, definitions)
