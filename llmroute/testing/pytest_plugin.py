"""Fixtures for tests of code that routes.

Not registered by itself; in a conftest.py:

    pytest_plugins = ["llmroute.testing.pytest_plugin"]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .clock import VirtualClock

if TYPE_CHECKING:
    from .upstream import LoopbackUpstream


#: Real seconds per jump that a request to an upstream on another thread may take.
_SETTLE = 0.05


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> VirtualClock:
    """A VirtualClock at 0.0 that moves by itself; beside `loopback_upstream` it waits for the sockets."""
    return VirtualClock(settle=_SETTLE if "loopback_upstream" in request.fixturenames else 0.0)


@pytest.fixture
def loopback_upstream() -> Iterator[LoopbackUpstream]:
    """A running LoopbackUpstream, on a thread of its own: synchronous and asynchronous tests use it."""
    from .upstream import LoopbackUpstream

    with LoopbackUpstream() as upstream:
        yield upstream
