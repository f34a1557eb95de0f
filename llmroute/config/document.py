"""Config: a parsed, validated config that routers can share."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
import orjson

from ..errors import ConfigError, Problem
from ..secret import Secret
from .parse import parse
from .schema import ConfigNode


class Config:
    """Routing as data, read and checked.

    `source` is a mapping or JSON text in the Portkey config language. With `trusted=False` its
    members are the word of somebody else: no environment variables, no private hosts. `unknown`
    says what an unknown member is: "error" (default) or "warn" (see `warnings`).

    Raises ConfigError with every problem at once.
    """

    __slots__ = ("digest", "node", "trusted", "warnings")

    def __init__(
        self,
        source: Mapping[str, Any] | str | bytes,
        *,
        trusted: bool = True,
        unknown: Literal["error", "warn"] = "error",
    ) -> None:
        if not isinstance(source, (Mapping, str, bytes)):
            kind = type(source).__name__
            raise ConfigError([Problem("config", f"expected an object or its JSON text, got a {kind}")])
        parsed = parse(source, unknown=unknown)
        if not configures(parsed.node):
            raise ConfigError([Problem("config", "says nothing: it needs a provider, or a strategy with targets")])
        self.node = parsed.node
        self.trusted = trusted
        #: Names the config's content: equal configs have equal digests. Secrets are only hashed. Taken
        #: now, as the caller may change `source` afterwards.
        self.digest = hashlib.sha256(_canonical(source) + (b"1" if trusted else b"0")).hexdigest()
        self.warnings: tuple[Problem, ...] = parsed.warnings

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, unknown: Literal["error", "warn"] = "error") -> Config:
        """Read a JSON file. Raises ConfigError for its content and OSError for the file."""
        return cls(Path(path).read_bytes(), unknown=unknown)

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of the config language, for editors and CI."""
        from .jsonschema import json_schema

        return json_schema()

    def __repr__(self) -> str:
        return f"Config(digest={self.digest[:12]!r}, trusted={self.trusted})"


def configures(node: ConfigNode) -> bool:
    """Whether a config says anything that matters: a name or a limit of 0 alone does not."""
    values = {field.name: getattr(node, field.name) for field in attrs.fields(ConfigNode)}
    if not values["request_timeout"]:
        values["request_timeout"] = None
    return any(
        value is not None and value != {}
        for name, value in values.items()
        if name not in ("metadata", "name", "weight")
    )


def _canonical(source: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    try:
        return orjson.dumps(source, _hashable, orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Integers over 64 bits and lone surrogates.
        return json.dumps(source, default=_hashable, sort_keys=True).encode()


def _hashable(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.fingerprint()
    if isinstance(value, Mapping):
        return dict(value)
    return f"{type(value).__name__}:{id(value)}"
