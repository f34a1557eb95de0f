"""Shared by all tests: the fixtures that llmroute ships, and aioresponses on current aiohttp."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import aiohttp
import aioresponses.core

pytest_plugins = ["llmroute.testing.pytest_plugin"]


def _teach_aioresponses() -> None:
    """Supply the ClientResponse argument that aiohttp 3.14 added and aioresponses 0.7 does not know.

    aioresponses takes the class for its answers from its own module, so replacing it there is enough.
    """
    parameter = inspect.signature(aiohttp.ClientResponse.__init__).parameters.get("stream_writer")
    if parameter is None or parameter.default is not inspect.Parameter.empty:
        return

    class MockedResponse(aiohttp.ClientResponse):
        def __init__(self, *args: Any, stream_writer: Any = None, **rest: Any) -> None:
            writer = stream_writer or SimpleNamespace(output_size=0)
            super().__init__(*args, stream_writer=writer, **rest)

    aioresponses.core.ClientResponse = MockedResponse


_teach_aioresponses()
