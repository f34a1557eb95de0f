"""Where AWS keys come from: given ones, roles, and the default chain of the machine."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final, Protocol

from ...outcome import Failure
from .base import CredentialSettings, in_thread
from .key import CredentialError
from .sigv4 import AwsKeys
from .sts import Role, assume_role_request, assumed
from .token import Token

#: Errors that mean "these keys are no longer good".
_STALE: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
)
#: botocore renews temporary keys itself; it is asked again after this many seconds.
_ASK_AGAIN: Final = 300.0
_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_EXTRA: Final = "pip install 'llmroute[bedrock]'"


class KeyProvider(Protocol):
    """Keys for signing, whenever they are needed."""

    async def keys(self) -> AwsKeys:
        """The keys. Raises CredentialError."""

    def forget(self) -> None:
        """Ask anew at the next use."""

    def renews(self) -> bool:
        """Whether asking anew may give other keys."""

    def missing(self) -> str | None:
        """What is not there, without any I/O; None when unknown."""


def is_stale(status: int, failure: Failure) -> bool:
    """Whether a service's answer says that the keys have expired or are unknown by now."""
    return status in (400, 401, 403) and failure.type in _STALE


class GivenKeys:
    """Keys of the config's own."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings
        self._keys: AwsKeys | None = None

    async def keys(self) -> AwsKeys:
        return self._keys or self._read()

    def _read(self) -> AwsKeys:
        text = self._settings.text
        pair = text("aws_access_key_id"), text("aws_secret_access_key")
        for name, value in zip(("aws_access_key_id", "aws_secret_access_key"), pair, strict=True):
            if value is None:
                raise CredentialError(f"{self._settings.target} has no {name}")
        self._keys = checked_keys(
            str(pair[0]), str(pair[1]), text("aws_session_token"), self._settings.target
        )
        return self._keys

    def forget(self) -> None:
        self._keys = None

    def renews(self) -> bool:
        return False

    def missing(self) -> str | None:
        try:
            self._read()
        except CredentialError as error:
            return str(error)
        return None


class DefaultChain:
    """Keys of the process: variables, then whatever botocore finds (profiles, web identity, containers,
    the machine's role). botocore blocks, so it runs in a thread.
    """

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings
        self._cache = settings.tokens.get(f"aws-chain:{settings.ambient}", settings.clock)
        self._session: Any = None

    async def keys(self) -> AwsKeys:
        found = self._cache.peek()
        if found is None:
            found = await self._cache.get(self._make, f"{self._settings.target}: AWS credentials")
        keys: AwsKeys = found
        return keys

    async def _make(self) -> Token:
        keys = keys_of_variables(self._settings, *_VARIABLES)
        if keys is not None:
            return Token(keys)
        return await in_thread(self._ask_botocore)

    def _ask_botocore(self) -> Token:
        try:
            from botocore.session import Session
        except ImportError:
            raise CredentialError(self._told(f"need {_EXTRA}")) from None
        if self._session is None:
            self._session = Session()
        found = self._session.get_credentials()
        if found is None:
            raise CredentialError(self._told("are nowhere to be found"))
        frozen = found.get_frozen_credentials()
        renewable = hasattr(found, "refresh_needed")
        keys = AwsKeys(frozen.access_key, frozen.secret_key, frozen.token)
        return Token(keys, lifetime=_ASK_AGAIN if renewable else None)

    def _told(self, problem: str) -> str:
        return (
            f"{self._settings.target}: AWS credentials of the environment {problem}; or give "
            "aws_access_key_id and aws_secret_access_key, or an api_key"
        )

    def forget(self) -> None:
        self._cache.forget()
        self._session = None

    def renews(self) -> bool:
        return True

    def missing(self) -> str | None:
        if keys_of_variables(self._settings, *_VARIABLES) is not None:
            return None
        return None if find_spec("botocore") is not None else self._told(f"need {_EXTRA}")


class RoleKeys:
    """Keys of a role, or of a chain of roles: each is assumed with the keys of the one before."""

    def __init__(
        self,
        settings: CredentialSettings,
        base: KeyProvider,
        roles: Callable[[], list[Role]],
        host: Callable[[], str],
        region: Callable[[], str],
        fingerprint: str,
    ) -> None:
        self._settings = settings
        self._base = base
        self._roles = roles
        self._host = host
        self._region = region
        self._cache = settings.tokens.get(fingerprint, settings.clock)

    async def keys(self) -> AwsKeys:
        found = self._cache.peek()
        if found is None:
            found = await self._cache.get(self._make, f"{self._settings.target}: AWS STS")
        keys: AwsKeys = found
        return keys

    async def _make(self) -> Token:
        clock, what = self._settings.clock, f"{self._settings.target}: AWS STS"
        keys = await self._base.keys()
        token = Token(keys)
        for role in self._roles():
            now = clock.time()
            wire = assume_role_request(self._host(), self._region(), role, keys, now)
            token = assumed(await self._settings.fetch(wire), now, what)
            keys = token.value
        return token

    def forget(self) -> None:
        self._cache.forget()
        self._base.forget()

    def renews(self) -> bool:
        return True

    def missing(self) -> str | None:
        return self._base.missing()


def keys_of_variables(
    settings: CredentialSettings, identifier: str, secret: str, token: str | None = None
) -> AwsKeys | None:
    """Keys in the process environment, None without a complete pair. The arguments are the names."""
    if not settings.ambient:
        return None
    pair = settings.variable(identifier), settings.variable(secret)
    if not pair[0] or not pair[1]:
        return None
    session = settings.variable(token) if token is not None else None
    return checked_keys(pair[0], pair[1], session or None, settings.target)


def checked_keys(identifier: str, secret: str, token: str | None, target: str) -> AwsKeys:
    """Keys fit for headers. Raises CredentialError that names the member, not its value."""
    for name, text in (
        ("access key id", identifier),
        ("secret access key", secret),
        ("session token", token),
    ):
        if text is not None and not (text.isascii() and text.strip().isprintable()):
            raise CredentialError(f"{target}: the AWS {name} holds characters that no key has")
    return AwsKeys(identifier.strip(), secret.strip(), token.strip() if token else None)
