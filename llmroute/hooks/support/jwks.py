"""JSON Web Key Sets (RFC 7517): keys by their ids, and sets that are fetched and kept for a while."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from ...wire.json import JSONError, loads
from ..base import FetchError, Services

MAX_KEYS: Final = 100
MAX_BYTES: Final = 2**18
FETCH_TIMEOUT: Final = 5.0
#: Seconds before a set is fetched again for a key that it does not have, and after a failure.
REFRESH_INTERVAL: Final = 30.0
RETRY_INTERVAL: Final = 5.0

#: Key types by the beginnings of algorithms (RFC 7518, 3.1; RFC 8037).
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "HS": "oct", "Ed": "OKP"}
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
#: Bits of an RSA key, and bytes of a shared one by algorithm (RFC 7518, 3.2 and 3.3).
_RSA_BITS: Final = 2_048
_SHARED_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}


class KeySet:
    """The keys of one set. Keys that cannot be used are left out."""

    def __init__(self, document: Any) -> None:
        keys = document.get("keys") if isinstance(document, Mapping) else None
        listed = keys[:MAX_KEYS] if isinstance(keys, list) else []
        self._keys = [dict(key) for key in listed if isinstance(key, Mapping)]
        self._made: dict[tuple[int, str], Any] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str, algorithm: str) -> Any:
        """The key (a jwt.PyJWK) with this id that is meant for `algorithm`; None when there is none."""
        for index, jwk in enumerate(self._keys):
            if jwk.get("kid") == kid and key_problem(jwk, algorithm) is None:
                made = self._made.get((index, algorithm)) or _made(jwk, algorithm)
                if made is not None:
                    self._made[index, algorithm] = made
                    return made
        return None


def key_problem(jwk: Mapping[str, Any], algorithm: str) -> str | None:
    """Why a key may not be used for `algorithm`: a token must not choose what its key is taken for."""
    if jwk.get("kty") != _KEY_TYPES.get(algorithm[:2]):
        return "is a key of another type"
    if jwk.get("alg") not in (None, algorithm):
        return "is for another algorithm"
    if jwk.get("use") not in (None, "sig"):
        return "is not for signatures"
    operations = jwk.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return "is not for verifying"
    if algorithm in _CURVES and jwk.get("crv") != _CURVES[algorithm]:
        return "is on another curve"
    return None


def _made(jwk: dict[str, Any], algorithm: str) -> Any:
    """The key, None when it is malformed or too weak."""
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    try:
        made = PyJWK(jwk, algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if algorithm in _SHARED_BYTES:
        return made if len(made.key) >= _SHARED_BYTES[algorithm] else None
    return made if getattr(made.key, "key_size", _RSA_BITS) >= _RSA_BITS or algorithm[0] == "E" else None


class RemoteKeys:
    """The keys at a URL, fetched when they are needed and then kept; one fetch at a time in an event loop."""

    def __init__(self, url: str, max_age: float, services: Services) -> None:
        self._url = url
        self._max_age = max_age
        self._services = services
        self._keys = KeySet(None)
        self._fetched: float | None = None
        self._blocked_until = float("-inf")
        self._guard = threading.Lock()
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def find(self, kid: str, algorithm: str) -> Any:
        """The key, None when there is none. For an unknown id the set is fetched again, but not often.

        Raises FetchError when there are no keys.
        """
        for renewed in (False, True):
            keys = await self._current(renewed)
            found = keys.find(kid, algorithm)
            if found is not None:
                return found
        return None

    async def _current(self, renewed: bool) -> KeySet:
        if not self._is_settled(renewed):
            async with self._lock():
                if not self._is_settled(renewed):
                    await self._fetch()
        if self._age() > self._max_age:
            raise FetchError("connection", "the key set cannot be fetched")
        return self._keys

    def _is_settled(self, renewed: bool) -> bool:
        """Whether nothing is to be fetched now."""
        if self._services.clock.now() < self._blocked_until:
            return True
        return self._age() <= (min(REFRESH_INTERVAL, self._max_age) if renewed else self._max_age)

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._services.clock.now() - self._fetched

    def _lock(self) -> asyncio.Lock:
        """A router may be used from several loops; each has its own fetch."""
        with self._guard:
            return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def _fetch(self) -> None:
        try:
            answer = await self._services.fetch(
                "GET", self._url, timeout=FETCH_TIMEOUT, limit=MAX_BYTES, trusted=True
            )
            document = loads(answer.body) if answer.status == 200 else None
        except (FetchError, JSONError):
            document = None
        keys = KeySet(document)
        if len(keys):
            self._keys, self._fetched = keys, self._services.clock.now()
        else:
            self._blocked_until = self._services.clock.now() + RETRY_INTERVAL
