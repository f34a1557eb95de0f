"""How long to wait between attempts."""

from __future__ import annotations

import pytest

from llmroute.config.spec import RetrySpec
from llmroute.layers.backoff import backoff


def waits(jitter="none", draw=0.0, retries=5, **settings):
    spec = RetrySpec(attempts=5, jitter=jitter, **settings)
    return [backoff(spec, retry, lambda: draw) for retry in range(1, retries + 1)]


def test_waits_double_from_one_second():
    """1, 2, 4, 8, 16 s, as documented."""
    assert [1.0, 2.0, 4.0, 8.0, 16.0] == waits()


@pytest.mark.parametrize(
    ("jitter", "draw", "expected"),
    [
        ("none", 0.9, [1.0, 2.0, 4.0, 8.0, 16.0]),
        ("slight", 0.0, [1.0, 2.0, 4.0, 8.0, 16.0]),
        ("slight", 0.5, [1.05, 2.1, 4.2, 8.4, 16.8]),
        ("full", 0.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("full", 0.5, [0.5, 1.0, 2.0, 4.0, 8.0]),
        ("equal", 0.0, [0.5, 1.0, 2.0, 4.0, 8.0]),
        ("equal", 0.5, [0.75, 1.5, 3.0, 6.0, 12.0]),
    ],
)
def test_jitter_moves_the_wait(jitter, draw, expected):
    """By at most 10 % upwards, anywhere below it, or at least half of it."""
    assert pytest.approx(expected) == waits(jitter, draw)


def test_the_default_jitter_is_slight():
    """A fleet that failed together does not come back in the same instant."""
    assert "slight" == RetrySpec(attempts=1).jitter
    assert 1.0 <= backoff(RetrySpec(attempts=1), 1, lambda: 0.999) <= 1.1


def test_first_wait_and_cap_can_be_set():
    """Seconds here, milliseconds in the config."""
    assert [0.2, 0.4, 0.5, 0.5, 0.5] == waits(initial_backoff=0.2, max_backoff=0.5)


def test_no_retry_number_overflows():
    """The wait stays at the cap, whatever is asked."""
    assert 16.0 == backoff(RetrySpec(attempts=5, jitter="none"), 1000, lambda: 0.0)
