"""From a mapping or a JSON text to a ConfigNode: every problem at once, each with its path.

Stages: JSON text to plain values (duplicate members refused), bounds on depth and size, then cattrs
with strict hooks into the classes of `schema.py`. cattrs keeps going after an error and notes where
each one happened; `_problems` walks those notes into paths such as `config.targets[1].weight`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from ..errors import ConfigError, Problem
from .primitives import Invalid, did_you_mean, found
from .schema import LATER_MEMBERS, OPTIONS, REFUSED_MEMBERS, ConfigNode

#: Bounds that a hostile config meets before anything costly happens.
MAX_TEXT_BYTES = 4 * 2**20
MAX_NESTING = 160
MAX_VALUES = 400_000

Path = tuple[str | int, ...]


def parse(source: Mapping[str, Any] | str | bytes, *, unknown: str = "error", root: str = "config") -> Parsed:
    """Read one config. Raises ConfigError with every problem; `unknown="warn"` keeps near misses as warnings."""
    value = read_text(source, root) if isinstance(source, (str, bytes)) else source
    _check_bounds(value, root)
    try:
        return Parsed(converter().structure(value, ConfigNode))
    except (ClassValidationError, IterableValidationError, Invalid) as error:
        raw = list(_walk(error, ()))
    soft = [at for at, invalid in raw if invalid.unknown]
    if unknown == "warn" and len(soft) == len(raw):
        node = converter().structure(_without(value, soft), ConfigNode)
        return Parsed(node, tuple(_problem(at, invalid, root) for at, invalid in raw))
    raise ConfigError([_problem(at, invalid, root) for at, invalid in raw]) from None


@attrs.frozen
class Parsed:
    """A config as written, and what is odd about it."""

    node: ConfigNode
    warnings: tuple[Problem, ...] = ()


# -- text ----------------------------------------------------------------------------------------


class _Duplicate(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def read_text(source: str | bytes, root: str = "config") -> Any:
    """The value of a JSON text. Raises ConfigError; a member that stands twice is a problem."""
    if len(source) > MAX_TEXT_BYTES:
        raise ConfigError([Problem(root, f"expected at most {MAX_TEXT_BYTES} characters, got {len(source)}")])
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        return json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    except _Duplicate as error:
        where = _path_of_duplicate(text, error.name)
        raise ConfigError([Problem(f"{root}{where}", "the member stands twice in one object")]) from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise ConfigError([Problem(root, f"expected a JSON object, but the text breaks off at {at}")]) from None
    except RecursionError:
        raise ConfigError([Problem(root + _deep_path(text), "nested too deeply")]) from None
    except ValueError as error:
        raise ConfigError([Problem(root, f"expected a JSON object in UTF-8: {error}")]) from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Duplicate(name)
            seen.add(name)
    return members


def _no_constant(name: str) -> float:
    # Left as a float: the field's own check refuses it and names its path.
    return float(name.replace("Infinity", "inf"))


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Punctuation and strings of a JSON text, with their offsets."""
    position, size = 0, len(text)
    while position < size:
        char = text[position]
        if char == '"':
            start = position
            position += 1
            while position < size and text[position] != '"':
                position += 2 if text[position] == "\\" else 1
            yield text[start : position + 1], start
        elif char in "{}[],:":
            yield char, position
        position += 1


def _locate(text: str, stop: Callable[[list[Any], str | None], bool]) -> str:
    """The path at which `stop(stack, key just read)` first holds, walking the text without recursion."""
    stack: list[Any] = []
    expects_key = False
    for token, _ in _tokens(text):
        if token in "{[":
            stack.append({"kind": token, "key": None, "index": 0, "seen": set()})
            expects_key = token == "{"
            if stop(stack, None):
                break
        elif token in "}]":
            if stack:
                stack.pop()
        elif token == "," and stack:
            stack[-1]["index"] += 1
            expects_key = stack[-1]["kind"] == "{"
        elif token.startswith('"') and expects_key and stack:
            key = token[1:-1]
            stack[-1]["key"] = key
            expects_key = False
            if stop(stack, key):
                break
            stack[-1]["seen"].add(key)
    parts: list[str | int] = []
    for frame in stack:
        if frame["kind"] == "[":
            parts.append(frame["index"])
        elif frame["key"] is not None:
            parts.append(frame["key"])
    return path_text(parts)


def _path_of_duplicate(text: str, name: str) -> str:
    return _locate(text, lambda stack, key: key is not None and key == name and key in stack[-1]["seen"])


def _deep_path(text: str) -> str:
    where = _locate(text, lambda stack, key: len(stack) > MAX_NESTING)
    return where if len(where) < 400 else where[:400] + "..."


# -- bounds --------------------------------------------------------------------------------------


def _check_bounds(value: object, root: str) -> None:
    """Refuse, without recursion, what is nested too deeply, contains itself or holds too many values."""
    pending: list[tuple[object, Path]] = [(value, ())]
    total = 0
    while pending:
        current, path = pending.pop()
        children: Sequence[tuple[str | int, object]]
        if isinstance(current, Mapping):
            children = [(str(name), child) for name, child in current.items()]
        elif isinstance(current, (list, tuple)):
            children = list(enumerate(current))
        else:
            continue
        total += len(children)
        if len(path) >= MAX_NESTING:
            where = path_text(path[:12])
            raise ConfigError([Problem(root + where, f"nested more than {MAX_NESTING} levels deep")])
        if total > MAX_VALUES:
            raise ConfigError([Problem(root, f"expected at most {MAX_VALUES} values in all")])
        pending += [
            (child, (*path, name)) for name, child in children if isinstance(child, (Mapping, list, tuple))
        ]


# -- structuring ---------------------------------------------------------------------------------


@cache
def converter() -> cattrs.Converter:
    """The one converter for configs. Its default hooks would turn 5 into "5"; these refuse instead."""
    made = cattrs.Converter(detailed_validation=True, forbid_extra_keys=False)
    made.register_structure_hook_factory(_is_annotated, lambda kind: _kind_hook(get_args(kind)[1]))
    made.register_structure_hook_factory(_is_optional, lambda kind: _optional_hook(made, kind))
    made.register_structure_hook_factory(
        lambda kind: get_origin(kind) is tuple, lambda kind: _list_hook(made, kind)
    )
    made.register_structure_hook_factory(attrs.has, lambda kind: _class_hook(made, kind))
    return made


def _is_annotated(kind: Any) -> bool:
    return get_origin(kind) is Annotated


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and type(None) in get_args(kind)


Hook = Callable[[Any, Any], Any]


def _kind_hook(kind: Callable[[object], Any]) -> Hook:
    return lambda value, _: kind(value)


def _optional_hook(made: cattrs.Converter, kind: Any) -> Hook:
    # A member may be absent, but where it stands it has a value: null is refused like any wrong kind.
    inner = next(arg for arg in get_args(kind) if arg is not type(None))
    return lambda value, _: made.structure(value, inner)


def _list_hook(made: cattrs.Converter, kind: Any) -> Hook:
    inner = get_args(kind)[0]

    def structure(value: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise Invalid(f"expected a list, got {found(value)}")
        if len(value) > 10_000:
            raise Invalid(f"expected at most 10000 entries, got {len(value)}")
        hook = made.get_structure_hook(inner)
        entries, errors = [], []
        for index, entry in enumerate(value):
            try:
                entries.append(hook(entry, inner))
            except Exception as error:
                error.__notes__ = [IterableValidationNote(f"at {index}", index, inner)]
                errors.append(error)
        if errors:
            raise IterableValidationError("list", errors, kind)
        return tuple(entries)

    return structure


def snake_to_camel(name: str) -> str:
    """`on_status_codes` -> `onStatusCodes`."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _class_hook(made: cattrs.Converter, kind: type[Any]) -> Hook:
    attrs.resolve_types(kind)
    fields = [field.name for field in attrs.fields(kind) if not field.metadata.get("gathered")]
    takes_options = len(fields) < len(attrs.fields(kind))
    known = {**dict.fromkeys(fields), **(dict.fromkeys(OPTIONS) if takes_options else {})}
    spellings = {snake_to_camel(name): name for name in known} | {name: name for name in known}
    refusals = _refusals(kind.__name__)
    skip = {"options": override(omit=True)} if takes_options else {}
    inner = make_dict_structure_fn(kind, made, _cattrs_detailed_validation=True, **skip)  # type: ignore[arg-type]

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Invalid(f"expected an object, got {found(value)}")
        members: dict[str, Any] = {}
        errors: list[Exception] = []
        for written, member in value.items():
            name = spellings.get(written) if isinstance(written, str) else None
            if name is None:
                _unknown_member(written, member, spellings, refusals, errors)
            elif name in members:
                errors.append(Invalid(f"stands twice, as {written!r} and in another spelling", (name,)))
            else:
                members[name] = member
        options = _options(members, errors) if takes_options else None
        try:
            node = inner(members, kind)
        except ClassValidationError as group:
            raise ClassValidationError("object", [*group.exceptions, *errors], kind) from None
        if errors:
            raise ClassValidationError("object", errors, kind)
        return attrs.evolve(node, options=options) if options else node

    return structure


def _refusals(class_name: str) -> Mapping[str, str]:
    later = dict.fromkeys(LATER_MEMBERS[class_name], "not supported yet; remove it")
    refused = REFUSED_MEMBERS if class_name == "ConfigNode" else {}
    both = {**later, **refused}
    return both | {snake_to_camel(name): text for name, text in both.items()}


def _unknown_member(
    written: object,
    member: object,
    spellings: Mapping[str, str],
    refusals: Mapping[str, str],
    errors: list[Exception],
) -> None:
    if not isinstance(written, str):
        errors.append(Invalid(f"expected member names as text, got {found(written)}"))
    elif written in refusals:
        reason = refusals[written]
        errors.extend(_entry_problems(written, member))
        errors.append(Invalid(reason, (written,)))
    elif written == "$schema" or (written.startswith("_") and not written.startswith("__")):
        return
    else:
        shown = written if len(written) <= 60 else written[:57] + "..."
        hint = did_you_mean(written, list(spellings))
        errors.append(Invalid(f"unknown member{hint}", (shown,), unknown=True))


def _entry_problems(written: str, member: object) -> list[Exception]:
    """A misplaced list of statuses is also checked entry by entry, so that one look mends both."""
    if written not in ("on_status_codes", "onStatusCodes") or not isinstance(member, list):
        return []
    return [
        Invalid(f"expected a whole number from 100 to 599, got {found(entry)}", (written, index))
        for index, entry in enumerate(member[:100])
        if isinstance(entry, bool) or not isinstance(entry, int) or not 100 <= entry <= 599
    ]


def _options(members: dict[str, Any], errors: list[Exception]) -> dict[str, Any]:
    gathered: dict[str, Any] = {}
    for name in [name for name in members if name in OPTIONS]:
        try:
            gathered[name] = OPTIONS[name](members.pop(name))
        except Invalid as error:
            errors.append(Invalid(error.message, (name, *error.at)))
    return gathered


# -- problems ------------------------------------------------------------------------------------


def _walk(error: BaseException, path: Path) -> Iterator[tuple[Path, Invalid]]:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            path = (*path, note.name)
        elif isinstance(note, IterableValidationNote):
            path = (*path, note.index)
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        for child in error.exceptions:
            yield from _walk(child, path)
    elif isinstance(error, Invalid):
        yield (*path, *error.at), error
    elif isinstance(error, KeyError):
        # cattrs reports a required member that is absent as the KeyError of its name.
        yield path, Invalid("missing; it is required here")
    else:
        raise error


def _problem(path: Path, invalid: Invalid, root: str) -> Problem:
    return Problem(root + path_text(path), invalid.message)


def path_text(parts: Sequence[str | int]) -> str:
    """`.targets[1].weight`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _without(value: Any, paths: Sequence[Path]) -> Any:
    """A copy of `value` that lacks the members at `paths`."""
    drop = {path[0] for path in paths if len(path) == 1}
    deeper: dict[str | int, list[Path]] = {}
    for path in paths:
        if len(path) > 1:
            deeper.setdefault(path[0], []).append(path[1:])
    if isinstance(value, Mapping):
        return {
            name: _without(child, deeper[key]) if (key := _canonical(name)) in deeper else child
            for name, child in value.items()
            if name not in drop
        }
    if isinstance(value, (list, tuple)):
        return [_without(child, deeper[i]) if i in deeper else child for i, child in enumerate(value)]
    return value


def _canonical(name: Any) -> Any:
    if not isinstance(name, str):
        return name
    return "".join("_" + char.lower() if char.isupper() else char for char in name)
