"""Conditional: the first condition that holds names the target.

The operators are tested in tests/config/test_conditions.py.
"""

from __future__ import annotations

import json

import pytest
from engine_kit import Rig, fallback, target

from llmroute import BadRequestError
from llmroute.config.conditions import ConditionTimeout
from llmroute.config.spec import ConditionSpec, StrategySpec
from llmroute.request import Call, CallLog, Request
from llmroute.routing.conditional import Conditional
from llmroute.testing import completion, error

OK = completion()


def conditional(*conditions, default=None, targets=None, **members):
    """Conditions as (query, name); targets are called a, b and c."""
    strategy = {
        "mode": "conditional",
        "conditions": [{"query": query, "then": then} for query, then in conditions],
    }
    if default is not None:
        strategy["default"] = default
    return {
        "strategy": strategy,
        "targets": targets or [target(name, name=name) for name in "abc"],
        **members,
    }


PLAN = [({"metadata.plan": "paid"}, "a"), ({"params.model": {"$regex": "^gpt"}}, "b")]


@pytest.mark.parametrize(
    ("metadata", "model", "expected"),
    [
        ({"plan": "paid"}, "claude", "a"),
        ({"plan": "paid"}, "gpt-4o", "a"),
        ({"plan": "free"}, "gpt-4o", "b"),
        ({}, "claude", "c"),
    ],
)
async def test_the_first_condition_that_holds_counts(metadata, model, expected):
    """In the order of the config; the default when none does."""
    rig = Rig(conditional(*PLAN, default="c"), OK)
    view = rig.router.with_options(metadata=metadata)
    await view.chat.completions.create(model=model, messages=[])

    assert expected == rig.hosts


async def test_without_a_match_and_a_default_the_request_is_wrong():
    """A 400 that names the strategy; nothing is sent."""
    rig = Rig(conditional(*PLAN), OK)
    response = await rig.handle(model="claude")
    with pytest.raises(BadRequestError, match=r"no condition of config\.strategy holds"):
        await rig.create(model="claude")

    assert (400, "no_matching_condition", "") == (response.status, response.body["error"]["code"], rig.hosts)
    assert "config" == response.headers["x-portkey-last-used-option-index"]


@pytest.mark.parametrize(("plan", "expected"), [("paid", 200), ("free", 400)])
async def test_a_requests_config_may_have_a_default_that_nobody_is(plan, expected):
    """The call that would need it gets the 400; every other goes its way."""
    rig = Rig(None, OK)
    config = json.dumps(conditional(*PLAN, default="nobody"))
    metadata = json.dumps({"plan": plan})
    headers = {"x-portkey-config": config, "x-portkey-metadata": metadata}
    response = await rig.handle(headers, model="claude")

    assert expected == response.status


async def test_conditions_see_the_callers_own_parameters():
    """Before overrides and defaults of any target."""
    config = conditional(
        ({"params.model": "gpt-4o-mini"}, "a"),
        default="b",
        override_params={"model": "other"},
        default_params={"seed": 1},
    )
    rig = Rig(config, OK)
    await rig.create()

    assert "a" == rig.hosts
    assert "other" == rig.transport.requests[0].json["model"]


async def test_conditions_see_the_path_and_the_user():
    """`url.pathname`, and `_user` from the body's `user`."""
    by_path = Rig(conditional(({"url.pathname": "/v1/chat/completions"}, "b"), default="a"), OK)
    by_user = Rig(conditional(({"metadata._user": "ann"}, "b"), default="a"), OK)
    await by_path.create()
    await by_user.create(user="ann")
    await by_user.create(user="bob")

    assert ("b", "ba") == (by_path.hosts, by_user.hosts)


async def test_a_failed_target_is_final():
    """Conditions choose once."""
    rig = Rig(conditional(*PLAN, default="c"), error(500))
    response = await rig.handle()

    assert ("b", 500, "config.targets[1]") == (
        rig.hosts,
        response.status,
        response.headers["x-portkey-last-used-option-index"],
    )


async def test_strategies_nest_below_a_name():
    """A named target may be a whole tree, and a conditional may stand inside one."""
    chain = fallback("a", "b", name="chain")
    outer = conditional(({"params.seed": 1}, "chain"), default="c", targets=[chain, target("c", name="c")])
    rig = Rig(outer, {"a.": error(500), "": OK})
    await rig.create(seed=1)
    await rig.create(seed=2)
    inside = Rig(fallback(conditional(*PLAN, default="c"), "d"), {"d.": OK, "": error(500)})
    await inside.create()

    assert ("abc", "bd") == (rig.hosts, inside.hosts)


class Slow:
    """A condition whose pattern does not come to an end."""

    def holds(self, scope):
        raise ConditionTimeout("20 ms")


async def test_a_pattern_that_takes_too_long_is_a_400():
    """The caller learns why; nothing is sent, and no chain goes on."""
    spec = StrategySpec("config", "conditional", (), conditions=(ConditionSpec(Slow(), 0),))
    (leaf,) = Rig(fallback("a"), OK).router._core.plan.root.children
    call = Call(Request({"model": "m"}), CallLog(0.0), None)
    outcome = await Conditional(spec, [leaf], None)(call)

    assert (400, "condition_timeout", True) == (outcome.status, outcome.failure.code, outcome.failure.final)
    assert "20 ms" in outcome.failure.message


async def test_it_takes_part_in_the_rounds_of_failover_first():
    """Its targets' retries are its own."""
    inner = conditional(*PLAN, default="c", retry={"attempts": 1, "jitter": "none"})
    rig = Rig(fallback(inner, "d", strategy={"failover_first": True}), error(500))
    await rig.handle()

    assert "bdb" == rig.hosts


async def test_it_is_available_while_any_target_is():
    """Which one will be asked depends on the request."""
    retry = {"attempts": 1, "use_retry_after_headers": True}
    inner = conditional(({"params.seed": 1}, "a"), default="b")
    inner["targets"] = [target(name, name=name, retry=retry) for name in "ab"]
    rig = Rig(fallback(inner, "c"), {"c.": OK, "": error(429, retry_after=30)})
    await rig.create(seed=1)
    await rig.create(seed=1)
    await rig.create(seed=2)
    await rig.create(seed=2)

    assert "ac" + "ac" + "bc" + "c" == rig.hosts
