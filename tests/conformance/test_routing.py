"""Recorded routing: what a request does to scripted targets over HTTP, and what comes back.

Left out: cases in which the recorded gateway is wrong or unsafe (test_deviations says what is done
instead), and one whose config names an unknown default target, which is refused when it is read.
"""

from __future__ import annotations

import pytest
from replay import HurriedClock, Replay, load

from llmroute import Router
from llmroute.testing import LoopbackUpstream

AREAS = (
    "conditional",
    "fallback",
    "forward_headers",
    "guardrails",
    "loadbalance",
    "mutators",
    "override_params",
    "reported_headers",
    "retry",
    "single",
    "streaming",
    "strict",
    "timeout",
    "validation",
)

#: Cases whose waits are others here: a Retry-After of 0 is heeded, and does not shorten later waits.
OTHER_WAITS = {"retry-after-zero", "retry-after-then-plain"}
#: Not supported yet.
REFUSED = {"config-cache-semantic"}


def cases():
    for case in (case for area in AREAS for case in load(area)):
        if case["id"] in OTHER_WAITS:
            del case["expect"]["elapsed_s"]
        if case["id"] not in REFUSED:
            yield pytest.param(case, id=case["id"])


@pytest.fixture(scope="module")
def upstream():
    with LoopbackUpstream() as running:
        yield running


@pytest.mark.parametrize("case", list(cases()))
async def test_recorded_case(upstream, case):
    """Status, routing headers, answer and what every target received are as recorded."""
    clock = HurriedClock()
    async with Router(clock=clock) as router:
        assert [] == await Replay(case, upstream).problems(router, clock), case["why"]
