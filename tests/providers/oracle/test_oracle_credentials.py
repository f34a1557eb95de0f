"""Requests to Oracle are signed: the signature holds, and covers what is sent."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import cloud_kit as kit
import pytest

from llmroute import AuthenticationError, Config, ConfigError, Router
from llmroute.testing import Reply, ScriptedTransport, VirtualClock, reply

crypto = pytest.importorskip("cryptography.hazmat.primitives.serialization")

TARGET = {
    "provider": "oracle",
    "oracle_region": "us-chicago-1",
    "oracle_compartment_id": "ocid1.compartment.oc1..c",
    "oracle_tenancy": "ocid1.tenancy.oc1..t",
    "oracle_user": "ocid1.user.oc1..u",
    "oracle_fingerprint": "20:3b:97:13",
}
CALL: dict[str, Any] = {
    "model": "meta.llama-3.3-70b-instruct",
    "messages": [{"role": "user", "content": "H\u00e9"}],
}
ANSWER = {"modelId": "m", "chatResponse": {"choices": [{"message": {"content": []}, "finishReason": "stop"}]}}
SIGNED = ["(request-target)", "date", "host", "x-content-sha256", "content-type", "content-length"]


def rig(config: dict[str, Any], *replies: Reply) -> tuple[Router, ScriptedTransport, VirtualClock]:
    transport = ScriptedTransport(list(replies) or [reply(json=ANSWER)] * 3)
    transport.keyless = False
    clock = VirtualClock(auto=True)
    return Router(config, transport=transport, clock=clock), transport, clock


def verify(sent: Any) -> dict[str, str]:
    """The parts of a request's signature, after checking it; raises when it does not hold."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key: Any = crypto.load_pem_private_key(kit.private_key().encode(), None)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert headers["authorization"].startswith("Signature ")
    parts = dict(re.findall(r'(\w+)="([^"]*)"', headers["authorization"]))
    covered = {
        **headers,
        "(request-target)": f"{sent.method.lower()} {sent.wire.url.raw_path_qs}",
        "content-length": str(len(sent.body)),
    }
    text = "\n".join(f"{name}: {covered[name]}" for name in parts["headers"].split())
    key.public_key().verify(base64.b64decode(parts["signature"]), text.encode(), PKCS1v15(), SHA256())
    return parts


async def test_a_request_is_signed() -> None:
    """With the user's key over method, path, host, time and body."""
    router, transport, clock = rig({**TARGET, "oracle_private_key": kit.private_key()})
    await clock.advance(1_000_000)
    await router.chat.completions.create(**CALL)
    (sent,) = transport.requests
    parts = verify(sent)

    assert SIGNED == parts["headers"].split()
    assert ("1", "rsa-sha256") == (parts["version"], parts["algorithm"])
    assert "ocid1.tenancy.oc1..t/ocid1.user.oc1..u/20:3b:97:13" == parts["keyId"]
    digest = base64.b64encode(hashlib.sha256(sent.body).digest()).decode()
    assert digest == sent.headers["x-content-sha256"]
    assert "inference.generativeai.us-chicago-1.oci.oraclecloud.com" == sent.headers["host"]


async def test_every_attempt_has_a_time_of_its_own() -> None:
    """Oracle takes a signature for five minutes."""
    config = {**TARGET, "oracle_private_key": kit.private_key(), "retry": {"attempts": 1}}
    busy = reply(503, json={"code": "503", "message": "busy"}, headers={"retry-after": "30"})
    router, transport, _ = rig(config, busy, reply(json=ANSWER))
    await router.chat.completions.create(**CALL)

    first, second = transport.requests
    assert first.headers["date"] != second.headers["date"]
    assert verify(first)["signature"] != verify(second)["signature"]


async def test_a_host_of_one_s_own_is_signed_with_its_port_and_query() -> None:
    """What is signed is what arrives."""
    config = {
        **TARGET,
        "oracle_private_key": kit.private_key(),
        "custom_host": "http://127.0.0.1:8000/up?a=b%20c",
    }
    router, transport, _ = rig(config)
    await router.chat.completions.create(**CALL)

    verify(transport.requests[0])
    assert "127.0.0.1:8000" == transport.requests[0].headers["host"]


def sealed(passphrase: str) -> str:
    key: Any = crypto.load_pem_private_key(kit.private_key().encode(), None)
    form = crypto.Encoding.PEM, crypto.PrivateFormat.TraditionalOpenSSL
    return str(key.private_bytes(*form, crypto.BestAvailableEncryption(passphrase.encode())), "ascii")


@pytest.mark.parametrize("escape", [False, True])
async def test_a_key_may_be_sealed_and_on_one_line(escape: bool) -> None:
    """As it comes through variables and headers."""
    pem = sealed("pass-1")
    key = pem.replace("\n", "\\n") if escape else pem
    router, transport, _ = rig({**TARGET, "oracle_private_key": key, "oracle_key_passphrase": "pass-1"})
    await router.chat.completions.create(**CALL)

    verify(transport.requests[0])


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"oracle_private_key": "s3cret"}, r"config\.oracle_private_key: cannot be read \(\w+\)"),
        ({"oracle_private_key": "<sealed>"}, "config.oracle_private_key: needs oracle_key_passphrase"),
        ({"oracle_private_key": "<sealed>", "oracle_key_passphrase": "s3cret"}, "cannot be read"),
        ({"oracle_private_key": "<plain>", "oracle_key_passphrase": "s3cret"}, "takes no oracle_key_pass"),
        ({"oracle_private_key": "<ec>"}, "is no RSA key"),
        ({"oracle_private_key": "<plain>", "oracle_user": 'u",x="'}, "config.oracle_user: no header"),
    ],
)
async def test_what_cannot_sign_is_told(members: dict[str, Any], told: str) -> None:
    """By the target and the member, without the key; nothing is sent."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    form = crypto.Encoding.PEM, crypto.PrivateFormat.PKCS8, crypto.NoEncryption()
    keys = {
        "<sealed>": sealed("pass-1"),
        "<plain>": kit.private_key(),
        "<ec>": generate_private_key(SECP256R1()).private_bytes(*form).decode(),
    }
    given = {
        name: keys.get(value, value) for name, value in {**TARGET, **members}.items() if value is not None
    }
    router, transport, _ = rig(given)
    with pytest.raises(AuthenticationError, match=told) as caught:
        await router.chat.completions.create(**CALL)

    assert 401 == caught.value.status_code
    assert "s3cret" not in str(caught.value)
    assert [] == transport.requests


@pytest.mark.parametrize(
    "member", ["oracle_tenancy", "oracle_user", "oracle_fingerprint", "oracle_private_key"]
)
def test_what_signs_is_needed(member: str) -> None:
    """When the config is read, also for a host of one's own."""
    config = {**TARGET, "oracle_private_key": kit.private_key(), "custom_host": "https://oci.example"}
    del config[member]
    with pytest.raises(ConfigError, match=rf"config\.{member}: missing"):
        Router(config)


def test_nothing_shows_the_key() -> None:
    """Not the config, not the router, not the plan, not a ConfigError."""
    config = {**TARGET, "oracle_private_key": "s3cret-key", "oracle_key_passphrase": "s3cret-pass"}
    router = Router(config)

    assert "s3cret" not in repr(router) + repr(Config(config).node) + str(router.explain(CALL))
    with pytest.raises(ConfigError) as caught:
        Router({**config, "oracle_region": "a/b"})
    assert "s3cret" not in str(caught.value)
