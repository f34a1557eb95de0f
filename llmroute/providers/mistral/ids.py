"""Ids of tool calls: Mistral takes nine letters and digits and refuses any other (error 3280)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

_VALID: Final = re.compile(r"[a-zA-Z0-9]{9}\Z")


def short_id(identifier: str) -> str:
    """An id that Mistral takes: a fitting one as it is, the same one always for the same other.

    A call and its result so keep a common id, whichever provider made the call. Different ids get
    different ones but for a chance of 1 in 10**15.
    """
    if _VALID.match(identifier):
        return identifier
    digest = hashlib.blake2b(identifier.encode("utf-8", "surrogatepass"), digest_size=9).digest()
    return base64.b64encode(digest, b"Mm")[:9].decode("ascii")
