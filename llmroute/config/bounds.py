"""Bounds on a config that hold before anything costly is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..errors import ConfigError, Problem
from .findings import MAX_SHOWN_DEPTH, path_text

MAX_NESTING: Final = 128
MAX_VALUES: Final = 200_000

_ATOMS = frozenset({str, int, float, bool, type(None)})


def check_bounds(value: object, root: str) -> None:
    """Refuse, without recursion, what is nested too deeply, contains itself or holds too many values.

    Raises ConfigError.
    """
    level: list[Any] = [value] if _is_container(value) else []
    total = 0
    for _ in range(MAX_NESTING):
        below: list[Any] = []
        for item in level:
            children = item.values() if type(item) is dict or isinstance(item, Mapping) else item
            total += len(children)
            below += [child for child in children if type(child) not in _ATOMS and _is_container(child)]
        if not below and total <= MAX_VALUES:
            return
        if total > MAX_VALUES:
            break
        level = below
    raise ConfigError([Problem(*_excess(value, root, total))])


def _excess(value: object, root: str, total: int) -> tuple[str, str]:
    """Where, and what: found by a slower search, once there is something to find."""
    deepest: list[str | int] = []
    for path, cyclic in _paths(value):
        if cyclic:
            return root + path_text(path[:MAX_SHOWN_DEPTH]), "contains itself"
        if len(path) > len(deepest):
            deepest = list(path)
    if total > MAX_VALUES:
        return root, f"expected at most {MAX_VALUES:,} values in all"
    return root + path_text(deepest[:MAX_SHOWN_DEPTH]), f"nested more than {MAX_NESTING} levels deep"


def _paths(value: object) -> Iterator[tuple[list[str | int], bool]]:
    """The paths of the containers inside `value`, and whether one is a container around itself."""
    path: list[str | int] = []
    around = [value]
    pending = [_children(value)]
    for _ in range(MAX_VALUES):
        key, child = next(pending[-1], ("", None))
        if child is None:
            pending.pop()
            around.pop()
            if not pending:
                return
            path.pop()
        else:
            path.append(key)
            cyclic = any(child is outer for outer in around)
            yield path, cyclic
            around.append(child)
            pending.append(_children(child) if len(path) < MAX_NESTING else iter(()))


def _children(value: Any) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        pairs: Iterator[tuple[Any, Any]] = iter(value.items())
    else:
        pairs = enumerate(value)
    return (
        (key if isinstance(key, int) else str(key), child)
        for key, child in pairs
        if type(child) not in _ATOMS and _is_container(child)
    )


def _is_container(value: object) -> bool:
    return type(value) is dict or isinstance(value, (list, tuple, Mapping))
