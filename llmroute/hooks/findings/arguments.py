"""Findings in the arguments of tool calls, which are JSON: a replacement must leave them JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from .spans import Finding

_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def readable(text: str) -> str:
    """The text with its escapes out of the way, place by place: letters as letters, the rest as blanks.

    Otherwise the `n` of a line end would be taken for the first letter of the word behind it.
    """
    return _ESCAPE.sub(_blank, text) if "\\" in text else text


def _blank(match: re.Match[str]) -> str:
    escape = match[0]
    letter = len(escape) == 6 and chr(int(escape[2:], 16)).isalnum()
    return ("x" if letter else " ") * len(escape)


def value_of(text: str) -> str:
    """What a part of a JSON string stands for."""
    try:
        return str(json.loads(f'"{text}"', strict=False)) if "\\" in text else text
    except ValueError:
        return text


def quoting(
    text: str, findings: Sequence[Finding], replacement: Callable[[str, str], str]
) -> Callable[[str, str], str]:
    """`replacement` for `spans.replaced`: in quotation marks where a number stood by itself."""
    strings = _STRING.finditer(text)
    string = next(strings, None)
    bare: list[bool] = []
    whole = _is_json(text)
    for finding in findings:
        while string is not None and string.end() <= finding.start:
            string = next(strings, None)
        bare.append(whole and (string is None or finding.start < string.start()))
    outside = iter(bare)

    def replace(kind: str, found: str) -> str:
        new = json.dumps(replacement(kind, value_of(found)), ensure_ascii=False)
        return new if next(outside) else new[1:-1]

    return replace


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True
