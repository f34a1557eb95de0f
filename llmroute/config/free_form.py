"""Kinds of values whose content is the user's or the provider's own; what is kept is a copy."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from ..secret import Secret
from .primitives import FREE, Invalid, Several, Text, found

#: Integers of more bits are no parameter of anything.
MAX_BITS = 1_024
_MAX_KEY_FILE = 65_536
_HEADER_TEXT = Text()
_MAX_ERRORS = 100
_ANY_TEXT = Text(limit=2**30, empty=True, characters=FREE)
#: Types whose values are all JSON.
_SAFE = frozenset({bool, type(None)})


@attrs.frozen
class Members:
    """An object whose members are the user's own: parameters, metadata. Kept as a copy."""

    forbidden: frozenset[str] = frozenset()

    def __call__(self, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Invalid(f"expected an object, got {found(value)}")
        copy: dict[str, Any] = plain_json(value)
        if not self.forbidden.isdisjoint(copy):
            text = "may not be set here: it is a setting of the target, not a parameter"
            raise Several([Invalid(text, (name,)) for name in copy if name in self.forbidden])
        return copy

    def schema(self) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "object"}
        if self.forbidden:
            made["properties"] = dict.fromkeys(sorted(self.forbidden), False)
        return made


@attrs.frozen
class Entries:
    """A list of JSON whose meaning is the provider's."""

    def __call__(self, value: object) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise Invalid(f"expected a list, got {found(value)}")
        copy: list[Any] = plain_json(value)
        return copy

    def schema(self) -> dict[str, Any]:
        return {"type": "array"}


def plain_json(value: object) -> Any:
    """A copy of JSON in plain types, so that nobody can change it.

    Raises Invalid for everything in it that JSON has no form for. The caller has bounded the depth.
    """
    if type(value) is dict and all(map(_is_simple, value, value.values())):
        return value.copy()
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise Invalid(f"expected member names as text, got {found(name)}")
        return _copied(value.items())
    if isinstance(value, (list, tuple)):
        return list(_copied(enumerate(value)).values())
    return _plain_atom(value)


def _is_simple(name: object, value: object) -> bool:
    """Whether a member is plain beyond doubt, as nearly all are."""
    if type(name) is not str or not name.isascii():
        return False
    kind = type(value)
    if kind is str:
        return value.isascii()  # type: ignore[attr-defined, no-any-return]
    return kind in _SAFE or (kind is int and -(2**63) < value < 2**63)  # type: ignore[operator]


def _copied(pairs: Iterable[tuple[Any, object]]) -> dict[Any, Any]:
    copy: dict[Any, Any] = {}
    errors: list[Invalid] = []
    for key, value in pairs:
        try:
            copy[key if type(key) is int else _plain_atom(key)] = plain_json(value)
        except Invalid as error:
            errors += [part.below(key) for part in error.parts]
            if len(errors) > _MAX_ERRORS:
                break
    if errors:
        raise Several(errors)
    return copy


def _plain_atom(value: object) -> Any:
    if type(value) in _SAFE:
        return value
    if isinstance(value, str):
        return value if type(value) is str and value.isascii() else _ANY_TEXT(value)
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise Invalid("expected a number, got a huge one")
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise Invalid(f"expected JSON, got {found(value)}")


@attrs.frozen
class ServiceAccount:
    """The key file of a Google service account, as an object or as its text; kept as Secret JSON."""

    def __call__(self, value: object) -> Secret:
        text = value.reveal() if isinstance(value, Secret) else value
        if isinstance(text, str) and text.startswith("env:"):
            return Secret(_HEADER_TEXT(text))
        content = _parsed(text) if isinstance(text, str) else text
        members = content if isinstance(content, Mapping) else {}
        if not all(isinstance(members.get(name), str) for name in ("client_email", "private_key")):
            raise Invalid("expected a service account's key file, with client_email and private_key")
        return Secret(json.dumps(plain_json(members)))

    def schema(self) -> dict[str, Any]:
        text = {"type": "string"}
        return {
            "type": ["object", "string"],
            "properties": {"client_email": text, "private_key": text},
            "required": ["client_email", "private_key"],
            # A text is the file's content, or env: and the name of a variable that holds it.
            "pattern": r"^\s*\{|^env:",
        }


def _parsed(text: str) -> Any:
    try:
        return json.loads(text[:_MAX_KEY_FILE])
    except (ValueError, RecursionError):
        return None
