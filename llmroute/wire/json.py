"""JSON on the wire: orjson, and the standard library for the few texts that orjson refuses.

orjson refuses lone surrogates, integers over 64 bits and nesting over 254 levels when writing
(1,024 when reading). The standard library takes the first two; nesting is bounded in both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import orjson

#: JSON nested deeper than this is refused, whatever the library in use would bear.
MAX_DEPTH = 250


class JSONError(ValueError):
    """Not JSON, or JSON that cannot be used: too deep, NaN, endless digits."""


def loads(data: bytes | str) -> Any:
    """Parse one JSON text; a UTF-8 byte order mark before it is skipped.

    Raises JSONError for anything else than one complete JSON value, for NaN and infinities, and
    for nesting that exhausts the parser.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _lenient_loads(data)


def _lenient_loads(data: bytes | str) -> Any:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise JSONError("nested too deeply") from None
    except ValueError as error:
        reason = str(error) if isinstance(error, (json.JSONDecodeError, JSONError)) else "not UTF-8 text"
        raise JSONError(reason) from None


def _refuse(name: str) -> float:
    raise JSONError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JSONError("number out of range")
    return value


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Compact UTF-8 JSON. `default` turns foreign objects into plain ones.

    Raises JSONError for what JSON cannot carry.
    """
    try:
        return orjson.dumps(value, default)
    except (TypeError, RecursionError):
        return _lenient_dumps(value, default)


def _lenient_dumps(value: Any, default: Callable[[Any], Any] | None) -> bytes:
    try:
        text = json.dumps(value, default=default, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate is legal in JSON only as an escape.
        return json.dumps(value, default=default, allow_nan=False, separators=(",", ":")).encode("ascii")
    except RecursionError:
        raise JSONError("nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise JSONError(str(error)) from None


def text_of(value: Any) -> str:
    """`dumps` as text: for JSON inside JSON, such as tool arguments."""
    return dumps(value).decode("utf-8")
