"""Access tokens: made from a service account's key, or found by google-auth on the machine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import cloud_kit as kit
import pytest

from llmroute import APIError, AuthenticationError, Config, Router
from llmroute.testing import Reply, ScriptedTransport, VirtualClock, gemini_completion, reply

jwt = pytest.importorskip("google.auth.jwt")

TOKENS = "oauth2.googleapis.com"
MODELS = "aiplatform.googleapis.com"
TARGET = {"provider": "vertex-ai", "vertex_project_id": "p-1", "vertex_region": "us-central1"}
CALL: dict[str, Any] = {"model": "gemini-2.5-flash", "messages": kit.HELLO}


def account(**members: Any) -> dict[str, Any]:
    """A service account's key file."""
    known = {"type": "service_account", "client_email": "robot@p-1.iam.example", "private_key_id": "kid-1"}
    return {**known, "private_key": kit.private_key(), "project_id": "p-1", **members}


def granted(token: str = "ya29.first", **members: Any) -> Reply:
    return reply(json={"access_token": token, "expires_in": 3600, "token_type": "Bearer", **members})


class Rig:
    """A router with a service account, its token service and its clock."""

    def __init__(self, *tokens: Reply, answer: Any = None, **config: Any) -> None:
        self.clock = VirtualClock(auto=True)
        answers = answer if answer is not None else [gemini_completion("ok")] * 9
        self.transport = ScriptedTransport({TOKENS: list(tokens), MODELS: answers}, self.clock)
        self.transport.keyless = False
        target = {**TARGET, "vertex_service_account_json": account(), **config}
        self.router = Router(target, transport=self.transport, clock=self.clock)

    async def call(self) -> Any:
        return await self.router.chat.completions.create(**CALL)

    def sent(self, host: str) -> list[Any]:
        return [request for request in self.transport.requests if host in request.host]

    @property
    def bearers(self) -> list[str]:
        return [request.headers["authorization"] for request in self.sent(MODELS)]


async def test_an_assertion_is_exchanged_for_a_token() -> None:
    """RFC 7523: signed with the account's key, for Google's token service, for the cloud's scope."""
    rig = Rig(granted())
    await rig.call()

    (asked,) = rig.sent(TOKENS)
    form = parse_qs(asked.body.decode())
    certificate = _public_key()
    claims = jwt.decode(form["assertion"][0], certs=certificate, verify=False)
    assert "urn:ietf:params:oauth:grant-type:jwt-bearer" == form["grant_type"][0]
    assert ("robot@p-1.iam.example", "https://oauth2.googleapis.com/token") == (claims["iss"], claims["aud"])
    assert "https://www.googleapis.com/auth/cloud-platform" == claims["scope"]
    assert (int(rig.clock.time()), 3600) == (claims["iat"], claims["exp"] - claims["iat"])
    assert ["Bearer ya29.first"] == rig.bearers
    assert _verifies(form["assertion"][0])


def _public_key() -> bytes:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(kit.private_key().encode(), None)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(*form)


def _verifies(assertion: str) -> bool:
    import base64

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    signed, _, signature = assertion.rpartition(".")
    key: Any = serialization.load_pem_public_key(_public_key())
    data = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    key.verify(data, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return True


async def test_one_token_serves_until_shortly_before_its_end() -> None:
    """It is kept, and renewed five minutes before it ends."""
    rig = Rig(granted(), granted("ya29.second"))
    await asyncio.gather(*(rig.call() for _ in range(3)))
    await rig.clock.advance(3290)
    await rig.call()
    await rig.clock.advance(20)
    await rig.call()

    assert 2 == len(rig.sent(TOKENS))
    assert ["Bearer ya29.first"] * 4 + ["Bearer ya29.second"] == rig.bearers


async def test_a_refused_token_is_fetched_anew() -> None:
    """A 401 may mean that the token was revoked: one more attempt, with a new one."""
    refused = reply(401, json={"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}})
    rig = Rig(granted(), granted("ya29.second"), answer=[refused, gemini_completion("ok")])
    await rig.call()

    assert ["Bearer ya29.first", "Bearer ya29.second"] == rig.bearers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            reply(400, json={"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
            "invalid_grant",
        ),
        (reply(500, text="<html>"), "answered 500 without a token"),
        (reply(200, json={"expires_in": 3600}), "no token"),
        (reply(200, json={"access_token": ""}), "no token"),
        (reply(200, json={"access_token": "a\r\nx: 1"}), "a token that no header can carry"),
        (reply(200, json=[1]), "answered 200 without a token"),
    ],
)
async def test_a_failing_exchange_is_an_authentication_error(answer: Reply, told: str) -> None:
    """It names target and account; the provider is never called, least of all with an empty token."""
    rig = Rig(answer)
    with pytest.raises(AuthenticationError) as caught:
        await rig.call()

    assert "config: robot@p-1.iam.example" in str(caught.value)
    assert told in str(caught.value)
    assert [] == rig.sent(MODELS)


async def test_a_failing_exchange_leads_to_the_next_target() -> None:
    """Like a missing key it is a 401 of this target, and nothing that ends a fallback."""
    transport = ScriptedTransport({TOKENS: [reply(500)], "b.example": [gemini_completion("from b")]})
    transport.keyless = False
    targets = [
        {**TARGET, "vertex_service_account_json": account()},
        {"provider": "google", "api_key": "k", "custom_host": "https://b.example"},
    ]
    router = Router({"strategy": {"mode": "fallback"}, "targets": targets}, transport=transport)
    completion = await router.chat.completions.create(**CALL)

    assert "from b" == completion.choices[0].message.content


@pytest.mark.parametrize("key", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
async def test_a_broken_key_is_told_without_being_shown(key: str) -> None:
    """Only the kind of the problem; nothing is sent anywhere."""
    rig = Rig(vertex_service_account_json=account(private_key=key))
    with pytest.raises(AuthenticationError, match="the private key cannot be used") as caught:
        await rig.call()

    assert key not in str(caught.value)
    assert [] == rig.transport.requests


async def test_the_key_may_come_as_text_or_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's content as an object, as JSON text, or in a variable."""
    text = json.dumps(account())
    monkeypatch.setenv("ROBOT", text)

    for given in (account(), text, "env:ROBOT"):
        rig = Rig(granted(), vertex_service_account_json=given)
        await rig.call()
        assert ["Bearer ya29.first"] == rig.bearers


async def test_a_given_key_is_the_token() -> None:
    """An access token as api_key is sent as it is; nothing is fetched."""
    rig = Rig(vertex_service_account_json=account())
    router = Router({**TARGET, "api_key": "ya29.own"}, transport=rig.transport, clock=rig.clock)
    await router.chat.completions.create(**CALL)

    assert ["Bearer ya29.own"] == rig.bearers
    assert [] == rig.sent(TOKENS)


async def test_untrusted_keys_are_exchanged_at_google_s_service_only() -> None:
    """Else a config from a request could make the router send signed requests anywhere."""
    source = {**TARGET, "vertex_service_account_json": account(token_uri="https://evil.example/token")}
    transport = ScriptedTransport({})
    transport.keyless = False
    router = Router(Config(source, trusted=False), transport=transport)
    with pytest.raises(AuthenticationError, match="token_uri must be https://oauth2"):
        await router.chat.completions.create(**CALL)


async def test_untrusted_configs_get_no_default_credentials() -> None:
    """Without a key they are told so; the machine's own identity is not theirs."""
    transport = ScriptedTransport({})
    transport.keyless = False
    router = Router(Config(TARGET, trusted=False), transport=transport)
    with pytest.raises(AuthenticationError, match="has no API key"):
        await router.chat.completions.create(**CALL)


def test_nothing_shows_the_key() -> None:
    """Not the config, not the router, not the plan."""
    router = Router({**TARGET, "vertex_service_account_json": account()})
    shown = repr(router) + repr(Config({**TARGET, "vertex_service_account_json": account()}).node)

    assert "PRIVATE KEY" not in shown + router.explain(CALL).__str__()


# -- application default credentials -----------------------------------------


def _put(file: Path, content: Any) -> str:
    file.write_text(json.dumps(content))
    return str(file)


async def _calls_with_default_credentials(file: Path, monkeypatch: pytest.MonkeyPatch, content: Any) -> Any:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", _put(file, content))
    transport = ScriptedTransport([gemini_completion("ok")] * 2)
    transport.keyless = False
    router = Router(TARGET, transport=transport)
    await router.chat.completions.create(**CALL)
    await router.chat.completions.create(**CALL)
    return transport.requests


async def test_default_credentials_are_found_by_google_auth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a thread, over its own client; the token is kept."""
    with kit.TokenServer({"access_token": "ya29.adc", "expires_in": 3600}) as server:
        content = account(token_uri=server.url + "/token")
        sent = await _calls_with_default_credentials(tmp_path / "adc.json", monkeypatch, content)

    assert ["Bearer ya29.adc"] * 2 == [request.headers["authorization"] for request in sent]
    assert ["/token"] == [asked.path for asked in server.asked]


async def test_default_credentials_may_name_the_project_that_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """google-auth knows it from the credentials or the environment; it has a header of its own."""
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer")
    with kit.TokenServer({"access_token": "ya29.adc", "expires_in": 3600}) as server:
        content = account(token_uri=server.url + "/token")
        sent = await _calls_with_default_credentials(tmp_path / "adc.json", monkeypatch, content)

    assert ["payer"] * 2 == [request.headers["x-goog-user-project"] for request in sent]


async def test_missing_default_credentials_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what could have been given instead."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    transport = ScriptedTransport({})
    transport.keyless = False
    with pytest.raises(
        APIError, match="no api_key, no vertex_service_account_json and no application default"
    ):
        await Router(TARGET, transport=transport).chat.completions.create(**CALL)
