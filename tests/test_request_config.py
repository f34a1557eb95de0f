"""What routing data in a request may do: trust follows the source (DESIGN decision 8)."""

from __future__ import annotations

import json

import pytest
from engine_kit import HELLO, KEY, Rig, fallback, target

from llmroute import BadRequestError, Config, ConfigError
from llmroute.testing import completion, hang

OK = completion()
THEIRS = "sk-theirs-0123456789"
HOST_KEY = {"provider": "openai", "api_key": KEY}
PROVIDERS = {
    "open": {**HOST_KEY, "expose": True},
    "inside": {**HOST_KEY, "custom_host": "http://10.0.0.5:8080/v1", "expose": True},
    "hidden": HOST_KEY,
}


def config(members):
    return {"x-portkey-config": json.dumps(members)}


def theirs(**members):
    """A target of the request's own."""
    return {"provider": "openai", "api_key": THEIRS, **members}


async def refused(rig, headers, **params):
    """The path of the first problem; nothing was sent."""
    before = len(rig.transport.requests)
    response = await rig.handle(headers, **params)
    assert 400 == response.status, rig.transport.requests[before:]
    assert before == len(rig.transport.requests)
    return response.body["error"]["param"]


async def sent(rig, headers, **params):
    """Host and key of the request that went out."""
    response = await rig.handle(headers, **params)
    assert 200 == response.status, response.body
    request = rig.transport.requests[-1]
    return request.host, request.headers.get("authorization", "").removeprefix("Bearer ")


# -- deny ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "config",
        "provider",
        "custom-host",
        "forward-headers",
        "strict-open-ai-compliance",
        "api-key",
        "anything",
    ],
)
async def test_a_router_with_a_config_takes_no_routing_from_requests(name):
    """The default beside a config: a 400 that names the header."""
    rig = Rig(target(), OK)

    assert f"headers.x-portkey-{name}" == await refused(rig, {f"X-Portkey-{name.title()}": "{}"})


async def test_it_still_reads_what_is_harmless():
    """Trace id, metadata, and a timeout that is shorter than the router's own limits."""
    rig = Rig(target(deadline=5000), hang())
    headers = {"x-portkey-trace-id": "t-1", "x-portkey-metadata": "{}", "authorization": f"Bearer {THEIRS}"}
    ended = []
    for asked in ("2000", "9000"):
        begun = rig.clock.now()
        response = await rig.handle({**headers, "x-portkey-request-timeout": asked})
        ended.append(rig.clock.now() - begun)

    assert (408, "t-1", [2.0, 5.0]) == (response.status, response.headers["x-portkey-trace-id"], ended)
    assert f"Bearer {KEY}" == rig.transport.requests[-1].headers["authorization"]


async def test_a_timeout_of_the_view_is_not_lengthened():
    """The shorter one holds; nonsense is no limit."""
    for asked, expected in (("2000", 2.0), ("9000", 3.0), ("soon", 3.0), ("-1", 3.0)):
        rig = Rig(target(), hang(), timeout=3)
        await rig.handle({"x-portkey-request-timeout": asked})
        assert expected == rig.clock.now()


async def test_named_providers_are_the_config_s_alone():
    """`@name/model` of a body asks for somebody else's target."""
    rig = Rig({"provider": "@hidden"}, OK, providers=PROVIDERS)

    assert ("api.openai.com", KEY) == await sent(rig, {})
    assert "body.model" == await refused(rig, {}, model="@open/gpt-4o")


async def test_the_host_s_own_call_may_name_an_exposed_provider():
    """Its model may come from a user, so that the others stay for configs; the message says what is missing."""
    rig = Rig({"provider": "@hidden"}, OK, providers=PROVIDERS)
    await rig.create(model="@open/gpt-4o")

    assert "gpt-4o" == rig.transport.requests[0].json["model"]
    with pytest.raises(BadRequestError, match='lacks "expose": true'):
        await rig.create(model="@hidden/gpt-4o")


# -- untrusted -------------------------------------------------------------------------------------------


async def test_a_router_without_a_config_takes_the_request_s_own():
    """The default: config and provider headers, with the key that came along."""
    rig = Rig(None, OK)

    assert ("api.openai.com", THEIRS) == await sent(rig, config(theirs()))
    headers = {"x-portkey-provider": "openai", "Authorization": f"Bearer {THEIRS}"}
    assert ("api.openai.com", THEIRS) == await sent(rig, headers)
    host = {**headers, "x-portkey-custom-host": "https://llm.example.com/v1"}
    assert ("llm.example.com", THEIRS) == await sent(rig, host)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        (theirs(api_key="env:OPENAI_API_KEY"), "config.api_key"),
        (theirs(custom_host="http://10.0.0.5/v1"), "config.custom_host"),
        (theirs(custom_host="http://169.254.169.254/latest"), "config.custom_host"),
        (theirs(custom_host="http://2130706433/"), "config.custom_host"),
        (theirs(custom_host="https://host.internal/"), "config.custom_host"),
        ({"provider": "@hidden"}, "config.provider"),
        ({"virtual_key": "hidden"}, "config.virtual_key"),
        ({"override_params": {"model": "@hidden/gpt-4o"}}, "config.override_params.model"),
        (fallback("a", {"provider": "@hidden"}), "config.targets[1].provider"),
    ],
)
async def test_it_reaches_nothing_of_the_host_s(members, path, monkeypatch):
    """No variable, no private host, no provider that was not exposed."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    rig = Rig(None, OK, providers=PROVIDERS, keyless=False)

    assert path == await refused(rig, config(members))


async def test_the_usual_variables_are_not_read(monkeypatch):
    """Neither for a config nor for a provider header, nor for a named config without a provider."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    rig = Rig(None, OK, keyless=False, configs={"retrying": {"retry": {"attempts": 1}}})
    for headers in (
        config({"provider": "openai"}),
        {"x-portkey-provider": "openai"},
        {"x-portkey-provider": "openai", "x-portkey-config": "retrying"},
    ):
        response = await rig.handle(headers)
        assert (401, 0) == (response.status, len(rig.transport.requests))


async def test_exposed_providers_may_be_asked_for():
    """By every way of naming them, with the key and host they were declared with."""
    rig = Rig(None, OK, providers=PROVIDERS)

    for headers in (
        {"x-portkey-provider": "@open"},
        config({"provider": "@open"}),
        config({"virtual_key": "open"}),
        config({"override_params": {"model": "@open/gpt-4o"}}),
        config(fallback({"provider": "@open"})),
    ):
        assert ("api.openai.com", KEY) == await sent(rig, headers)
    assert ("api.openai.com", KEY) == await sent(rig, {}, model="@open/gpt-4o")
    assert "gpt-4o" == rig.transport.requests[-1].json["model"]
    assert ("10.0.0.5", KEY) == await sent(rig, {"x-portkey-provider": "@inside"})


EVIL = "https://evil.example.com/v1"


@pytest.mark.parametrize(
    ("headers", "model"),
    [
        (config({"provider": "@open", "custom_host": EVIL}), "m"),
        (config({"custom_host": EVIL, **fallback({"provider": "@open"})}), "m"),
        (config({"provider": "@open", "api_key": THEIRS}), "m"),
        ({"x-portkey-provider": "@open", "x-portkey-custom-host": EVIL}, "m"),
        ({"x-portkey-custom-host": EVIL}, "@open/gpt-4o"),
        ({**config(fallback({"provider": "@open"})), "x-portkey-custom-host": EVIL}, "m"),
        ({"x-portkey-config": "main", "x-portkey-custom-host": EVIL}, "m"),
        ({"x-portkey-config": "retrying", "x-portkey-provider": "@hidden"}, "m"),
        ({"x-portkey-provider": "@open", "x-portkey-azure-resource-name": "evil"}, "m"),
        ({}, "@hidden/gpt-4o"),
        ({}, "@nobody/gpt-4o"),
    ],
)
async def test_the_host_s_credentials_go_only_where_they_were_declared(headers, model):
    """Not to a host, an account or through a name that the request brought."""
    configs = {"main": HOST_KEY, "retrying": {"retry": {"attempts": 1}}}
    rig = Rig(None, OK, providers=PROVIDERS, configs=configs)

    assert await refused(rig, headers, model=model)


async def test_neither_do_those_of_the_router_s_own_config():
    """With request_config="untrusted" beside a config."""
    rig = Rig(HOST_KEY, OK, request_config="untrusted")

    assert "headers.x-portkey-custom-host" == await refused(rig, {"x-portkey-custom-host": EVIL})
    assert ("api.openai.com", KEY) == await sent(rig, {})
    assert ("api.openai.com", THEIRS) == await sent(rig, config(theirs()))


async def test_named_configs_may_be_asked_for():
    """By their names; whose word they are is said when they are declared."""
    configs = {"main": target("m"), "foreign": Config(theirs(custom_host=EVIL), trusted=False)}
    rig = Rig(None, OK, configs=configs)

    assert ("m.example", KEY) == await sent(rig, {"x-portkey-config": "main"})
    assert ("evil.example.com", THEIRS) == await sent(rig, {"x-portkey-config": "foreign"})
    assert "config" == await refused(rig, {"x-portkey-config": "pc-unknown"})


async def test_limits_of_a_request_hold_beside_a_config():
    """A time limit alone is routing data enough."""
    rig = Rig(target(), hang(), request_config="untrusted")
    await rig.handle({"x-portkey-request-timeout": "1500"})

    assert 1.5 == rig.clock.now()


async def test_a_request_that_names_no_target_is_a_400():
    """Without a config of its own the router has nowhere to go."""
    assert "headers" == await refused(Rig(None, OK), {})
    assert "body.model" == await refused(Rig(None, OK, providers=PROVIDERS), {})


# -- trusted -----------------------------------------------------------------------------------------------


async def test_trusted_headers_are_the_host_s_own_word(monkeypatch):
    """Variables, private hosts, and every named provider."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    rig = Rig(None, OK, providers=PROVIDERS, request_config="trusted", keyless=False)

    assert ("api.openai.com", KEY) == await sent(rig, {"x-portkey-provider": "openai"})
    assert ("api.openai.com", KEY) == await sent(rig, {"x-portkey-provider": "@hidden"})
    assert ("api.openai.com", KEY) == await sent(rig, {}, model="@hidden/gpt-4o")
    assert ("10.0.0.5", THEIRS) == await sent(rig, config(theirs(custom_host="http://10.0.0.5/v1")))
    moved = {"x-portkey-provider": "@hidden", "x-portkey-custom-host": "https://b.example/v1"}
    assert ("b.example", KEY) == await sent(rig, moved)


async def test_trusted_headers_overlay_the_router_s_own_config():
    """Host and limits of the request, keys of the config."""
    rig = Rig(HOST_KEY, OK, request_config="trusted")

    assert ("b.example", KEY) == await sent(rig, {"x-portkey-custom-host": "https://b.example/v1"})


async def test_metadata_endpoints_are_refused_whoever_asks():
    """Not even the host's own code sends keys there."""
    rig = Rig(None, OK, request_config="trusted")

    assert await refused(rig, config(theirs(custom_host="http://169.254.169.254/")))
    with pytest.raises(ConfigError):
        Rig(target(custom_host="http://metadata.google.internal/"), OK)


# -- bad requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"x-portkey-config": "{"},
        {"x-portkey-config": "[]"},
        {"x-portkey-config": "null"},
        {"x-portkey-config": "{}"},
        {"x-portkey-config": '{"provider": "openai", "provider": "x"}'},
        {"x-portkey-config": "[" * 100_000},
        {"x-portkey-provider": "opnai"},
        {"x-portkey-provider": "openai\r\nx-evil: 1"},
        {"x-portkey-provider": "openai", "x-portkey-aws-region": "a/b"},
        {"a": 5},
        {5: "a"},
        {"a": "b\0"},
    ],
)
async def test_wrong_headers_are_a_400(headers):
    """Never an exception; without routing headers of our own, as recorded."""
    response = await Rig(None, OK).handle(headers)

    assert (400, {}, "failure") == (response.status, response.headers, response.body["status"])
    assert response.body["errors"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("{", "body"),
        (b"\xff", "body"),
        ("[]", "body"),
        ("5", "body"),
        ("[" * 100_000, "body"),
        ({}, "body.messages"),
        ('{"messages": "Hi"}', "body.messages"),
        (b'{"messages": [1]}', "body.messages[0]"),
        (5, "body"),
    ],
)
async def test_wrong_bodies_are_a_400(body, param):
    """With the path of what is wrong."""
    response = await Rig(target(), OK).router.handle(body)

    assert (400, param, "invalid_request_error") == (
        response.status,
        response.body["error"]["param"],
        response.body["error"]["type"],
    )


async def test_a_body_may_be_text_and_headers_bytes():
    """As web frameworks hand them over."""
    rig = Rig(None, OK)
    headers = {"x-portkey-provider": b"openai", "authorization": f"Bearer {THEIRS}".encode()}
    for body in (json.dumps(HELLO), json.dumps(HELLO).encode(), HELLO):
        response = await rig.router.handle(body, headers)
        assert 200 == response.status
