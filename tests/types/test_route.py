"""How an answer came about, as data."""

from __future__ import annotations

import json
import pickle

import attrs
import pytest

from llmroute.types.route import Attempt, Route

FAILED = Attempt(
    target="config.targets[0]",
    provider="openai",
    model="gpt-4o",
    status=429,
    error="rate limited",
    started=0.0,
    duration=0.25,
    retry_after=2.0,
)
ROUTE = Route(
    target="config.targets[1]",
    provider="anthropic",
    model="claude-sonnet-4-5",
    retries=1,
    cache_status="MISS",
    trace_id="trace-1",
    warnings=("logit_bias was left out",),
    attempts=(FAILED,),
    duration=1.5,
)


def test_the_headers_have_the_names_of_the_gateway():
    """Texts, as in HTTP."""
    assert {
        "x-portkey-last-used-option-index": "config.targets[1]",
        "x-portkey-provider": "anthropic",
        "x-portkey-retry-attempt-count": "1",
        "x-portkey-cache-status": "MISS",
        "x-portkey-trace-id": "trace-1",
    } == ROUTE.headers


def test_no_trace_id_means_no_header():
    """A header has no form for None."""
    assert "x-portkey-trace-id" not in Route(target="config", provider="openai").headers


def test_to_dict_is_plain_json():
    """Tuples become lists and attempts dicts."""
    made = ROUTE.to_dict()

    assert made == json.loads(json.dumps(made))
    assert ["logit_bias was left out"] == made["warnings"]
    assert (
        {
            "target": "config.targets[0]",
            "provider": "openai",
            "model": "gpt-4o",
            "status": 429,
            "error": "rate limited",
            "started": 0.0,
            "ttft": None,
            "duration": 0.25,
            "retry_after": 2.0,
        }
        == made["attempts"][0]
        == FAILED.to_dict()
    )


def test_routes_are_values():
    """Equal by content, picklable, and without room for other attributes."""
    assert ROUTE == pickle.loads(pickle.dumps(ROUTE)) == attrs.evolve(ROUTE)
    assert attrs.evolve(ROUTE, retries=2) != ROUTE
    with pytest.raises(AttributeError):
        ROUTE.tagret = "config"
