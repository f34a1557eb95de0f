"""Guardrails and mutators as a config writes them: the long and the short form of a list of hooks.

The long form (`before_request_hooks`, `after_request_hooks`) has `type` and `checks`; in the short one
(`input_guardrails`, `output_mutators`, ...) every member that is not a hook's own is a check, and a text
names a guardrail of the router. Source: the Portkey config object; DESIGN.md section 3 for `stream`,
`scope`, `on_error` and `on_empty`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from .free_form import Members
from .primitives import (
    NAME,
    Choice,
    Flag,
    Invalid,
    Kind,
    Number,
    Several,
    Text,
    UnknownMember,
    Whole,
    did_you_mean,
    found,
    is_remark,
)

#: Hooks in one list, and checks in one hook.
MAX_HOOKS: Final = 100

_CHECK_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_DEFAULT_PLUGIN = "default."


@attrs.frozen
class CheckSettings:
    """One check of a hook. `id` has its plugin's name; `at` is the place of the parameters in the hook."""

    id: str
    parameters: Mapping[str, Any] = attrs.field(repr=False)
    enabled: bool = True
    at: tuple[str | int, ...] = ()


@attrs.frozen(kw_only=True)
class HookSettings:
    """One hook as written; an absent member is None. Times in milliseconds.

    `named` is the guardrail of the router that an entry of text asks for. `host_word` marks hooks that
    the host's code declared, whoever uses them.
    """

    named: str | None = None
    id: str | None = None
    type: str | None = None
    checks: tuple[CheckSettings, ...] | None = None
    deny: bool | None = None
    asynchronous: bool | None = None
    sequential: bool | None = None
    enabled: bool | None = None
    on_fail: Mapping[str, Any] | None = None
    on_success: Mapping[str, Any] | None = None
    guardrail_version_id: str | None = None
    stream: str | None = None
    window_size: int | None = None
    window_overlap: int | None = None
    scope: str | None = None
    on_error: str | None = None
    on_empty: str | None = None
    timeout: int | None = None
    host_word: bool = False


@attrs.frozen
class Feedback:
    """`on_success` or `on_fail`: the feedback that a verdict gives.

    Names in its metadata are reported in camelCase, as recorded.
    """

    def __call__(self, value: object) -> Mapping[str, Any]:
        outer = _known(value, ("feedback",))
        if "feedback" not in outer:
            raise Invalid("missing; it is required here", ("feedback",))
        try:
            inner = _known(outer["feedback"], ("value", "weight", "metadata"))
            made: dict[str, Any] = {}
            for name, member in inner.items():
                kind: Kind = Members() if name == "metadata" else Number(-1e9, 1e9)
                made[name] = _read(kind, member, name)
        except Invalid as error:
            raise Several([part.below("feedback") for part in error.parts]) from None
        if "metadata" in made:
            made["metadata"] = {_camel(name): entry for name, entry in made["metadata"].items()}
        return made

    def schema(self) -> dict[str, Any]:
        number = {"type": "number"}
        feedback = {
            "type": "object",
            "properties": {"value": number, "weight": number, "metadata": {"type": "object"}},
            "additionalProperties": False,
        }
        return {"type": "object", "properties": {"feedback": feedback}, "required": ["feedback"]}


_PASS_OR_DENY = Choice(("pass", "deny"))

#: A hook's own members: how each is read, and the field that keeps it.
MEMBERS: Mapping[str, tuple[str, Kind]] = MappingProxyType(
    {
        "id": ("id", NAME),
        "type": ("type", Choice(("guardrail", "mutator"))),
        "deny": ("deny", Flag()),
        "async": ("asynchronous", Flag()),
        "sequential": ("sequential", Flag()),
        "is_enabled": ("enabled", Flag()),
        "on_fail": ("on_fail", Feedback()),
        "on_success": ("on_success", Feedback()),
        "guardrail_version_id": ("guardrail_version_id", Text(limit=200)),
        "stream": ("stream", Choice(("buffer", "window", "after"))),
        "window_size": ("window_size", Whole(1, 1_000_000)),
        "window_overlap": ("window_overlap", Whole(0, 1_000_000)),
        "scope": ("scope", Choice(("last", "all"))),
        "on_error": ("on_error", _PASS_OR_DENY),
        "on_empty": ("on_empty", _PASS_OR_DENY),
        "timeout": ("timeout", Whole(1, 600_000, "ms")),
    }
)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


_SPELLINGS: Mapping[str, str] = {spelling: name for name in MEMBERS for spelling in (name, _camel(name))}


@attrs.frozen
class Hooks:
    """A list of hooks, in the long or in the short form."""

    short: bool

    def __call__(self, value: object) -> tuple[HookSettings, ...]:
        if not isinstance(value, (list, tuple)):
            raise Invalid(f"expected a list, got {found(value)}")
        if len(value) > MAX_HOOKS:
            raise Invalid(f"expected at most {MAX_HOOKS} hooks, got {len(value):,}")
        hooks: list[HookSettings] = []
        errors: list[Invalid] = []
        for index, entry in enumerate(value):
            try:
                hooks.append(self._entry(entry))
            except Invalid as error:
                errors += [part.below(index) for part in error.parts]
        if errors:
            raise Several(errors)
        return tuple(hooks)

    def _entry(self, value: object) -> HookSettings:
        if self.short and isinstance(value, str):
            return HookSettings(named=NAME(value))
        return read_hook(value, short=self.short)

    def schema(self) -> dict[str, Any]:
        members = {spelling: MEMBERS[name][1].schema() for spelling, name in _SPELLINGS.items()}
        remarks = {"$schema": {"type": "string"}}
        hook: dict[str, Any] = {"type": "object", "patternProperties": {"^_(?!_)": True}}
        if self.short:
            hook |= {"properties": {**members, **remarks}, "additionalProperties": {"type": "object"}}
            entry: dict[str, Any] = {"anyOf": [NAME.schema(), hook]}
        else:
            hook |= {"properties": {**members, **remarks, "checks": _CHECKS_SCHEMA}}
            entry = {**hook, "additionalProperties": False}
        return {"type": "array", "items": entry, "maxItems": MAX_HOOKS}


_CHECKS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "maxItems": MAX_HOOKS,
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "is_enabled": {"type": "boolean"},
            "isEnabled": {"type": "boolean"},
        },
        "patternProperties": {"^_(?!_)": True},
        "required": ["id"],
        "additionalProperties": False,
    },
}


def read_hook(value: object, *, short: bool | None = None) -> HookSettings:
    """One hook; when `short` is None its members tell the form. Raises Invalid."""
    if not isinstance(value, Mapping):
        raise Invalid(f"expected an object, got {found(value)}")
    if short is None:
        short = "checks" not in value
    made: dict[str, Any] = {}
    checks: list[CheckSettings] = []
    errors: list[Invalid] = []
    for written, member in value.items():
        try:
            if written in _SPELLINGS:
                field, kind = MEMBERS[_SPELLINGS[written]]
                if field in made:
                    raise Invalid("stands twice, in two spellings", (written,))
                made[field] = _read(kind, member, written)
            elif not isinstance(written, str):
                raise Invalid(f"expected member names as text, got {found(written)}")
            elif written == "checks" and not short:
                made["checks"] = _checks(member)
            elif not is_remark(written):
                if not short:
                    raise UnknownMember(written, [*MEMBERS, "checks"])
                checks.append(_short_check(written, member))
        except Invalid as error:
            errors += error.parts
    if len(checks) > MAX_HOOKS:
        errors.append(Invalid(f"expected at most {MAX_HOOKS} checks, got {len(checks):,}"))
    if errors:
        raise Several(errors)
    if checks:
        made["checks"] = tuple(checks)
    return HookSettings(**made)


def _read(kind: Kind, value: object, name: str) -> Any:
    try:
        return kind(value)
    except Invalid as error:
        raise Several([part.below(name) for part in error.parts]) from None


def _short_check(written: str, value: object) -> CheckSettings:
    """A member of a short hook: the name of a check and its parameters, which may hold another name."""
    if not isinstance(value, Mapping) and did_you_mean(written, list(MEMBERS)):
        raise UnknownMember(written, list(MEMBERS))
    parameters = _read(Members(), value, written)
    try:
        named = {name: value for name, value in parameters.items() if name != "id"}
        return _check(parameters.get("id", written), named, (written,))
    except Invalid as error:
        raise error.below(written) from None


def _checks(value: object) -> tuple[CheckSettings, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_HOOKS:
        raise Invalid(f"expected a list of at most {MAX_HOOKS} checks, got {found(value)}", ("checks",))
    checks: list[CheckSettings] = []
    errors: list[Invalid] = []
    for index, entry in enumerate(value):
        try:
            checks.append(_long_check(entry, ("checks", index)))
        except Invalid as error:
            errors += [part.below(index).below("checks") for part in error.parts]
    if errors:
        raise Several(errors)
    return tuple(checks)


def _long_check(value: object, at: tuple[str | int, ...]) -> CheckSettings:
    members = _known(value, ("id", "parameters", "is_enabled", "isEnabled"))
    if "id" not in members:
        raise Invalid("missing; it is required here", ("id",))
    parameters = _read(Members(), members.get("parameters", {}), "parameters")
    for name in ("is_enabled", "isEnabled"):
        if name in members:
            parameters = {**parameters, "is_enabled": _read(Flag(), members[name], name)}
    return _check(members["id"], parameters, (*at, "parameters"))


def _check(name: object, parameters: Mapping[str, Any], at: tuple[str | int, ...]) -> CheckSettings:
    if not isinstance(name, str) or len(name) > 200 or not _CHECK_ID.fullmatch(name):
        raise Invalid(f"expected the id of a check such as default.contains, got {found(name)}")
    enabled = all(
        _read(Flag(), parameters[flag], flag) for flag in ("is_enabled", "isEnabled") if flag in parameters
    )
    kept = {key: value for key, value in parameters.items() if key not in ("is_enabled", "isEnabled")}
    return CheckSettings(name if "." in name else _DEFAULT_PLUGIN + name, kept, enabled, at)


def _known(value: object, names: tuple[str, ...]) -> Mapping[str, Any]:
    """An object that has no members but these, and remarks. Raises Invalid."""
    if not isinstance(value, Mapping):
        raise Invalid(f"expected an object, got {found(value)}")
    for written in value:
        if not isinstance(written, str):
            raise Invalid(f"expected member names as text, got {found(written)}")
        if written not in names and not is_remark(written):
            raise UnknownMember(written, names)
    return value
