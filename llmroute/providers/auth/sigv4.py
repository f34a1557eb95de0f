"""AWS Signature Version 4 for requests with a body, made without I/O.

Source: docs.aws.amazon.com/IAM/latest/UserGuide, "Create a signed AWS API request". Signed are
content-type, host and every x-amz-* header; paths are encoded twice, as all services but S3 want it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

import attrs
from yarl import URL

from ...wire.message import WireRequest

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNRESERVED: Final = "-_.~"


@attrs.frozen
class AwsKeys:
    """A set of keys; temporary ones have a session token."""

    access_key_id: str
    secret_access_key: str = attrs.field(repr=False)
    session_token: str | None = attrs.field(default=None, repr=False)


class Signer:
    """Signs requests for one service in one region. Keeps the derived key of the day."""

    __slots__ = ("_kept", "_region", "_service")

    def __init__(self, service: str, region: str) -> None:
        self._service = service
        self._region = region
        #: What the derived key was made of, and the key; replaced as one, for threads.
        self._kept: tuple[tuple[str, str], bytes] | None = None

    def sign(self, wire: WireRequest, keys: AwsKeys, now: float) -> WireRequest:
        """`wire` with its signature. `now` is in seconds since 1970."""
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(wire.body).hexdigest()
        headers = {**wire.headers, "x-amz-date": moment, "x-amz-content-sha256": digest}
        if keys.session_token is not None:
            headers["x-amz-security-token"] = keys.session_token
        names, listed = _canonical_headers(wire.url, headers)
        request = "\n".join(
            (
                wire.method,
                _canonical_path(wire.url.raw_path),
                _canonical_query(wire.url.raw_query_string),
                listed,
                names,
                digest,
            )
        )
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        hashed = hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashed}"
        key = self._derived(keys.secret_access_key, moment[:8])
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={keys.access_key_id}/{scope}"
        headers["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return attrs.evolve(wire, headers=headers)

    def _derived(self, secret: str, day: str) -> bytes:
        kept, made_of = self._kept, (secret, day)
        if kept is not None and kept[0] == made_of:
            return kept[1]
        key = ("AWS4" + secret).encode("utf-8", "surrogatepass")
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._kept = (made_of, key)
        return key


def _canonical_headers(url: URL, headers: Mapping[str, str]) -> tuple[str, str]:
    """The names of the signed headers, and the headers themselves with a line end after each."""
    signed = {"host": url.host_port_subcomponent or ""}
    for name, value in headers.items():
        lower = name.lower()
        if lower == "content-type" or lower.startswith("x-amz-"):
            signed[lower] = " ".join(value.split())
    names = sorted(signed)
    return ";".join(names), "".join(f"{name}:{signed[name]}\n" for name in names)


def _canonical_path(raw_path: str) -> str:
    """The path as it is sent, without empty and dot segments, encoded once more."""
    parts: list[str] = []
    for part in raw_path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    path = "/" + "/".join(parts)
    if parts and raw_path.endswith("/"):
        path += "/"
    return quote(path, safe="/" + _UNRESERVED)


def _canonical_query(raw_query: str) -> str:
    if not raw_query:
        return ""
    pairs = []
    for item in raw_query.split("&"):
        name, _, value = item.partition("=")
        pairs.append((quote(unquote(name), safe=_UNRESERVED), quote(unquote(value), safe=_UNRESERVED)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
