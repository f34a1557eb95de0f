"""What one view of a router, or one request, sets above the router's config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from .config.document import Config
from .config.inherit import Overlay
from .config.primitives import DAY_MS, Invalid, Whole
from .config.schema import HeaderName
from .errors import ConfigError, Problem
from .prepare import BadBody, seconds
from .secret import Secret
from .wire.hosts import header_problem

NO_OVERLAY = Overlay()
_HEADER = HeaderName()
_MILLISECONDS = Whole(1, DAY_MS, "ms")


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
    if not isinstance(view.metadata, Mapping):
        problems.append(Problem("metadata", f"expected an object, got a {type(view.metadata).__name__}"))
    trace_id: object = view.trace_id
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


def overlaid(
    overlay: Overlay,
    *,
    api_key: str | Callable[[], Any] | None,
    custom_host: str | None,
    request_timeout: int | None,
    forward_headers: Iterable[str] | None,
    strict: bool | None,
) -> Overlay:
    """`overlay` with the settings that are not None. Raises ConfigError for a wrong one."""
    given: dict[str, Any] = {}
    problems: list[Problem] = []

    def set_(name: str, path: str, read: Callable[[Any], Any], value: Any) -> None:
        if value is not None:
            try:
                given[name] = read(value)
            except Invalid as error:
                problems.append(Problem(path, error.message))

    set_("api_key", "api_key", _key, api_key)
    set_("custom_host", "custom_host", _text, custom_host)
    set_("request_timeout", "request_timeout", _MILLISECONDS, request_timeout)
    set_("forward_headers", "forward_headers", lambda names: tuple(map(_HEADER, names)), forward_headers)
    set_("strict", "strict_open_ai_compliance", _flag, strict)
    if problems:
        raise ConfigError(problems)
    if "api_key" in given:
        given["rekeys"] = True
    return attrs.evolve(overlay, **given) if given else overlay


def requested(view: Overlay, asked: Overlay) -> Overlay:
    """What a request's headers ask for, above the view's settings. A view's own key stays."""
    names = ("provider", "custom_host", "request_timeout", "forward_headers", "strict")
    given: dict[str, Any] = {
        name: value for name in names if (value := getattr(asked, name)) is not None
    }
    if asked.api_key is not None and not view.rekeys:
        given["api_key"] = asked.api_key
    if asked.options:
        given["options"] = (*view.options, *asked.options)
    if not asked.trusted and (asked.options or "custom_host" in given or "provider" in given):
        given["trusted"] = False
    return attrs.evolve(view, **given) if given else view


def _key(value: Any) -> Secret | Callable[[], Any]:
    if isinstance(value, str):
        return Secret(value)
    if callable(value) or isinstance(value, Secret):
        made: Secret | Callable[[], Any] = value
        return made
    raise Invalid("expected a text or a function")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid(f"expected a text, got a {type(value).__name__}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"expected true or false, got a {type(value).__name__}")
    return value
