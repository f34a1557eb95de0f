"""Config: a parsed, validated config that routers can share."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs
import orjson

from ..errors import ConfigError, Problem
from ..secret import Secret
from .parse import parse
from .primitives import found, printable
from .schema import ConfigNode
from .text import read_text

#: Members that make no config: they only stand beside others.
NOT_TELLING = ("metadata", "name", "weight")
_TELLING = tuple(field.name for field in attrs.fields(ConfigNode) if field.name not in NOT_TELLING)


class Config:
    """Routing as data, read and checked.

    `source` is a mapping or JSON text in the Portkey config language; it is copied. With
    `trusted=False` its members are the word of somebody else: no environment variables, no private
    hosts. `unknown` says what an unknown member is: "error" (default) or "warn" (see `warnings`).

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
        value = _value(source)
        parsed = parse(value, unknown=unknown)
        if not configures(parsed.node):
            text = "says nothing: it needs a provider, or a strategy with targets"
            raise ConfigError([Problem("config", text)])
        self.node = parsed.node
        self.trusted = trusted
        self.warnings: tuple[Problem, ...] = parsed.warnings
        #: Names the content: equal configs have equal digests. Secrets are only hashed.
        self.digest = _digest(value, trusted)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        trusted: bool = True,
        unknown: Literal["error", "warn"] = "error",
    ) -> Config:
        """Read a JSON file. Raises ConfigError, which names it, for its content and OSError for the file."""
        with naming_file(path):
            return cls(Path(path).read_bytes(), trusted=trusted, unknown=unknown)

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of the config language, for editors and CI."""
        from .jsonschema import json_schema

        return json_schema()

    def __repr__(self) -> str:
        return f"Config(digest={self.digest[:12]!r}, trusted={self.trusted})"


@contextmanager
def naming_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """A ConfigError raised inside names the file, unless it is about what stands beside the config."""
    try:
        yield
    except ConfigError as error:
        if any(re.match(r"config(?![^.\[])", problem.path) for problem in error.problems):
            error.file = printable(os.fspath(path))
        raise


def _value(source: object) -> Any:
    """The mapping, or the value of the text. Raises ConfigError."""
    if isinstance(source, (str, bytes)):
        return read_text(source)
    if isinstance(source, Mapping):
        return source
    is_path = isinstance(source, os.PathLike)
    got = "a file's name; read files with from_file" if is_path else found(source)
    raise ConfigError([Problem("config", f"expected an object or its JSON text, got {got}")])


def configures(node: ConfigNode) -> bool:
    """Whether a config says anything that matters: a name or a limit of 0 alone does not."""
    for name in _TELLING:
        value = getattr(node, name)
        if value is not None and value != {} and not (name == "request_timeout" and value == 0):
            return True
    return False


def _digest(value: Any, trusted: bool) -> str:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        data = orjson.dumps(value, _named, options)
    except TypeError:
        # Numbers over 64 bits, lone surrogates.
        data = json.dumps(value, default=_named, sort_keys=True).encode()
    return hashlib.sha256(data + (b"1" if trusted else b"0")).hexdigest()


def _named(value: Any) -> Any:
    """What stands for a value that is no JSON."""
    if isinstance(value, Secret):
        return f"secret:{value.fingerprint()}"
    if isinstance(value, Mapping):
        return dict(value)
    return f"{type(value).__name__}:{id(value)}"
