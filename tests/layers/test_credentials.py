"""Requests whose credentials are fetched or signed: within the time limits, renewed once, masked."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from engine_kit import HELLO, Rig, target

from llmroute.layers.exchange import Exchange
from llmroute.providers.auth.key import CredentialError
from llmroute.request import Call, CallLog, Request
from llmroute.testing import completion, error, reply

OK = completion()


class Tokens:
    """Credentials that hand out one token after the other; `fail` and `hang` say otherwise."""

    def __init__(self, *, fail=False, hang=False):
        self.fail = fail
        self.hang = hang
        self.current = 0

    async def authorize(self, wire):
        if self.hang:
            await asyncio.get_running_loop().create_future()
        if self.fail:
            raise CredentialError("config: the token service answered 500")
        return attrs.evolve(
            wire, headers={**wire.headers, "Authorization": f"Bearer token-canary-{self.current}"}
        )

    def renews(self, status, failure):
        return status in (401, 403)

    def forget(self):
        self.current += 1

    def missing(self):
        return None

    def fingerprint(self):
        return "tokens"


async def exchange(script, credentials, deadline=None, **request):
    """The outcome of one call through an exchange with these credentials, its rig and its log."""
    rig = Rig(target(), script)
    core = rig.router._core
    inner = core.plan.root.prepare().service
    layer = Exchange(core.plan.spec, inner._adapter, inner._key, core.env, credentials)
    call = Call(Request(HELLO, **request), CallLog(0.0), deadline)
    outcome = await layer(call)
    rig.assert_clean()
    return outcome, rig, call.log


def sent(rig):
    return [request.headers["authorization"] for request in rig.transport.requests]


async def test_the_request_is_finished_by_its_credentials():
    """The adapter gets no key of its own."""
    outcome, rig, _ = await exchange(OK, Tokens())

    assert 200 == outcome.status
    assert ["Bearer token-canary-0"] == sent(rig)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_renewed_once(status):
    """Both requests stand in the log; a second refusal is the answer."""
    outcome, rig, log = await exchange([error(status), OK], Tokens())
    again, _, _ = await exchange([error(status), error(status)], Tokens())

    assert ["Bearer token-canary-0", "Bearer token-canary-1"] == sent(rig)
    assert (200, status) == (outcome.status, again.status)
    assert [status, 200] == [attempt.status for attempt in log.attempts]


async def test_credentials_that_cannot_be_had_are_a_local_401():
    """Nothing is sent, and nothing is asked again in vain."""
    outcome, rig, log = await exchange(OK, Tokens(fail=True))

    assert (401, "auth", "no_credentials") == (outcome.status, outcome.failure.kind, outcome.failure.code)
    assert ("", 1) == (rig.hosts, len(log.attempts))


async def test_fetching_them_is_bounded_like_the_request():
    """The deadline holds."""
    outcome, rig, _ = await exchange(OK, Tokens(hang=True), deadline=3.0)

    assert (408, 3.0, "") == (outcome.status, rig.clock.now(), rig.hosts)


async def test_an_authorization_of_the_call_wins():
    """Then they are not asked at all."""
    _, rig, _ = await exchange(OK, Tokens(fail=True), extra_headers={"Authorization": "Bearer own-token"})

    assert ["Bearer own-token"] == sent(rig)


async def test_a_token_that_the_upstream_echoes_is_masked():
    """Like a key."""
    outcome, _, _ = await exchange(reply(500, text="token-canary-0 is bad"), Tokens())

    assert "openai error: *** is bad" == outcome.failure.message
