"""Words and numbers as JavaScript has them, for checks whose rules were recorded from it."""

from __future__ import annotations

import re
from typing import Any, Final

from ...wire.json import dumps

#: WhiteSpace and LineTerminator of ECMA-262 12.2 and 12.3: what `trim()` takes away and `\s` matches.
WHITESPACE: Final = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_NOT_SPACE = re.compile(f"[^{WHITESPACE}]+")
#: What only Python's `str.split` takes for blanks.
_PYTHON_SPACE = ("\x1c", "\x1d", "\x1e", "\x1f")
#: Signs that words are not just one blank apart, beside two blanks.
_UNEVEN = ("\n", "\t", "\r", "\v", "\f")


def trim(text: str) -> str:
    """`text.trim()`."""
    return text.strip(WHITESPACE)


def count_words(text: str) -> int:
    """The number of runs without whitespace, in a text that was trimmed."""
    if not text.isascii():
        return sum(1 for _ in _NOT_SPACE.finditer(text))
    for sign in _UNEVEN:
        if sign in text:
            break
    else:
        if text.rfind("  ") < 0:  # from the end it is a quarter quicker
            return text.count(" ") + 1 if text else 0
    if any(char in text for char in _PYTHON_SPACE):
        return sum(1 for _ in _NOT_SPACE.finditer(text))
    return len(text.split())


def text_of(value: Any) -> str:
    """`String(value)` of null, a boolean, a number or a text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def json_of(value: Any) -> str:
    """`JSON.stringify(value)`, with numbers as JavaScript writes them."""
    return dumps(_whole(value)).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(entry) for key, entry in value.items()}
    return [_whole(entry) for entry in value] if isinstance(value, list) else value
