"""Partners' checks in whole calls of a router."""

from __future__ import annotations

import json

import pytest
from guard_kit import guarded

from llmroute import ConfigError, GuardrailError, Router
from llmroute.testing import completion, hang, reply

KEY = "pk-canary-0123456789"
HOOK = {"openai.moderation": {"credentials": {"apiKey": KEY}}, "deny": True}
ANSWER = completion("Good day")


def flagged(value):
    return reply(json={"results": [{"flagged": value, "categories": {"hate": value}}]})


@pytest.mark.parametrize("judge", [reply(503), reply(json={}), reply(text="no"), hang(), flagged(True)])
@pytest.mark.parametrize("members", [{}, {"on_error": "deny"}])
async def test_without_a_good_word_a_deny_hook_denies(judge, members):
    """The model is not asked, and no key is in the results."""
    rig = guarded({"api.openai.com": judge, "a.example": ANSWER}, input_guardrails=[{**HOOK, **members}])

    with pytest.raises(GuardrailError) as caught:
        await rig.create()

    assert ["api.openai.com"] == [sent.host for sent in rig.transport.requests]
    assert KEY not in json.dumps(caught.value.hook_results)


@pytest.mark.parametrize(("judge", "members"), [(flagged(False), {}), (reply(503), {"on_error": "pass"})])
async def test_with_a_good_word_or_a_lax_policy_the_call_goes_on(judge, members):
    """Only the config can say that an error passes."""
    rig = guarded({"api.openai.com": judge, "a.example": ANSWER}, input_guardrails=[{**HOOK, **members}])

    assert "Good day" == (await rig.create()).choices[0].message.content


async def test_a_named_provider_lends_its_key():
    """`provider` is a name of `Router(providers=)`."""
    hook = {"openai.moderation": {"provider": "mine"}, "deny": True}
    providers = {"mine": {"provider": "openai", "api_key": KEY}}
    rig = guarded(
        {"api.openai.com": flagged(False), "a.example": ANSWER},
        input_guardrails=[hook],
        router={"providers": providers},
    )

    await rig.create()

    assert f"Bearer {KEY}" == rig.transport.requests[0].headers["authorization"]


def test_missing_credentials_are_a_config_error():
    """When the router is made, or first used; not in the middle of a call."""
    config = {"provider": "openai", "api_key": KEY, "input_guardrails": [{"openai.moderation": {}}]}

    with pytest.raises(ConfigError, match=r"credentials.apiKey: missing"):
        Router(config)
