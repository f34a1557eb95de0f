"""Load balance: one target, picked at random by weight; its answer is final."""

from __future__ import annotations

from collections import Counter

import pytest
from engine_kit import Rig, fallback, target

from llmroute.config.spec import StrategySpec, TargetSpec
from llmroute.routing.loadbalance import LoadBalance
from llmroute.testing import completion, error

OK = completion()


def balanced(*targets, **members):
    return {"strategy": {"mode": "loadbalance"}, "targets": list(targets), **members}


class Leaf:
    """A target that answers at once; `resting` ones are not available."""

    leaves, retries = 1, 0

    def __init__(self, path, resting=False):
        self.path = path
        self.resting = resting

    async def __call__(self, call):
        return self.path

    def available(self):
        return not self.resting

    def wait_before(self, retry, outcome):
        return None


class Draws:
    """An environment whose random numbers are given."""

    def __init__(self, *numbers):
        self.random = iter(numbers).__next__


def balance(weights, *draws, resting=()):
    leaves = [Leaf(number, number in resting) for number in range(len(weights))]
    spec = StrategySpec(
        "config", "loadbalance", tuple(TargetSpec("t", "openai") for _ in weights), weights=tuple(weights)
    )
    return LoadBalance(spec, leaves, Draws(*draws))


@pytest.mark.parametrize(
    ("weights", "draw", "picked"),
    [
        ([1, 1], 0.0, 0),
        ([1, 1], 0.4999, 0),
        ([1, 1], 0.5, 1),
        ([1, 1], 0.9999999999999999, 1),
        ([3, 1], 0.7499, 0),
        ([3, 1], 0.75, 1),
        ([0, 1], 0.0, 1),
        ([1, 0], 0.9999999999999999, 0),
        ([0, 1, 0, 1, 0], 0.5, 3),
        ([0, 1, 0, 1, 0], 0.9999999999999999, 3),
        ([1e15, 1e-9], 0.9999999999999999, 0),
        ([1e-9, 1e15], 0.0, 0),
        ([5e-324, 5e-324], 0.9999999999999999, 1),
        ([5e-324, 0], 0.9999999999999999, 0),
        ([0.1] * 10, 0.9999999999999999, 9),
    ],
)
async def test_a_number_in_the_interval_of_its_weight_picks_a_target(weights, draw, picked):
    """Half-open intervals in the order of the config; a weight of 0 is never picked."""
    assert picked == await balance(weights, draw)(None)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ((None, None), (0.5, 0.5)),
        ((7, 3), (0.7, 0.3)),
        ((1, 0, 1), (0.5, 0.0, 0.5)),
        ((0.3, None, 0.7), (0.15, 0.5, 0.35)),
    ],
)
async def test_calls_spread_by_weight(weights, shares):
    """A missing weight is 1; over many calls the shares come out."""
    targets = [
        target("abc"[i], **({} if weight is None else {"weight": weight})) for i, weight in enumerate(weights)
    ]
    rig = Rig(balanced(*targets), OK)
    for _ in range(2000):
        await rig.handle()
    counts = Counter(rig.hosts)

    assert pytest.approx(shares, abs=0.035) == [counts["abc"[i]] / 2000 for i in range(len(shares))]
    assert all(counts["abc"[i]] == 0 for i, share in enumerate(shares) if share == 0)


async def test_a_seed_makes_the_picks_repeatable():
    """The random source is the router's own."""
    runs = []
    for _ in range(2):
        rig = Rig(balanced(target("a"), target("b"), target("c")), OK)
        for _ in range(30):
            await rig.handle()
        runs.append(rig.hosts)

    assert runs[0] == runs[1]
    assert {"a", "b", "c"} == set(runs[0])


async def test_a_failed_pick_is_final():
    """Its retries stay on it; nobody else is asked."""
    config = balanced(target("a", weight=1), target("b", weight=0), retry={"attempts": 2, "jitter": "none"})
    rig = Rig(config, error(500))
    response = await rig.handle()

    assert ("aaa", 500) == (rig.hosts, response.status)


async def test_it_takes_part_in_the_rounds_of_failover_first():
    """Each round picks anew."""
    retry = {"attempts": 2, "jitter": "none"}
    config = fallback(balanced(target("a"), target("b"), retry=retry), "c", strategy={"failover_first": True})
    rig = Rig(config, error(500))
    await rig.handle()

    assert [1.0, 2.0] == rig.sleeps
    assert "c" == rig.hosts[1]
    assert {"a", "b"} >= {*rig.hosts[0], *rig.hosts[2:]}


async def test_a_resting_pick_is_drawn_again_among_the_others():
    """Weights of 0 stay out of it."""
    assert 1 == await balance([1, 1, 0], 0.1, 0.9, resting={0})(None)
    assert 2 == await balance([8, 1, 1], 0.1, 0.6, resting={0})(None)


async def test_when_all_rest_the_pick_stands():
    """Somebody has to be asked."""
    assert 0 == await balance([1, 1], 0.1, resting={0, 1})(None)
    assert 0 == await balance([1, 0], 0.1, resting={0})(None)


def test_it_is_available_while_a_target_that_could_be_picked_is():
    """One with weight 0 does not count."""
    assert balance([1, 1], resting={0}).available()
    assert not balance([1, 1], resting={0, 1}).available()
    assert not balance([1, 0], resting={0}).available()


class Counted(float):
    """A draw that counts how often it is compared."""

    compared = 0

    def __mul__(self, other):
        return Counted(float(self) * other)

    def __lt__(self, other):
        Counted.compared += 1
        return float(self) < other


async def test_a_pick_among_many_takes_few_steps():
    """By bisection: fifty thousand targets take sixteen comparisons."""
    node = balance([1.0] * 50_000, Counted(0.7), Counted(0.0), Counted(0.9999999))

    assert [35_000, 0, 49_999] == [await node(None) for _ in range(3)]
    assert Counted.compared <= 3 * 17
