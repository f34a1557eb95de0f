"""From what a caller passes to the body of a request: plain JSON values, checked, never modified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
import orjson

from .config.primitives import type_words
from .types.convert import plain
from .wire.hosts import FRAMING_HEADERS, header_name_problem, header_problem
from .wire.json import holds_nan

#: Placeholders of SDKs for "not given"; they never reach the wire.
_SENTINELS = frozenset({"NotGiven", "Omit", "NotGivenType"})
_ATOMS = frozenset({str, int, float, bool, type(None)})
_OBJECTS = frozenset({dict})
_DROPPED: Any = object()


class BadBody(ValueError):
    """The request is wrong; `path` says where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@attrs.frozen
class Options:
    """What belongs to a call beside its body. Times in seconds."""

    timeout: float | None = None
    connect: float | None = None
    extra_headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    extra_query: Mapping[str, Any] | None = attrs.field(default=None, repr=False)


NO_OPTIONS = Options()

#: Bytes of JSON above which it is quicker to look through the values than through their text.
_LONG: Final = 4_096


def split_params(params: dict[str, Any]) -> tuple[dict[str, Any], Options]:
    """The unchecked body and the options of `create(**params)`; takes over `params`. Raises BadBody."""
    options = NO_OPTIONS
    if "timeout" in params or "extra_headers" in params or "extra_query" in params:
        timeout, connect = _timeout(params.pop("timeout", None))
        options = Options(
            timeout,
            connect,
            _extra_headers(params.pop("extra_headers", None)),
            _extra_query(params.pop("extra_query", None)),
        )
    if "extra_body" in params:
        extra = _mapping(params.pop("extra_body"), "extra_body")
        params = {**params, **extra} if extra else params
    return params, options


@attrs.define  # treated as frozen, as it is on the hot path
class Body:
    """A checked request body. `json` is its text where it has been written already, else None."""

    params: dict[str, Any]
    json: bytes | None = None


def checked_body(body: dict[str, Any]) -> Body:
    """The body with result objects made plain and placeholders dropped. Raises BadBody.

    Writing the JSON is the cheapest way to see that everything is plain, and most targets send just
    that. What takes more than the fast writer is left to the adapter.
    """
    data: bytes | None = None
    try:
        data = orjson.dumps(body)
    except TypeError:
        body = _plain_body(body)
    if data is not None and (len(data) > _LONG or b"null" in data) and holds_nan(body):
        # orjson writes NaN as null.
        raise BadBody("body", "NaN and infinities are not JSON")
    if not _are_messages(body.get("messages")):
        # Perhaps only of other types: tuples, mappings.
        body = _plain_body(body)
        messages = body.get("messages")
        if type(messages) is not list:
            raise BadBody("body.messages", _not_a_list(messages))
        if not _are_messages(messages):
            raise BadBody(*_not_an_object(messages))
    return Body(body, data)


def _are_messages(messages: Any) -> bool:
    return type(messages) is list and _OBJECTS.issuperset(map(type, messages))


def _plain_body(body: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name, value in body.items():
        kind = type(value)
        if kind in _ATOMS:
            continue
        made = _plain(value, name) if kind.__name__ not in _SENTINELS else _DROPPED
        if made is not value:
            changed[name] = made
    merged = {**body, **changed}
    return {name: value for name, value in merged.items() if value is not _DROPPED}


def _not_an_object(messages: list[Any]) -> tuple[str, str]:
    index = next(index for index, message in enumerate(messages) if type(message) is not dict)
    return f"body.messages[{index}]", f"expected an object, got {type_words(messages[index])}"


def _not_a_list(messages: Any) -> str:
    if messages is None:
        return "missing; a chat completion needs messages"
    return f"expected a list, got {type_words(messages)}"


def _plain(value: Any, name: str) -> Any:
    try:
        made = plain(value)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"body.{name}", str(error)) from None
    if made is not value or type(made) not in (dict, list):
        # Only what was not plain to begin with can hold what JSON has no form for.
        _refuse_foreign(made, f"body.{name}")
    return made


def _refuse_foreign(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        for name, child in value.items():
            _refuse_foreign(child, f"{path}.{name!s:.60}")
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            _refuse_foreign(child, f"{path}[{index}]")
    elif not isinstance(value, (str, int, float, bool, type(None))):
        raise BadBody(path, f"expected JSON, got {type_words(value)}")


def _timeout(value: Any) -> tuple[float | None, float | None]:
    """Seconds for the whole call and for connecting, of a number or an object such as httpx.Timeout."""
    if value is None or type(value).__name__ in _SENTINELS:
        return None, None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return seconds(value), None
    if not hasattr(value, "read") and not hasattr(value, "connect"):
        raise BadBody("timeout", f"expected seconds, got {type_words(value)}")
    read, connect = getattr(value, "read", None), getattr(value, "connect", None)
    return (None if read is None else seconds(read)), (None if connect is None else seconds(connect))


def seconds(value: Any) -> float:
    """A time limit of the host's code. Raises BadBody unless it is a number above 0."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1e9
    if not good:
        raise BadBody("timeout", f"expected seconds above 0, got {value!r:.60}")
    return float(value)


def _mapping(value: Any, name: str) -> Mapping[str, Any] | None:
    if value is None or type(value).__name__ in _SENTINELS:
        return None
    if not isinstance(value, Mapping):
        raise BadBody(name, f"expected an object, got {type_words(value)}")
    return value


def _extra_query(value: Any) -> Mapping[str, Any] | None:
    """Texts and lists of texts, as a URL's query takes them; None is left out."""
    query = _mapping(value, "extra_query")
    if not query:
        return None
    made: dict[str, Any] = {}
    for name, entry in query.items():
        if not isinstance(name, str):
            raise BadBody("extra_query", f"expected names as text, got {type_words(name)}")
        path = f"extra_query.{name:.60}"
        if isinstance(entry, (list, tuple)):
            made[name] = [_query_text(item, path) for item in entry]
        elif entry is not None:
            made[name] = _query_text(entry, path)
    return made


def _query_text(value: Any, path: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadBody(path, f"expected a text or a number, got {type_words(value)}")


def _extra_headers(value: Any) -> Mapping[str, str] | None:
    headers = _mapping(value, "extra_headers")
    for name, text in (headers or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise BadBody(f"extra_headers.{name!s:.60}", "expected a name and a text")
        problem = header_name_problem(name) or header_problem(text)
        if name.lower() in FRAMING_HEADERS:
            problem = "belongs to the connection, which sets it"
        if problem is not None:
            raise BadBody(f"extra_headers.{name!r:.60}", problem)
    return headers
