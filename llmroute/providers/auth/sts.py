"""Temporary keys of an IAM role, from AWS STS.

Source: docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import attrs
from yarl import URL

from ...wire.message import WireReply, WireRequest
from .key import CredentialError
from .sigv4 import AwsKeys, Signer
from .token import Token

_ELEMENT: Final = re.compile(
    r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration|Code|Message)>([^<]{1,16384})</"
)
_SESSION: Final = "llmroute"
_QUOTED: Final = 500


@attrs.frozen
class Role:
    """A role to assume. `external_id` is what its owner asks of third parties."""

    arn: str
    external_id: str | None = None


def assume_role_request(host: str, region: str, role: Role, keys: AwsKeys, now: float) -> WireRequest:
    """The signed request for keys of `role`, made with `keys`; `host` is the base URL of STS."""
    form = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": role.arn,
        "RoleSessionName": _SESSION,
    }
    if role.external_id:
        form["ExternalId"] = role.external_id
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    wire = WireRequest(URL(host + "/"), headers, urlencode(form, errors="replace").encode())
    return Signer("sts", region).sign(wire, keys, now)


def assumed(reply: WireReply, now: float, what: str) -> Token:
    """The keys in STS's answer. Raises CredentialError that begins with `what`."""
    found = {
        name: html.unescape(text) for name, text in _ELEMENT.findall(reply.body.decode("utf-8", "replace"))
    }
    if reply.status != 200:
        told = " ".join(filter(None, (found.get("Code"), found.get("Message"))))[:_QUOTED]
        told = "".join(char if char.isprintable() else "?" for char in told)
        raise CredentialError(f"{what} refused the role (status {reply.status}): {told or 'no reason given'}")
    try:
        keys = AwsKeys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        ends = datetime.fromisoformat(found["Expiration"])
    except (KeyError, ValueError):
        raise CredentialError(f"{what} answered without usable keys") from None
    if ends.tzinfo is None:
        ends = ends.replace(tzinfo=UTC)
    return Token(keys, lifetime=ends.timestamp() - now)
