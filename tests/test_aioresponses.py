"""The HTTP mock used by the tests of the network edge works with the installed aiohttp."""

from __future__ import annotations

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses

URL = "https://api.example.com/v1/chat/completions"


async def test_a_mocked_answer_reaches_a_plain_session():
    """Status, headers and JSON of the mock arrive through an unmodified aiohttp session."""
    with aioresponses() as mocked:
        mocked.post(URL, status=429, payload={"error": {"message": "slow"}}, headers={"Retry-After": "2"})
        async with aiohttp.ClientSession() as session, session.post(URL, data=b"{}") as response:
            assert (429, "2") == (response.status, response.headers["Retry-After"])
            assert {"error": {"message": "slow"}} == await response.json()


async def test_callbacks_and_bodies_work():
    """A callback sees the request and its result is read in pieces."""
    seen = []

    def answer(url, **kwargs):
        seen.append(kwargs["data"])
        return CallbackResult(status=200, body=b"data: [DONE]\n\n", content_type="text/event-stream")

    with aioresponses() as mocked:
        mocked.post(URL, callback=answer)
        async with aiohttp.ClientSession() as session, session.post(URL, data=b"hi") as response:
            assert b"data: [DONE]\n\n" == b"".join([part async for part in response.content.iter_any()])
    assert [b"hi"] == seen


async def test_mocked_failures_are_raised():
    """An exception given to the mock comes out of the request."""
    with aioresponses() as mocked:
        mocked.post(URL, exception=aiohttp.ClientConnectionError("down"))
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError, match="down"):
                await session.post(URL, data=b"{}")
