"""The parameters that a target really sends: defaults below the caller's body, overrides above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.spec import TargetSpec


def effective_params(spec: TargetSpec, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """`default_params` < body < `override_params`, then without `drop_params`; `body` stays as it is."""
    if spec.default_params or spec.override_params:
        body = {**spec.default_params, **body, **spec.override_params}
    if spec.drop_params:
        body = dict(body)
        for path in spec.drop_params:
            _drop(body, path)
    return body


def model_of(params: Mapping[str, Any]) -> str | None:
    """The model, None when there is none that could be sent."""
    model = params.get("model")
    return model if isinstance(model, str) and model else None


def is_stream(params: Mapping[str, Any]) -> bool:
    """Only `true` asks for a stream, as recorded."""
    return params.get("stream") is True


def _drop(container: dict[str, Any], path: tuple[str | int, ...]) -> None:
    """Remove what `path` names, copying every container on the way so that the caller's stay whole."""
    key, rest = path[0], path[1:]
    if key not in container:
        return
    if not rest:
        del container[key]
    else:
        container[key] = _without(container[key], rest)


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    key, rest = path[0], path[1:]
    if isinstance(value, Mapping) and isinstance(key, str):
        copy = dict(value)
        _drop(copy, path)
        return copy
    if isinstance(value, list) and isinstance(key, int):
        if key >= len(value):
            return value
        if not rest:
            return [] if key < 0 else value[:key] + value[key + 1 :]
        return [_without(entry, rest) if key in (-1, i) else entry for i, entry in enumerate(value)]
    return value
