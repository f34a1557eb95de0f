"""A text that must not be seen: keys and tokens travel inside the library as Secret."""

from __future__ import annotations

import hashlib
from typing import NoReturn

MASK = "***"


class Secret:
    """A masked text. `reveal()` is the only way to the value; it cannot be pickled or turned to JSON.

    Equality compares values, so configs can be compared; `fingerprint()` names a credential
    in state keys without holding it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one place that writes it on the wire."""
        return self._value

    def fingerprint(self) -> str:
        """Sixteen hex digits of SHA-256: enough to tell credentials apart, useless to guess them."""
        return hashlib.sha256(self._value.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
