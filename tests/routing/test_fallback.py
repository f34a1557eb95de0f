"""Fallback: the targets in order, until one gives an answer that the strategy keeps.

Rules: spec/ROUTING.md section 3; `on_errors` and `failover_first` are DESIGN section 3's.
"""

from __future__ import annotations

import pytest
from engine_kit import Rig, fallback, target

from llmroute.testing import completion, connection_error, error, hang, reply, stream

OK = completion()
PLAIN = {"jitter": "none"}


async def tried(config, script, **params):
    """The hosts called, the status of the answer and its path."""
    rig = Rig(config, script)
    response = await rig.handle(**params)
    await response.aclose()
    rig.assert_clean()
    return rig.hosts, response.status, response.headers["x-portkey-last-used-option-index"]


@pytest.mark.parametrize(
    "failing",
    [
        error(400),
        error(401),
        error(404),
        error(429),
        error(500),
        reply(304),
        hang(),
        connection_error(),
        reply(200),
    ],
)
async def test_without_a_list_every_answer_outside_2xx_moves_on(failing):
    """Timeouts, broken connections and answers that are none included."""
    config = fallback(target("a", request_timeout=1000), "b")

    assert ("ab", 200, "config.targets[1]") == await tried(config, {"a.": failing, "b.": OK})


async def test_a_success_ends_the_chain():
    """Nobody else is asked."""
    assert ("a", 200, "config.targets[0]") == await tried(fallback("a", "b"), OK)


async def test_the_last_answer_is_the_result():
    """With its own status and path."""
    script = {"a.": error(500), "b.": error(404), "c.": error(429)}

    assert ("abc", 429, "config.targets[2]") == await tried(fallback("a", "b", "c"), script)


@pytest.mark.parametrize(
    ("codes", "status", "hosts"),
    [
        ([429], 429, "ab"),
        ([429], 500, "a"),
        ([429, 500], 500, "ab"),
        ([200], 200, "ab"),
        ([], 500, "a"),
        ([], 200, "a"),
    ],
)
async def test_with_a_list_only_its_statuses_move_on(codes, status, hosts):
    """A listed 200 too; an empty list never moves on."""
    first = OK if status == 200 else error(status)
    config = fallback("a", "b", strategy={"on_status_codes": codes})

    assert hosts == (await tried(config, {"a.": first, "b.": OK}))[0]


async def test_a_listed_stream_is_hung_up_on():
    """Whoever drops an outcome closes it."""
    config = fallback("a", "b", strategy={"on_status_codes": [200]})
    rig = Rig(config, stream("Hello"))
    response = await rig.handle(stream=True)

    assert [True, False] == [sent.exchange.closed for sent in rig.transport.requests]
    await response.aclose()
    rig.assert_clean()


CONTEXT = error(400, "maximum context length is 8192 tokens", code="context_length_exceeded")
POLICY = error(400, "blocked", code="content_policy_violation")


@pytest.mark.parametrize(
    ("group", "failing", "moves"),
    [
        ("context_window", CONTEXT, True),
        ("context_window", POLICY, False),
        ("context_window", error(400), False),
        ("content_policy", POLICY, True),
        ("content_policy", CONTEXT, False),
        ("timeout", hang(), True),
        ("timeout", hang("connect"), True),
        ("timeout", connection_error(), False),
        ("connection", connection_error(), True),
        ("connection", hang("connect"), True),
        ("connection", hang(), False),
        ("rate_limit", error(429), True),
        ("rate_limit", error(503), False),
        ("auth", error(401), True),
        ("auth", error(403), True),
        ("auth", error(404), False),
        ("server", error(500), True),
        ("server", error(599), True),
        ("server", error(499), False),
    ],
)
async def test_on_errors_names_groups(group, failing, moves):
    """By kind of failure, by status, or by what the provider's error means."""
    config = fallback(
        target("a", request_timeout=2000, connect_timeout=1000), "b", strategy={"on_errors": [group]}
    )

    assert ("ab" if moves else "a") == (await tried(config, {"a.": failing, "b.": OK}))[0]


async def test_on_errors_and_a_list_add_up():
    """Either is enough; a success that is not listed stays one."""
    config = fallback("a", "b", "c", strategy={"on_errors": ["rate_limit"], "on_status_codes": [404]})

    assert "abc" == (await tried(config, {"a.": error(429), "b.": error(404), "c.": OK}))[0]
    assert "a" == (await tried(config, {"a.": error(500)}))[0]
    assert "a" == (await tried(config, OK))[0]


async def test_chains_nest():
    """Only the final status of an inner chain matters to an outer one."""
    config = fallback(fallback("a", "b", strategy={"on_status_codes": [429]}), "c")
    script = {"a.": error(429), "b.": error(500), "c.": OK}

    assert ("abc", 200, "config.targets[1]") == await tried(config, script)
    assert ("ab", 200, "config.targets[0].targets[1]") == await tried(config, {**script, "b.": OK})


async def test_a_request_that_no_condition_matches_ends_every_chain():
    """A routing error is final, also after an earlier target failed."""
    nowhere = {
        "strategy": {"mode": "conditional", "conditions": [{"query": {"params.user": "x"}, "then": "t"}]},
        "targets": [target("b", name="t")],
    }
    config = fallback(fallback("a", nowhere), "c")

    assert ("a", 400, "config.targets[0].targets[1]") == await tried(config, {"a.": error(500), "c.": OK})


async def test_a_spent_deadline_ends_the_chain():
    """No further target is asked in vain."""
    config = fallback(target("a", request_timeout=9000), "b", deadline=3000)
    rig = Rig(config, {"a.": hang(), "b.": OK})
    response = await rig.handle()

    assert ("a", 408, 3.0) == (rig.hosts, response.status, rig.clock.now())


async def test_a_deadline_that_ends_between_two_targets_ends_the_chain():
    """The answer that came last is the result."""
    config = fallback(target("a", request_timeout=9000), "b", deadline=3000)
    rig = Rig(config, {"a.": error(500, delay=3.0), "b.": OK})
    response = await rig.handle()

    assert ("a", 3.0) == (rig.hosts, rig.clock.now())
    assert response.status in (408, 500)


# -- failover_first ----------------------------------------------------------------------------------


def failing_over(*targets, **members):
    return fallback(*targets, strategy={"failover_first": True}, **members)


def retried(name, attempts=2, **members):
    return target(name, retry={"attempts": attempts, **PLAIN}, **members)


async def test_every_target_once_then_the_retries_round_by_round():
    """Waits of 1 and 2 s between rounds, not before the second target."""
    rig = Rig(failing_over(retried("a"), retried("b")), error(500))
    response = await rig.handle()

    assert ("ababab", [1.0, 2.0]) == (rig.hosts, rig.sleeps)
    assert (500, "-1") == (response.status, response.headers["x-portkey-retry-attempt-count"])


async def test_the_second_target_is_asked_before_any_wait():
    """A failing first target costs no time when another one is well."""
    rig = Rig(failing_over(retried("a", 5), "b"), {"a.": error(500), "b.": OK})
    response = await rig.handle()

    assert ("ab", []) == (rig.hosts, rig.sleeps)
    assert "0" == response.headers["x-portkey-retry-attempt-count"]


async def test_a_later_round_may_succeed():
    """The count is that of the target that answered."""
    rig = Rig(failing_over(retried("a"), retried("b")), {"a.": error(500), "b.": [error(500), OK]})
    response = await rig.handle()

    assert ("abab", [1.0], 200) == (rig.hosts, rig.sleeps, response.status)
    assert "1" == response.headers["x-portkey-retry-attempt-count"]


async def test_only_targets_with_attempts_left_take_part():
    """And only after a status that their own retry lists."""
    config = failing_over(retried("a", 1), retried("b", 3), "c")
    rig = Rig(config, {"a.": error(500), "b.": [error(500), error(400)], "c.": error(500)})
    await rig.handle()

    assert "abcab" == rig.hosts


async def test_without_retries_it_is_a_plain_fallback():
    """Nothing to come back for."""
    rig = Rig(failing_over("a", "b"), error(500))
    response = await rig.handle()

    assert ("ab", [], "0") == (rig.hosts, rig.sleeps, response.headers["x-portkey-retry-attempt-count"])


async def test_a_single_target_keeps_its_own_retries():
    """There is nobody to fail over to."""
    rig = Rig(failing_over(retried("a")), error(500))
    await rig.handle()

    assert ("aaa", [1.0, 2.0]) == (rig.hosts, rig.sleeps)


async def test_an_inner_chain_goes_round_with_its_outer_one():
    """Every leaf once, then the rounds of the outermost `failover_first`."""
    inner = fallback(retried("b", 1), retried("c", 1))
    rig = Rig(failing_over(retried("a", 1), inner), error(500))
    await rig.handle()

    assert ("abcabc", [1.0]) == (rig.hosts, rig.sleeps)


async def test_an_inner_failover_first_keeps_its_rounds_to_itself():
    """The outer chain moves on when they are over."""
    rig = Rig(fallback(failing_over(retried("a", 1), retried("b", 1)), "c"), {"c.": OK, "": error(500)})
    await rig.handle()

    assert ("ababc", [1.0]) == (rig.hosts, rig.sleeps)


async def test_a_round_that_cannot_fit_is_not_begun():
    """Deadline and the minute of waiting hold here too."""
    timed = Rig(failing_over(retried("a", 5), retried("b", 5), deadline=5000), error(500))
    await timed.handle()
    slow = {"attempts": 5, "initial_backoff": 25_000, "max_backoff": 25_000, **PLAIN}
    minute = Rig(failing_over(target("a", retry=slow), target("b", retry=slow)), error(500))
    await minute.handle()

    assert ([1.0, 2.0], "ababab") == (timed.sleeps, timed.hosts)
    assert ([25.0, 25.0], "ababab") == (minute.sleeps, minute.hosts)


def polite(name, attempts=2):
    return target(name, retry={"attempts": attempts, "use_retry_after_headers": True, **PLAIN})


async def test_a_resting_target_is_not_repeated_while_another_one_is_free():
    """A Retry-After over 2 s ends its retries; the others' rounds go on."""
    config = failing_over(polite("a"), polite("b"))
    rig = Rig(config, {"a.": error(429, retry_after=30), "b.": error(500)})
    await rig.handle()

    assert ("abbb", [1.0, 2.0]) == (rig.hosts, rig.sleeps)


async def test_when_all_rest_each_wish_is_granted():
    """The shortest first; nobody is asked before its time."""
    config = failing_over(polite("a", 1), polite("b", 1))
    rig = Rig(config, {"a.": error(429, retry_after=30), "b.": [error(429, retry_after=20), error(429)]})
    await rig.handle()

    assert ("abba", [20.0, 10.0]) == (rig.hosts, rig.sleeps)


async def test_rounds_are_told_to_observers():
    """The wait of each target."""
    rig = Rig(failing_over(retried("a", 1), retried("b", 1)), error(500), observe=True)
    await rig.handle()
    scheduled = [event for event in rig.events if type(event).__name__ == "RetryScheduled"]

    assert [("config.targets[0]", 1, 1.0, 500), ("config.targets[1]", 1, 1.0, 500)] == [
        (event.target, event.retry, event.delay, event.status) for event in scheduled
    ]


# -- targets that rest -------------------------------------------------------------------------------


async def test_resting_targets_come_last():
    """In the order of the config among themselves; with all resting, in that order altogether."""
    bad = error(400)
    script = {
        "a.": [error(429, retry_after=30), bad, bad],
        "b.": [error(429, retry_after=40), bad, bad],
        "c.": bad,
    }
    rig = Rig(fallback(polite("a"), polite("b"), "c"), script)
    await rig.handle()
    await rig.handle()
    await rig.clock.advance(35.0)
    await rig.handle()

    assert "abc" + "cab" + "acb" == rig.hosts


async def test_an_inner_chain_rests_when_all_its_targets_do():
    """It is then passed over as a whole."""
    config = fallback(fallback(polite("a"), polite("b")), "c")
    rig = Rig(config, {"c.": OK, "": error(429, retry_after=30)})
    await rig.handle()
    await rig.handle()

    assert "abcc" == rig.hosts
