"""Where `$id`, `$anchor` and JSON pointers lead inside of one schema document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

#: Keywords whose value is a schema, a list of schemas, or an object of schemas.
ONE = frozenset(
    {
        "additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames",
        "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
MANY = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
NAMED = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)


def subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas right below a schema, and the way to them."""
    for keyword, value in schema.items():
        if keyword in MANY and isinstance(value, list):
            yield from (((keyword, index), entry) for index, entry in enumerate(value))
        elif keyword in NAMED and isinstance(value, Mapping):
            yield from (((keyword, name), entry) for name, entry in value.items())
        elif keyword in ONE:
            yield (keyword,), value


class References:
    """The parts of a document by their URIs. Raises ValueError where a URI is none, or stands for two."""

    def __init__(self, document: Any) -> None:
        self._resources: dict[str, Any] = {}
        self._anchors: dict[str, Any] = {}
        self._bases: dict[int, str] = {}
        self._index(document)

    def base_of(self, schema: Mapping[str, Any], outer: str) -> str:
        """The URI that references in the schema start from; `outer` is that of the schema around it."""
        return self._bases.get(id(schema), outer)

    def find(self, reference: str, base: str) -> tuple[Any, str] | None:
        """What a reference leads to, and the base URI there; None when it leads out of the document."""
        try:
            # `urljoin` does not know how to join fragments to URNs.
            joined = base + reference if reference.startswith("#") else urljoin(base, reference)
            uri, fragment = urldefrag(joined)
        except ValueError:
            return None
        if fragment and not fragment.startswith("/"):
            anchored = self._anchors.get(f"{uri}#{unquote(fragment)}")
            return None if anchored is None else (anchored, uri)
        if uri not in self._resources:
            return None
        target = self._resources[uri]
        for step in unquote(fragment).split("/")[1:]:
            target = _child(target, step.replace("~1", "/").replace("~0", "~"))
        return None if target is None else (target, uri)

    def _index(self, document: Any) -> None:
        self._resources[""] = document
        pending = [(document, "")]
        while pending:
            schema, base = pending.pop()
            if not isinstance(schema, Mapping):
                continue
            own = schema.get("$id")
            if isinstance(own, str) and own.startswith("#"):
                # Draft 7 writes anchors so.
                self._anchors.setdefault(base + own, schema)
            elif isinstance(own, str):
                base = urldefrag(urljoin(base, own))[0]
                if self._resources.setdefault(base, schema) is not schema:
                    raise ValueError(f"two schemas have the same $id {own[:60]!r}")
            self._bases[id(schema)] = base
            for name in ("$anchor", "$dynamicAnchor"):
                if isinstance(schema.get(name), str):
                    self._anchors.setdefault(f"{base}#{schema[name]}", schema)
            pending += [(inner, base) for _, inner in subschemas(schema)]


def _child(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and len(step) < 8 and int(step) < len(value):
        return value[int(step)]
    return None
