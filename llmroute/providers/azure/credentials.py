"""Microsoft Entra tokens for Azure: given, or fetched with a client secret, a managed or a workload identity.

Source: learn.microsoft.com, "OAuth 2.0 client credentials flow on the Microsoft identity platform"
(first case: shared secret, third case: federated credential); azure-identity for managed identities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Final

from ...wire.hosts import HostPolicy, check_url, path_part
from ..auth.base import Credentials, CredentialSettings, in_thread
from ..auth.bearer import BearerToken, bearer, form_request, token_of
from ..auth.key import CredentialError
from ..auth.token import MakeToken, Token

SCOPE: Final = "https://cognitiveservices.azure.com/.default"
AUTHORITY: Final = "https://login.microsoftonline.com"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_ASSERTION: Final = 65_536
_BEARER: Final = re.compile(r"\s*bearer\s+", re.IGNORECASE)

_OPTIONS: Final = (
    "azure_ad_token",
    "azure_ad_tenant_id",
    "azure_auth_mode",
    "azure_entra_client_id",
    "azure_entra_client_secret",
    "azure_entra_scope",
    "azure_entra_tenant_id",
    "azure_managed_client_id",
    "azure_workload_client_id",
    "azure_workload_tenant_id",
)


def credentials(settings: CredentialSettings) -> Credentials | None:
    """A given token before all else, then what `azure_auth_mode` says; None for a plain key."""
    if settings.options.get("azure_ad_token") is not None:
        return _bearer(settings, "azure_ad_token", _Given(settings).token)
    mode = settings.options.get("azure_auth_mode")
    make = _MODES.get(mode) if isinstance(mode, str) else None
    return None if make is None else make(settings)


def _entra(settings: CredentialSettings) -> Credentials:
    lacking = _lacking(settings, "azure_entra_client_id", "azure_entra_client_secret")
    if lacking is None and _tenant(settings) is None:
        lacking = f"{settings.target}.azure_entra_tenant_id: missing; azure_auth_mode 'entra' needs it"
    return _bearer(settings, "Microsoft Entra", _ClientSecret(settings).token, lacking)


def _managed(settings: CredentialSettings) -> Credentials:
    lacking = _not_ambient(settings)
    if lacking is None and find_spec("azure") is None:
        lacking = f"{settings.target}: {_MANAGED_EXTRA}"
    return _bearer(settings, "Azure's managed identity", _ManagedIdentity(settings).token, lacking)


def _workload(settings: CredentialSettings) -> Credentials:
    lacking = _not_ambient(settings)
    return _bearer(settings, "Azure's workload identity", _WorkloadIdentity(settings).token, lacking)


#: By `azure_auth_mode`.
_MODES: Final[Mapping[str, Callable[[CredentialSettings], Credentials]]] = {
    "entra": _entra,
    "managed": _managed,
    "workload": _workload,
}
_MANAGED_EXTRA: Final = "managed identities need: pip install 'llmroute[azure]'"


def _bearer(
    settings: CredentialSettings, service: str, make: MakeToken, lacking: str | None = None
) -> BearerToken:
    fingerprint = settings.fingerprint(_OPTIONS)
    cache = settings.tokens.get(fingerprint, settings.clock)
    return BearerToken(f"{settings.target}: {service}", fingerprint, cache, make, lacking)


def _lacking(settings: CredentialSettings, *names: str) -> str | None:
    missing = next((name for name in names if settings.options.get(name) is None), None)
    return None if missing is None else f"{settings.target}.{missing}: missing; azure_auth_mode needs it"


def _not_ambient(settings: CredentialSettings) -> str | None:
    if settings.ambient:
        return None
    return f"{settings.target}.azure_auth_mode: the machine's own identity may not be used here"


def _tenant(settings: CredentialSettings) -> str | None:
    return settings.text("azure_entra_tenant_id") or settings.text("azure_ad_tenant_id")


def _scope(settings: CredentialSettings) -> str:
    return settings.text("azure_entra_scope") or SCOPE


class _Given:
    """`azure_ad_token`, with or without "Bearer " before it."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings

    async def token(self) -> Token:
        text = self._settings.text("azure_ad_token") or ""
        return Token(bearer(_BEARER.sub("", text, count=1), f"{self._settings.target}.azure_ad_token"))


class _ClientSecret:
    """An application with a secret."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings

    async def token(self) -> Token:
        settings = self._settings
        tenant = _tenant(settings)
        client, secret = settings.text("azure_entra_client_id"), settings.text("azure_entra_client_secret")
        if tenant is None or client is None or secret is None:
            raise CredentialError(
                f"{settings.target}: azure_auth_mode 'entra' needs azure_entra_tenant_id, "
                "azure_entra_client_id and azure_entra_client_secret"
            )
        return await _exchanged(settings, tenant, client, {"client_secret": secret})


class _WorkloadIdentity:
    """A federated token of Kubernetes, which the workload identity webhook names by variables."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings

    async def token(self) -> Token:
        settings, variable = self._settings, self._settings.variable
        problem = _not_ambient(settings)
        if problem is not None:
            raise CredentialError(problem)
        tenant = settings.text("azure_workload_tenant_id") or _tenant(settings) or variable("AZURE_TENANT_ID")
        client = settings.text("azure_workload_client_id") or variable("AZURE_CLIENT_ID")
        file = variable("AZURE_FEDERATED_TOKEN_FILE")
        if not tenant or not client or not file:
            raise CredentialError(
                f"{settings.target}: azure_auth_mode 'workload' needs AZURE_FEDERATED_TOKEN_FILE, "
                "AZURE_CLIENT_ID and AZURE_TENANT_ID"
            )
        assertion = await in_thread(lambda: _read(file, settings.target))
        fields = {"client_assertion_type": _ASSERTION, "client_assertion": assertion}
        return await _exchanged(settings, tenant, client, fields)


def _read(file: str, target: str) -> str:
    problem = "is no text"
    try:
        with open(file, encoding="ascii") as opened:
            return opened.read(_MAX_ASSERTION).strip()
    except OSError as error:
        problem = f"cannot be read ({type(error).__name__})"
    except ValueError:
        pass
    raise CredentialError(f"{target}: AZURE_FEDERATED_TOKEN_FILE {problem}")


async def _exchanged(
    settings: CredentialSettings, tenant: str, client: str, proof: Mapping[str, str]
) -> Token:
    """Microsoft's token endpoint, in the public cloud or where AZURE_AUTHORITY_HOST says."""
    authority = (settings.variable("AZURE_AUTHORITY_HOST") if settings.ambient else None) or AUTHORITY
    if "://" not in authority:
        authority = "https://" + authority
    url = f"{authority.rstrip('/')}/{path_part(tenant)}/oauth2/v2.0/token"
    if check_url(url, HostPolicy.trusting()) is not None:
        raise CredentialError(f"{settings.target}: AZURE_AUTHORITY_HOST is no host")
    fields = {"grant_type": "client_credentials", "client_id": client, "scope": _scope(settings), **proof}
    return token_of(await settings.fetch(form_request(url, fields)), f"{settings.target}: Microsoft Entra")


class _ManagedIdentity:
    """azure-identity knows every place where Azure offers them; it runs in a thread, since it blocks."""

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings

    async def token(self) -> Token:
        settings = self._settings
        problem = _not_ambient(settings)
        if problem is not None:
            raise CredentialError(problem)
        client, scope = settings.text("azure_managed_client_id"), _scope(settings)
        value, expires = await in_thread(lambda: _managed_token(client, scope, settings.target))
        what = f"{settings.target}: Azure's managed identity"
        return Token(bearer(value, what), expires - settings.clock.time())


def _managed_token(client: str | None, scope: str, target: str) -> tuple[str, float]:
    try:
        from azure.identity import ManagedIdentityCredential
    except ImportError:
        raise CredentialError(f"{target}: {_MANAGED_EXTRA}") from None
    problem = None
    try:
        with ManagedIdentityCredential(client_id=client) as source:
            token = source.get_token(scope)
            return token.token, float(token.expires_on)
    except Exception as error:
        problem = type(error).__name__
    raise CredentialError(f"{target}: Azure's managed identity: {problem}")
