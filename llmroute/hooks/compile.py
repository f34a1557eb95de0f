"""From hooks as a config writes them to hooks that run: names found, parameters read, policies settled."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal

import attrs

from ..config.hooks import CheckSettings, HookSettings
from ..config.primitives import did_you_mean, found, quoted
from ..errors import MissingExtra
from .base import Check, Scope, Services
from .custom import Blocking, trait
from .hook import HOOK_TIMEOUT, WINDOW_OVERLAP, WINDOW_SIZE, BoundCheck, Effect, Hook, StreamMode
from .parameters import Parameters
from .registry import (
    ALIASES,
    CHECKS,
    CLOSED,
    REACH,
    WHOLE,
    is_outgoing,
    near_ids,
    resolve,
    restores,
    transforms,
)

Report = Callable[[str, str], None]
Side = Literal["input", "output"]

#: Characters of patterns and of all parameters that hooks may have which came with a request.
MAX_UNTRUSTED_PATTERNS: Final = 1_000
MAX_UNTRUSTED_PARAMETERS: Final = 50_000
_log = logging.getLogger("llmroute")

_PATTERNS = ("rule", "pattern", "patterns")


@attrs.define
class Spent:
    """Characters of parameters, and of patterns among them."""

    parameters: int = 0
    patterns: int = 0


@attrs.frozen
class Place:
    """Where a hook stands: its side, its path in the config, whose word it is, and who hears of problems.

    `default_type` is the type of a hook that does not say, None where it has to. `spent` counts what the
    hooks of a request have used so far.
    """

    side: Side
    path: str
    trusted: bool
    report: Report
    warn: Report
    default_type: Literal["guardrail", "mutator"] | None = "guardrail"
    spent: Spent = attrs.field(factory=Spent)


@attrs.frozen
class HookCompiler:
    """Compiles hooks for one router.

    `checks` are the host's own, by id; `named` its guardrails, by name; `errors` what a check that could
    not judge means where neither hook nor check says.
    """

    services: Services
    checks: Mapping[str, Check] = attrs.field(factory=dict)
    named: Mapping[str, HookSettings] = attrs.field(factory=dict)
    errors: Literal["pass", "deny"] | None = None

    def session(self) -> Callable[..., Hook | None]:
        """Compiles the hooks of one config, which have to fit into one budget."""
        return partial(self, spent=Spent())

    def __call__(self, settings: HookSettings, **where: Any) -> Hook | None:
        """The hook; None when it is switched off, or when problems have been reported.

        `where` are the members of a Place.
        """
        place = Place(**where)
        declared = self._looked_up(settings, place)
        return None if declared is None else self._compiled(declared, place)

    def _compiled(self, settings: HookSettings, place: Place) -> Hook | None:
        type_ = settings.type or place.default_type
        if type_ is None:
            place.report(f"{place.path}.type", "missing; say guardrail or mutator, or name a guardrail")
            return None
        trusted = place.trusted or settings.host_word
        if not trusted and (problem := _too_much(settings, place.spent)) is not None:
            place.report(place.path, problem)
            return None
        checks = []
        for check in settings.checks or ():
            bound = self._check(check, settings, place, type_, trusted)
            if bound is not None and check.enabled:
                checks.append(bound)
        if settings.enabled is False:
            return None
        return self._hook(settings, place, type_, tuple(checks))

    # -- the hook --------------------------------------------------------------------------------------

    def _looked_up(self, settings: HookSettings, place: Place) -> HookSettings | None:
        """The settings, below them those of the guardrail that they name. None when nobody declared it."""
        name = settings.named or (settings.id if not settings.checks else None)
        declared = self.named.get(name) if name is not None else None
        if declared is not None:
            members = attrs.asdict(settings, recurse=False)
            own = {key: value for key, value in members.items() if value not in (None, ())}
            own.setdefault("type", declared.type or place.default_type or "guardrail")
            return attrs.evolve(
                declared, **{**own, "named": None, "id": declared.id or name, "host_word": True}
            )
        if settings.checks is None and settings.enabled is not False:
            known = list(self.named)
            text = f"no guardrail {quoted(name or '')} is declared for this router"
            if settings.named is not None or (
                name is not None and (known or self._needs_type(settings, place))
            ):
                place.report(place.path, text + did_you_mean(name or "", known))
                return None
            place.warn(place.path, "has no checks: it passes everything")
        return settings

    @staticmethod
    def _needs_type(settings: HookSettings, place: Place) -> bool:
        return settings.type is None and place.default_type is None

    def _hook(
        self,
        settings: HookSettings,
        place: Place,
        type_: str,
        checks: tuple[BoundCheck, ...],
    ) -> Hook:
        deny = settings.deny is True
        if settings.asynchronous and type_ == "mutator":
            place.warn(place.path, "an asynchronous mutator changes nothing, so it is not run")
        if deny and settings.stream == "after":
            place.warn(f"{place.path}.stream", "its verdict comes too late to deny a stream")
        size = settings.window_size or WINDOW_SIZE
        overlap = WINDOW_OVERLAP if settings.window_overlap is None else settings.window_overlap
        return Hook(
            id=settings.id or f"{place.side}_guardrail_{_digest(place.path)}",
            type="mutator" if type_ == "mutator" else "guardrail",
            checks=checks,
            path=place.path,
            deny=deny,
            asynchronous=settings.asynchronous is True,
            sequential=settings.sequential is True,
            on_success=settings.on_success,
            on_fail=settings.on_fail,
            stream=_stream_mode(settings.stream, type_, deny, checks),
            window_size=size,
            window_overlap=max([overlap, *(check.reach for check in checks)]),
            timeout=HOOK_TIMEOUT if settings.timeout is None else settings.timeout / 1000,
        )

    # -- its checks ------------------------------------------------------------------------------------

    def _check(
        self, settings: CheckSettings, hook: HookSettings, place: Place, type_: str, trusted: bool
    ) -> BoundCheck | None:
        path = place.path + "".join(_step(part) for part in settings.at)
        name = settings.id if settings.id in self.checks else ALIASES.get(settings.id, settings.id)
        custom = self.checks.get(name)
        fail_on_error = _flag(settings.parameters, ("failOnError", "fail_on_error"), path, place.report)
        scope = _scope(settings.parameters, path, place.report) or hook.scope
        if custom is None and name not in CHECKS:
            hint = did_you_mean(settings.id, near_ids(self.checks))
            place.report(path, f"unknown check {quoted(settings.id)}{hint}")
            return None
        if custom is None and not trusted and is_outgoing(name):
            remedy = "name a guardrail that has it"
            place.report(path, f"a check that calls other services may not be used by requests; {remedy}")
            return None
        default: Scope = "all" if type_ == "mutator" or name in WHOLE else "last"
        check = custom or self._built(name, settings.parameters, path, place.report)
        if check is None:
            return None
        on_error = self._on_error(hook, fail_on_error)
        return BoundCheck(
            id=settings.id,
            run=check,
            scope=default if scope is None else ("all" if scope == "all" else "last"),
            parameters=settings.parameters if custom is not None else {},
            fail_on_error=fail_on_error is True,
            on_error="fail" if on_error == "pass" and name in CLOSED else on_error,
            on_empty=_on_empty(hook, fail_on_error),
            transforms=transforms(name, settings.parameters) or trait(check, "transforms", False),
            restores=restores(name, settings.parameters) or trait(check, "restores", False),
            reach=max(REACH.get(name, 0), trait(check, "reach", 0)),
            foreign=custom is not None,
            blocking=isinstance(check, Blocking),
        )

    def _built(self, name: str, parameters: Mapping[str, Any], path: str, report: Report) -> Check | None:
        problems: list[tuple[str, str]] = []
        reader = Parameters(parameters, path, lambda at, message: problems.append((at, message)))
        check: Check | None = None
        try:
            check = resolve(name)(reader, self.services)
        except MissingExtra as error:
            problems.append((path, str(error)))
        except Exception as error:
            # Whatever the parameters are, a request that brings them along gets an answer.
            _log.debug("building %s failed", name, exc_info=True)
            problems.append((path, f"could not be built: {type(error).__name__}"))
        for at, message in problems:
            report(at, message)
        return None if problems else check

    def _on_error(self, hook: HookSettings, fail_on_error: bool | None) -> Effect:
        if hook.on_error is not None:
            return "deny" if hook.on_error == "deny" else "pass"
        if fail_on_error is not None:
            return "fail" if fail_on_error else "pass"
        if self.errors is not None:
            return self.errors
        return "fail" if hook.deny else "pass"


def _on_empty(hook: HookSettings, fail_on_error: bool | None) -> Effect:
    if hook.on_empty is not None:
        return "deny" if hook.on_empty == "deny" else "pass"
    return "fail" if fail_on_error else "pass"


def _stream_mode(given: str | None, type_: str, deny: bool, checks: tuple[BoundCheck, ...]) -> StreamMode:
    if given is not None:
        modes: Mapping[str, StreamMode] = {"buffer": "buffer", "window": "window", "after": "after"}
        return modes[given]
    if deny or any("deny" in (check.on_error, check.on_empty) for check in checks):
        return "buffer"
    transforms = type_ == "mutator" or any(check.transforms for check in checks)
    return "window" if transforms else "after"


def _too_much(settings: HookSettings, spent: Spent) -> str | None:
    """Why a request may not bring this hook along, too: reading parameters takes time."""
    for check in settings.checks or ():
        spent.parameters += _size(check.parameters)
        spent.patterns += sum(_size(check.parameters[name]) for name in _PATTERNS if name in check.parameters)
    if spent.parameters > MAX_UNTRUSTED_PARAMETERS:
        return f"expected at most {MAX_UNTRUSTED_PARAMETERS:,} characters in the parameters of all checks"
    if spent.patterns > MAX_UNTRUSTED_PATTERNS:
        return f"expected at most {MAX_UNTRUSTED_PATTERNS:,} characters in all patterns"
    return None


def _size(value: Any) -> int:
    size, pending = 0, [value]
    while pending:
        entry = pending.pop()
        if isinstance(entry, Mapping):
            pending += [*entry.keys(), *entry.values()]
        elif isinstance(entry, (list, tuple)):
            pending += entry
        size += len(entry) if isinstance(entry, str) else 1
    return size


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _flag(parameters: Mapping[str, Any], names: tuple[str, ...], path: str, report: Report) -> bool | None:
    for name in names:
        value = parameters.get(name)
        if isinstance(value, bool):
            return value
        if value is not None:
            report(f"{path}.{name}", f"expected true or false, got {found(value)}")
    return None


def _scope(parameters: Mapping[str, Any], path: str, report: Report) -> str | None:
    scope = parameters.get("scope")
    if scope is not None and scope not in ("last", "all"):
        report(f"{path}.scope", f"expected one of last, all, got {found(scope)}")
        return None
    return scope
