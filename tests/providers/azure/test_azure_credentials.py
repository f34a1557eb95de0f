"""Microsoft Entra tokens: given, and fetched with a secret, a federated token or the machine's identity."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import cloud_kit as kit
import pytest

from llmroute import AuthenticationError, Config, ConfigError, Router
from llmroute.testing import Reply, ScriptedTransport, VirtualClock, completion, reply

TOKENS = "login.microsoftonline.com"
MODELS = "openai.azure.com"
TARGET = {"provider": "azure-openai", "resource_name": "res-1", "deployment_id": "dep"}
ENTRA = {
    **TARGET,
    "azure_auth_mode": "entra",
    "azure_entra_tenant_id": "tenant-1",
    "azure_entra_client_id": "client-1",
    "azure_entra_client_secret": "s3cret~value",
}
CALL: dict[str, Any] = {"model": "gpt-4o", "messages": kit.HELLO}


def granted(token: str = "eyJ.first", **members: Any) -> Reply:
    return reply(json={"access_token": token, "expires_in": 3599, "token_type": "Bearer", **members})


class Rig:
    """A router, its token service and its clock."""

    def __init__(self, config: Any, *tokens: Reply, clock: Any = None) -> None:
        self.clock = clock or VirtualClock(auto=True)
        script = {
            TOKENS: list(tokens),
            "ai.azure.com": [completion("ok")] * 9,
            MODELS: [completion("ok")] * 9,
        }
        self.transport = ScriptedTransport(script)
        self.transport.keyless = False
        self.router = Router(config, transport=self.transport, clock=clock or self.clock)

    async def call(self) -> Any:
        return await self.router.chat.completions.create(**CALL)

    def sent(self, host: str) -> list[Any]:
        return [request for request in self.transport.requests if host in request.host]

    @property
    def bearers(self) -> list[Any]:
        return [request.headers.get("authorization") for request in self.sent(MODELS)]


@pytest.mark.parametrize("token", ["eyJ.given", "Bearer eyJ.given", "bearer  eyJ.given"])
async def test_a_given_token_is_sent(token: str) -> None:
    """With or without its scheme; it comes before a key."""
    rig = Rig({**TARGET, "api_key": "k", "azure_ad_token": token})
    await rig.call()

    assert ["Bearer eyJ.given"] == rig.bearers
    assert "api-key" not in rig.sent(MODELS)[0].headers


async def test_a_client_secret_is_exchanged_for_a_token() -> None:
    """The client credentials flow, for the scope of the service."""
    rig = Rig(ENTRA, granted())
    await rig.call()

    (asked,) = rig.sent(TOKENS)
    assert "/tenant-1/oauth2/v2.0/token" == asked.path
    assert {
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": ["s3cret~value"],
        "scope": ["https://cognitiveservices.azure.com/.default"],
    } == parse_qs(asked.body.decode())
    assert ["Bearer eyJ.first"] == rig.bearers


async def test_the_scope_may_be_another() -> None:
    """`azure_entra_scope`, for sovereign clouds or services of one's own."""
    rig = Rig({**ENTRA, "azure_entra_scope": "https://ai.azure.com/.default"}, granted())
    await rig.call()

    assert ["https://ai.azure.com/.default"] == parse_qs(rig.sent(TOKENS)[0].body.decode())["scope"]


async def test_one_token_serves_until_shortly_before_its_end() -> None:
    """Fetched once for calls that come together, renewed before it ends."""
    rig = Rig(ENTRA, granted(), granted("eyJ.second"))
    await asyncio.gather(*(rig.call() for _ in range(3)))
    await rig.clock.advance(3310)
    await rig.call()

    assert ["Bearer eyJ.first"] * 3 + ["Bearer eyJ.second"] == rig.bearers
    assert 2 == len(rig.sent(TOKENS))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            reply(401, json={"error": "invalid_client", "error_description": "AADSTS7000215: bad"}),
            "AADSTS7000215",
        ),
        (reply(200, json={"access_token": None}), "no token"),
        (reply(503, text="busy"), "answered 503 without a token"),
    ],
)
async def test_a_failing_exchange_is_an_authentication_error(answer: Reply, told: str) -> None:
    """It names the target, shows no secret, and the provider is not called."""
    rig = Rig(ENTRA, answer)
    with pytest.raises(AuthenticationError, match="config: Microsoft Entra") as caught:
        await rig.call()

    assert told in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert [] == rig.sent(MODELS)


@pytest.mark.parametrize(
    "member", ["azure_entra_tenant_id", "azure_entra_client_id", "azure_entra_client_secret"]
)
async def test_an_incomplete_secret_is_told(member: str) -> None:
    """By the member that lacks, without asking anybody; `require_keys` tells it at once."""
    config = {name: value for name, value in ENTRA.items() if name != member}
    rig = Rig(config)
    with pytest.raises(AuthenticationError, match="azure_auth_mode 'entra' needs"):
        await rig.call()
    assert [] == rig.transport.requests

    with pytest.raises(ConfigError, match=member):
        Router(config, require_keys=True)


async def test_foundry_takes_the_same_tokens() -> None:
    """Both services of Azure's, and both formats of the second."""
    for path, header in (("models", "Authorization"), ("anthropic", "x-api-key")):
        config = {
            **ENTRA,
            "provider": "azure-ai",
            "azure_foundry_url": f"https://r.services.ai.azure.com/{path}",
            "api_key": "k",
        }
        del config["resource_name"], config["deployment_id"]
        transport = ScriptedTransport(
            {TOKENS: [granted()], "/models": [completion()], "/anthropic": [reply(json={"content": []})]}
        )
        transport.keyless = False
        await Router(config, transport=transport).chat.completions.create(**CALL)
        headers = transport.requests[-1].headers
        assert "Bearer eyJ.first" == headers["authorization"]
        assert header == "Authorization" or header not in headers


# -- the machine's own identity ----------------------------------------------


async def test_a_workload_identity_is_exchanged_for_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The federated token is read anew for every exchange: Kubernetes rotates it."""
    file = tmp_path / "token"
    _write(file, "eyJ.kubernetes\n")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant-w")
    monkeypatch.setenv("AZURE_CLIENT_ID", "client-w")
    config = {**TARGET, "azure_auth_mode": "workload", "azure_workload_client_id": "client-own"}
    transport = ScriptedTransport({TOKENS: [granted()], MODELS: [completion()]})
    transport.keyless = False
    await Router(config, transport=transport).chat.completions.create(**CALL)

    asked = transport.requests[0]
    form = parse_qs(asked.body.decode())
    assert "/tenant-w/oauth2/v2.0/token" == asked.path
    assert ("client-own", "eyJ.kubernetes") == (form["client_id"][0], form["client_assertion"][0])
    assert "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" == form["client_assertion_type"][0]
    assert "Bearer eyJ.first" == transport.requests[1].headers["authorization"]


def _write(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_workload_identity_needs_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the webhook sets."""
    for name in ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    rig = Rig({**TARGET, "azure_auth_mode": "workload"})
    with pytest.raises(AuthenticationError, match="needs AZURE_FEDERATED_TOKEN_FILE"):
        await rig.call()


async def test_a_sovereign_cloud_s_authority_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AZURE_AUTHORITY_HOST, as azure-identity reads it."""
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "login.partner.example/")
    transport = ScriptedTransport({"login.partner.example": [granted()], MODELS: [completion()]})
    transport.keyless = False
    await Router(ENTRA, transport=transport).chat.completions.create(**CALL)

    assert "https://login.partner.example/tenant-1/oauth2/v2.0/token" == transport.requests[0].url


async def test_a_managed_identity_is_found_by_azure_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here that of an App Service; in a thread, over azure-identity's own client; the token is kept."""
    pytest.importorskip("azure.identity")
    answer = {
        "access_token": "eyJ.managed",
        "expires_on": "4102444800",
        "resource": "r",
        "token_type": "Bearer",
    }
    transport = ScriptedTransport([completion()] * 2)
    transport.keyless = False
    config = {**TARGET, "azure_auth_mode": "managed", "azure_managed_client_id": "client-m"}
    with kit.TokenServer(answer) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.url + "/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        router = Router(config, transport=transport)
        await router.chat.completions.create(**CALL)
        await router.chat.completions.create(**CALL)

    (asked,) = server.asked
    assert "resource=https://cognitiveservices.azure.com" in unquote(asked.path)
    assert "client_id=client-m" in asked.path
    assert "proof" == asked.headers["x-identity-header"]
    assert ["Bearer eyJ.managed"] * 2 == [sent.headers["authorization"] for sent in transport.requests]


async def test_a_missing_managed_identity_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the class of azure-identity's exception: its text may quote anything."""
    pytest.importorskip("azure.identity")
    transport = ScriptedTransport({})
    transport.keyless = False
    with kit.TokenServer({"error": "no"}, 400) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.url)
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        router = Router({**TARGET, "azure_auth_mode": "managed"}, transport=transport)
        with pytest.raises(AuthenticationError, match="config: Azure's managed identity: Credential"):
            await router.chat.completions.create(**CALL)


@pytest.mark.parametrize("mode", ["managed", "workload"])
async def test_untrusted_configs_have_no_machine(mode: str) -> None:
    """The machine's identity is the host's; nothing is asked anywhere."""
    transport = ScriptedTransport({})
    transport.keyless = False
    router = Router(Config({**TARGET, "azure_auth_mode": mode}, trusted=False), transport=transport)
    with pytest.raises(AuthenticationError, match="own identity may not be used here"):
        await router.chat.completions.create(**CALL)


def test_nothing_shows_the_secret() -> None:
    """Not the config, not the router, not the plan."""
    router = Router(ENTRA)

    assert "s3cret" not in repr(router) + repr(Config(ENTRA).node) + str(router.explain(CALL))
