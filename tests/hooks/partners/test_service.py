"""What holds for every partner, whatever its row says. Rules: spec/GUARDRAIL_PARTNERS.md."""

from __future__ import annotations

import json

import pytest
from service_kit import BAD, CREDENTIALS, GOOD, KEY, PARTNERS, Service

from llmroute.hooks.base import HookContext
from llmroute.hooks.registry import CHECKS, is_outgoing
from llmroute.testing import VirtualClock, connection_error, hang, reply, stall

every_partner = pytest.mark.parametrize("partner", PARTNERS)


@every_partner
async def test_a_text_that_the_service_accepts_passes(partner):
    """And the check asks once, over https, at the service's own host."""
    service = Service(partner, reply(json=GOOD[partner]))

    verdict = await service.judge()

    assert (True, None) == (verdict.passed, verdict.error)
    assert [("POST", "https")] == [(sent.method, sent.wire.url.scheme) for sent in service.transport.requests]


@every_partner
async def test_a_text_that_the_service_flags_fails(partner):
    """With the kinds that were found."""
    verdict = await Service(partner, reply(json=BAD[partner])).judge()

    assert (False, None) == (verdict.passed, verdict.error)
    assert 1 == len(verdict.data["findings"])


@every_partner
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(401, json={"error": KEY}), "status 401"),
        (reply(429, text="slow down"), "status 429"),
        (reply(500), "status 500"),
        (reply(204), "status 204"),
        (reply(302, headers={"location": "https://evil.example/"}), "status 302"),
        (reply(text="<html>"), "not JSON"),
        (reply(), "not JSON"),
        (reply(text=b"\xff\xfe"), "not JSON"),
        (reply(text='{"results": NaN}'), "not JSON"),
        (reply(json={}), "no verdict"),
        (reply(json=[]), "no verdict"),
        (reply(text="null"), "no verdict"),
        (reply(text="true"), "no verdict"),
        (reply(json={"results": []}), "no verdict"),
        (reply(json={"results": [{}], "result": {}, "status": "Success"}), "no verdict"),
        (reply(json={"results": {}, "result": [], "categoriesAnalysis": {}, "action": 1}), "no verdict"),
        (reply(text="[" * 100_000), "not JSON"),
        (reply(text=b" " * (2**20 + 1)), "did not answer"),
        (hang(), "5000 ms"),
        (hang("connect"), "did not answer"),
        (stall(reply(json={"a": "b" * 100}), 20), "5000 ms"),
        (connection_error(), "did not answer"),
    ],
)
async def test_without_a_clear_answer_there_is_no_verdict(partner, answer, message):
    """Never a pass by itself: the hook's policy for errors decides. And no secret is told."""
    service = Service(partner, answer)

    verdict = await service.judge()

    assert verdict.error is not None
    assert message in verdict.error.message
    assert (False, False) == (verdict.passed, verdict.skipped)
    assert KEY not in json.dumps([verdict.data, verdict.error.message])
    assert 0 == service.transport.open


@every_partner
async def test_a_time_limit_is_the_parameters(partner):
    """`timeout` is in milliseconds."""
    service = Service(partner, hang(), timeout=250)

    verdict = await service.judge()

    assert "no complete answer within 250 ms" in verdict.error.message
    assert 0.25 == service.clock.now() - VirtualClock().now()


@every_partner
def test_missing_credentials_are_problems_of_the_config(partner):
    """All of them, when the config is read."""
    missing = Service(partner, [], credentials=None).problems

    assert [f"p.credentials.{name}: missing" for name in CREDENTIALS[partner]] == missing


@every_partner
def test_wrong_credentials_are_told_without_their_value(partner):
    """Whatever stands there may be a secret."""
    name = next(iter(CREDENTIALS[partner]))
    service = Service(partner, [], credentials={**CREDENTIALS[partner], name: [KEY], "key": KEY})

    assert 3 == len(service.problems)
    assert KEY not in "".join(service.problems)


@every_partner
def test_the_check_does_not_show_its_credentials(partner):
    """Its repr may end up in a log."""
    assert KEY not in repr(Service(partner, []).check)


@every_partner
async def test_credentials_may_be_variables(partner):
    """`env:NAME`, read when the check runs; one that is not set is an error."""
    names = {name: f"env:X_{name}" for name in CREDENTIALS[partner]}
    values = {f"X_{name}": value for name, value in CREDENTIALS[partner].items()}

    verdict = await Service(partner, reply(json=GOOD[partner]), credentials=names, variables=values).judge()
    unset = await Service(partner, [], credentials=names).judge()

    assert (True, None) == (verdict.passed, verdict.error)
    assert "is missing" in unset.error.message


NAMED = {
    "azure.contentSafety": {"api_key": KEY, "resource_name": "acme"},
    "bedrock.guard": {
        "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": KEY, "aws_region": "us-east-1",
    },
    "mistral.moderateContent": {"api_key": KEY},
    "openai.moderation": {"api_key": KEY},
}  # fmt: skip


@pytest.mark.parametrize("partner", NAMED)
async def test_credentials_may_be_a_named_providers(partner):
    """Looked up when the check runs; one that nobody declared is an error."""
    answer = reply(json=GOOD[partner])
    service = Service(partner, answer, credentials=None, provider="mine", named={"mine": NAMED[partner]})

    verdict = await service.judge()
    unknown = await Service(partner, [], credentials=None, provider="mine").judge()
    empty = await Service(partner, [], credentials=None, provider="mine", named={"mine": {}}).judge()

    assert (True, None) == (verdict.passed, verdict.error)
    assert "not declared" in unknown.error.message
    assert "is missing" in empty.error.message


@every_partner
async def test_no_text_is_nothing_to_judge(partner):
    """Nobody is asked."""
    verdict = await Service(partner, []).judge("")

    assert verdict.skipped


@every_partner
async def test_more_text_than_may_be_sent_is_undecided(partner):
    """Nobody is asked, and nothing passes."""
    verdict = await Service(partner, []).judge("a" * 2_000_000)

    assert "more text" in verdict.error.message


@every_partner
@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u202e" * 10, '"}]}'])
async def test_any_text_can_be_judged(partner, text):
    """It travels as JSON."""
    verdict = await Service(partner, reply(json=GOOD[partner])).judge(text)

    assert verdict.passed


@every_partner
async def test_an_answer_of_the_model_is_judged_after_the_call(partner):
    """Its text is sent, not the request's."""
    service = Service(partner, reply(json=GOOD[partner]))
    response = {"choices": [{"message": {"role": "assistant", "content": "the answer"}}]}

    verdict = await service.judged(HookContext("after", {"messages": [{"content": "asked"}]}, response))

    assert (True, None) == (verdict.passed, verdict.error)
    assert "the answer" in service.sent.wire.body.decode()
    assert "asked" not in service.sent.wire.body.decode()


def test_partners_are_outgoing():
    """Configs that come with a request may not use them."""
    assert all(is_outgoing(partner) and partner in CHECKS for partner in PARTNERS)


@pytest.mark.parametrize(
    "value", ["evil.example/", "a@evil.example", "evil.example#", "a b", "", "a" * 64, "é"]
)
async def test_no_credential_leads_to_another_host(value):
    """What stands in a host name is letters, digits, dashes and dots."""
    credentials = {"apiKey": KEY, "domain": "env:DOMAIN"}
    service = Service("pangea.textGuard", [], credentials=credentials, variables={"DOMAIN": value})

    verdict = await service.judge()

    assert verdict.error is not None
    assert [] == service.transport.requests


async def test_a_key_with_a_line_end_is_refused():
    """No header can be smuggled in."""
    service = Service("openai.moderation", [], credentials={"apiKey": "a\r\nX-Evil: 1"})

    verdict = await service.judge()

    assert verdict.error is not None
    assert [] == service.transport.requests
