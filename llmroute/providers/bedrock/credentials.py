"""How a Bedrock target proves who is calling: a signature with keys from somewhere, or an API key."""

from __future__ import annotations

from typing import Final

from ...outcome import Failure
from ...wire.hosts import host_part_problem
from ...wire.message import WireRequest
from ..auth.aws import DefaultChain, GivenKeys, KeyProvider, RoleKeys, is_stale, keys_of_variables
from ..auth.base import Credentials, CredentialSettings, with_headers
from ..auth.key import CredentialError
from ..auth.sigv4 import AwsKeys, Signer
from ..auth.sts import Role
from .region import endpoint, region_of

_SERVICE: Final = "bedrock"
_KEY_MEMBERS: Final = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_ROLE_MEMBERS: Final = (*_KEY_MEMBERS, "aws_region", "aws_role_arn", "aws_external_id")
#: Holds a Bedrock API key (docs.aws.amazon.com/bedrock, "Use an Amazon Bedrock API key").
BEARER_VARIABLE: Final = "AWS_BEARER_TOKEN_BEDROCK"


def credentials(settings: CredentialSettings) -> Credentials | None:
    """The credentials of a target; None where an API key is all it needs.

    `aws_auth_type` "apiKey" asks for an API key, "assumedRole" (or an `aws_role_arn`) for a role;
    otherwise given keys come before an `api_key`, and that before what the process has.
    """
    options = settings.options
    kind = str(options.get("aws_auth_type") or "").lower()
    if kind == "apikey":
        return None
    has_keys = any(options.get(name) is not None for name in _KEY_MEMBERS[:2])
    if kind == "assumedrole" or options.get("aws_role_arn") is not None:
        return _Signed(settings, _role_keys(settings, has_keys))
    if has_keys:
        return _Signed(settings, GivenKeys(settings))
    if settings.key_given:
        return None
    if not settings.ambient:
        return _Nothing(settings)
    return _Ambient(settings)


class _Signed:
    """A signature made with the keys that `provider` has."""

    def __init__(self, settings: CredentialSettings, provider: KeyProvider) -> None:
        self._settings = settings
        self._provider = provider
        self._signer: Signer | None = None

    async def authorize(self, wire: WireRequest) -> WireRequest:
        keys = await self._provider.keys()
        if self._signer is None:
            self._signer = Signer(_SERVICE, checked_region(self._settings))
        return self._signer.sign(wire, keys, self._settings.clock.time())

    def renews(self, status: int, failure: Failure) -> bool:
        return is_stale(status, failure) and self._provider.renews()

    def forget(self) -> None:
        self._provider.forget()

    def fingerprint(self) -> str:
        return self._settings.fingerprint(_ROLE_MEMBERS)

    def missing(self) -> str | None:
        return self._provider.missing()


class _Ambient(_Signed):
    """What the process has: an API key in its variable, else keys to sign with."""

    def __init__(self, settings: CredentialSettings) -> None:
        super().__init__(settings, DefaultChain(settings))
        self._bearer: str | None = None

    async def authorize(self, wire: WireRequest) -> WireRequest:
        if self._bearer is None:
            self._bearer = self._settings.variable(BEARER_VARIABLE) or ""
        if not self._bearer:
            return await super().authorize(wire)
        if not (self._bearer.isascii() and self._bearer.isprintable()):
            raise CredentialError(f"{self._settings.target}: {BEARER_VARIABLE} is no usable key")
        return with_headers(wire, {"authorization": f"Bearer {self._bearer}"})

    def forget(self) -> None:
        self._bearer = None
        super().forget()

    def missing(self) -> str | None:
        return None if self._settings.variable(BEARER_VARIABLE) else super().missing()


class _Nothing:
    """An untrusted config that brings no credential: the host's are not for it."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings

    async def authorize(self, wire: WireRequest) -> WireRequest:
        raise CredentialError(self.missing())

    def renews(self, status: int, failure: Failure) -> bool:
        return False

    def forget(self) -> None: ...

    def fingerprint(self) -> str:
        return self._settings.fingerprint(())

    def missing(self) -> str:
        return (
            f"{self._settings.target} has no credentials: give aws_access_key_id and "
            "aws_secret_access_key, or an api_key"
        )


def checked_region(settings: CredentialSettings) -> str:
    """The region that requests are signed for. Raises CredentialError when it is no label of a host."""
    region = region_of(settings.options, settings.variable if settings.ambient else lambda name: None)
    problem = host_part_problem(region)
    if problem is not None:
        raise CredentialError(f"{settings.target}: the AWS region {problem}")
    return region


def _role_keys(settings: CredentialSettings, has_keys: bool) -> KeyProvider:
    """The role of the config, assumed with its keys, else with those of the process.

    As at the gateway, the process may have keys of its own for this, and a role between.
    """
    base: KeyProvider = GivenKeys(settings) if has_keys else _RoleBase(settings)

    def roles() -> list[Role]:
        arn = settings.text("aws_role_arn")
        if arn is None:
            raise CredentialError(f"{settings.target} has no aws_role_arn")
        between = (
            settings.variable("AWS_ASSUME_ROLE_SOURCE_ARN") if settings.ambient and not has_keys else None
        )
        found = [Role(arn, settings.text("aws_external_id"))]
        if between:
            found.insert(0, Role(between, settings.variable("AWS_ASSUME_ROLE_SOURCE_EXTERNAL_ID")))
        return found

    return RoleKeys(
        settings,
        base,
        roles,
        host=lambda: endpoint("sts", checked_region(settings)),
        region=lambda: checked_region(settings),
        fingerprint="aws-role:" + settings.fingerprint(_ROLE_MEMBERS),
    )


class _RoleBase(DefaultChain):
    """The keys with which the process assumes roles: those set apart for it, else its own."""

    async def keys(self) -> AwsKeys:
        if not self._settings.ambient:
            raise CredentialError(
                f"{self._settings.target} has no keys to assume a role with: give aws_access_key_id "
                "and aws_secret_access_key"
            )
        own = keys_of_variables(
            self._settings, "AWS_ASSUME_ROLE_ACCESS_KEY_ID", "AWS_ASSUME_ROLE_SECRET_ACCESS_KEY"
        )
        return own or await super().keys()
