"""API keys: given, named by a variable, or made by the host's own function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ...outcome import Failure
from ...secret import Secret


class CredentialError(LookupError):
    """There is no usable credential; the text is for the caller and names the target."""


class KeySource:
    """The key of one target.

    `static` is a key that never changes (None where there is none or it has to be asked for).
    Variables are read at first use, never at import. `get` raises CredentialError when there
    is no key.
    """

    __slots__ = ("_cached", "_callable", "_names", "_optional", "_secret", "_target", "_variable")

    def __init__(
        self,
        target: str,
        given: Secret | Callable[[], Any] | None,
        names: Sequence[str],
        *,
        variable: Callable[[str], str | None],
        optional: bool = False,
    ) -> None:
        self._target = target
        self._secret = given if isinstance(given, Secret) else None
        self._callable = None if given is None or isinstance(given, Secret) else given
        self._names = tuple(names)
        self._variable = variable
        self._optional = optional
        self._cached: str | None = None

    @property
    def static(self) -> str | None:
        return self._secret.reveal() if self._secret is not None else None

    def renews(self, status: int, failure: Failure) -> bool:
        """Whether the provider's answer means that asking the host's function again may help."""
        return status == 401 and self._callable is not None

    def forget(self) -> None:
        """Ask anew at the next use."""
        self._cached = None

    def fingerprint(self) -> str:
        """Names the credential in state keys."""
        if self._secret is not None:
            return self._secret.fingerprint()
        return f"callable:{id(self._callable)}" if self._callable is not None else ",".join(self._names)

    async def get(self) -> str | None:
        """The key; None for a provider that needs none. Raises CredentialError."""
        if self._secret is not None:
            return self._secret.reveal()
        if self._callable is not None:
            return await self._ask(self._callable)
        if self._cached is None:
            self._cached = next((value for name in self._names if (value := self._variable(name))), None)
        if self._cached is None and not self._optional:
            raise CredentialError(self._missing())
        return self._cached

    def missing(self) -> str | None:
        """What `get` would complain about, without calling anything of the host's."""
        if self._secret is not None or self._callable is not None or self._optional:
            return None
        return None if any(map(self._variable, self._names)) else self._missing()

    def _missing(self) -> str:
        where = f", or set {' or '.join(self._names)}" if self._names else ""
        return f"{self._target} has no API key: give api_key{where}"

    async def _ask(self, make: Callable[[], Any]) -> str:
        if self._cached is not None:
            return self._cached
        failed: str | None = None
        key: Any = None
        try:
            key = make()
            if inspect.isawaitable(key):
                key = await key
        except Exception as error:
            # The host's exception may quote the token service's answer: only its class is told.
            failed = type(error).__name__
        if failed is not None:
            raise CredentialError(f"{self._target}: the api_key function raised {failed}")
        if isinstance(key, Secret):
            key = key.reveal()
        if not isinstance(key, str) or not key or not key.isprintable():
            raise CredentialError(f"{self._target}: the api_key function returned no usable text")
        self._cached = key
        return key
