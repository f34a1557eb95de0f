"""The base of the result objects: one wire dict, read by attribute or by member.

A result object is a thin view. It keeps the dict it was made of and never modifies it: scalar
members are read from it, nested objects are built when they are first read, and the first change
gives the object a dict of its own. So an answer may be shared, by a cache for one, and unknown
members, nulls and malformed values come back from `to_dict()` as they arrived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import orjson

Build = Callable[[dict[str, Any]], Any]

#: The exact types that are JSON already and hold nothing else.
ATOMS: Final = frozenset({str, int, float, bool, type(None)})
#: Containers further down than this are shared, not copied: no depth may exhaust the stack.
MAX_DEPTH: Final = 250

MAX_REPR = 1_000
MAX_REPR_TEXT = 80
MAX_REPR_ITEMS = 3
MAX_REPR_LEVEL = 8

_new = object.__new__


class TypedList(list[Any]):
    """A list of a result object: its dicts have been turned into objects already."""

    __slots__ = ()

    @classmethod
    def of(cls, values: list[Any], build: Build) -> TypedList:
        """The dicts of `values` built, anything else as it is."""
        return cls([build(value) if type(value) is dict else value for value in values])


class _Member:
    """The declaration of a member in a class body; WireObject puts a property in its place."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[str], property]) -> None:
        self.make = make


def member(build: Build | None = None, *, otherwise: str | None = None) -> Any:
    """Declare a member. `build` makes an object of its dict; `otherwise` names a second spelling."""
    if build is not None:
        return _Member(lambda name: _object_property(name, build))
    if otherwise is not None:
        return _Member(lambda name: _either_property(name, otherwise))
    return _Member(_value_property)


def members(build: Build) -> Any:
    """Declare a member that is a list of objects, each made by `build`."""
    return _Member(lambda name: _list_property(name, build))


def _value_property(name: str) -> property:
    def read(self: WireObject) -> Any:
        return self._data.get(name)

    return property(read, _writer(name))


def _either_property(name: str, otherwise: str) -> property:
    def read(self: WireObject) -> Any:
        value = self._data.get(name)
        return self._data.get(otherwise) if value is None else value

    return property(read, _writer(name))


def _object_property(name: str, build: Build) -> property:
    def read(self: WireObject) -> Any:
        value = self._data.get(name)
        if type(value) is dict:
            value = build(value)
            self._data = {**self._data, name: value}
        return value

    return property(read, _writer(name))


def _list_property(name: str, build: Build) -> property:
    def read(self: WireObject) -> Any:
        value = self._data.get(name)
        if type(value) is list:
            value = TypedList.of(value, build)
            self._data = {**self._data, name: value}
        return value

    return property(read, _writer(name))


def _writer(name: str) -> Callable[[WireObject, Any], None]:
    def write(self: WireObject, value: Any) -> None:
        self._data = {**self._data, name: value}

    return write


class WireObject:
    """Attributes and members of one JSON object of an answer.

    `obj.name` reads a documented member, None where it is absent, and any other member that is
    there; `obj["name"]`, `obj.get`, `in` and iteration see the members that are there. Assigning
    to a documented attribute or to any `obj["name"]` changes this object, never the dict it was
    made of; other attributes are refused with AttributeError. A value of an unexpected type is
    handed out as it arrived. Two objects of one class are equal when their JSON is; an object
    also equals a dict with the same JSON. Copies share nothing.
    """

    if not TYPE_CHECKING:
        # Hidden, because a type checker that knows the slots refuses to assign to the members.
        __slots__ = ("_data",)

    #: The documented members.
    _members: ClassVar[frozenset[str]] = frozenset()
    #: The one member that is built at once and lives in a slot, because nearly every reader wants it.
    _eager: ClassVar[str | None] = None

    _data: dict[str, Any]

    def __init_subclass__(cls) -> None:
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, _Member)}
        for name, declaration in declared.items():
            setattr(cls, name, declaration.make(name))
        cls._members = cls._members.union(declared, () if cls._eager is None else (cls._eager,))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The object of a wire dict, which is kept and not modified."""
        self = _new(cls)
        self._adopt(data)
        return self

    def __init__(self, **members: Any) -> None:
        self._adopt(members)

    def _adopt(self, data: dict[str, Any]) -> None:
        self._data = data

    @property
    def extra(self) -> dict[str, Any]:
        """The members that are not documented, as a new dict."""
        known = self._members
        return {name: value for name, value in self._data.items() if name not in known}

    def to_dict(self) -> dict[str, Any]:
        """The wire JSON: the dict this was made of with the changes since, copied to the ground."""
        made: dict[str, Any] = copied(self._current())
        return made

    def to_json(self, indent: int | None = None) -> str:
        """The wire JSON as text, compact unless `indent` is given.

        Raises TypeError or ValueError when a value was assigned that JSON cannot carry.
        """
        return _json_text(self.to_dict(), indent)

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        exclude_none: bool = False,
        exclude_unset: bool = True,
        by_alias: bool | None = None,
        warnings: bool | str = True,
    ) -> dict[str, Any]:
        """`to_dict()` under pydantic's name; `include` and `exclude` name members of this object.

        `mode`, `exclude_unset`, `by_alias` and `warnings` are accepted and change nothing: there is
        one form, the wire's, and a member that did not arrive is not in it.
        """
        made = self.to_dict()
        if include is not None:
            made = {name: value for name, value in made.items() if name in include}
        if exclude is not None:
            made = {name: value for name, value in made.items() if name not in exclude}
        if exclude_none:
            made = _without_none(made)
        return made

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """`model_dump(**options)` as text, compact unless `indent` is given."""
        return _json_text(self.model_dump(**options), indent)

    def keys(self) -> KeysView[str]:
        """The names of the members that are there."""
        return self._current().keys()

    def items(self) -> list[tuple[str, Any]]:
        """The members that are there, nested ones as objects."""
        return [(name, self[name]) for name in self.keys()]

    def get(self, name: str, default: Any = None) -> Any:
        """The member, or `default` where it is absent."""
        try:
            return self[name]
        except KeyError:
            return default

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return getattr(self, name) if name in self._members else self._data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._members:
            setattr(self, name, value)
        else:
            self._data = {**self._data, name: value}

    def __contains__(self, name: object) -> bool:
        return name in self._data or (name in self._members and name in self._current())

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def _eager_value(self) -> Any:
        return None if self._eager is None else getattr(self, self._eager)

    def _current(self) -> dict[str, Any]:
        """The kept dict with the eager member as it is now. Not to be modified."""
        value = self._eager_value()
        if self._eager is None or (value is None and self._eager not in self._data):
            return self._data
        return {**self._data, self._eager: value}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A member that is not documented, where it is there."""
            if name[:1] != "_" and name in self._data:
                return self._data[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is type(self):
            return self._current() == other._current()
        if type(other) is dict:
            return self._current() == other
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change, like the dict it stands for

    def __repr__(self) -> str:
        return _cut(_shown(self, 0), MAX_REPR)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(),)


def copied(value: Any, depth: int = 0) -> Any:
    """A deep copy of a JSON value in which every result object has become its wire dict.

    Objects of others are recognised by `to_dict` (the openai package) or `model_dump` (pydantic);
    mappings become dicts, sequences of the usual kinds lists; anything else stays as it is.
    """
    kind = type(value)
    if kind in ATOMS or depth > MAX_DEPTH:
        return value
    if kind is dict:
        return {k: v if type(v) in ATOMS else copied(v, depth + 1) for k, v in value.items()}
    if kind is list:
        return [v if type(v) in ATOMS else copied(v, depth + 1) for v in value]
    made = value._current() if isinstance(value, WireObject) else _unwrapped(value)
    return value if made is value else copied(made, depth + 1)


def _unwrapped(value: Any) -> Any:
    """A foreign object as a dict or list, or itself where it is neither nor can be made one."""
    made = value
    if isinstance(value, type):
        # A pydantic class, as in response_format, has the methods but is not a value.
        return value
    elif callable(method := getattr(value, "to_dict", None)):
        made = method()
    elif callable(method := getattr(value, "model_dump", None)):
        # Other libraries' models hold null for what was never sent; upstreams refuse such members.
        made = method(mode="json", exclude_none=True)
    elif isinstance(value, Mapping):
        made = dict(value)
    elif isinstance(value, (list, tuple)):
        made = list(value)
    return made if isinstance(made, (dict, list)) else value


def _without_none(value: Any, depth: int = 0) -> Any:
    """`value` without the null members of its dicts; null list items stay."""
    if depth > MAX_DEPTH:
        return value
    if type(value) is dict:
        return {k: _without_none(v, depth + 1) for k, v in value.items() if v is not None}
    if type(value) is list:
        return [_without_none(v, depth + 1) for v in value]
    return value


def _json_text(value: Any, indent: int | None) -> str:
    if indent is None or indent == 2:
        try:
            return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
        except TypeError:
            pass  # a lone surrogate, an integer over 64 bits: legal JSON that orjson refuses
    try:
        separators = (",", ":") if indent is None else None
        return json.dumps(value, indent=indent, separators=separators, allow_nan=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _shown(value: Any, level: int) -> str:
    """A short text for `value`: long texts and lists cut, dicts only counted."""
    if isinstance(value, WireObject):
        return _shown_object(value, level)
    if isinstance(value, str):
        return repr(value) if len(value) <= MAX_REPR_TEXT else f"{value[:MAX_REPR_TEXT]!r}..."
    if isinstance(value, list):
        if level > MAX_REPR_LEVEL:
            return "[...]"
        shown = [_shown(item, level + 1) for item in value[:MAX_REPR_ITEMS]]
        hidden = len(value) - len(shown)
        return f"[{', '.join(shown)}{f', ... {hidden} more' if hidden else ''}]"
    if isinstance(value, dict):
        return f"{{... {len(value)} members}}" if value else "{}"
    return _cut(repr(value), MAX_REPR_TEXT)


def _shown_object(value: WireObject, level: int) -> str:
    name = type(value).__name__
    if level > MAX_REPR_LEVEL:
        return f"{name}(...)"
    shown: list[str] = []
    room = MAX_REPR
    for key in value:
        if room <= 0:
            shown.append("...")
            break
        item = value[key]
        if item is not None:
            shown.append(f"{_cut(key, MAX_REPR_TEXT)}={_shown(item, level + 1)}")
            room -= len(shown[-1])
    return f"{name}({', '.join(shown)})"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
