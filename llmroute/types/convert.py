"""What a caller puts into messages and tools, made plain JSON."""

from __future__ import annotations

from typing import Any

from .model import ATOMS, MAX_DEPTH, copied


def plain(value: Any) -> Any:
    """`value` with every result object in it, at any depth, replaced by its wire dict.

    Objects are recognised by `to_dict` (ours, the openai package's) or `model_dump` (pydantic);
    other mappings become dicts and tuples lists; what JSON has no form for stays. The caller's
    objects are not modified: with nothing to replace the very same object comes back, otherwise
    a copy. Raises ValueError for nesting over 250 levels, which no JSON writer here would take,
    and whatever an object's own method raises.
    """
    return value if _is_plain(value, 0) else copied(value)


def _is_plain(value: Any, depth: int) -> bool:
    """Whether there is nothing to replace. Always walks on to the end, so that a cycle is found."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind in ATOMS
    found = True
    for item in value:
        if type(item) not in ATOMS and not _is_plain(item, depth + 1):
            found = False
    return found
