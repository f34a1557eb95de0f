"""From the JSON text of a config to plain values; a wrong text is told by its place, never quoted."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import ConfigError, Problem
from .findings import MAX_PROBLEMS, MAX_SHOWN_DEPTH, path_text

#: Characters of a config, and of one in a request's header.
MAX_TEXT, MAX_HEADER_TEXT = 2**20, 2**18
#: More digits than this are no number of ours; from 4,301 on Python refuses to read them.
MAX_DIGITS = 400

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]', re.DOTALL)
_FILE_NAME = re.compile(r"[^\n{}\[\]\"]{1,300}\.(?:json5?|ya?ml|toml|txt)", re.IGNORECASE)


class _Repeated(dict[str, Any]):
    """An object in which the member `name` stands twice."""

    name = ""


def read_text(source: str | bytes, root: str = "config", limit: int = MAX_TEXT) -> Any:
    """The value of a JSON text; one byte order mark before it is skipped.

    Raises ConfigError for anything else than one JSON value, for more than `limit` characters and for
    every member that stands twice in one object: two readers could see two different configs.
    """
    if len(source) > limit:
        raise _error(root, f"expected at most {limit:,} characters, got {len(source):,}")
    text, at = "", ""
    repeated: list[_Repeated] = []

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        return members if len(members) == len(pairs) else _marked(members, pairs, repeated)

    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        value = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=read,
            parse_constant=_constant,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        problem = _not_json(text, error)
    except UnicodeDecodeError:
        problem = "expected a JSON object in UTF-8"
    except RecursionError:
        at, problem = _path_of_depth(text), "nested too deeply"
    else:
        if repeated:
            raise ConfigError(_repetitions(value, root))
        return value
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


def _marked(
    members: dict[str, Any], pairs: list[tuple[str, Any]], repeated: list[_Repeated]
) -> dict[str, Any]:
    marked = _Repeated(members)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            marked.name = name
            break
        seen.add(name)
    repeated.append(marked)
    return marked


def _repetitions(value: Any, root: str) -> list[Problem]:
    """A problem for each marked object that was not itself replaced by a repetition."""
    problems: list[Problem] = []
    pending: list[tuple[Any, tuple[Any, ...]]] = [(value, ())]
    while pending and len(problems) < MAX_PROBLEMS:
        current, path = pending.pop()
        if isinstance(current, _Repeated):
            where = root + path_text((*path, current.name))
            problems.append(Problem(where, "the member stands twice in one object"))
        children = current.items() if isinstance(current, dict) else enumerate(current)
        pending += [(child, (*path, key)) for key, child in children if isinstance(child, (dict, list))]
    return problems[::-1] or [Problem(root, "a member stands twice in one object")]


def _constant(name: str) -> float:
    # NaN and Infinity stay numbers: the member's own check refuses them and names its path.
    return float(name.replace("Infinity", "inf"))


def _whole(digits: str) -> float:
    # As a float it is infinite, so that the member's own check refuses it.
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _path_of_depth(text: str) -> str:
    """Where the nesting begins, read without recursion from a text that is nested too deeply."""
    path: list[str | int] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "[":
            path.append(0)
        elif token == "{":
            path.append("")
        elif token in "]}":
            path[-1:] = []
        elif token == "," and path:
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else ""
        elif path and path[-1] == "":
            path[-1] = _name(token)
        if len(path) > MAX_SHOWN_DEPTH:
            break
    return path_text([part for part in path[:MAX_SHOWN_DEPTH] if part != ""])


def _name(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]
