"""`explain` and `health`: what a call would do, without doing it."""

from __future__ import annotations

import json

import pytest
from engine_kit import HELLO, KEY, Rig, fallback, target

from llmroute import BadRequestError
from llmroute.testing import completion, error

OK = completion()
CONFIG = {
    **fallback(
        target("a", retry={"attempts": 3}, request_timeout=5000),
        {
            "strategy": {
                "mode": "conditional",
                "conditions": [
                    {"query": {"metadata.plan": {"$eq": "paid"}}, "then": "paid"},
                    {"query": {"params.temperature": {"$gt": 0.5}}, "then": "creative"},
                ],
                "default": "paid",
            },
            "targets": [
                target("p", name="paid", override_params={"model": "large", "seed": 1}),
                {
                    "name": "creative",
                    "strategy": {"mode": "loadbalance"},
                    "targets": [target("x", weight=1), target("y", weight=3), target("z", weight=0)],
                },
            ],
        },
        {"strategy": {"mode": "single"}, "targets": [target("s"), target("t")]},
        strategy={"on_status_codes": [429, 500], "on_errors": ["timeout"], "failover_first": True},
    ),
    "deadline": 20_000,
}


def explained(config=CONFIG, metadata=None, **params):
    rig = Rig(config, OK)
    made = rig.router.explain({**HELLO, **params}, metadata)
    assert "" == rig.hosts
    assert [] == rig.sleeps
    return made


def paths(made):
    return [target.path.removeprefix("config.") for target in made.targets]


def test_targets_come_in_the_order_in_which_they_would_be_tried():
    """Through every strategy; what cannot be reached is left out."""
    assert ["targets[0]", "targets[1].targets[0]", "targets[2].targets[0]"] == paths(explained())
    assert [
        "targets[0]",
        "targets[1].targets[1].targets[1]",
        "targets[1].targets[1].targets[0]",
        "targets[2].targets[0]",
    ] == paths(explained(temperature=0.9))


def test_a_target_says_what_it_would_send_and_when():
    """Effective parameters without the conversation, waits without jitter, limits in seconds."""
    first, second, _ = explained(seed=7).targets

    assert ("openai", "gpt-4o-mini", "https://a.example/v1", True) == (
        first.provider,
        first.model,
        first.host,
        first.available,
    )
    assert ((1.0, 2.0, 4.0), 5.0, (429, 500, 502, 503, 504, 529)) == (
        first.waits,
        first.request_timeout,
        first.retry_on,
    )
    assert ("large", {"model": "large", "seed": 1}) == (second.model, second.params)


@pytest.mark.parametrize(
    ("retry", "waits"),
    [
        ({"attempts": 5}, (1, 2, 4, 8, 16)),
        ({"attempts": 5, "initial_backoff": 25_000, "max_backoff": 25_000}, (25, 25)),
        ({"attempts": 2, "jitter": "full"}, (1, 2)),
        ({"attempts": 0}, ()),
    ],
)
def test_the_waits_are_those_that_would_be_made(retry, waits):
    """A minute of waiting ends them."""
    assert waits == explained(target(retry=retry)).targets[0].waits


def test_reasons_name_conditions_weights_and_settings():
    """Each with what it found."""
    text = str(explained(temperature=0.9))

    for part in (
        "goes on after 429, 500, timeout",
        "every target once, then the retries",
        "condition 0 does not hold: metadata.plan",
        "condition 1 holds: params.temperature",
        "0.9",
        "config.targets[1].targets[1].targets[1]: 75.0% of the calls",
        "config.targets[1].targets[1].targets[2]: 0.0% of the calls",
        "up to 3 retries after 1, 2, 4 s",
        "each attempt within 5 s",
        "single: the first target",
    ):
        assert part in text
    assert "parameters set here: model, seed" in str(explained())
    assert "no condition holds, so the default is taken" in str(explained())


def test_metadata_is_judged_as_in_a_call():
    """The request's, the host's above it, the body's user as `_user`."""
    config = {
        "strategy": {
            "mode": "conditional",
            "conditions": [{"query": {"metadata._user": "ann"}, "then": "t"}],
            "default": "o",
        },
        "targets": [target("t", name="t"), target("o", name="o")],
    }

    assert ["targets[0]"] == paths(explained(config, user="ann"))
    assert ["targets[0]"] == paths(explained(config, {"_user": "ann"}))
    assert ["targets[1]"] == paths(explained(config, {"_user": "bob"}, user="ann"))


def test_a_request_that_leads_nowhere_is_told():
    """No target, and what the call would get."""
    config = {
        "strategy": {"mode": "conditional", "conditions": [{"query": {"params.seed": 1}, "then": "t"}]},
        "targets": [target("t", name="t")],
    }
    made = explained(config)

    assert [] == paths(made)
    assert "no target, the call would get a 400" in str(made)
    assert ["config.strategy.default"] == [text.partition(":")[0] for text in made.warnings]


def test_the_time_of_a_call_is_told():
    """The config's deadline, the view's timeout, or ten minutes."""
    router = Rig(CONFIG, OK).router

    assert 20.0 == router.explain(HELLO).deadline
    assert 3.0 == router.with_options(timeout=3).explain(HELLO).deadline
    assert 20.0 == router.with_options(timeout=90).explain(HELLO).deadline
    assert 600.0 == explained(target()).deadline


async def test_resting_targets_are_told_and_come_last():
    """As in the next call; health says for how long."""
    polite = target("b", retry={"attempts": 1, "use_retry_after_headers": True})
    rig = Rig(fallback("a", polite, "c"), {"a.": error(500), "b.": error(429, retry_after=30), "c.": OK})
    await rig.handle()
    await rig.clock.advance(10.0)
    made = rig.router.explain(HELLO)

    assert ["targets[0]", "targets[2]", "targets[1]"] == paths(made)
    assert [True, True, False] == [entry.available for entry in made.targets]
    assert "asked to be left alone" in str(made)
    assert [("config.targets[1]", "openai", False, 20.0)] == [
        (entry.path, entry.provider, entry.available, entry.cooling)
        for entry in rig.router.health()
        if not entry.available
    ]


def test_the_order_of_everything_is_stable():
    """The same explanation each time, as text and as JSON."""
    first, second = explained(temperature=0.9), explained(temperature=0.9)

    assert str(first) == str(second)
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())


def test_to_dict_is_plain_json():
    """A tree of steps, and the paths in order; what is not set is left out."""
    made = explained(target(), stop=None).to_dict()

    assert made == json.loads(json.dumps(made))
    assert {
        "root": {
            "path": "config",
            "title": "openai gpt-4o-mini",
            "reasons": ["at https://a.example/v1"],
            "target": {
                "path": "config",
                "provider": "openai",
                "model": "gpt-4o-mini",
                "host": "https://a.example/v1",
                "available": True,
                "params": {"model": "gpt-4o-mini", "stop": None},
            },
        },
        "deadline": 600.0,
        "targets": ["config"],
    } == made


def test_the_text_is_a_tree():
    """One line a node, its reasons below it."""
    assert (
        "call within 9 s\n"
        "config: fallback\n"
        "│  goes on after any answer outside 200-299\n"
        "├─ config.targets[0]: openai gpt-4o-mini\n"
        "│     at https://a.example/v1\n"
        "└─ config.targets[1]: fallback\n"
        "   │  goes on after nothing\n"
        "   └─ config.targets[1].targets[0]: openai gpt-4o-mini\n"
        "         at https://b.example/v1"
    ) == str(explained(fallback("a", fallback("b", strategy={"on_status_codes": []}), deadline=9000)))


def test_no_key_is_shown():
    """Neither in the text nor in the JSON, also not that of a function."""
    made = explained(fallback(target("a", default_params={"seed": 1}), target("b", api_key=lambda: KEY)))

    assert KEY not in f"{made} {made!r} {made.to_dict()}"


@pytest.mark.parametrize("body", [{}, {"messages": "Hi"}, 5, "[]", {"messages": [], "model": "@p/x"}])
def test_a_body_that_could_not_be_sent_is_refused(body):
    """As by a call."""
    with pytest.raises(BadRequestError):
        Rig(target(), OK, providers={"p": target()}).router.explain(body)


def test_a_named_provider_is_explained_too():
    """`@name/model`, where a request may ask for it."""
    rig = Rig(None, OK, providers={"p": {**target("p"), "expose": True}})
    (only,) = rig.router.explain({**HELLO, "model": "@p/gpt-4o"}).targets

    assert ("config", "gpt-4o", "https://p.example/v1") == (only.path, only.model, only.host)


def test_a_host_is_shown_without_its_query():
    """Some proxies take their key there."""
    config = {**target(), "custom_host": f"https://llm.example/v1?key={KEY}&a"}
    made = Rig(config, OK).router.explain(HELLO)

    assert "https://llm.example/v1" == made.targets[0].host
    assert KEY not in f"{made} {made!r} {made.to_dict()}"


def test_health_without_a_config_is_empty():
    """Nothing is known."""
    assert [] == Rig(None, OK).router.health()
