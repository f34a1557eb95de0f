"""Router: its constructor, its views, reload, and what a call takes from where."""

from __future__ import annotations

import json
import re

import pytest
from engine_kit import HELLO, KEY, Rig, fallback, target

from llmroute import APIError, BadRequestError, Config, ConfigError, Router
from llmroute.testing import ScriptedTransport, VirtualClock, completion, error, hang

OK = completion()


def sent(rig, number=-1):
    return rig.transport.requests[number]


# -- constructor ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", [lambda members: members, json.dumps, lambda members: json.dumps(members).encode(), Config]
)
async def test_a_config_may_be_a_mapping_its_json_or_compiled(form):
    """All the same router."""
    rig = Rig(form(target()), OK)
    await rig.create()

    assert "a" == rig.hosts


@pytest.mark.parametrize(
    ("keywords", "key"),
    [
        ({"api_key": KEY}, KEY),
        ({"Authorization": f"Bearer {KEY}"}, KEY),
        ({"Authorization": f"bearer {KEY}"}, KEY),
        ({"Authorization": KEY}, KEY),
        ({"authorization": KEY}, KEY),
        ({"api_key": lambda: KEY}, KEY),
    ],
)
async def test_keywords_make_a_config_of_one_target(keywords, key):
    """With the names of the Portkey SDK."""
    rig = Rig(None, OK, provider="openai", custom_host="https://a.example/v1", **keywords)
    await rig.create()

    assert f"Bearer {key}" == sent(rig).headers["authorization"]
    assert "https://a.example/v1/chat/completions" == sent(rig).url


async def test_keywords_take_every_member_of_the_language():
    """Limits, retries, overrides, the trace id and the call's timeout."""
    rig = Rig(
        None,
        [error(500), OK],
        **target(retry={"attempts": 1, "jitter": "none"}, override_params={"seed": 5}, request_timeout=2000),
        trace_id="t-1",
        metadata={"team": "a"},
    )
    completion_ = await rig.create()

    assert ("t-1", 1) == (completion_.route.trace_id, completion_.route.retries)
    assert 5 == sent(rig).json["seed"]


def test_keywords_beside_a_config_are_refused():
    """Which one would count is not guessed."""
    with pytest.raises(ConfigError, match=r"^provider: may not stand beside a config.*\napi_key: may not"):
        Router(target(), provider="openai", api_key=KEY)


def test_an_unknown_keyword_is_an_unknown_member():
    """With a hint for a near miss."""
    with pytest.raises(ConfigError, match=r"^api_kye: unknown member, did you mean 'api_key'"):
        Router(provider="openai", api_kye=KEY)


@pytest.mark.parametrize(
    "config",
    [
        "no json",
        b"\xff",
        [],
        5,
        {},
        {"strategy": {}},
        {"provider": "opnai"},
        {"provider": "openai", "wieght": 1},
    ],
)
def test_a_wrong_config_raises_config_error(config):
    """When the router is built, and nothing else."""
    with pytest.raises(ConfigError) as caught:
        Router(config)
    assert caught.value.problems


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "5"},
        {"trace_id": "a\r\nb"},
        {"trace_id": 5},
        {"metadata": 5},
        {"request_config": "sometimes"},
        {"unknown": "ignore"},
        {"hosts": ["not a host!"]},
    ],
)
def test_wrong_options_raise_config_error(options):
    """Like a wrong config."""
    with pytest.raises(ConfigError):
        Router(target(), **options)


def test_unknown_members_can_be_warnings():
    """`unknown="warn"`; the default is an error."""
    router = Router({**target(), "wieght": 1}, unknown="warn")

    assert [True] == ["wieght" in problem.path for problem in router.warnings]


def test_what_is_odd_without_being_wrong_is_a_warning():
    """Of the config and of its meaning."""
    config = {
        "strategy": {"mode": "conditional", "conditions": [{"query": {"params.a": 1}, "then": "t"}]},
        "targets": [target(name="t")],
    }

    assert ["config.strategy.default"] == [problem.path for problem in Router(config).warnings]
    assert () == Router(target()).warnings


def test_keys_can_be_required_at_once(monkeypatch):
    """Every target without one is named; those of a function or a set variable are fine."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("SET_HERE", KEY)
    config = fallback(
        {"provider": "openai"}, "a", target(api_key="env:SET_HERE"), target(api_key="env:NOT_SET")
    )
    with pytest.raises(ConfigError) as caught:
        Rig(config, OK, keyless=False, require_keys=True)

    assert ["config.targets[0].api_key", "config.targets[3].api_key"] == [
        problem.path for problem in caught.value.problems
    ]
    Rig(fallback("a"), OK, keyless=False, require_keys=True)
    Rig(config, OK, require_keys=True)


async def test_without_a_config_a_call_needs_a_named_provider():
    """The text says what is missing."""
    rig = Rig(None, OK)
    with pytest.raises(BadRequestError, match="no target"):
        await rig.create()
    assert 400 == (await rig.handle()).status


async def test_from_file(tmp_path):
    """ConfigError for the content, OSError for the file."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(target()))
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"provider": "opnai"}')
    clock = VirtualClock()
    transport = ScriptedTransport(OK, clock)
    router = Router.from_file(path, transport=transport, clock=clock)
    await router.chat.completions.create(**HELLO)

    assert "a.example" == transport.requests[0].host
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(wrong))}: config\.provider: unknown provider"):
        Router.from_file(wrong)
    with pytest.raises(FileNotFoundError):
        Router.from_file(tmp_path / "none.json")


def test_a_repr_shows_no_key():
    """Of the router, its view and its config."""
    router = Router(target())

    assert KEY not in f"{router!r} {router._view!r} {router._core.config!r} {router._core.plan!r}"
    assert repr(router).startswith("<Router ")
    assert "<Router without a config>" == repr(Router())


# -- from_headers ----------------------------------------------------------------------------------------


def from_headers(headers, **options):
    rig = Rig(target(), OK)
    rig.router = Router.from_headers(headers, transport=rig.transport, clock=rig.clock, **options)
    return rig


async def test_headers_of_a_gateway_s_client_make_a_router():
    """A config or a provider, with key, host, trace id, metadata and time limit beside it."""
    rig = from_headers(
        {
            "X-Portkey-Provider": "openai",
            "Authorization": f"Bearer {KEY}",
            "x-portkey-custom-host": "https://b.example/v1",
            "x-portkey-trace-id": "t-1",
            "x-portkey-metadata": '{"_user": "ann"}',
            "x-portkey-request-timeout": "2500",
        }
    )
    completion_ = await rig.create()
    rig.transport._play = lambda request: hang()
    with pytest.raises(APIError):
        await rig.create()

    assert (f"Bearer {KEY}", "b") == (sent(rig, 0).headers["authorization"], rig.hosts[0])
    assert ("t-1", 2.5) == (completion_.route.trace_id, rig.clock.now())


async def test_headers_may_hold_a_whole_config():
    """As text, or the id of a named one."""
    as_text = from_headers({"x-portkey-config": json.dumps(fallback("c"))})
    named = from_headers({"x-portkey-config": "main"}, configs={"main": target("d")})
    await as_text.create()
    await named.create()

    assert ("c", "d") == (as_text.hosts, named.hosts)


async def test_views_and_reload_work_on_such_a_router_too():
    """What the headers set stays above the config."""
    rig = from_headers({"x-portkey-config": json.dumps(target("c")), "x-portkey-request-timeout": "2500"})
    view = rig.router.with_options(api_key="sk-another-key", custom_host="https://e.example/v1")
    await view.chat.completions.create(**HELLO)
    rig.router.reload(target("f"))
    await rig.create()

    assert "ef" == rig.hosts
    assert "Bearer sk-another-key" == sent(rig, 0).headers["authorization"]
    assert 2.5 == rig.router.explain(HELLO).targets[0].request_timeout


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-portkey-config": "{"},
        {"x-portkey-config": "pc-123"},
        {"x-portkey-provider": "opnai"},
        {"a": 5},
        {5: "a"},
    ],
)
def test_headers_that_make_no_router_raise_config_error(headers):
    """As any wrong config."""
    with pytest.raises(ConfigError):
        from_headers(headers)


async def test_options_beside_headers_hold():
    """Timeout, trace id, and that requests may not steer."""
    rig = from_headers({"x-portkey-provider": "openai"}, timeout=3, trace_id="t-2")
    rig.transport._play = lambda request: hang()
    response = await rig.handle()
    refused = await rig.handle({"x-portkey-provider": "anthropic"})

    assert (408, 3.0, "t-2") == (response.status, rig.clock.now(), response.headers["x-portkey-trace-id"])
    assert 400 == refused.status


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"provider": "opnai", "wieght": 2}, ["config.wieght", "config.provider"]),
        ({"provider": 5, "api_kye": KEY}, ["config.provider", "config.api_kye"]),
        (
            fallback({"api_kye": KEY}, {"provider": "opnai", "retry": {"attempts": "x"}}),
            ["config.targets[0].api_kye", "config.targets[1].retry.attempts", "config.targets[1].provider"],
        ),
        ({"targets": [5], "strategy": {"mode": "single"}}, ["config.targets[0]"]),
        ('{"provider": "opnai", "wieght": 2}', ["config.wieght", "config.provider"]),
        ('{"provider"', ["config"]),
    ],
)
def test_a_typo_hides_no_other_problem(source, expected):
    """What is left when the wrong members are taken away is looked at as well; what lacks them is not blamed."""
    with pytest.raises(ConfigError) as caught:
        Router(source)

    found = [problem.path for problem in caught.value.problems]
    assert expected == [path for path in found if path != "config.targets[0].provider"]


def test_a_provider_may_not_stand_beside_a_config_in_a_view_either():
    """One of them would be ignored."""
    with pytest.raises(ConfigError, match="may not stand beside a config"):
        Rig(target(), OK).router.with_options(config=target("b"), provider="anthropic")


# -- reload ----------------------------------------------------------------------------------------------


async def test_reload_swaps_the_config_for_new_calls():
    """Views without a config of their own follow."""
    rig = Rig(target("a"), OK)
    view = rig.router.with_options(request_timeout=500)
    rig.router.reload(target("b"))
    await rig.create()
    await view.chat.completions.create(**HELLO)

    assert "bb" == rig.hosts


async def test_a_wrong_config_leaves_the_old_one():
    """All or nothing."""
    rig = Rig(target("a"), OK)
    for wrong in ({"provider": "opnai"}, "{", {"strategy": {"mode": "fallback"}, "targets": []}):
        with pytest.raises(ConfigError):
            rig.router.reload(wrong)
    await rig.create()

    assert "a" == rig.hosts


def test_a_view_with_a_config_of_its_own_cannot_be_reloaded():
    """It would change everybody's config but its own."""
    view = Rig(target("a"), OK).router.with_options(config=target("b"))

    with pytest.raises(ConfigError, match="reload the router, or make another view"):
        view.reload(target("c"))


async def test_running_calls_finish_on_the_old_plan():
    """Its retries and fallbacks included."""
    rig = Rig(fallback(target("a", retry={"attempts": 1, "jitter": "none"}), "b"), {"b.": OK, "": error(500)})
    original = rig.clock.sleep

    async def reload_meanwhile(seconds):
        rig.router.reload(target("c"))
        await original(seconds)

    rig.clock.sleep = reload_meanwhile
    completion_ = await rig.create()

    assert ("aab", "config.targets[1]") == (rig.hosts, completion_.route.target)


async def test_unchanged_targets_keep_their_state():
    """One that asked for rest rests on under the new config."""
    polite = target("a", retry={"attempts": 1, "use_retry_after_headers": True})
    rig = Rig(fallback(polite, "b"), {"a.": error(429, retry_after=30), "b.": OK}, observe=True)
    await rig.create()
    rig.router.reload(fallback(polite, "b", deadline=60_000))
    await rig.create()

    assert "abb" == rig.hosts
    assert [False, True] == [health.available for health in rig.router.health()]
    assert 30.0 == rig.router.health()[0].cooling
    assert 1 == [type(event).__name__ for event in rig.events].count("ConfigReloaded")


# -- metadata and trace ids --------------------------------------------------------------------------------


def echoing():
    """A config whose target tells which of the metadata `who` was seen."""
    names = ["config", "request", "view", "host", "none"]
    conditions = [{"query": {"metadata.who": name}, "then": name} for name in names[:-1]]
    return {
        "strategy": {"mode": "conditional", "conditions": conditions, "default": "none"},
        "targets": [target(name, name=name) for name in names],
    }


@pytest.mark.parametrize(
    ("config", "request_", "view", "host", "expected"),
    [
        (False, False, False, False, "n"),
        (True, False, False, False, "c"),
        (True, True, False, False, "r"),
        (True, True, True, False, "v"),
        (True, True, True, True, "h"),
    ],
)
async def test_the_host_s_metadata_stands_above_the_request_s(config, request_, view, host, expected):
    """The config's below, then the request's headers, the view's, and the router's own."""
    members = {**echoing(), **({"metadata": {"who": "config"}} if config else {})}
    rig = Rig(members, OK, metadata={"who": "host"} if host else None)
    router = rig.router.with_options(metadata={"who": "view"}) if view else rig.router
    headers = {"x-portkey-metadata": '{"who": "request"}'} if request_ else {}
    await router.handle(HELLO, headers)

    assert expected == rig.hosts


async def test_the_body_s_user_is_copied_to_the_metadata():
    """As `_user`; a metadata `_user` of anybody's stays."""
    config = {
        "strategy": {
            "mode": "conditional",
            "conditions": [{"query": {"metadata._user": "ann"}, "then": "t"}],
            "default": "o",
        },
        "targets": [target("t", name="t"), target("o", name="o")],
    }
    rig = Rig(config, OK)
    await rig.create(user="ann")
    await rig.create(user="bob")
    await rig.create(user=5)
    await rig.router.with_options(metadata={"_user": "bob"}).chat.completions.create(**HELLO, user="ann")
    await rig.handle({"x-portkey-metadata": '{"_user": "ann"}'}, user="bob")

    assert "tooot" == rig.hosts


async def test_metadata_of_the_body_is_the_provider_s():
    """OpenAI's parameter of that name is passed on and routes nothing."""
    rig = Rig(echoing(), OK)
    await rig.create(metadata={"who": "host"})

    assert ("n", {"who": "host"}) == (rig.hosts, sent(rig).json["metadata"])


async def test_a_trace_id_is_the_caller_s_or_made():
    """The request's header, the view's, the router's; else one for each call."""
    rig = Rig(target(), OK, trace_id="router")
    bare = Rig(target(), OK)
    view = rig.router.with_options(trace_id="view")
    seen = [
        (await rig.handle()).headers["x-portkey-trace-id"],
        (await view.handle(HELLO)).headers["x-portkey-trace-id"],
        (await view.handle(HELLO, {"x-portkey-trace-id": "request"})).headers["x-portkey-trace-id"],
    ]
    made = {(await bare.create()).route.trace_id for _ in range(3)}

    assert ["router", "view", "request"] == seen
    assert 3 == len(made)
    assert all(len(trace_id) >= 16 for trace_id in made)
