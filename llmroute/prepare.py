"""From what a caller passes to the body of a request: plain JSON values, checked, never modified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .types.convert import plain
from .wire.hosts import header_name_problem, header_problem

#: Placeholders of SDKs for "not given"; they never reach the wire.
_SENTINELS = frozenset({"NotGiven", "Omit", "NotGivenType"})
_ATOMS = frozenset({str, int, float, bool, type(None)})
_DROPPED: Any = object()


class BadBody(ValueError):
    """The request is wrong; `path` says where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


@attrs.frozen
class Options:
    """What belongs to a call beside its body. Times in seconds."""

    timeout: float | None = None
    connect: float | None = None
    extra_headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    extra_query: Mapping[str, Any] | None = attrs.field(default=None, repr=False)


NO_OPTIONS = Options()


def split_params(params: dict[str, Any]) -> tuple[dict[str, Any], Options]:
    """The body and the options of `create(**params)`; takes over `params`. Raises BadBody."""
    options = NO_OPTIONS
    if "timeout" in params or "extra_headers" in params or "extra_query" in params:
        timeout, connect = _timeout(params.pop("timeout", None))
        options = Options(
            timeout,
            connect,
            _extra_headers(params.pop("extra_headers", None)),
            _mapping(params.pop("extra_query", None), "extra_query"),
        )
    if "extra_body" in params:
        extra = _mapping(params.pop("extra_body"), "extra_body")
        params = {**params, **extra} if extra else params
    return checked_body(params), options


def checked_body(body: dict[str, Any]) -> dict[str, Any]:
    """The body with result objects made plain and placeholders dropped. Raises BadBody."""
    changed: dict[str, Any] = {}
    for name, value in body.items():
        kind = type(value)
        if kind in _ATOMS:
            continue
        made = _plain(value, name) if kind.__name__ not in _SENTINELS else _DROPPED
        if made is not value:
            changed[name] = made
    if changed:
        merged = {**body, **changed}
        body = {name: value for name, value in merged.items() if value is not _DROPPED}
    messages = body.get("messages")
    if type(messages) is not list:
        raise BadBody("body.messages", _not_a_list(messages))
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise BadBody(f"body.messages[{index}]", f"expected an object, got a {type(message).__name__}")
    return body


def _not_a_list(messages: Any) -> str:
    if messages is None:
        return "missing; a chat completion needs messages"
    return f"expected a list, got a {type(messages).__name__}"


def _plain(value: Any, name: str) -> Any:
    try:
        return plain(value)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"body.{name}", str(error)) from None


def _timeout(value: Any) -> tuple[float | None, float | None]:
    """Seconds for the whole call and for connecting, of a number or an object such as httpx.Timeout."""
    if value is None or type(value).__name__ in _SENTINELS:
        return None, None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _positive(value), None
    read, connect = getattr(value, "read", None), getattr(value, "connect", None)
    if read is None and connect is None:
        raise BadBody("timeout", f"expected seconds, got a {type(value).__name__}")
    return (None if read is None else _positive(read)), (None if connect is None else _positive(connect))


def _positive(value: Any) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1e9
    if not good:
        raise BadBody("timeout", f"expected seconds above 0, got {value!r}")
    return float(value)


def _mapping(value: Any, name: str) -> Mapping[str, Any] | None:
    if value is None or type(value).__name__ in _SENTINELS:
        return None
    if not isinstance(value, Mapping):
        raise BadBody(name, f"expected an object, got a {type(value).__name__}")
    return value


def _extra_headers(value: Any) -> Mapping[str, str] | None:
    headers = _mapping(value, "extra_headers")
    for name, text in (headers or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise BadBody(f"extra_headers.{name!s:.60}", "expected a name and a text")
        problem = header_name_problem(name) or header_problem(text)
        if problem is not None:
            raise BadBody(f"extra_headers.{name!r:.60}", problem)
    return headers
