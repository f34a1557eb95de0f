"""Guardrails are the same through SyncRouter, views, headers, asked models and forked processes."""

from __future__ import annotations

import json
import pickle

import pytest
from engine_kit import Rig, target
from guard_kit import CHECKS, after, before, guard, guarded

from llmroute import GuardrailError, Router, SyncRouter
from llmroute.hooks import compile as module
from llmroute.testing import ScriptedTransport, completion, error, stream

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def sync(script, **members):
    return SyncRouter(target(**members), checks=CHECKS, transport=ScriptedTransport(script))


def test_sync_calls_are_guarded():
    """The same statuses, errors and results."""
    with sync(completion("secret"), output_guardrails=[guard("t.clean", deny=True)]) as router:
        with pytest.raises(GuardrailError) as caught:
            router.chat.completions.create(**HELLO)
        assert [False] == [hook["verdict"] for hook in after(caught.value.hook_results)]
        assert 446 == router.handle(HELLO).status


def test_sync_streams_are_guarded():
    """Windows, too; their results are there at the end."""
    hook = guard("t.clean", stream="window", window_size=5, window_overlap=0)
    with sync(stream("all is well here"), output_guardrails=[hook]) as router:
        made = router.chat.completions.create(**HELLO, stream=True)
        assert "all is well here" == "".join(chunk.choices[0].delta.content or "" for chunk in made)
        assert [True] == [hook["verdict"] for hook in after(made.hook_results)]


def test_blocking_checks_work_in_sync_routers():
    """In threads of their own."""
    with sync(completion("ok"), input_guardrails=[guard("t.blocks", deny=True)]) as router:
        answer = router.chat.completions.create(**HELLO)
        assert [True] == [hook["verdict"] for hook in before(answer.hook_results)]


def test_asynchronous_hooks_end_with_a_sync_router():
    """Nothing hangs."""
    with sync(completion("ok"), input_guardrails=[guard("t.passes", **{"async": True})]) as router:
        router.chat.completions.create(**HELLO)


async def test_the_caller_decides_over_what_a_view_adds():
    """A view keeps the hooks of its config."""
    rig = guarded(completion("ok"), input_guardrails=[guard("t.fails", deny=True)])

    view = rig.router.with_options(metadata={"a": 1}, request_timeout=1_000)

    assert 446 == (await view.handle(HELLO)).status


async def test_a_router_for_headers_has_their_guardrails():
    """`Router.from_headers`."""
    router = Router.from_headers(
        {
            "x-portkey-config": json.dumps(target()),
            "x-portkey-default-input-guardrails": json.dumps([guard("t.fails", deny=True)]),
        },
        checks=CHECKS,
        transport=ScriptedTransport(completion("ok")),
    )

    assert 446 == (await router.handle(HELLO)).status


# -- checks that ask a model ---------------------------------------------------------------------------


def asking(name="judge", **options):
    """A router whose guardrail asks another provider."""
    judge = {"default.moderation": {"provider": name, "model": "judge-1"}, "deny": True}
    return Rig(
        target("a"),
        options.pop("script"),
        providers={"judge": target("j", input_guardrails=[guard("t.fails", deny=True)])},
        configs={"chain": target("c")},
        checks=CHECKS,
        input_guardrails=[judge],
        **options,
    )


@pytest.mark.parametrize(("name", "host"), [("judge", "j"), ("@judge", "j"), ("chain", "c")])
async def test_a_check_may_ask_another_provider(name, host):
    """By the name of a provider or a config; the question itself is not guarded, or it would ask for ever."""
    script = [completion('{"flagged": false, "categories": []}'), completion("ok")]
    rig = asking(name, script=script)

    answer = await rig.create()

    assert "ok" == answer.text
    assert f"{host}a" == rig.hosts
    assert "judge-1" == rig.transport.requests[0].json["model"]
    rig.assert_clean()


@pytest.mark.parametrize(
    ("name", "script"),
    [("judge", [error(500)]), ("nobody", []), ("judge", [completion("who knows")])],
)
async def test_a_judge_that_gives_no_verdict_denies(name, script):
    """Unreachable, unknown or unclear."""
    rig = asking(name, script=script)

    assert 446 == (await rig.handle()).status


# -- named providers and partners ----------------------------------------------------------------------


async def test_checks_may_use_the_credentials_of_a_named_provider(monkeypatch):
    """Looked up when the check runs, like every key."""
    monkeypatch.setenv("GUARD_KEY", "sk-guard-0123456789")
    seen = []

    def build(parameters, services):
        parameters.done()
        return lambda context: not seen.append((services.provider("mod"), services.provider("none")))

    monkeypatch.setattr(module, "resolve", lambda name: build)
    rig = Rig(
        target(input_guardrails=[{"notNull": {}}]),
        completion("ok"),
        providers={
            "mod": {"provider": "openai", "api_key": "env:GUARD_KEY", "custom_host": "https://m.example/v1"}
        },
    )

    await rig.create()

    assert [
        (
            {"provider": "openai", "api_key": "sk-guard-0123456789", "custom_host": "https://m.example/v1"},
            None,
        )
    ] == seen


def test_errors_with_results_can_be_pickled():
    """They cross processes, as in Celery."""
    with sync(completion("secret"), output_guardrails=[guard("t.clean", deny=True)]) as router:
        with pytest.raises(GuardrailError) as caught:
            router.chat.completions.create(**HELLO)

    again = pickle.loads(pickle.dumps(caught.value))

    assert caught.value.hook_results == again.hook_results
