"""JSON on the wire: orjson, and the standard library for the few texts that orjson refuses.

orjson refuses lone surrogates in both directions, a byte order mark when reading, and integers
over 64 bits and keys that are not text when writing. It reads an integer over 64 bits as a float,
as JavaScript does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import orjson

#: JSON nested deeper than this is refused, whatever the library in use would bear. It is what
#: orjson writes, so whatever could be read can be written again.
MAX_DEPTH = 254


class JSONError(ValueError):
    """Not JSON, or JSON that cannot be used: too deep, NaN, endless digits."""


def loads(data: bytes | str) -> Any:
    """Parse one JSON text; one byte order mark before it is skipped.

    Of duplicate members the last one counts. Raises JSONError for anything else than one complete
    JSON value, for NaN and infinities, and for nesting deeper than MAX_DEPTH. The error quotes
    nothing of the text.
    """
    try:
        value = orjson.loads(data)
    except (orjson.JSONDecodeError, RecursionError):
        pass
    else:
        if _may_be_deep(data):
            _check_depth(value)
        return value
    # Outside of the except clause: orjson's error holds the whole text.
    return _lenient_loads(data)


def _lenient_loads(data: bytes | str) -> Any:
    try:
        text = data.removeprefix("\ufeff") if isinstance(data, str) else data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        reason = "nested too deeply"
    except (JSONError, json.JSONDecodeError) as error:
        reason = str(error)
    except UnicodeDecodeError:
        reason = "not UTF-8 text"
    except ValueError:
        # The limit of int() on digits (sys.set_int_max_str_digits).
        reason = "number out of range"
    else:
        _check_depth(value)
        return value
    raise JSONError(reason)


def _refuse(name: str) -> float:
    raise JSONError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JSONError("number out of range")
    return value


def _may_be_deep(data: bytes | str) -> bool:
    """False when `data` is too short, or has too few brackets, to be nested deeper than MAX_DEPTH."""
    if len(data) <= 2 * MAX_DEPTH:
        return False
    if isinstance(data, str):
        return data.count("[") + data.count("{") > MAX_DEPTH
    return data.count(b"[") + data.count(b"{") > MAX_DEPTH


def _check_depth(value: Any) -> None:
    try:
        orjson.dumps(value)
        return
    except TypeError:
        pass
    # Too deep for orjson, or just something else it does not write.
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for child in _children(level) if isinstance(child, (dict, list, tuple))]
        if not level:
            return
    raise JSONError("nested too deeply")


def _children(level: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in level:
        if isinstance(item, dict):
            found.extend(item.values())
        elif isinstance(item, (list, tuple)):
            found.extend(item)
    return found


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Compact UTF-8 JSON. `default` turns foreign objects into plain ones; what it raises passes.

    Keys that are numbers, booleans or None become text as in the standard library. Raises
    JSONError for what JSON cannot carry: NaN and infinities, nesting deeper than MAX_DEPTH, values
    that hold themselves, objects unknown to `default`.
    """
    try:
        data = orjson.dumps(value, default)
    except TypeError:
        pass
    else:
        # orjson writes NaN as null.
        if b"null" in data and holds_nan(value):
            raise JSONError("NaN and infinities are not JSON")
        return data
    return _lenient_dumps(value, default)


def dumps_parsed(value: Any) -> bytes:
    """`dumps` for what came out of `loads` and so cannot hold NaN: it is not looked for."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    return _lenient_dumps(value, None)


def holds_nan(value: Any) -> bool:
    """Whether there is a number in a plain value that JSON has no form for."""
    level = [value]
    while level:
        below: list[Any] = []
        for item in level:
            if item is None or type(item) is str:
                continue  # Most of any text; only to save time.
            if isinstance(item, float):
                if not math.isfinite(item):
                    return True
            elif isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, (list, tuple)):
                below.extend(item)
        level = below
    return False


def _lenient_dumps(value: Any, default: Callable[[Any], Any] | None) -> bytes:
    try:
        text = json.dumps(value, default=default, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        reason = "nested too deeply"
    except (TypeError, ValueError) as error:
        reason = str(error)
    else:
        # After writing, which proved that no value holds itself.
        _check_depth(value)
        return _escape_surrogates(text).encode("utf-8")
    raise JSONError(reason)


def _escape_surrogates(text: str) -> str:
    r"""A lone surrogate is legal in JSON only as an escape (\ud800), and only inside strings."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def text_of(value: Any) -> str:
    """`dumps` as text: for JSON inside JSON, such as tool arguments."""
    return dumps(value).decode("utf-8")
