"""Access tokens for Vertex AI: from a service account's key, or the application default credentials.

Source: RFC 7523; developers.google.com/identity/protocols/oauth2/service-account;
docs.cloud.google.com/docs/authentication/application-default-credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final

from ...wire.hosts import HostPolicy, check_url
from ...wire.json import JSONError, loads
from ..auth.base import Credentials, CredentialSettings, in_thread
from ..auth.bearer import BearerToken, form_request, token_of
from ..auth.key import CredentialError
from ..auth.token import Token

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI: Final = "https://oauth2.googleapis.com/token"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Seconds that an assertion is good for: the longest that Google takes.
_ASSERTION_LIFE: Final = 3600
_EXTRA: Final = "needs: pip install 'llmroute[vertex]'"


def credentials(settings: CredentialSettings) -> Credentials | None:
    """A service account's tokens when its key is given; the default ones when nothing is."""
    if settings.options.get("vertex_service_account_json") is not None:
        account = _ServiceAccount(settings)
        return _bearer(settings, ("vertex_service_account_json",), "Google's token service", account.token)
    if settings.key_given or not settings.ambient:
        return None
    return _bearer(settings, (), "Google's default credentials", _ApplicationDefault(settings.target).token)


def _bearer(settings: CredentialSettings, options: tuple[str, ...], service: str, make: Any) -> BearerToken:
    fingerprint = settings.fingerprint(options)
    lacking = None if _is_installed() else f"{settings.target}: {service} {_EXTRA}"
    cache = settings.tokens.get(fingerprint, settings.clock)
    return BearerToken(f"{settings.target}: {service}", fingerprint, cache, make, lacking)


def _is_installed() -> bool:
    try:
        return find_spec("google.auth") is not None
    except ImportError:
        return False


class _ServiceAccount:
    """Signs an assertion with the account's key and has it exchanged over the router's transport."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings
        self._what = f"{settings.target}.vertex_service_account_json"

    async def token(self) -> Token:
        settings = self._settings
        account = self._account()
        uri = self._token_uri(account)
        assertion = _assertion(account, uri, int(settings.clock.time()), self._what)
        reply = await settings.fetch(form_request(uri, {"grant_type": _GRANT, "assertion": assertion}))
        return token_of(reply, f"{settings.target}: {account['client_email']:.100}")

    def _account(self) -> Mapping[str, Any]:
        text = self._settings.text("vertex_service_account_json")
        try:
            account = loads(text or "")
        except JSONError:
            account = None
        if not isinstance(account, dict):
            raise CredentialError(f"{self._what}: not JSON")
        for name in ("client_email", "private_key"):
            if not isinstance(account.get(name), str):
                raise CredentialError(f"{self._what}: {name} is missing")
        return account

    def _token_uri(self, account: Mapping[str, Any]) -> str:
        """Whoever is not trusted may not choose where requests go."""
        uri = account.get("token_uri") or TOKEN_URI
        if not isinstance(uri, str) or check_url(uri, HostPolicy.trusting()) is not None:
            raise CredentialError(f"{self._what}: token_uri is no URL")
        if not self._settings.ambient and uri != TOKEN_URI:
            raise CredentialError(f"{self._what}: token_uri must be {TOKEN_URI}")
        return uri


def _assertion(account: Mapping[str, Any], audience: str, now: int, what: str) -> str:
    problem = None
    try:
        from google.auth import crypt, jwt

        signers: Any = crypt.RSASigner
        encode: Any = jwt.encode
        claims = {
            "iss": account["client_email"],
            "scope": SCOPE,
            "aud": audience,
            "iat": now,
            "exp": now + _ASSERTION_LIFE,
        }
        return str(encode(signers.from_service_account_info(account), claims), "ascii")
    except ImportError:
        problem = _EXTRA
    except Exception as error:
        # Foreign texts may quote the key.
        problem = f"the private key cannot be used ({type(error).__name__})"
    raise CredentialError(f"{what}: {problem}")


class _ApplicationDefault:
    """google-auth finds and renews them, in a thread: its clients block."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._lock = Lock()
        self._found: Any = None

    async def token(self) -> Token:
        return await in_thread(self._fetched)

    def _fetched(self) -> Token:
        problem = None
        try:
            import google.auth
            from google.auth.exceptions import DefaultCredentialsError
            from google.auth.transport.requests import Request
        except ImportError:
            raise CredentialError(f"{self._target}: Google's default credentials {_EXTRA}") from None
        with self._lock:
            try:
                if self._found is None:
                    self._found, _ = google.auth.default(scopes=[SCOPE])
                found = self._found
                found.refresh(Request())
                headers: dict[str, str] = {}
                found.apply(headers)
                return Token(headers, _lifetime(found.expiry))
            except DefaultCredentialsError:
                problem = "no api_key, no vertex_service_account_json and no application default credentials"
            except Exception as error:
                problem = f"Google's default credentials: {type(error).__name__}"
        raise CredentialError(f"{self._target}: {problem}")


def _lifetime(expiry: datetime | None) -> float | None:
    """google-auth gives the end as a naive time in UTC."""
    if expiry is None:
        return None
    return (expiry - datetime.now(UTC).replace(tzinfo=None)).total_seconds()
