"""Plans: compiled once for each config and overlay, kept by digest, shared by threads."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
from engine_kit import KEY, Rig, fallback, target

from llmroute import Config, ConfigError
from llmroute.config.inherit import Overlay
from llmroute.routing.plan import MAX_PLANS, Planner, targets_of
from llmroute.testing import completion


def planner(limit=MAX_PLANS):
    core = Rig(target(), completion()).router._core
    return Planner(core.planner.around, core.env, limit)


def config(seed=0, **members):
    return Config(target(override_params={"seed": seed}, **members))


def test_a_plan_is_kept_by_the_content_of_its_config():
    """Equal configs share one; anything different, trust included, does not."""
    plans = planner()

    assert plans.plan(config()) is plans.plan(config())
    assert plans.plan(config()) is not plans.plan(config(1))
    assert plans.plan(config()) is not plans.plan(config(api_key="sk-another-key"))
    members = target(override_params={"seed": 0})
    assert plans.plan(config()) is not plans.plan(Config(members, trusted=False))


def test_an_overlay_has_a_plan_of_its_own():
    """Compiled once as well."""
    plans, overlay = planner(), Overlay(request_timeout=500)
    changed = plans.plan(config(), overlay)

    assert changed is plans.plan(config(), Overlay(request_timeout=500))
    assert changed is not plans.plan(config())
    assert (0.5, None) == (changed.spec.timeouts.request, plans.plan(config()).spec.timeouts.request)


def test_a_config_changed_afterwards_is_another_one():
    """The digest is that of what was read, not of what the mapping holds by then."""
    members = target("a")
    first = Config(members)
    members["custom_host"] = "https://b.example/v1"
    second = Config(members)
    plans = planner()

    assert first.digest != second.digest
    assert "https://a.example/v1" == plans.plan(first).spec.custom_host
    assert "https://b.example/v1" == plans.plan(second).spec.custom_host


def test_the_least_recently_used_is_forgotten():
    """A bound on what thousands of tenants hold."""
    plans = planner(limit=2)
    first, second = plans.plan(config(1)), plans.plan(config(2))
    plans.plan(config(1))
    plans.plan(config(3))

    assert first is plans.plan(config(1))
    assert second is not plans.plan(config(2))


def test_a_config_that_does_not_compile_is_not_kept():
    """It raises each time, with every problem."""
    plans = planner()
    wrong = Config(
        {"strategy": {"mode": "fallback"}, "targets": [{"provider": "opnai"}, {"provider": "x-y"}]}
    )
    for _ in range(2):
        with pytest.raises(ConfigError) as caught:
            plans.plan(wrong)
        assert 2 == len(caught.value.problems)


def test_many_threads_may_ask_at_once():
    """Each gets a usable plan of its own config; afterwards there is one of each."""
    plans = planner(limit=8)
    configs = [config(seed) for seed in range(16)]
    barrier = threading.Barrier(8)

    def ask(thread):
        barrier.wait()
        return [
            plans.plan(one).spec.override_params["seed"] == seed
            for _ in range(50)
            for seed, one in enumerate(configs)
        ]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(map(all, pool.map(ask, range(8))))
    finally:
        sys.setswitchinterval(interval)
    assert plans.plan(configs[0]) is plans.plan(configs[0])


def test_a_plan_says_what_stands_at_the_root():
    """The deadline in seconds, the metadata, warnings; and it is frozen."""
    plan = planner().plan(Config(target(deadline=1500, metadata={"team": "a"})))

    assert (1.5, {"team": "a"}, ()) == (plan.deadline, plan.metadata, plan.warnings)
    assert "team" not in repr(plan)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        plan.deadline = 1.0


def test_targets_are_listed_in_the_order_of_the_config():
    """Every leaf, through all nesting."""
    plan = planner().plan(Config(fallback("a", fallback("b", "c"), "d")))

    assert [
        "config.targets[0]",
        "config.targets[1].targets[0]",
        "config.targets[1].targets[1]",
        "config.targets[2]",
    ] == [spec.path for spec in targets_of(plan.spec)]


def test_nothing_about_a_plan_shows_the_key():
    """Its repr, its spec's, or the cache's."""
    plans = planner()
    plan = plans.plan(config())

    assert KEY not in f"{plan!r} {plan.spec!r} {plans._plans!r}"
