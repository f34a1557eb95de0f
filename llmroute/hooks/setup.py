"""The router's arguments about guardrails, checked, and what checks may know of its named providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import isawaitable, signature
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..config.bounds import check_bounds
from ..config.hooks import Hooks, HookSettings, read_hook
from ..config.primitives import Invalid, Several, found
from ..config.schema import ConfigNode
from ..secret import Secret
from .registry import CHECKS

if TYPE_CHECKING:
    from .kit import HookKit


def own_checks(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Functions by the id under which a config asks for them. Raises Invalid."""
    errors = [Invalid(text, (name,)) for name, check in value.items() for text in _problems_of(name, check)]
    if errors:
        raise Several(errors)
    return dict(value)


def _problems_of(name: str, check: object) -> Iterator[str]:
    if isinstance(check, type) or not callable(check):
        yield f"expected a function that takes a HookContext, got {found(check)}"
    elif not _takes_one(check):
        yield "cannot be called with one argument, the HookContext: write it as `def check(context): ...`"
    if "." not in name or name.startswith("default.") or name in CHECKS:
        yield "expected an id of your own with a dot, such as acme.no_secrets"


def _takes_one(check: Callable[..., Any]) -> bool:
    """Whether a check can be called with its context; those that do not say what they take, may."""
    from .custom import Blocking, Transforming

    while isinstance(check, (Blocking, Transforming)):
        check = check.function
    try:
        taken = signature(check)
    except Exception:
        # Built-ins without one, and annotations that cannot be evaluated: not the library's business.
        return True
    try:
        taken.bind(None)
    except TypeError:
        return False
    return True


def own_guardrails(value: Mapping[str, Any]) -> Mapping[str, HookSettings]:
    """Hooks by name, in the long or the short form. Raises Invalid, and ConfigError for endless ones."""
    check_bounds(value, "guardrails")
    made: dict[str, HookSettings] = {}
    errors: list[Invalid] = []
    for name, hook in value.items():
        try:
            made[name] = read_hook(hook)
        except Invalid as error:
            errors += [part.below(name) for part in error.parts]
    if errors:
        raise Several(errors)
    return made


def own_hooks(value: object) -> tuple[HookSettings, ...]:
    """A list of guardrails in the short form. Raises Invalid, and ConfigError for endless ones."""
    if isinstance(value, (list, tuple)):
        check_bounds(value, "guardrails")
    return () if value is None else Hooks(short=True)(value)


def members_of(
    named: Mapping[str, ConfigNode], variable: Callable[[str], str | None]
) -> Callable[[str], Mapping[str, Any] | None]:
    """`Services.provider`."""

    def reveal(value: object) -> object:
        text = value.reveal() if isinstance(value, Secret) else value
        if callable(text):
            text = text()
            if isawaitable(text):
                close = getattr(text, "close", None)
                if close is not None:
                    close()
                return None
        return variable(text[4:]) if isinstance(text, str) and text.startswith("env:") else text

    def members(name: str) -> Mapping[str, Any] | None:
        node = named.get(name.removeprefix("@"))
        if node is None:
            return None
        given = {
            "provider": node.provider,
            "api_key": node.api_key,
            "custom_host": node.custom_host,
            **node.options,
        }
        return {key: reveal(value) for key, value in given.items() if value is not None}

    return members


def once(make: Callable[[], HookKit]) -> Callable[[], HookKit]:
    """Makes the kit when it is first asked for; safe from several threads."""
    lock = Lock()
    made: list[HookKit] = []

    def kit() -> HookKit:
        if not made:
            with lock:
                if not made:
                    made.append(make())
        return made[0]

    return kit
