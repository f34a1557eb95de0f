"""One OpenAI-compatible service as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from .failures import PLAIN, ErrorStyle

_NOTHING: Final[Mapping[str, str]] = {}


@attrs.frozen(kw_only=True)
class Row:
    """What tells a service apart from OpenAI; everything has OpenAI's value as default.

    Requests:
    `base_url` and `path` make the URL; without `base_url` the target must give `custom_host`.
    `env` names the variables that usually hold the key, the first one set wins.
    `auth_header` is sent as `auth_scheme` + key. `headers` are sent where the target has the option
    (header name to option name), `fixed_headers` always, unless an option replaces them.
    `rename` gives a parameter its name here; of both, the newer one is sent if `rename_wins`.
    `fold` moves a (dotted) parameter into a dotted place. `defaults` are sent for absent parameters.
    `roles` replaces message roles. `history` says what becomes of members that past answers left in
    the messages: another name, or "" for members that the service refuses.

    Answers:
    `finish_reasons` replaces finish reasons when the target is strict, `blank_finish` empties them in
    whole answers; upstream's value is then kept as `native_finish_reason`. `usage_path` leads to the
    usage of a stream that has none at the usual place. `delta_alias` is another name of `delta`.
    `empty_usage` adds `usage: {}` where there is none. `adds_provider` adds the slug as member
    `provider` to whole answers. `errors` says how the recorded error objects read.

    `docs` is the documentation the row was written from. `status` warns of services that have ended,
    moved or need a host; it is for people, nothing depends on it.
    """

    slug: str
    base_url: str | None
    path: str = "/chat/completions"
    env: tuple[str, ...] = ()
    docs: str = ""
    status: str = ""
    key_optional: bool = False
    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer "
    headers: Mapping[str, str] = _NOTHING
    fixed_headers: Mapping[str, str] = _NOTHING
    rename: Mapping[str, str] = _NOTHING
    rename_wins: bool = True
    fold: Mapping[str, str] = _NOTHING
    defaults: Mapping[str, int] = attrs.field(factory=dict)
    roles: Mapping[str, str] = _NOTHING
    history: Mapping[str, str] = _NOTHING
    finish_reasons: Mapping[str, str] = _NOTHING
    blank_finish: bool = False
    usage_path: tuple[str, ...] = ()
    delta_alias: str | None = None
    empty_usage: bool = False
    adds_provider: bool = True
    errors: ErrorStyle = PLAIN
