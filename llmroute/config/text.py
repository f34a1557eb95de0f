"""From the JSON text of a config to plain values; a wrong text is told by its place, never quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import ConfigError, Problem
from .findings import MAX_SHOWN_DEPTH, path_text

MAX_TEXT = 2**20
#: More digits than this are no number of ours; from 4,301 on Python refuses to read them.
MAX_DIGITS = 400

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]', re.DOTALL)
_FILE_NAME = re.compile(r"[^\n{}\[\]\"]{1,300}\.(?:json5?|ya?ml|toml|txt)", re.IGNORECASE)


class _DuplicateError(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def read_text(source: str | bytes, root: str = "config") -> Any:
    """The value of a JSON text; one byte order mark before it is skipped.

    Raises ConfigError for anything else than one JSON value, for more than MAX_TEXT characters and
    for a member that stands twice in one object: two readers could see two different configs.
    """
    if len(source) > MAX_TEXT:
        raise _error(root, f"expected at most {MAX_TEXT:,} characters, got {len(source):,}")
    text = ""
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        return json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_constant,
            parse_int=_whole,
        )
    except _DuplicateError as error:
        at, problem = _path_of_duplicate(text, error.name), "the member stands twice in one object"
    except json.JSONDecodeError as error:
        at, problem = "", _not_json(text, error)
    except UnicodeDecodeError:
        at, problem = "", "expected a JSON object in UTF-8"
    except RecursionError:
        at, problem = _path_of_depth(text), "nested too deeply"
    # Outside of the except clauses: the errors hold the text, and with it keys.
    raise _error(root + at, problem)


def _error(path: str, message: str) -> ConfigError:
    return ConfigError([Problem(path, message)])


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    start = text.removeprefix("\ufeff").strip()
    if not start:
        return "expected a JSON object, got an empty text"
    if start.startswith("pc-"):
        return "a saved config's id needs the hosted service; send the config's JSON"
    if _FILE_NAME.fullmatch(start):
        return "expected a JSON object, got what looks like a file's name; read files with from_file"
    if start[0] not in '{["':
        return f"expected a JSON object, but the text begins at line {error.lineno} with something else"
    return f"expected a JSON object, but the text goes wrong at line {error.lineno}, column {error.colno}"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _DuplicateError(name)
            seen.add(name)
    return members


def _constant(name: str) -> float:
    # NaN and Infinity stay numbers: the member's own check refuses them and names its path.
    return float(name.replace("Infinity", "inf"))


def _whole(digits: str) -> float:
    # As a float it is infinite, so that the member's own check refuses it.
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


# -- paths, for the errors that the parser cannot place ----------------------------------------------


class _Frame:
    """An object or list that is open while the text is walked."""

    __slots__ = ("index", "is_object", "key", "seen")

    def __init__(self, is_object: bool) -> None:
        self.is_object = is_object
        self.index = 0
        self.key: str | None = None
        self.seen: set[str] = set()


Stack = list[_Frame]


def _positions(text: str) -> Iterator[tuple[Stack, str | None]]:
    """The open containers at each beginning of one (with None) and at each member's name."""
    stack: Stack = []
    expects_name = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "{[":
            stack.append(_Frame(token == "{"))
            expects_name = token == "{"
            yield stack, None
        elif token in "}]":
            if stack:
                stack.pop()
            expects_name = False
        elif token == ",":
            if stack:
                stack[-1].index += 1
                expects_name = stack[-1].is_object
        elif expects_name:
            expects_name = False
            name = _name(token)
            stack[-1].key = name
            yield stack, name
            stack[-1].seen.add(name)


def _name(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]


def _locate(text: str, stop: Callable[[Stack, str | None], bool]) -> str:
    for stack, name in _positions(text):
        if stop(stack, name):
            parts = [frame.key if frame.is_object else frame.index for frame in stack[:MAX_SHOWN_DEPTH]]
            return path_text([part for part in parts if part is not None])
    return ""


def _path_of_duplicate(text: str, name: str) -> str:
    return _locate(text, lambda stack, key: key == name and name in stack[-1].seen)


def _path_of_depth(text: str) -> str:
    return _locate(text, lambda stack, _: len(stack) > MAX_SHOWN_DEPTH)
