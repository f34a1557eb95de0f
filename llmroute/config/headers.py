"""What the headers of a gateway request say about routing. Source: spec/ROUTING.md sections 2, 7, 8."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import attrs

from ..errors import ConfigError, Problem
from ..secret import Secret
from ..wire.hosts import header_problem
from .bounds import check_bounds
from .findings import MAX_PROBLEMS, path_text
from .inherit import Overlay
from .primitives import Invalid, found
from .schema import FORBIDDEN_FORWARDS, OPTIONS
from .text import MAX_HEADER_TEXT, read_text

PREFIX = "x-portkey-"

#: Headers that may be read whoever sends them.
HARMLESS = frozenset(
    {
        "x-portkey-trace-id",
        "x-portkey-metadata",
        "x-portkey-request-timeout",
        "x-portkey-cache-force-refresh",
        "x-portkey-cache-namespace",
        "x-portkey-debug",
        "x-portkey-span-id",
        "x-portkey-span-name",
        "x-portkey-parent-span-id",
    }
)

#: Headers that may be given as values instead of as their JSON text.
_JSON_HEADERS = frozenset(
    PREFIX + name for name in ("config", "metadata", "default-input-guardrails", "default-output-guardrails")
)

#: Where the gateway's header is not the config member with dashes.
_OPTION_ALIASES = {
    "azure-resource-name": "resource_name",
    "azure-deployment-id": "deployment_id",
    "azure-api-version": "api_version",
    "azure-extra-params": "azure_extra_parameters",
}

#: Plain headers that a provider's own clients send, by provider.
_PLAIN_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "anthropic": {"anthropic-beta": "anthropic_beta", "anthropic-version": "anthropic_version"},
    "azure-ai": {"anthropic-beta": "anthropic_beta", "anthropic-version": "anthropic_version"},
    "azure-openai": {"openai-beta": "openai_beta"},
    "openai": {
        "openai-beta": "openai_beta",
        "openai-organization": "openai_organization",
        "openai-project": "openai_project",
    },
    "modal": {"modal-key": "modal_key", "modal-secret": "modal_secret"},
    "openrouter": {"http-referer": "openrouter_referer", "x-title": "openrouter_title"},
    "vertex-ai": {"anthropic-beta": "anthropic_beta", "anthropic-version": "anthropic_version"},
}


@attrs.frozen
class RoutingHeaders:
    """The routing data of one request, read but not yet judged.

    `config` is the config's JSON text. `routing` names the headers that would steer routing, in the
    order of their arrival. `request_timeout` is in milliseconds.
    """

    config: str | None
    provider: str | None
    metadata: Mapping[str, Any]
    trace_id: str
    overlay: Overlay
    routing: tuple[str, ...]
    request_timeout: int | None


def read_headers(headers: Mapping[str, str], *, trusted: bool) -> RoutingHeaders:
    """Read lower-case `headers`. Raises ConfigError for what is no text that a header may hold."""
    provider = headers.get(PREFIX + "provider") or None
    problems: list[Problem] = []
    timeout = _milliseconds(headers.get(PREFIX + "request-timeout"))
    strict = False if headers.get(PREFIX + "strict-open-ai-compliance") == "false" else None
    forward = _names(headers.get(PREFIX + "forward-headers"))
    overlay = Overlay(
        provider=provider,
        api_key=_key(headers, provider),
        custom_host=headers.get(PREFIX + "custom-host") or None,
        request_timeout=timeout,
        forward_headers=forward,
        strict=strict,
        options=_options(headers, provider, problems),
        trusted=trusted,
        from_headers=True,
        guardrails=tuple(
            (side, text, trusted)
            for side in ("input", "output")
            if (text := headers.get(f"{PREFIX}default-{side}-guardrails"))
        ),
    )
    if problems:
        raise ConfigError(problems)
    routing = tuple(name for name in headers if name.startswith(PREFIX) and name not in HARMLESS)
    return RoutingHeaders(
        config=headers.get(PREFIX + "config") or None,
        provider=provider,
        metadata=read_metadata(headers.get(PREFIX + "metadata")),
        trace_id=headers.get(PREFIX + "trace-id", ""),
        overlay=overlay,
        routing=routing,
        request_timeout=timeout,
    )


def lowered(headers: object) -> dict[str, str]:
    """Header names in lower case, values as text. Raises ConfigError for what cannot be a header."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ConfigError([Problem("headers", f"expected an object, got {found(headers)}")])
    lower: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in headers.items():
        if not isinstance(name, str):
            problems.append(Problem("headers", f"expected header names as text, got {found(name)}"))
            continue
        try:
            lower[name.lower()] = _header_text(name.lower(), value)
        except Invalid as error:
            problems.append(Problem(f"headers{path_text((name,))}", error.message))
    if problems:
        raise ConfigError(problems[:MAX_PROBLEMS])
    return lower


def _header_text(name: str, value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    elif isinstance(value, (Mapping, list)) and name in _JSON_HEADERS:
        try:
            check_bounds(value, "")
            value = json.dumps(value)
        except (TypeError, ValueError, ConfigError):
            raise Invalid("expected JSON") from None
    if not isinstance(value, str):
        raise Invalid(f"expected the header's value as text, got {found(value)}")
    if "\r" in value or "\n" in value or "\0" in value:
        raise Invalid(header_problem(value) or "holds control characters")
    return value


def read_metadata(text: str | None) -> dict[str, Any]:
    """Routing metadata from its header: an object, a list by index; anything else is empty."""
    if not text:
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        check_bounds(value, "")
    except (ValueError, RecursionError, ConfigError):
        return {}
    if isinstance(value, list):
        return {str(index): entry for index, entry in enumerate(value)}
    return value if isinstance(value, dict) else {}


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def config_value(text: str) -> Any:
    """The config's value. Raises ConfigError for text that is no JSON, such as a saved config's id."""
    return read_text(text, limit=MAX_HEADER_TEXT)


def _milliseconds(text: str | None) -> int | None:
    try:
        value = float(text) if text else 0.0
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and 1 <= value <= 86_400_000 else None


def _names(text: str | None) -> tuple[str, ...] | None:
    names = tuple(name.strip().lower() for name in (text or "").split(",") if name.strip())
    return tuple(name for name in names if name not in FORBIDDEN_FORWARDS) if names else None


def _key(headers: Mapping[str, str], provider: str | None) -> Secret | None:
    text = headers.get("authorization", "")
    if text[:7].lower() == "bearer ":
        text = text[7:].strip()
    if not text and provider == "anthropic":
        text = headers.get("x-api-key", "")
    if not text and provider is not None:
        text = headers.get(PREFIX + "api-key", "")
    return Secret(text) if text else None


def _options(
    headers: Mapping[str, str], provider: str | None, problems: list[Problem]
) -> tuple[tuple[str, Any], ...]:
    found: list[tuple[str, Any]] = []
    plain = _PLAIN_OPTIONS.get(provider or "", {})
    for name, text in headers.items():
        if name.startswith(PREFIX):
            short = name[len(PREFIX) :]
            option = _OPTION_ALIASES.get(short, short.replace("-", "_"))
        else:
            option = plain.get(name, "")
        if option in OPTIONS and text:
            try:
                found.append((option, OPTIONS[option](text)))
            except Invalid as error:
                problems.append(Problem(f"headers.{name}", error.message))
    return tuple(found)
