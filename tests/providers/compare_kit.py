"""What is missing of an expected document."""

from __future__ import annotations

import re
from typing import Any

_GENERATED = re.compile(r"<[a-z]+>")


def differences(expected: Any, actual: Any, path: str = "$", *, exact: bool = False) -> list[str]:
    """What of `expected` is not in `actual`; null is as good as absent, a count of 0 too.

    With `exact`, members of objects that are not expected count as well. "<text>" stands for any
    text, "<contains>X" for one with X in it, other such words for anything.
    """
    if isinstance(expected, str) and expected.startswith("<contains>"):
        found = isinstance(actual, str) and expected.removeprefix("<contains>") in actual
        return [] if found else [f"{path}: {expected}, got {actual!r}"]
    if expected == "<text>":
        return [] if isinstance(actual, str) and actual else [f"{path}: no text but {actual!r}"]
    if isinstance(expected, str) and _GENERATED.fullmatch(expected):
        return []
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = [name for name, value in expected.items() if value is not None or name in actual]
        found = [
            each
            for name in names
            if name in actual or expected[name] != 0
            for each in differences(expected[name], actual.get(name), f"{path}.{name}", exact=exact)
        ]
        return found + [f"{path}.{name}: unexpected" for name in actual if exact and name not in expected]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return [d for i, (e, a) in pairs for d in differences(e, a, f"{path}[{i}]", exact=exact)]
    same = type(expected) is type(actual) or not isinstance(expected, bool)
    return [] if same and expected == actual else [f"{path}: {expected!r}, got {actual!r}"]
