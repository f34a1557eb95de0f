"""Tokens in the Authorization header, and the OAuth 2.0 exchanges that bring them (RFC 6749)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from yarl import URL

from ...outcome import Failure
from ...wire.hosts import header_problem
from ...wire.json import JSONError, loads
from ...wire.message import WireReply, WireRequest
from ..failures import quoted
from .base import with_headers
from .key import CredentialError
from .token import MakeToken, Token, TokenCache

#: Seconds that a token lives whose service does not say.
_UNSAID_LIFE: Final = 300.0
_QUOTED: Final = 300


class BearerToken:
    """Credentials that put a token into every request, kept in `cache` and made by `make`.

    `what` names target and service in messages. The value of a token are the headers that carry it
    (`bearer`). `lacking` is what `missing` answers.
    """

    __slots__ = ("_cache", "_fingerprint", "_lacking", "_make", "_what")

    def __init__(
        self, what: str, fingerprint: str, cache: TokenCache, make: MakeToken, lacking: str | None = None
    ) -> None:
        self._what = what
        self._fingerprint = fingerprint
        self._cache = cache
        self._make = make
        self._lacking = lacking

    async def authorize(self, wire: WireRequest) -> WireRequest:
        headers = self._cache.peek() or await self._cache.get(self._make, self._what)
        return with_headers(wire, headers)

    def renews(self, status: int, failure: Failure) -> bool:
        return status == 401

    def forget(self) -> None:
        self._cache.forget()

    def fingerprint(self) -> str:
        return self._fingerprint

    def missing(self) -> str | None:
        return self._lacking


def bearer(token: Any, what: str) -> dict[str, str]:
    """The headers for `token`. Raises CredentialError for what is no text fit for a header."""
    if not isinstance(token, str) or not token.strip():
        raise CredentialError(f"{what}: no token")
    if header_problem(token) is not None:
        raise CredentialError(f"{what}: a token that no header can carry")
    return {"Authorization": f"Bearer {token.strip()}"}


def form_request(url: str, fields: Mapping[str, str]) -> WireRequest:
    """A request to a token endpoint (RFC 6749, 3.2 and appendix B)."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return WireRequest(URL(url), headers, urlencode(fields).encode("ascii"))


def token_of(reply: WireReply, what: str) -> Token:
    """The token in a token endpoint's answer (RFC 6749, 5.1 and 5.2). Raises CredentialError."""
    try:
        body = loads(reply.body)
    except JSONError:
        body = None
    if not isinstance(body, Mapping) or reply.status != 200:
        raise CredentialError(f"{what}: {_problem(body, reply.status)}")
    return Token(bearer(body.get("access_token"), what), _lifetime(body.get("expires_in")))


def _lifetime(seconds: Any) -> float:
    # Microsoft's older endpoints write the number as text.
    if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) <= 9:
        return float(seconds)
    good = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0
    return float(seconds) if good else _UNSAID_LIFE


def _problem(body: Any, status: int) -> str:
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, str):
        return f"the token service answered {status} without a token"
    told = body.get("error_description")
    text = f"{error}: {told}" if isinstance(told, str) and told else error
    return f"the token service answered {status}: {quoted(text, _QUOTED)}"
