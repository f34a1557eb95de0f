"""Repeating a failed attempt: which, how often, after how long, and when not.

Rules: spec/ROUTING.md section 5 and DESIGN decision 6.
"""

from __future__ import annotations

import math

import pytest
from engine_kit import Rig, fallback, target

from llmroute.testing import completion, connection_error, cut, error, hang, reply, stream

OK = completion()


def retrying(attempts=5, **settings):
    return {"attempts": attempts, "jitter": "none", **settings}


async def run(replies, *, params=None, **settings):
    """The response and the waits of one call on a target with `retry` settings."""
    rig = Rig(target(retry=retrying(**settings)), replies)
    response = await rig.handle(**(params or {}))
    await response.aclose()
    assert 0 == rig.transport.open
    return rig, response, int(response.headers["x-portkey-retry-attempt-count"])


async def test_waits_double_and_the_count_says_how_many_were_made():
    """1, 2, 4, 8, 16 s; the sixth attempt answers."""
    rig, response, count = await run([error(500)] * 5 + [OK])

    assert [1.0, 2.0, 4.0, 8.0, 16.0] == rig.sleeps
    assert (200, 5) == (response.status, count)


async def test_an_immediate_success_is_plain():
    """No wait, no repetition."""
    rig, response, count = await run([OK])

    assert ([], 200, 0) == (rig.sleeps, response.status, count)


async def test_spent_attempts_count_as_minus_one():
    """The last answer is the result, on a status that would be retried."""
    rig, response, count = await run([error(500), error(503, "last")], attempts=1)

    assert ([1.0], 503, -1) == (rig.sleeps, response.status, count)
    assert "last" in response.body["error"]["message"]


async def test_another_failure_after_retries_keeps_the_count():
    """A status that is not listed ends the repeating."""
    rig, response, count = await run([error(500), error(500), error(400)])

    assert ([1.0, 2.0], 400, 2) == (rig.sleeps, response.status, count)


@pytest.mark.parametrize(
    ("status", "repeated"),
    [(429, True), (500, True), (502, True), (503, True), (504, True), (529, True)]
    + [(status, False) for status in (307, 400, 401, 403, 404, 408, 409, 418, 422, 501, 505)],
)
async def test_the_default_codes(status, repeated):
    """429, 500, 502, 503, 504 and 529, as documented."""
    rig, response, _ = await run([error(status), OK])

    assert (200 if repeated else status) == response.status
    assert ([1.0] if repeated else []) == rig.sleeps


@pytest.mark.parametrize(
    ("codes", "status", "repeated"), [([418], 418, True), ([418], 500, False), ([], 429, False)]
)
async def test_own_codes_replace_the_defaults(codes, status, repeated):
    """An empty list means never."""
    rig, _, _ = await run([error(status), OK], on_status_codes=codes)

    assert ([1.0] if repeated else []) == rig.sleeps


@pytest.mark.parametrize("codes", [None, [418], []])
async def test_connection_errors_are_always_repeated(codes):
    """Whatever the codes: nothing was answered."""
    settings = {} if codes is None else {"on_status_codes": codes}
    rig, response, count = await run([connection_error(), connection_error(), OK], **settings)

    assert ([1.0, 2.0], 200, 2) == (rig.sleeps, response.status, count)


@pytest.mark.parametrize("kind", ["protocol", "too_large"])
async def test_a_network_answer_that_is_none_goes_by_its_status(kind):
    """502 is listed by default."""
    rig, _, _ = await run([connection_error(kind), OK])
    other, response, _ = await run([connection_error(kind), OK], on_status_codes=[429])

    assert ([1.0], []) == (rig.sleeps, other.sleeps)
    assert 502 == response.status


@pytest.mark.parametrize(("codes", "repeated"), [(None, False), ([429], False), ([408], True)])
@pytest.mark.parametrize("stage", ["head", "connect"])
async def test_timeouts_are_repeated_only_when_listed(stage, codes, repeated):
    """408, of connecting too."""
    retry = retrying(**({} if codes is None else {"on_status_codes": codes}))
    rig = Rig(target(retry=retry, request_timeout=3000, connect_timeout=2000), [hang(stage), OK])
    response = await rig.handle()

    assert (200 if repeated else 408) == response.status
    assert ([1.0] if repeated else []) == rig.sleeps


async def test_a_200_that_is_no_completion_is_repeated():
    """A failing outcome of 502; so is a stream that breaks before it has said anything."""
    rig, response, _ = await run([reply(200, json={}), OK])
    streamed, other, _ = await run([cut(stream("Hi"), 1), stream("Hi")], params={"stream": True})

    assert ([1.0], 200) == (rig.sleeps, response.status)
    assert ([1.0], 200) == (streamed.sleeps, other.status)


# -- Retry-After ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "1500", "x-ms-retry-after-ms": "9", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:25 GMT"}, 5.0),
        ({"retry-after": "Tuesday, 14-Nov-23 22:13:25 GMT"}, 5.0),
        ({"retry-after": "Tue Nov 14 22:13:25 2023"}, 5.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_the_provider_s_wish_is_heeded(status, headers, wait):
    """In seconds, fractions, milliseconds and as a date; the first usable header counts."""
    rig, response, _ = await run([error(status, headers=headers), OK], use_retry_after_headers=True)

    assert ([wait], 200) == (rig.sleeps, response.status)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-5", "nan", "inf", "1e3", "0x10", "2026-01-01T00:00:00Z", "5, 7", "٥", "1" * 5000 + "x"],
)
async def test_garbage_means_the_ordinary_wait(text):
    """Nothing is guessed."""
    rig, _, _ = await run([error(429, headers={"retry-after": text}), OK], use_retry_after_headers=True)

    assert [1.0] == rig.sleeps


@pytest.mark.parametrize("switch", ["use_retry_after_header", "use_retry_after_headers"])
async def test_both_spellings_ask_for_it(switch):
    """The documentation has both."""
    rig, _, _ = await run([error(429, retry_after=7), OK], **{switch: True})

    assert [7.0] == rig.sleeps


async def test_unasked_the_wish_is_ignored():
    """The ordinary wait, as recorded."""
    rig, _, _ = await run([error(429, retry_after=7), OK])

    assert [1.0] == rig.sleeps


async def test_on_other_statuses_the_wish_is_ignored():
    """RFC 9110 gives it a meaning on 503, RFC 6585 on 429."""
    rig, _, _ = await run([error(500, retry_after=7), OK], use_retry_after_headers=True)

    assert [1.0] == rig.sleeps


async def test_later_plain_failures_wait_as_usual():
    """A wish is for one wait."""
    replies = [error(429, retry_after=7), error(429), error(500, retry_after=9), OK]
    rig, _, _ = await run(replies, use_retry_after_headers=True)

    assert [7.0, 2.0, 4.0] == rig.sleeps


@pytest.mark.parametrize("wish", ["60", "61", "3600", "9" * 400, "Tue, 14 Nov 2023 23:13:25 GMT"])
async def test_a_wish_of_a_minute_or_more_ends_the_repeating(wish):
    """That answer is the result, counted as -1."""
    rig, response, count = await run([error(429, retry_after=wish)], use_retry_after_headers=True)

    assert ([], 429, -1) == (rig.sleeps, response.status, count)


async def test_waiting_ends_at_a_minute_in_all():
    """A wish that no longer fits ends the repeating, whatever attempts are left."""
    replies = [error(429, retry_after=25), error(429, retry_after=25), error(429, retry_after=25)]
    rig, response, count = await run(replies, use_retry_after_headers=True)

    assert ([25.0, 25.0], 429, -1) == (rig.sleeps, response.status, count)


async def test_ordinary_waits_end_at_a_minute_too():
    """With waits of half a minute there is room for two."""
    rig, response, count = await run([error(500)] * 3, initial_backoff=30_000, max_backoff=30_000)

    assert ([30.0, 30.0], 500, -1) == (rig.sleeps, response.status, count)


# -- deadline ------------------------------------------------------------------------------------


async def test_a_wait_that_cannot_fit_is_not_begun():
    """Deadline 5 s: 1 and 2 s fit, 4 more would not; the answer comes at once."""
    rig = Rig(target(retry=retrying(), deadline=5000), error(500))
    response = await rig.handle()

    assert ([1.0, 2.0], 500, "2") == (
        rig.sleeps,
        response.status,
        response.headers["x-portkey-retry-attempt-count"],
    )
    assert 3.0 == rig.clock.now()


async def test_the_deadline_also_ends_a_repeated_attempt():
    """What is left of it bounds each attempt."""
    rig = Rig(target(retry=retrying(), deadline=5000), [error(500), hang()])
    response = await rig.handle()

    assert (408, 5.0) == (response.status, rig.clock.now())
    assert "the whole call" in response.body["error"]["message"]


async def test_a_call_s_own_timeout_is_a_deadline():
    """`timeout` of create, over all attempts."""
    rig = Rig(target(retry=retrying(on_status_codes=[500])), error(500))
    with pytest.raises(Exception, match="scripted failure"):
        await rig.create(timeout=5)

    assert [1.0, 2.0] == rig.sleeps


# -- other targets at hand -----------------------------------------------------------------------


def two(**settings):
    retry = retrying(use_retry_after_headers=True, **settings)
    return fallback(target("a", retry=retry), target("b"))


async def test_a_long_wish_with_another_target_at_hand_moves_on_at_once():
    """Over 2 s nobody sits and waits."""
    rig = Rig(two(), {"a.": error(429, retry_after=30), "b.": OK})
    response = await rig.handle()

    assert ([], "ab", 200) == (rig.sleeps, rig.hosts, response.status)


async def test_a_short_wish_is_waited_for():
    """Two seconds are less than what moving on may cost."""
    rig = Rig(two(), {"a.": [error(429, retry_after=2), OK], "b.": OK})
    await rig.handle()

    assert ([2.0], "aa") == (rig.sleeps, rig.hosts)


@pytest.mark.parametrize(("wish", "rest"), [(30, 30.0), (3600, 60.0), ("9" * 400, 60.0)])
async def test_the_target_is_then_passed_over(wish, rest):
    """For as long as it asked, a minute at most; then it is the first again."""
    rig = Rig(two(), {"a.": [error(429, retry_after=wish), OK], "b.": OK})
    await rig.handle()
    await rig.clock.advance(rest - 0.5)
    await rig.handle()
    await rig.clock.advance(0.5)
    await rig.handle()

    assert "abba" == rig.hosts


async def test_a_wish_is_remembered_however_the_retries_ended():
    """Also when the target answered it last, with all attempts spent."""
    rig = Rig(two(attempts=1), {"a.": [error(500), error(429, retry_after=30)], "b.": OK})
    await rig.handle()
    await rig.handle()

    assert "aabb" == rig.hosts


async def test_the_only_target_is_waited_for():
    """Nobody else is there."""
    rig, _, _ = await run([error(429, retry_after=30), OK], use_retry_after_headers=True)

    assert [30.0] == rig.sleeps


async def test_a_target_that_is_resting_itself_is_no_way_out():
    """Both asked for rest: the second one's wish is waited for."""
    retry = retrying(use_retry_after_headers=True)
    config = fallback(target("a", retry=retry), target("b", retry=retry))
    rig = Rig(config, {"a.": error(429, retry_after=30), "b.": [error(429, retry_after=20), OK]})
    response = await rig.handle()

    assert ([20.0], "abb", 200) == (rig.sleeps, rig.hosts, response.status)


async def test_a_free_target_of_an_outer_chain_is_a_way_out():
    """All that would be tried later counts, however far out."""
    retry = retrying(use_retry_after_headers=True)
    config = fallback(fallback(target("a", retry=retry), target("b", retry=retry)), "c")
    wish, plain = error(429, retry_after=30), error(400)
    rig = Rig(config, {"a.": wish, "b.": [error(429, retry_after=40), plain], "c.": OK})
    await rig.handle()
    await rig.clock.advance(35.0)
    await rig.handle()

    assert ([], "abcabc") == (rig.sleeps, rig.hosts)


async def test_the_state_belongs_to_the_account_not_to_the_router_s_plan():
    """The same target under another config rests too; with another key it does not."""
    rig = Rig(two(), {"a.": [error(429, retry_after=30), OK], "b.": OK})
    await rig.handle()
    same = rig.router.with_options(config=fallback("a", "b", strategy={"failover_first": True}))
    other = rig.router.with_options(config=fallback(target("a", api_key="sk-another-key"), "b"))
    for view in (same, other):
        await view.handle({"model": "m", "messages": []})

    assert "abba" == rig.hosts


# -- what is dropped is closed ---------------------------------------------------------------------


async def test_a_stream_that_is_repeated_is_hung_up_on():
    """A listed 200: the first stream is dropped, and so closed, before the second."""
    rig = Rig(target(retry=retrying(attempts=1, on_status_codes=[200])), stream("Hello"))
    response = await rig.handle(stream=True)

    assert [True, False] == [sent.exchange.closed for sent in rig.transport.requests]
    assert 1 == rig.transport.open
    await response.aclose()
    rig.assert_clean()


async def test_events_tell_each_wait():
    """Target, number, seconds and the status that caused it."""
    rig = Rig(target(retry=retrying(2)), [error(500), error(503), OK], observe=True)
    await rig.handle()
    scheduled = [event for event in rig.events if type(event).__name__ == "RetryScheduled"]

    assert [("config", 1, 1.0, 500), ("config", 2, 2.0, 503)] == [
        (event.target, event.retry, event.delay, event.status) for event in scheduled
    ]


async def test_the_random_source_is_the_router_s():
    """Seeded: two routers with the same seed wait the same times."""
    config = target(retry={"attempts": 5, "jitter": "full"})
    waits = []
    for _ in range(2):
        rig = Rig(config, error(500))
        await rig.handle()
        waits.append(rig.sleeps)

    assert waits[0] == waits[1]
    assert all(0 <= wait < 2**number and math.isfinite(wait) for number, wait in enumerate(waits[0]))
    assert 5 == len(set(waits[0]))
