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


@pytest.fixture
def virtual_clock() -> VirtualClock:
    """A VirtualClock at 0.0 that moves by itself."""
    return VirtualClock()


@pytest.fixture
def loopback_upstream() -> Iterator[LoopbackUpstream]:
    """A running LoopbackUpstream, on a thread of its own: synchronous and asynchronous tests use it."""
    from .upstream import LoopbackUpstream

    with LoopbackUpstream() as upstream:
        yield upstream
