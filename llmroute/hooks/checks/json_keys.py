"""Looks for keys in the JSON of the text.

Parameters: `keys`, `operator` "any", "all" or "none"; `method`:
"spans" (recorded: fences and shortest brace spans, top-level keys, the first value that satisfies wins),
"scan" (the whole text or every value in it, paths such as `user.name` or `items.0`; "none" means in no value
and passes where there is no JSON).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript, json_text, reading
from ..support.report import excerpt, nothing, undecided

#: Longer texts are not searched.
MAX_TEXT: Final = 1_000_000
#: Values times keys.
MAX_WORK: Final = 1_000_000


def build(parameters: Parameters, services: Services) -> Check:
    """Empty text is nothing to judge."""
    given = reading.scalars(parameters, "keys", (str, int, float), "text", limit=1_000)
    operator = parameters.choice("operator", ("any", "all", "none"))
    method = parameters.choice("method", ("spans", "scan"), "spans")
    parameters.done()
    if parameters.raw("keys") in (None, []):
        parameters.problem("keys", "expected a list of at least one key")
    keys = list(given or ())
    judge = _Judge(keys, [javascript.text_of(key) for key in keys], operator, paths=method == "scan")
    named = {"operator": operator, "requiredKeys": keys}

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing(named)
        if len(text) > MAX_TEXT:
            return undecided(f"The text has more than {MAX_TEXT:,} characters.", named)
        quoted = {"textExcerpt": excerpt(text)}
        try:
            values = json_text.scan(text) if method == "scan" else _spans(text)
        except json_text.TooTangledError:
            return undecided("The text has too many brackets.", {**named, **quoted})
        if len(values) * len(keys) > MAX_WORK:
            return undecided("There is too much JSON in the text.", {**named, **quoted})
        if not values and method == "spans":
            data = {
                "explanation": "There is no JSON in the text.",
                "requiredKeys": keys,
                "operator": operator,
            }
            return Verdict(False, {**data, **quoted})
        try:
            best = judge.every(values) if method == "scan" else judge.first(values)
        except TypeError:
            return undecided("A value is null, which has no keys.", {**named, **quoted})
        return Verdict(best.passed, {**best.report(), "operator": operator, **quoted})

    return check


def _spans(text: str) -> list[Any]:
    """What stands at the recorded places, parsed or NOT_JSON."""
    return [json_text.parse(part) for part in (*json_text.fenced(text), *json_text.braced(text))]


@attrs.frozen
class _Match:
    value: Any
    present: Sequence[Any]
    missing: Sequence[Any]
    passed: bool

    def report(self) -> dict[str, Any]:
        return {
            "matchedJson": self.value,
            "verdict": self.passed,
            "explanation": f"{len(self.present)} of {len(self.present) + len(self.missing)} keys were found.",
            "presentKeys": list(self.present),
            "missingKeys": list(self.missing),
        }


@attrs.frozen
class _Judge:
    keys: Sequence[Any]
    names: Sequence[str]
    operator: str
    paths: bool

    def first(self, values: Sequence[Any]) -> _Match:
        """The first value that satisfies the operator, else the one with the most keys. Raises TypeError."""
        best = _Match(None, (), self.keys, False)
        for value in values:
            if value is json_text.NOT_JSON:
                continue
            match = self._of(value)
            if match.passed:
                return match
            if len(match.present) > len(best.present):
                best = match
        return best

    def every(self, values: Sequence[Any]) -> _Match:
        """As `first`, but "none" asks every value, and none at all satisfies it."""
        matches = [self._of(value) for value in values if value is not None]
        best = max(matches, key=lambda match: (match.passed, len(match.present)), default=None)
        if self.operator != "none":
            return best or _Match(None, (), self.keys, False)
        worst = max(matches, key=lambda match: len(match.present), default=None)
        return worst or _Match(None, (), self.keys, True)

    def _of(self, value: Any) -> _Match:
        there = [_has(value, name) or (self.paths and _has_path(value, name)) for name in self.names]
        present = [key for key, is_there in zip(self.keys, there, strict=True) if is_there]
        missing = [key for key, is_there in zip(self.keys, there, strict=True) if not is_there]
        passed = {"any": bool(present), "all": not missing, "none": not present}[self.operator]
        return _Match(value, present, missing, passed)


def _has(value: Any, name: str) -> bool:
    """`value.hasOwnProperty(name)`: lists and texts have indexes and a length. Raises TypeError for null."""
    if value is None:
        raise TypeError("null has no properties")
    if isinstance(value, dict):
        return name in value
    return isinstance(value, (list, str)) and (name == "length" or _index(value, name) is not None)


def _index(value: list[Any] | str, name: str) -> int | None:
    plain = name.isascii() and name.isdigit() and len(name) < 10 and (name == "0" or name[0] != "0")
    return int(name) if plain and int(name) < len(value) else None


def _has_path(value: Any, path: str) -> bool:
    """Whether every step of a path with dots leads somewhere."""
    for name in path.split(".")[:100]:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and (index := _index(value, name)) is not None:
            value = value[index]
        else:
            return False
    return True
