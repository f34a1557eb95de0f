"""Filling templates: JSON whose texts of the form `{name}` stand for values, and URLs with such parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ...wire.hosts import path_part

_SLOT: Final = re.compile(r"\{(\w+)\}")
_URL: Final = re.compile(r"(https://[^/]+)(.*)", re.DOTALL)
_HOST: Final = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,9}")


class TemplateError(ValueError):
    """A value that does not fit where it is to stand. The text names the value, never quotes it."""


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its slots filled; a member whose value is None or missing is left out."""
    if isinstance(template, str):
        slot = _SLOT.fullmatch(template)
        return template if slot is None else values.get(slot[1])
    if isinstance(template, Mapping):
        filled = {name: fill(value, values) for name, value in template.items()}
        return {name: value for name, value in filled.items() if value is not None}
    return [fill(value, values) for value in template] if isinstance(template, list) else template


def fill_text(template: str, values: Mapping[str, Any]) -> str:
    """A text with slots anywhere in it, as a header has. Raises TemplateError for a missing value."""
    return _SLOT.sub(lambda slot: _value(slot[1], values), template)


def fill_url(template: str, values: Mapping[str, Any]) -> str:
    """A URL with slots in its host, path or query. Raises TemplateError.

    What stands in the host must be labels of one; elsewhere values are percent-encoded, so none can
    lead to another host or path.
    """
    parts = _URL.fullmatch(template)
    assert parts is not None
    host = _SLOT.sub(lambda slot: _host(slot[1], values), parts[1])
    return host + fill_path(parts[2], values)


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """The part of a URL behind the host. Raises TemplateError."""
    return _SLOT.sub(lambda slot: path_part(_value(slot[1], values)), template)


def _value(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise TemplateError(f"{name} is missing")
    return value


def _host(name: str, values: Mapping[str, Any]) -> str:
    value = _value(name, values)
    if _HOST.fullmatch(value) is None:
        raise TemplateError(f"{name} is no part of a host name")
    return value
