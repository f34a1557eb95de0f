"""log: a service of the host's is told of the call."""

from __future__ import annotations

import pytest
from ask_kit import Service, after, asked, before, built, problems_of, reply, services, unreachable

URL = "https://log.example/in?key=s3cret"


async def logged(service, context=None, **parameters):
    return await asked(
        built("log", {"logURL": URL, **parameters}, services(service)), context or after("yes")
    )


@pytest.mark.parametrize("answer", [reply({}), reply(b"thanks"), reply(b"", 204), unreachable("too_large")])
async def test_whoever_takes_it_makes_the_verdict_true(answer):
    """What the service says does not matter, also nothing at all."""
    verdict = await logged(Service(answer))

    assert (True, None) == (verdict.passed, verdict.error)
    assert {"message": "The call was logged at https://log.example/in"} == verdict.data


@pytest.mark.parametrize("answer", [reply(b"", 500), reply(b"", 302), unreachable(), unreachable("timeout")])
async def test_what_was_not_logged_is_an_error(answer):
    """Never a silent pass."""
    verdict = await logged(Service(answer))

    assert (False, True) == (verdict.passed, verdict.error is not None)


async def test_no_header_of_the_caller_is_logged():
    """The reference sends all of them, credentials included; here only those that are named, as headers."""
    service = Service(reply({}))
    context = before(headers={"authorization": "Bearer sk-canary", "x-session-id": "7"})

    await logged(service, context, forward_headers=["x-session-id"], headers={"X-Key": "own"})

    [call] = service.calls
    assert b"canary" not in call["body"]
    assert {"Content-Type": "application/json", "x-session-id": "7", "X-Key": "own"} == call["headers"]
    assert {"request", "response", "provider", "requestType", "metadata", "eventType"} == set(service.body)


def test_wrong_parameters_are_refused():
    """A URL is needed."""
    assert 1 == len(problems_of("log", {}))
    assert 1 == len(problems_of("log", {"logURL": "ftp://x"}))
