"""Bounds on a config that hold before anything costly is done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        total += sum(map(len, level))
        if total > MAX_VALUES:
            break
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict or isinstance(item, Mapping) else item)
            if type(child) not in _ATOMS and _is_container(child)
        ]
        if not level:
            return
    if total > MAX_VALUES:
        raise ConfigError([Problem(root, f"expected at most {MAX_VALUES:,} values in all")])
    raise ConfigError([_too_deep(value, root)])


#: How a container was reached: its parent's link, the key there, and the container.
Link = tuple[Any, str | int, Any]


def _too_deep(value: object, root: str) -> Problem:
    """Where a value is too deep, or first contains itself: searched only once it is known to be wrong."""
    level: list[Link] = [(None, "", value)]
    for _ in range(MAX_NESTING):
        level = [
            (link, key, child)
            for link in level
            for key, child in _members(link[2])
            if type(child) not in _ATOMS and _is_container(child)
        ]
    path: list[str | int] = []
    containers: list[object] = []
    link: Any = level[0]
    while link is not None:
        link, key, container = link
        path.append(key)
        containers.append(container)
    path, containers = path[-2::-1], containers[::-1]
    for depth in range(1, len(containers)):
        if any(containers[depth] is outer for outer in containers[:depth]):
            return Problem(root + path_text(path[:depth][:MAX_SHOWN_DEPTH]), "contains itself")
    return Problem(root + path_text(path[:MAX_SHOWN_DEPTH]), f"nested more than {MAX_NESTING} levels deep")


def _members(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, Mapping) else enumerate(value)


def _is_container(value: object) -> bool:
    return type(value) is dict or isinstance(value, (list, tuple, Mapping))
