"""What targets inherit: each setting in its final form, pushed down from parent to child.

Rules: spec/ROUTING.md section 2. `override_params` and `default_params` merge root to leaf, the leaf
winning per key; everything else is the nearest one given. A `request_timeout` of 0 inherits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from .findings import MAX_PROBLEMS
from .guards import NO_GUARDS, Guards
from .primitives import quoted
from .schema import ConfigNode, RetrySettings
from .spec import RetrySpec, Timeouts

Report = Callable[[str, str], None]
DropPath = tuple[str | int, ...]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_FIRST_PART = re.compile(r"([^.\[\]]+)")
_NEXT_PART = re.compile(r"\.([^.\[\]]+)|\[(\d{1,4})\]|\[\*\]|\[(['\"])(.*?)\3\]")
_MAX_DROP_PARTS = 20


@attrs.frozen(slots=False)  # without slots it is made twice as fast
class Inherited:
    """The settings that hold at one place of the tree. `host_path` says where `custom_host` stands."""

    override: Mapping[str, Any] = _NOTHING
    default: Mapping[str, Any] = _NOTHING
    drop: tuple[DropPath, ...] = ()
    on_unsupported: str = "drop"
    passthrough: bool = False
    forward: tuple[str, ...] = ()
    custom_host: str | None = None
    host_path: str = ""
    retry: RetrySpec | None = None
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    guards: Guards = NO_GUARDS

    def below(self, node: ConfigNode, path: str, report: Report) -> Inherited:
        """What holds below `node`, found at `path`; `report(path, message)` is called for each problem."""
        nearest = self.nearest(node, path, report)
        override, default = self.params(node)
        return attrs.evolve(nearest, override=override, default=default)

    def params(self, node: ConfigNode) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """`override_params` and `default_params` at `node`."""
        own, own_default = node.override_params, node.default_params
        return (
            {**self.override, **own} if own else self.override,
            {**self.default, **own_default} if own_default else self.default,
        )

    def nearest(self, node: ConfigNode, path: str, report: Report) -> Inherited:
        """All but the parameters at `node`; most targets set nothing of it, and that is fast."""
        sets_nothing = (
            node.retry is None
            and node.custom_host is None
            and node.request_timeout is None
            and node.forward_headers is None
            and node.drop_params is None
            and node.on_unsupported is None
            and node.passthrough is None
            and node.connect_timeout is None
            and node.first_token_timeout is None
            and node.stream_idle_timeout is None
        )
        return self if sets_nothing else self._replaced(node, path, report)

    def _replaced(self, node: ConfigNode, path: str, report: Report) -> Inherited:
        own_host = node.custom_host is not None
        return Inherited(
            override=self.override,
            default=self.default,
            drop=self.drop if node.drop_params is None else drop_paths(node.drop_params, path, report),
            on_unsupported=self.on_unsupported if node.on_unsupported is None else node.on_unsupported,
            passthrough=self.passthrough if node.passthrough is None else node.passthrough,
            forward=self.forward if node.forward_headers is None else node.forward_headers,
            custom_host=node.custom_host if own_host else self.custom_host,
            host_path=f"{path}.custom_host" if own_host else self.host_path,
            retry=self.retry if node.retry is None else retry_spec(node.retry),
            timeouts=_timeouts(self.timeouts, node),
            guards=self.guards,
        )


def retry_spec(settings: RetrySettings) -> RetrySpec | None:
    """The retries in seconds; None for no attempts at all."""
    if settings.attempts == 0:
        return None
    codes = settings.on_status_codes
    return RetrySpec(
        attempts=settings.attempts,
        use_retry_after=bool(settings.use_retry_after_header or settings.use_retry_after_headers),
        jitter=settings.jitter,
        initial_backoff=settings.initial_backoff / 1000,
        max_backoff=max(settings.max_backoff, settings.initial_backoff) / 1000,
        **({} if codes is None else {"on_status_codes": frozenset(codes)}),
    )


def _timeouts(above: Timeouts, node: ConfigNode) -> Timeouts:
    request, connect = node.request_timeout, node.connect_timeout
    first_token, stream_idle = node.first_token_timeout, node.stream_idle_timeout
    if not (request or connect or first_token or stream_idle):
        return above
    return Timeouts(
        request=request / 1000 if request else above.request,
        connect=connect / 1000 if connect else above.connect,
        first_token=first_token / 1000 if first_token else above.first_token,
        stream_idle=stream_idle / 1000 if stream_idle else above.stream_idle,
    )


def drop_paths(texts: tuple[str, ...], path: str, report: Report) -> tuple[DropPath, ...]:
    """`drop_params` as keys."""
    found: list[DropPath] = []
    for index, text in enumerate(texts):
        parts = parse_drop_path(text)
        if index - len(found) > MAX_PROBLEMS:
            break
        if parts is None:
            message = f"expected a parameter's path such as tools[0].strict, got {quoted(text)}"
            report(f"{path}.drop_params[{index}]", message)
        else:
            found.append(parts)
    return tuple(found)


def parse_drop_path(text: str) -> DropPath | None:
    """`tools[0].function.strict`, `metadata["a.b"]`, `messages[*].name` as keys; None when it is no path.

    The index of `[*]` is -1: every entry.
    """
    first = _FIRST_PART.match(text)
    if first is None:
        return None
    parts: list[str | int] = [first[1]]
    position = first.end()
    while position < len(text):
        match = _NEXT_PART.match(text, position)
        if match is None or len(parts) >= _MAX_DROP_PARTS:
            return None
        name, index, quote, inside = match.groups()
        if name is not None:
            parts.append(name)
        elif index is not None:
            parts.append(int(index))
        else:
            parts.append(-1 if quote is None else inside)
        position = match.end()
    return tuple(parts)
