"""What one view of a router, or one request, sets above the router's config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from .config.document import Config
from .config.inherit import Overlay
from .config.primitives import DAY_MS, Flag, Invalid, SecretText, Text, Whole, type_words
from .config.schema import HeaderName
from .errors import ConfigError, Problem
from .prepare import BadBody, seconds
from .routing.plan import NO_OVERLAY
from .wire.hosts import header_problem


def _header_names(names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise Invalid(f"expected a list of header names, got {type_words(names)}")
    return tuple(map(HeaderName(), names))


#: The settings of an overlay that a view takes, with their names in the config and their checks.
_SETTINGS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "api_key": ("api_key", SecretText(callables=True)),
    "custom_host": ("custom_host", Text()),
    "request_timeout": ("request_timeout", Whole(1, DAY_MS, "ms")),
    "forward_headers": ("forward_headers", _header_names),
    "strict": ("strict_open_ai_compliance", Flag()),
}


@attrs.frozen
class View:
    """The options of one view of a router, above the config's. `timeout` is in seconds."""

    config: Config | None = None
    overlay: Overlay = NO_OVERLAY
    metadata: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    trace_id: str = ""
    timeout: float | None = None


def checked(view: View) -> View:
    """The view itself. Raises ConfigError for what cannot be metadata, a trace id or a timeout."""
    problems = []
    metadata: object = view.metadata
    trace_id: object = view.trace_id
    if not isinstance(metadata, Mapping):
        problems.append(Problem("metadata", f"expected an object, got {type_words(metadata)}"))
    text = header_problem(trace_id) if isinstance(trace_id, str) else "expected a text"
    if text is not None:
        problems.append(Problem("trace_id", text))
    try:
        if view.timeout is not None:
            seconds(view.timeout)
    except BadBody as error:
        problems.append(Problem(error.path, error.message))
    if problems:
        raise ConfigError(problems)
    return view


def overlaid(overlay: Overlay, settings: Mapping[str, Any]) -> Overlay:
    """`overlay` with those settings that are not None. Raises ConfigError with every wrong one."""
    given: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, value in settings.items():
        if value is not None:
            name, check = _SETTINGS[field]
            try:
                given[field] = check(value)
            except Invalid as error:
                problems.append(Problem(name, error.message))
    if problems:
        raise ConfigError(problems)
    if "api_key" in given:
        given["from_headers"] = False  # it replaces the target's
    return attrs.evolve(overlay, **given) if given else overlay
