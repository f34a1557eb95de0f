"""Checks of the host's own: plain functions, functions that block, and functions with parameters.

def no_secrets(context):
    return "sk-" not in context.text

Router(config, checks={"acme.no_secrets": no_secrets, "acme.lookup": blocking(ask_database)})
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from .base import Check, HookContext, Verdict


@attrs.frozen
class Blocking:
    """A function that waits (for a database, a file, a lock) and so may not run on the event loop."""

    function: Callable[[HookContext], Verdict | bool]
    transforms: bool = False
    reach: int = 0

    def __call__(self, context: HookContext, /) -> Verdict | bool:
        return self.function(context)


@attrs.frozen
class Transforming:
    """A check that may change what it judges; see `transforming`."""

    function: Check
    reach: int = 0
    transforms: bool = attrs.field(default=True, init=False)

    def __call__(self, context: HookContext, /) -> Verdict | bool | Awaitable[Verdict | bool]:
        return self.function(context)


def blocking(function: Callable[[HookContext], Verdict | bool], *, transforms: bool = False) -> Blocking:
    """Declare that a check blocks: it runs in the router's pool of threads, which is bounded."""
    return Blocking(function, transforms)


def transforming(function: Check, *, reach: int = 0) -> Check:
    """Declare that a check may change the texts, so that a guardrail with it also works on streams.

    `reach` is the number of characters that one finding can span.
    """
    if isinstance(function, Blocking):
        return attrs.evolve(function, transforms=True, reach=reach)
    return Transforming(function, reach)


def trait(check: Any, name: str, default: Any) -> Any:
    """An optional attribute of a check, where it is of the expected type."""
    value = getattr(check, name, default)
    return value if type(value) is type(default) else default
