"""Calls of checks to other services: their headers, what of the caller goes along, and the JSON of the call.

Source: the hosted product's documentation of webhooks and of forwarded headers; spec/GUARDRAILS.md section 2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...config.primitives import found
from ...wire.hosts import (
    UNFORWARDABLE_HEADERS,
    HostPolicy,
    check_url,
    header_name_problem,
    header_problem,
)
from ...wire.json import dumps
from ..base import Fetched, HookContext, Services
from ..parameters import Parameters
from .reading import filled_text, milliseconds

MAX_HEADERS: Final = 100

_GATEWAY: Final = "x-portkey-"
#: Those of the gateway's own headers that hold nothing secret.
_GATEWAY_FORWARDED: Final = frozenset({"x-portkey-metadata", "x-portkey-span-id", "x-portkey-trace-id"})
_EVENTS: Final = {"before": "beforeRequestHook", "after": "afterRequestHook"}


# -- parameters --------------------------------------------------------------------------------------


def read_url(parameters: Parameters, name: str) -> str:
    """The URL of a service: the config's own word, so it may be in a private network."""
    url = filled_text(parameters, name, limit=2_048)
    problem = check_url(url, HostPolicy.trusting()) if url else None
    if problem is not None:
        parameters.problem(name, problem)
    return url


def read_headers(parameters: Parameters, name: str = "headers") -> dict[str, str]:
    """An object of texts, or such an object as JSON text."""
    value = parameters.raw(name)
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            parameters.problem(name, "expected an object as JSON, got text of another kind")
            return {}
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > MAX_HEADERS:
        parameters.problem(name, f"expected an object of at most {MAX_HEADERS} headers, got {found(value)}")
        return {}
    for header, text in value.items():
        problem = header_name_problem(str(header))
        problem = problem or (header_problem(text) if isinstance(text, str) else "expected text")
        if problem is not None:
            parameters.problem(f"{name}.{str(header)[:60]}", problem)
    return {str(header): text for header, text in value.items() if isinstance(text, str)}


def read_forwarded(parameters: Parameters, name: str = "forwardHeaders") -> tuple[str, ...]:
    """Names of the caller's headers to pass on, in lower case. None is passed on that is not named."""
    names = tuple(entry.lower() for entry in parameters.texts(name, (), limit=MAX_HEADERS))
    for index, entry in enumerate(names):
        problem = header_name_problem(entry)
        if entry in UNFORWARDABLE_HEADERS or (entry.startswith(_GATEWAY) and entry not in _GATEWAY_FORWARDED):
            problem = "may not be forwarded"
        if problem is not None:
            parameters.problem(f"{name}[{index}]", problem)
    return names


def headers_for(context: HookContext, own: Mapping[str, str], forwarded: tuple[str, ...]) -> dict[str, str]:
    """The headers of a call: JSON, the named ones of the caller, and over these the config's own."""
    headers = {"Content-Type": "application/json"}
    for name in forwarded:
        value = context.headers.get(name)
        if value is not None and header_problem(value) is None:
            headers[name] = value
    mine = {name.lower() for name in own}
    return {name: value for name, value in headers.items() if name.lower() not in mine} | dict(own)


# -- the call ----------------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class Endpoint:
    """A service that the parameters of a check name. `timeout` is in ms, for a whole call."""

    url: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    forwarded: tuple[str, ...]
    timeout: float
    services: Services = attrs.field(repr=False)

    @classmethod
    def read(cls, parameters: Parameters, name: str, services: Services) -> Endpoint:
        """The parameter `name` is the URL; beside it stand `headers`, `forwardHeaders`, `timeout` (3,000)."""
        return cls(
            read_url(parameters, name),
            read_headers(parameters),
            read_forwarded(parameters),
            milliseconds(parameters, "timeout", 3_000),
            services,
        )

    async def tell(self, context: HookContext, limit: int) -> Fetched:
        """Send the call; an answer has at most `limit` bytes. Raises FetchError, and JSONError."""
        return await self.services.fetch(
            "POST",
            self.url,
            headers=headers_for(context, self.headers, self.forwarded),
            body=dumps(payload(context)),
            timeout=self.timeout / 1000,
            limit=limit,
            trusted=True,
        )


def payload(context: HookContext) -> dict[str, Any]:
    """The call as services are told of it; no headers, no credentials."""
    before = context.event == "before"
    return {
        "request": {
            "json": context.request,
            "text": _request_text(context.request),
            "isStreamingRequest": context.streaming,
            "isTransformed": False,
        },
        "response": {
            "json": {} if before else context.response,
            "text": "" if before else _response_text(context.response or {}),
            "statusCode": None if before else 200,
            "isTransformed": False,
        },
        "provider": context.provider,
        "requestType": context.request_type,
        "metadata": context.metadata,
        "eventType": _EVENTS[context.event],
    }


def _request_text(request: Mapping[str, Any]) -> str:
    messages = request.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return _content_text(last.get("content") if isinstance(last, Mapping) else None)


def _response_text(response: Mapping[str, Any]) -> str:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, Mapping) else None
    return _content_text(message.get("content") if isinstance(message, Mapping) else None)


def _content_text(content: Any) -> str:
    """The pieces of a content joined by newlines; pieces without text are empty lines, as recorded."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    texts = (part.get("text") if isinstance(part, Mapping) else None for part in content)
    return "\n".join(text if isinstance(text, str) else "" for text in texts)
