"""Signatures for Oracle Cloud: every request is signed with the RSA key of a user.

Source: docs.oracle.com, "Request Signatures" (draft-cavage-http-signatures-08, rsa-sha256).
"""

from __future__ import annotations

import base64
import hashlib
from email.utils import formatdate
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final

from ...outcome import Failure
from ...wire.hosts import header_problem
from ...wire.message import WireRequest
from ..auth.base import Credentials, CredentialSettings, with_headers
from ..auth.key import CredentialError

_OPTIONS: Final = (
    "oracle_fingerprint",
    "oracle_key_passphrase",
    "oracle_private_key",
    "oracle_tenancy",
    "oracle_user",
)
#: What a signature covers, in this order.
_SIGNED: Final = "(request-target) date host x-content-sha256 content-type content-length"
_EXTRA: Final = "signatures for Oracle Cloud need: pip install 'llmroute[oracle]'"


def credentials(settings: CredentialSettings) -> Credentials | None:
    """The signer of a target of provider "oracle"."""
    return RequestSigner(settings)


class RequestSigner:
    """Signs method, path, host, time and body. The key is read once, when it is first needed."""

    __slots__ = ("_key", "_key_id", "_lock", "_settings")

    def __init__(self, settings: CredentialSettings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._key: Any = None
        self._key_id = ""

    async def authorize(self, wire: WireRequest) -> WireRequest:
        key = self._key or self._loaded()
        url = wire.url
        signed = {
            "date": formatdate(self._settings.clock.time(), usegmt=True),
            "host": url.host_port_subcomponent or "",
            "x-content-sha256": base64.b64encode(hashlib.sha256(wire.body).digest()).decode("ascii"),
            "content-type": wire.headers.get("Content-Type", "application/json"),
        }
        covered = {
            "(request-target)": f"{wire.method.lower()} {url.raw_path_qs}",
            **signed,
            "content-length": str(len(wire.body)),
        }
        text = "\n".join(f"{name}: {covered[name]}" for name in _SIGNED.split())
        authorization = (
            f'Signature version="1",keyId="{self._key_id}",algorithm="rsa-sha256",'
            f'headers="{_SIGNED}",signature="{_signature(key, text)}"'
        )
        headers = {name: value for name, value in wire.headers.items() if name.lower() not in signed}
        headers.update(signed, authorization=authorization)
        return with_headers(WireRequest(url, {}, wire.body, wire.method, wire.warnings), headers)

    def _loaded(self) -> Any:
        with self._lock:
            if self._key is None:
                parts = [self._text(name) for name in ("oracle_tenancy", "oracle_user", "oracle_fingerprint")]
                self._key_id = "/".join(parts)
                passphrase = self._settings.text("oracle_key_passphrase")
                self._key = _private_key(self._text("oracle_private_key"), passphrase, self._settings.target)
        return self._key

    def _text(self, name: str) -> str:
        text = self._settings.text(name)
        if text is None:
            raise CredentialError(f"{self._settings.target}.{name}: missing; requests are signed with it")
        if name != "oracle_private_key" and ('"' in text or header_problem(text) is not None):
            raise CredentialError(f"{self._settings.target}.{name}: no header can carry it")
        return text

    def renews(self, status: int, failure: Failure) -> bool:
        return False

    def forget(self) -> None:
        """Nothing is fetched."""

    def fingerprint(self) -> str:
        return self._settings.fingerprint(_OPTIONS)

    def missing(self) -> str | None:
        if find_spec("cryptography") is None:
            return f"{self._settings.target}: {_EXTRA}"
        return None


def _private_key(pem: str, passphrase: str | None, target: str) -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise CredentialError(f"{target}: {_EXTRA}") from None
    # Where a key comes through a variable or a header, its lines are often joined by a written \n.
    data = pem.replace("\\n", "\n").encode("utf-8", "replace")
    problem = "is no RSA key"
    try:
        key = load_pem_private_key(data, passphrase.encode("utf-8") if passphrase else None)
        if isinstance(key, RSAPrivateKey):
            return key
    except TypeError:
        problem = "needs oracle_key_passphrase" if not passphrase else "takes no oracle_key_passphrase"
    except Exception as error:
        # Foreign texts may quote the key.
        problem = f"cannot be read ({type(error).__name__})"
    raise CredentialError(f"{target}.oracle_private_key: {problem}")


def _signature(key: Any, text: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return base64.b64encode(key.sign(text.encode("utf-8"), PKCS1v15(), SHA256())).decode("ascii")
