"""Single: the first target, whatever else is listed."""

from __future__ import annotations

from engine_kit import Rig, fallback, target

from llmroute.testing import completion, error


def single(*targets):
    return {"strategy": {"mode": "single"}, "targets": list(targets)}


async def test_only_the_first_target_is_used():
    """Its answer is final, its retries its own."""
    rig = Rig(single(target("a", retry={"attempts": 1, "jitter": "none"}), target("b")), error(500))
    response = await rig.handle()

    assert ("aa", 500, "config.targets[0]") == (
        rig.hosts,
        response.status,
        response.headers["x-portkey-last-used-option-index"],
    )


async def test_it_nests():
    """A tree below it, and it below a tree, in the rounds of `failover_first` too."""
    chain = Rig(single(fallback("a", "b"), target("c")), {"a.": error(500), "b.": completion()})
    await chain.handle()
    retry = {"attempts": 1, "jitter": "none"}
    rounds = Rig(
        fallback(single(target("a", retry=retry)), "b", strategy={"failover_first": True}), error(500)
    )
    await rounds.handle()

    assert ("ab", "aba") == (chain.hosts, rounds.hosts)


async def test_it_rests_with_its_target():
    """A chain passes over it then."""
    first = target("a", retry={"attempts": 1, "use_retry_after_headers": True})
    rig = Rig(fallback(single(first), "b"), {"a.": error(429, retry_after=30), "b.": completion()})
    await rig.handle()
    await rig.handle()

    assert "abb" == rig.hosts
