"""Requests to OpenAI-compatible services: the URL, the headers and the few changes a row asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from yarl import URL

from ..secret import Secret
from ..wire.hosts import header_problem
from .base import EncodeError, ProviderSettings
from .row import Row

#: A member of messages and tool calls that holds another provider's opaque state: never sent here.
PROVIDER_STATE: Final = "provider_state"


def chat_url(base_url: str, path: str) -> URL:
    """`base_url` + `path`, whole and encoded. Raises EncodeError when that is no HTTP URL.

    A slash at the end of `base_url` is dropped, its query follows the path, its fragment is ignored.
    """
    base, _, query = base_url.partition("#")[0].partition("?")
    text = base.rstrip("/") + path + ("?" + query if query else "")
    try:
        if not _is_safe(text):
            raise ValueError
        # An ASCII text is taken to be encoded already: nothing in it is changed.
        url = URL(text, encoded=text.isascii())
        if url.scheme not in ("http", "https") or not url.host or url.port is None:
            raise ValueError
    except ValueError:
        raise EncodeError("custom_host is not a usable http or https URL", "custom_host") from None
    return url


def _is_safe(text: str) -> bool:
    return not any(c <= " " or c == "\x7f" for c in text)


def header_value(text: str, what: str) -> str:
    """`text` fit for a header, blanks around it gone. Raises EncodeError that names `what`, not the text."""
    text = text.strip()
    problem = header_problem(text)
    if problem is not None:
        raise EncodeError(f"{what} {problem}", what)
    return text


def constant_headers(row: Row, settings: ProviderSettings) -> dict[str, str]:
    """The headers of every request to a target, all but the key. Raises EncodeError."""
    headers = {"Content-Type": "application/json", **row.fixed_headers}
    for name, option in row.headers.items():
        value = settings.options.get(option)
        text = value.reveal() if isinstance(value, Secret) else value
        if isinstance(text, str) and text.strip():
            headers[name] = header_value(text, option)
    return headers


# -- the body ----------------------------------------------------------------


def shaped(row: Row, params: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `params` under the row's names; nested values that stay the same are shared."""
    body = dict(params)
    for name, here in row.rename.items():
        if name not in body:
            continue
        value = body.pop(name)
        if here not in body or (row.rename_wins and value is not None):
            body[here] = value
    for place, target in row.fold.items():
        _fold(body, place.split("."), target.split("."))
    for name, default in row.defaults.items():
        body.setdefault(name, default)
    if row.roles and isinstance(body.get("messages"), list):
        body["messages"] = [_with_role(row.roles, message) for message in body["messages"]]
    return body


def defaulted(row: Row, params: Mapping[str, Any]) -> tuple[str, ...]:
    """What to tell a caller who left out what the row has a default for."""
    given = {row.rename.get(name, name) for name in params}
    return tuple(
        f"{name}: {row.slug} is sent {value}, as none was given"
        for name, value in row.defaults.items()
        if name not in given
    )


def _fold(body: dict[str, Any], source: list[str], target: list[str]) -> None:
    """Move the value at `source` to `target`; a value that stands there already is kept."""
    outer, name = (body, source[0]) if len(source) == 1 else (body.get(source[0]), source[1])
    if not isinstance(outer, dict) or outer.get(name) is None:
        return
    group = body.get(target[0])
    if group is not None and not isinstance(group, dict):
        return
    value = outer[name]
    rest = {key: item for key, item in outer.items() if key != name}
    if outer is body:
        del body[name]
    elif rest:
        body[source[0]] = rest
    else:
        del body[source[0]]
    body[target[0]] = {target[1]: value, **(group or {})}


def _with_role(roles: Mapping[str, str], message: Any) -> Any:
    role = message.get("role") if isinstance(message, dict) else None
    return {**message, "role": roles[role]} if isinstance(role, str) and role in roles else message


def cleaned(messages: list[Any], history: Mapping[str, str]) -> tuple[list[Any], tuple[str, ...]]:
    """Messages without what past answers left in them and this service refuses, and what was lost.

    `history` maps a member of a message to its name here, "" when there is none.
    """
    lost: dict[str, None] = {}
    out = []
    for message in messages:
        if isinstance(message, dict) and message.get("role") == "assistant":
            kept = _without_state(message)
            for name in history.keys() & kept.keys():
                value = kept[name]
                kept = {key: item for key, item in kept.items() if key != name}
                if history[name]:
                    kept.setdefault(history[name], value)
                elif value is not None:
                    lost[name] = None
            message = kept
        out.append(message)
    return out, tuple(lost)


def _without_state(message: dict[str, Any]) -> dict[str, Any]:
    if PROVIDER_STATE in message:
        message = {key: value for key, value in message.items() if key != PROVIDER_STATE}
    calls = message.get("tool_calls")
    if isinstance(calls, list) and any(isinstance(call, dict) and PROVIDER_STATE in call for call in calls):
        message = {**message, "tool_calls": [_plain(call) for call in calls]}
    return message


def _plain(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    return {key: value for key, value in call.items() if key != PROVIDER_STATE}
