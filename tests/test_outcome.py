"""Outcomes and failures: values that say what became of a target."""

from __future__ import annotations

import attrs
import pytest

from llmroute.outcome import Failure, Outcome, StreamFailed


class Stream:
    """Counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_closing_an_outcome_closes_its_stream():
    """Whoever drops an outcome calls aclose, whatever is in it."""
    stream = Stream()
    await Outcome(200, "config", "openai", stream=stream).aclose()
    await Outcome(500, "config", "openai", failure=Failure("status", "no")).aclose()

    assert 1 == stream.closed


def test_a_failure_is_frozen():
    """It is passed between layers, logged and shown."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Failure("status", "no").message = "yes"


def test_reprs_hold_no_conversation():
    """Bodies and headers stay out of logs."""
    failure = Failure("status", "no", body={"secret": "text"})
    outcome = Outcome(
        200, "config", "openai", body={"secret": "text"}, headers={"x": "text"}, failure=failure
    )

    assert "text" not in repr(outcome)
    assert "config" in repr(outcome)


def test_a_broken_stream_carries_its_failure():
    """Translated at the edge, where the route is known."""
    failure = Failure("interrupted", "cut")
    error = StreamFailed(failure, 502)

    assert ("cut", failure, 502) == (str(error), error.failure, error.status)


def test_outcomes_share_no_headers():
    """The default is one empty mapping that nobody writes to."""
    assert {} == Outcome(200, "config", "openai").headers
