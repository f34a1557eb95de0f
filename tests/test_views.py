"""`with_options`: views that share a router's sessions and state. The order: call > view > config."""

from __future__ import annotations

import httpx
import pytest
from engine_kit import HELLO, KEY, Rig, collect, fallback, target

from llmroute import APIError, Config, ConfigError
from llmroute.testing import completion, error, hang, reply, stream

OK = completion()


async def ask(rig, view, **params):
    """What a view's call sent."""
    await view.chat.completions.create(**{**HELLO, **params})
    return rig.transport.requests[-1]


async def test_a_config_replaces_the_router_s():
    """A mapping, its text, a compiled or a named one; the router itself stays as it was."""
    rig = Rig(target("a"), OK, configs={"named": target("n")})
    for config in (target("b"), Config(target("c")), "named"):
        await ask(rig, rig.router.with_options(config=config))
    await rig.create()

    assert "bcna" == rig.hosts


async def test_a_provider_makes_a_config_of_one_target():
    """With the key and host beside it."""
    rig = Rig(fallback("a", "b"), OK)
    view = rig.router.with_options(
        provider="openai", api_key="sk-another-key", custom_host="https://c.example/v1"
    )
    sent = await ask(rig, view)

    assert ("c", "Bearer sk-another-key") == (rig.hosts, sent.headers["authorization"])


async def test_a_key_replaces_that_of_a_config_of_one_target():
    """Text, or a function; it wins over the config's."""
    rig = Rig(target(), OK)
    for key in ("sk-another-key", lambda: "sk-another-key"):
        sent = await ask(rig, rig.router.with_options(api_key=key))
        assert "Bearer sk-another-key" == sent.headers["authorization"]
    assert f"Bearer {KEY}" == (await ask(rig, rig.router)).headers["authorization"]


def test_one_key_cannot_serve_several_targets():
    """It would have no effect, so it is refused."""
    rig = Rig(fallback("a", "b"), OK)
    with pytest.raises(ConfigError, match="api_key"):
        rig.router.with_options(api_key="sk-another-key")


async def test_host_headers_and_strictness_overlay_every_target():
    """What is not given stays the config's."""
    rig = Rig(fallback("a", "b"), [error(500), OK])
    view = rig.router.with_options(custom_host="https://c.example/v1", forward_headers=["X-Tenant"])
    await view.handle(HELLO, {"x-tenant": "t-1"})

    assert "cc" == rig.hosts
    assert {"t-1"} == {sent.headers["x-tenant"] for sent in rig.transport.requests}


async def test_strictness_can_be_switched():
    """Not strict, a provider's own members stay in the answer."""
    body = completion().json
    body["choices"][0]["native_finish_reason"] = "odd"
    rig = Rig(target(), reply(json=body))
    view = rig.router.with_options(strict_open_ai_compliance=False)

    assert view._plan().spec.strict is False
    assert rig.router._plan().spec.strict is True


@pytest.mark.parametrize(
    ("config", "view", "call", "ended"),
    [
        ({"request_timeout": 4000}, {}, {}, 4.0),
        ({"request_timeout": 4000}, {"request_timeout": 3000}, {}, 3.0),
        ({"request_timeout": 4000}, {"request_timeout": 9000}, {}, 9.0),
        ({"deadline": 4000}, {}, {}, 4.0),
        ({"deadline": 4000}, {"timeout": 3}, {}, 3.0),
        ({}, {"timeout": 3}, {}, 3.0),
        ({}, {"timeout": 3}, {"timeout": 2}, 2.0),
        ({}, {"timeout": 3}, {"timeout": 5}, 5.0),
        ({}, {"timeout": 3}, {"timeout": httpx.Timeout(None)}, 3.0),
        ({"deadline": 4000}, {}, {"timeout": 9}, 4.0),
    ],
)
async def test_time_limits_of_call_view_and_config(config, view, call, ended):
    """The call's wins over the view's; no timeout lifts the config's deadline."""
    rig = Rig(target(**config), hang())
    with pytest.raises(APIError):
        await rig.router.with_options(**view).chat.completions.create(**HELLO, **call)

    assert ended == rig.clock.now()


async def test_views_of_views_add_up():
    """The nearest setting wins, metadata is merged."""
    rig = Rig(target(), OK)
    outer = rig.router.with_options(trace_id="outer", metadata={"a": 1, "b": 1}, request_timeout=500)
    inner = outer.with_options(trace_id="inner", metadata={"b": 2})

    assert ("inner", {"a": 1, "b": 2}, 500) == (
        inner._view.trace_id,
        inner._view.metadata,
        inner._view.overlay.request_timeout,
    )
    assert ("outer", {"a": 1, "b": 1}) == (outer._view.trace_id, outer._view.metadata)


async def test_views_share_what_is_known_of_targets():
    """A target that rests for one rests for all."""
    polite = target("a", retry={"attempts": 1, "use_retry_after_headers": True})
    rig = Rig(fallback(polite, "b"), {"a.": error(429, retry_after=30), "b.": OK})
    await ask(rig, rig.router.with_options(trace_id="one"))
    await ask(rig, rig.router.with_options(request_timeout=900))

    assert "abb" == rig.hosts


async def test_closing_a_view_closes_the_router():
    """There is one set of connections."""
    rig = Rig(target(), OK)
    await rig.router.with_options(trace_id="x").aclose()
    with pytest.raises(Exception, match="closed"):
        await rig.create()


async def test_a_thousand_views_cost_one_compilation_each():
    """Kept by the digest of their config and overlay."""
    rig = Rig(target(), OK)
    tenants = [target("t", override_params={"user": str(number)}) for number in range(20)]
    plans = {id(rig.router.with_options(config=tenant)._plan()) for tenant in tenants * 5}

    assert 20 == len(plans)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"config": {"provider": "opnai"}}, "config.provider"),
        ({"config": "{"}, "config"),
        ({"provider": "opnai"}, "config.provider"),
        ({"api_key": 5}, "api_key"),
        ({"api_key": ""}, "api_key"),
        ({"custom_host": "ftp://x"}, "custom_host"),
        ({"custom_host": 5}, "custom_host"),
        ({"request_timeout": -5}, "request_timeout"),
        ({"request_timeout": 0.5}, "request_timeout"),
        ({"request_timeout": True}, "request_timeout"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"forward_headers": "X-Tenant"}, "forward_headers"),
        ({"forward_headers": ["a b"]}, "forward_headers"),
        ({"forward_headers": ["host"]}, "forward_headers"),
        ({"forward_headers": 5}, "forward_headers"),
        ({"strict_open_ai_compliance": "no"}, "strict_open_ai_compliance"),
        ({"metadata": [1]}, "metadata"),
        ({"trace_id": "a\nb"}, "trace_id"),
    ],
)
def test_wrong_options_raise_config_error(options, path):
    """When the view is made, naming the option."""
    rig = Rig(target(), OK)
    with pytest.raises(ConfigError) as caught:
        rig.router.with_options(**options)
    assert path in [problem.path for problem in caught.value.problems]


def test_several_wrong_options_are_told_at_once():
    """As those of a config."""
    with pytest.raises(ConfigError) as caught:
        Rig(target(), OK).router.with_options(request_timeout=-1, forward_headers=["host"])
    assert 2 == len(caught.value.problems)


async def test_a_view_streams_and_handles_too():
    """It is a router."""
    rig = Rig(target(), stream("Hi"))
    view = rig.router.with_options(trace_id="t-1")
    opened = await view.chat.completions.create(**HELLO, stream=True)
    response = await view.handle({**HELLO, "stream": True})

    assert "Hi" == (await opened.final()).choices[0].message.content
    assert "t-1" == opened.route.trace_id == response.headers["x-portkey-trace-id"]
    assert 4 == len(await collect(response.stream)) + 1
