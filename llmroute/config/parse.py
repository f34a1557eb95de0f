"""From a mapping or a JSON text to a ConfigNode: every problem at once, each with its path.

Stages: JSON text to plain values (`text.py`), bounds on depth and size (`bounds.py`), then cattrs with
strict hooks into the classes of `schema.py`. A hook looks at all there is below it before it gives
up, and then raises everything that it found, with paths that start at its own value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin

import attrs
import cattrs

from ..errors import Problem
from .bounds import check_bounds
from .findings import MAX_PROBLEMS, Findings, path_text
from .primitives import Invalid, Several, UnknownMember, found, is_remark
from .schema import (
    FOREIGN_WORDS,
    LATER_MEMBERS,
    MISPLACED_MEMBERS,
    OPTIONS,
    REFUSED_MEMBERS,
    ConfigNode,
)
from .text import read_text

MAX_ENTRIES: Final = 10_000
#: How often a wrong config is cut down to what can be looked at further.
_SALVAGES: Final = 4

Path = tuple[str | int, ...]
Hook = Callable[[Any, Any], Any]


@attrs.frozen
class Parsed:
    """A config as written, and what is odd about it."""

    node: ConfigNode
    warnings: tuple[Problem, ...] = ()


def parse(source: Mapping[str, Any] | str | bytes, *, unknown: str = "error", root: str = "config") -> Parsed:
    """Read one config. Raises ConfigError with every problem.

    With `unknown="warn"` members that the language does not have are warnings, if nothing else is wrong.
    """
    value = read_text(source, root) if isinstance(source, (str, bytes)) else source
    check_bounds(value, root)
    try:
        return Parsed(_structured(value))
    except Invalid as error:
        parts = error.parts
    findings = _findings(parts, root)
    if unknown != "warn" or not all(part.unknown for part in parts):
        raise findings.error()
    return Parsed(_structured(_without(value, [part.at for part in parts])), tuple(findings.problems))


def salvage(source: Mapping[str, Any] | str | bytes) -> tuple[ConfigNode, tuple[str, ...]] | None:
    """What a wrong config still says, and the paths of what is left out; None when too little is left.

    For looking on behind the first problems. Raises ConfigError for what is no config at all.
    """
    value = read_text(source) if isinstance(source, (str, bytes)) else source
    check_bounds(value, "config")
    gone: set[Path] = set()
    for _ in range(_SALVAGES):
        try:
            node = _structured(_without(value, list(gone)))
        except Invalid as error:
            # A member that is gone and now missing takes what needs it along.
            gone |= {part.at[:-1] if part.at in gone else part.at for part in error.parts}
        else:
            return node, tuple("config" + path_text(path) for path in gone)
        if () in gone:
            break
    return None


def _structured(value: Any) -> ConfigNode:
    return cast(ConfigNode, converter().get_structure_hook(ConfigNode)(value, ConfigNode))


def _findings(parts: Sequence[Invalid], root: str) -> Findings:
    findings = Findings()
    for part in parts:
        findings.report(root + path_text(part.at), part.message + _hint(part, findings))
    return findings


def _hint(part: Invalid, findings: Findings) -> str:
    if not isinstance(part, UnknownMember):
        return ""
    meant = FOREIGN_WORDS.get(part.name.lower())
    if meant is not None and meant.partition(".")[0] in part.known:
        return f", did you mean {meant!r}?"
    spelled = "" if part.name.isprintable() else f" (spelled {part.name[:60]!a})"
    return spelled + findings.hint(part.name, part.known)


def _without(value: Any, paths: Sequence[Path]) -> Any:
    """A copy of `value` that lacks the members at `paths`."""
    drop = {path[0] for path in paths if len(path) == 1}
    deeper: dict[str | int, list[Path]] = {}
    for path in paths:
        if len(path) > 1:
            deeper.setdefault(path[0], []).append(path[1:])
    if isinstance(value, Mapping):
        kept = {name: child for name, child in value.items() if name not in drop}
        return {name: _without(child, deeper.get(name, ())) for name, child in kept.items()}
    if isinstance(value, (list, tuple)) and deeper:
        return [_without(child, deeper.get(index, ())) for index, child in enumerate(value)]
    return value


# -- hooks -------------------------------------------------------------------------------------------


@cache
def converter() -> cattrs.Converter:
    """The one converter for configs. Its default hooks would turn 5 into "5"; these refuse instead."""
    made = cattrs.Converter()
    made.register_structure_hook_factory(_is_annotated, lambda kind: _kind_hook(get_args(kind)[1]))
    made.register_structure_hook_factory(_is_list, lambda kind: _list_hook(made, get_args(kind)[0]))
    made.register_structure_hook_factory(attrs.has, lambda kind: _class_hook(made, kind))
    return made


def _is_annotated(kind: Any) -> bool:
    return get_origin(kind) is Annotated


def _is_list(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def required_type(kind: Any) -> Any:
    """The type without None: a member may be absent, but null is refused like any wrong kind."""
    if get_origin(kind) in (Union, UnionType):
        return next(arg for arg in get_args(kind) if arg is not type(None))
    return kind


def _kind_hook(kind: Callable[[object], Any]) -> Hook:
    return lambda value, _: kind(value)


def _list_hook(made: cattrs.Converter, inner: Any) -> Hook:
    read = _read(made, inner)

    def structure(value: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise Invalid(f"expected a list, got {found(value)}")
        if len(value) > MAX_ENTRIES:
            raise Invalid(f"expected at most {MAX_ENTRIES:,} entries, got {len(value):,}")
        entries: list[Any] = []
        errors: list[Invalid] = []
        for index, entry in enumerate(value):
            try:
                entries.append(read(entry))
            except Invalid as error:
                errors += [part.below(index) for part in error.parts]
                if len(errors) >= MAX_PROBLEMS:
                    break
        if errors:
            raise Several(errors)
        return tuple(entries)

    return structure


def _class_hook(made: cattrs.Converter, kind: type[Any]) -> Hook:
    readers = _readers(made, kind)
    required = [field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    refusals = _refusals(kind.__name__)
    make = _maker(kind)

    def structure(value: Any, _: Any) -> Any:
        if type(value) is not dict and not isinstance(value, Mapping):
            raise Invalid(f"expected an object, got {found(value)}")
        given: dict[str, Any] = {}
        has_options = False
        errors: list[Invalid] = []
        for written, member in value.items():
            reader = readers.get(written)
            if reader is None:
                errors += _foreign(written, member, refusals, readers)
            else:
                name, read, is_option = reader
                has_options = has_options or is_option
                try:
                    if name in given:
                        raise Invalid("stands twice, in two spellings")
                    given[name] = read(member)
                except Invalid as error:
                    errors += [part.below(written) for part in error.parts]
            if len(errors) >= MAX_PROBLEMS:
                break
        if required:
            errors += _missing(required, given, value)
        if errors:
            raise Several(errors)
        return make(_with_options(given) if has_options else given)

    return structure


def _maker(kind: type[Any]) -> Callable[[dict[str, Any]], Any]:
    """Makes an object of an attrs class from checked members."""
    if "__slots__" in vars(kind):
        return lambda given: kind(**given)
    defaults = {field.name: field.default for field in attrs.fields(kind)}

    def make(given: dict[str, Any]) -> Any:
        # What attrs' own __init__ does member by member, at a quarter of its cost.
        made = object.__new__(kind)
        members = vars(made)
        members.update(defaults)
        members.update(given)
        return made

    return make


def _with_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The provider's members gathered in one."""
    options = {name: value for name, value in given.items() if name in OPTIONS}
    return {**{name: value for name, value in given.items() if name not in OPTIONS}, "options": options}


def snake_to_camel(name: str) -> str:
    """`on_status_codes` -> `onStatusCodes`."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


Reader = tuple[str, Callable[[Any], Any], bool]


def _readers(made: cattrs.Converter, kind: type[Any]) -> dict[Any, Reader]:
    """How each member is read, by every spelling: its name, its check, whether it is an option."""
    attrs.resolve_types(kind)
    readers: dict[str, Reader] = {}
    for field in attrs.fields(kind):
        if field.metadata.get("gathered"):
            readers |= {name: (name, check, True) for name, check in OPTIONS.items()}
        else:
            readers[field.name] = (field.name, _read(made, required_type(field.type)), False)
    return {snake_to_camel(name): reader for name, reader in readers.items()} | readers


def _read(made: cattrs.Converter, kind: Any) -> Callable[[Any], Any]:
    if _is_annotated(kind):
        # The kind itself, without a detour: a thousand targets have several thousand members.
        return cast(Callable[[Any], Any], get_args(kind)[1])
    # Looked up at use: a class that refers to itself has no hook yet when this is made.
    return lambda value: made.get_structure_hook(kind)(value, kind)


def _missing(required: Sequence[str], members: Mapping[str, Any], value: Mapping[Any, Any]) -> list[Invalid]:
    return [
        Invalid("missing; it is required here", (name,))
        for name in required
        if name not in members and name not in value and snake_to_camel(name) not in value
    ]


# -- members that are not read -------------------------------------------------------------------------


def _refusals(class_name: str) -> Mapping[str, str]:
    later = dict.fromkeys(LATER_MEMBERS[class_name], "not supported yet; remove it")
    both = {**later, **(REFUSED_MEMBERS if class_name == "ConfigNode" else {})}
    return both | {snake_to_camel(name): text for name, text in both.items()}


def _foreign(
    written: object, member: object, refusals: Mapping[str, str], known: Mapping[Any, Reader]
) -> list[Invalid]:
    """What is wrong with a member that no reader takes; remarks (`$schema`, `_...`) are skipped."""
    if not isinstance(written, str):
        return [Invalid(f"expected member names as text, got {found(written)}")]
    if written in refusals:
        return [Invalid(refusals[written], (written,)), *_entry_problems(written, member)]
    if is_remark(written):
        return []
    return [UnknownMember(written, list(known))]


def _entry_problems(written: str, member: object) -> list[Invalid]:
    """A misplaced member is also checked entry by entry, so that one look mends both."""
    kind = _MISPLACED.get(written)
    entries: list[tuple[Any, object]] = []
    if isinstance(member, Mapping):
        entries = list(member.items())
    elif isinstance(member, (list, tuple)):
        entries = list(enumerate(member))
    problems: list[Invalid] = []
    for key, entry in entries[:MAX_PROBLEMS]:
        try:
            if kind is not None:
                kind(entry)
        except Invalid as error:
            problems.append(error.below(key).below(written))
    return problems


_MISPLACED = MISPLACED_MEMBERS | {snake_to_camel(name): kind for name, kind in MISPLACED_MEMBERS.items()}
