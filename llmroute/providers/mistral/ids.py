"""Ids of tool calls: Mistral takes nine letters and digits and refuses any other (error 3280)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_VALID: Final = re.compile(r"[a-zA-Z0-9]{9}\Z")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def short_id(identifier: str) -> str:
    """An id that Mistral takes: a fitting one as it is, the same one always for the same other.

    A call and its result so keep a common id, whichever provider made the call. Different ids get
    different ones but for a chance of 1 in 10**16.
    """
    if _VALID.match(identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest, "big")
    digits = []
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
