"""Putting a plan together: each target with the layers that its config asks for."""

from __future__ import annotations

import pytest
from engine_kit import KEY, Rig, fallback, target

from llmroute import Config, ConfigError
from llmroute.layers.exchange import Exchange
from llmroute.layers.observe import Observe
from llmroute.layers.retry import Retry
from llmroute.routing.build import STRATEGIES, key_source, missing_credential
from llmroute.routing.plan import targets_of
from llmroute.testing import completion


def plan_of(config, **options):
    return Rig(config, completion(), **options).router._core.plan


def chain(layer):
    """The classes of a chain of layers, from the outside in."""
    found = []
    while layer is not None:
        found.append(type(layer))
        layer = getattr(layer, "_inner", None)
    return found


@pytest.mark.parametrize(
    ("members", "options", "expected"),
    [
        ({}, {}, [Exchange]),
        ({"retry": {"attempts": 0}}, {}, [Exchange]),
        ({"retry": {"attempts": 2}}, {}, [Retry, Exchange]),
        ({}, {"observe": True}, [Observe, Exchange]),
        ({"retry": {"attempts": 2}}, {"observe": True}, [Observe, Retry, Exchange]),
    ],
)
def test_a_layer_exists_only_when_asked_for(members, options, expected):
    """The order: observers see the target's result, retries surround the exchange."""
    root = plan_of(target(**members), **options).root

    assert expected == chain(root.prepare().service)


def test_every_strategy_of_the_language_has_a_node():
    """One line each in a table."""
    assert ["conditional", "fallback", "loadbalance", "single"] == sorted(STRATEGIES)
    for mode in ("fallback", "loadbalance", "single"):
        plan = plan_of({"strategy": {"mode": mode}, "targets": [target("a"), target("b")]})
        assert STRATEGIES[mode] is type(plan.root)
        assert ("config", 2) == (plan.root.path, len(plan.root.children))


def test_a_chain_is_put_together_at_first_use():
    """A config may list a thousand targets and use three; one of each provider is made at once."""
    made = []

    def adapter(settings):
        made.append(settings.path)
        return object()

    own = {"provider": "mine", "api_key": KEY}
    root = plan_of(fallback("a", "b", own, own), providers={"mine": adapter}).root

    assert ["config.targets[2]", "config.targets[3]"] == made
    assert [True, False, True, True] == [child._chain is not None for child in root.children]
    assert root.children[1].available()
    assert root.children[1]._chain is not None


@pytest.mark.parametrize(
    ("config", "leaves", "retries"),
    [
        (target(), 1, 0),
        (target(retry={"attempts": 3}), 1, 3),
        (fallback("a", target("b", retry={"attempts": 3})), 2, 3),
        (fallback("a", fallback("b", "c"), retry={"attempts": 2}), 3, 2),
        ({"strategy": {"mode": "loadbalance"}, "targets": [target("a"), fallback("b", "c")]}, 2, 0),
        ({"strategy": {"mode": "single"}, "targets": [target("a"), fallback("b", "c")]}, 1, 0),
    ],
)
def test_nodes_know_how_much_they_hold(config, leaves, retries):
    """The number of targets that one call may try, and of repetitions of each."""
    root = plan_of(config).root

    assert (leaves, retries) == (root.leaves, root.retries)


def test_targets_of_one_account_share_their_state():
    """Provider, host, credential and model tell accounts apart."""
    same = {"override_params": {"model": "m"}}
    config = fallback(
        target("a", **same),
        target("a", **same, retry={"attempts": 1}),
        target("b", **same),
        target("a"),
        target("a", **same, api_key="sk-another-key"),
    )
    first, second, *others = (leaf.state for leaf in plan_of(config).root.children)

    assert first is second
    assert 4 == len({id(first), *map(id, others)})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"api_key": lambda: KEY}, None),
        ({"api_key": "env:SET_HERE"}, None),
        ({"api_key": "env:NOT_SET"}, "NOT_SET"),
        ({"api_key": None, "custom_host": None}, "OPENAI_API_KEY"),
        ({"api_key": None}, None),
    ],
)
def test_a_missing_credential_is_named(members, expected, monkeypatch):
    """Without asking anything of the host's; with the variables that would do.

    A host of the target's own may ask for no key: that is for it to say.
    """
    monkeypatch.setenv("SET_HERE", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    members = {name: value for name, value in target(**members).items() if value is not None}
    core = Rig(members, completion(), keyless=False).router._core
    text = missing_credential(core.plan.spec, core.env)

    assert (text is None) == (expected is None)
    assert expected is None or expected in text


async def test_a_host_of_ones_own_is_called_without_a_key_where_there_is_none(monkeypatch):
    """As documented for private models: provider and `custom_host` are a whole target."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rig = Rig({"provider": "openai", "custom_host": "https://a.example/v1"}, completion(), keyless=False)
    await rig.create()

    assert "authorization" not in rig.transport.requests[0].headers


def test_a_config_that_came_from_elsewhere_uses_no_variables(monkeypatch):
    """Neither the usual ones nor named ones: they are the host's."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    core = Rig(None, completion(), keyless=False).router._core
    plan = core.planner.plan(Config({"provider": "openai"}, trusted=False))
    (spec,) = targets_of(plan.spec)

    assert key_source(spec, core.env).missing() is not None
    with pytest.raises(ConfigError, match="api_key"):
        core.planner.plan(Config({"provider": "openai", "api_key": "env:OPENAI_API_KEY"}, trusted=False))


def test_an_adapter_of_the_host_s_own_is_used():
    """A function from settings to an adapter, under a provider name of its own."""
    seen = []

    def make(settings):
        seen.append(settings)
        return object()

    config = {"provider": "mine", "api_key": KEY, "custom_host": "https://a.example/v1"}
    plan_of(config, providers={"mine": make})

    assert [("mine", "config", "https://a.example/v1", True)] == [
        (settings.provider, settings.path, settings.base_url, settings.strict) for settings in seen
    ]


def test_most_targets_are_put_together_when_they_are_first_used():
    """One of each provider at once, so that no module is imported during a call; the others later."""
    targets = [target("a"), target("b"), {"provider": "anthropic", "api_key": KEY}, target("c")]
    children = plan_of(fallback(*targets)).root.children

    assert [True, False, True, False] == [child._chain is not None for child in children]
    assert children[1].available()
    assert children[1]._chain is not None
