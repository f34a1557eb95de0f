"""Guardrails around calls: statuses, bodies, results, retries and fallbacks. Rules: spec/GUARDRAILS.md section 1."""

from __future__ import annotations

import attrs
import pytest
from engine_kit import fallback, target
from guard_kit import after, before, guard, guarded, said

from llmroute import GuardrailError
from llmroute.hooks import Verdict
from llmroute.telemetry.events import HookFinished
from llmroute.testing import completion, error

OK = completion("Good day")
SECRET = completion("the secret is out")


async def test_an_answer_that_passes_is_a_200_with_results():
    """Results stand beside the answer, in the order of the config."""
    rig = guarded([OK], input_guardrails=[guard("t.clean", id="g1"), guard("t.passes", id="g2")])

    response = await rig.handle()

    assert 200 == response.status
    assert ["g1", "g2"] == [hook["id"] for hook in before(response.body["hook_results"])]
    assert [] == after(response.body["hook_results"])


async def test_results_have_the_recorded_members():
    """The shape that users of the gateway parse."""
    rig = guarded([OK], input_guardrails=[guard("t.clean", id="g1")])

    [hook] = before((await rig.handle()).body["hook_results"])

    assert {
        "verdict": True,
        "id": "g1",
        "transformed": False,
        "feedback": None,
        "execution_time": 0.0,
        "async": False,
        "type": "guardrail",
        "created_at": "2023-11-14T22:13:20.000Z",
        "deny": False,
        "checks": [
            {
                "data": {"text": "Hello"},
                "verdict": True,
                "id": "t.clean",
                "execution_time": 0.0,
                "transformed": False,
                "created_at": "2023-11-14T22:13:20.000Z",
                "log": None,
                "fail_on_error": False,
            }
        ],
    } == hook


async def test_a_failure_without_deny_makes_a_200_a_246():
    """The answer comes all the same."""
    rig = guarded([OK], input_guardrails=[guard("t.fails")])

    response = await rig.handle()

    assert (246, "Good day") == (response.status, response.body["choices"][0]["message"]["content"])


@pytest.mark.parametrize(("upstream", "expected"), [(500, 500), (400, 400)])
async def test_other_statuses_stay_and_carry_the_results(upstream, expected):
    """Only a 200 becomes a 246."""
    rig = guarded([error(upstream)], input_guardrails=[guard("t.fails")])

    response = await rig.handle()

    assert expected == response.status
    assert [False] == [hook["verdict"] for hook in before(response.body["hook_results"])]


async def test_a_denied_request_never_reaches_the_provider():
    """446, the reason in hook_results, no call."""
    rig = guarded([], input_guardrails=[guard("t.fails", id="g1", deny=True)])

    response = await rig.handle()

    assert 446 == response.status
    assert "hooks_failed" == response.body["error"]["type"]
    assert [True] == [hook["deny"] for hook in before(response.body["hook_results"])]
    assert [] == rig.transport.requests


async def test_a_denied_request_raises_with_its_results():
    """`create` raises GuardrailError."""
    rig = guarded([], input_guardrails=[guard("t.fails", id="g1", deny=True)])

    with pytest.raises(GuardrailError) as caught:
        await rig.create()

    assert ["g1"] == [hook["id"] for hook in before(caught.value.hook_results)]
    assert 446 == caught.value.status_code


async def test_observers_hear_what_a_denied_answer_used():
    """A request that was denied used nothing."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    for side, expected in (("output_guardrails", usage), ("input_guardrails", None)):
        rig = guarded(
            [completion("well", usage=usage)],
            **{side: [guard("t.fails", deny=True)]},
            router={"observe": True},
        )
        await rig.handle()

        assert (446, expected) == (rig.events[-1].status, rig.events[-1].usage)


async def test_a_denied_answer_is_not_shown_but_its_usage_is():
    """What the tokens cost is known though the answer is gone."""
    rig = guarded([SECRET], output_guardrails=[guard("t.clean", deny=True)])

    response = await rig.handle()

    assert 446 == response.status
    assert "choices" not in response.body
    assert {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15} == response.body["usage"]


@pytest.mark.parametrize("status", [201, 500])
async def test_output_hooks_judge_answers_of_status_200_only(status):
    """Recorded: a 201 passes by."""
    answer = attrs.evolve(OK, status=status) if status == 201 else error(status)
    rig = guarded([answer], output_guardrails=[guard("t.fails", deny=True)])

    assert status == (await rig.handle()).status


async def test_completions_carry_their_results():
    """The same as attribute of the typed answer."""
    rig = guarded([OK], input_guardrails=[guard("t.clean")], output_guardrails=[guard("t.clean")])

    answer = await rig.create()

    assert "Good day" == answer.text
    assert (1, 1) == (len(before(answer.hook_results)), len(after(answer.hook_results)))


async def test_without_hooks_there_are_no_results():
    """The member is absent, not empty."""
    rig = guarded([OK])

    assert "hook_results" not in (await rig.handle()).body


async def test_hooks_see_the_parameters_after_overrides():
    """What is judged is what is sent."""
    rig = guarded([OK], input_guardrails=[guard("t.clean")], override_params={"messages": said("secret")})

    assert 246 == (await rig.handle()).status


async def test_the_callers_messages_are_never_modified():
    """A mutator's change reaches the provider and nobody else."""
    rig = guarded([OK], input_mutators=[guard("t.shout")])
    messages = said("Hello")

    await rig.create(messages=messages)

    assert said("HELLO") == rig.transport.requests[0].json["messages"]
    assert said("Hello") == messages


async def test_no_hook_can_turn_a_call_into_a_stream():
    """The caller's type of answer is settled."""

    def streams(context):
        return Verdict(True, request={**context.request, "stream": True})

    rig = guarded([OK], checks={"t.streams": streams}, input_mutators=[guard("t.streams")])

    assert "Good day" == (await rig.create()).text
    assert "stream" not in rig.transport.requests[0].json


# -- retries and fallbacks -----------------------------------------------------------------------------


async def test_a_denied_answer_is_retried_at_once_when_446_is_listed():
    """Nobody is overloaded, so there is nothing to wait for."""
    rig = guarded(
        [SECRET, OK],
        output_guardrails=[guard("t.clean", deny=True)],
        retry={"attempts": 2, "on_status_codes": [446]},
    )

    response = await rig.handle()

    assert (200, "1") == (response.status, response.headers["x-portkey-retry-attempt-count"])
    assert [0.0] == rig.sleeps
    assert [True] == [hook["verdict"] for hook in after(response.body["hook_results"])]


async def test_a_denied_request_is_not_retried():
    """The same request would be denied again."""
    calls = []
    rig = guarded(
        [OK],
        checks={"t.count": lambda context: bool(calls.append(1))},
        input_guardrails=[guard("t.count", deny=True)],
        retry={"attempts": 2, "on_status_codes": [446, 246]},
    )

    assert 446 == (await rig.handle()).status
    assert 1 == len(calls)


async def test_a_failing_request_does_not_repeat_the_paid_call():
    """A 246 because of the request stays one, however often the answer is asked for."""
    rig = guarded([OK], input_guardrails=[guard("t.fails")], retry={"attempts": 2, "on_status_codes": [246]})

    response = await rig.handle()

    assert (246, "0") == (response.status, response.headers["x-portkey-retry-attempt-count"])
    assert 1 == len(rig.transport.requests)


async def test_failover_first_does_not_come_back_for_a_verdict_on_the_request():
    """Neither do the later rounds of a fallback."""
    rig = guarded(
        OK,
        config=fallback(
            "a",
            "b",
            strategy={"failover_first": True, "on_status_codes": [246]},
            input_guardrails=[guard("t.fails")],
            retry={"attempts": 2, "on_status_codes": [246]},
        ),
    )

    assert 246 == (await rig.handle()).status
    assert "ab" == rig.hosts


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [({}, "b"), ({"on_status_codes": [446]}, "b"), ({"on_status_codes": [429]}, "")],
)
async def test_a_denial_moves_a_fallback_on_unless_a_list_says_otherwise(strategy, expected):
    """446 is an ordinary failing status for a chain."""
    first = target("a", input_guardrails=[guard("t.fails", deny=True)])
    rig = guarded([OK], config=fallback(first, "b", strategy=strategy))

    await rig.handle()

    assert expected == rig.hosts


async def test_a_246_counts_as_success_unless_listed():
    """Recorded."""
    first = target("a", output_guardrails=[guard("t.clean")])

    rig = guarded([SECRET, OK], config=fallback(first, "b"))
    assert (246, "a") == ((await rig.handle()).status, rig.hosts)

    rig = guarded([SECRET, OK], config=fallback(first, "b", strategy={"on_status_codes": [246]}))
    assert (200, "ab") == ((await rig.handle()).status, rig.hosts)


async def test_a_change_made_for_one_target_does_not_reach_the_next():
    """Each target begins with the original request."""
    rig = guarded([error(500), OK], config=fallback(target("a", input_mutators=[guard("t.shout")]), "b"))

    await rig.create()

    assert ["HELLO", "Hello"] == [sent.json["messages"][0]["content"] for sent in rig.transport.requests]


# -- no work in vain -----------------------------------------------------------------------------------


async def test_the_route_tells_of_a_denied_answer():
    """The provider said 200; what the caller asks is why the chain went on."""
    config = fallback("a", "b", output_guardrails=[guard("t.clean", id="g1", deny=True)])
    rig = guarded([SECRET, OK], config=config)

    first, second = (await rig.create()).route.attempts

    assert (446, 200, None) == (first.status, second.status, second.error)
    assert "the answer was denied by g1 (t.clean); see hook_results" == first.error


async def test_hooks_run_once_for_all_targets_of_a_fallback():
    """Checks that look at the conversation only cannot find anything else for another model."""
    seen = []

    def counted(context):
        seen.append(context.text)
        return True

    rig = guarded(
        [error(500), OK],
        checks={"t.counted": counted},
        config=fallback(
            target("a", override_params={"model": "m1"}),
            target("b", override_params={"model": "m2"}),
            input_guardrails=[guard("t.counted")],
            input_mutators=[guard("t.shout")],
        ),
    )

    answer = await rig.create()

    assert ["HELLO"] == seen
    assert ["m1", "m2"] == [sent.json["model"] for sent in rig.transport.requests]
    assert ["HELLO", "HELLO"] == [sent.json["messages"][0]["content"] for sent in rig.transport.requests]
    assert 2 == len(before(answer.hook_results))


async def test_checks_that_look_at_the_model_run_for_each_target():
    """Their verdict may differ."""

    def only_m2(context):
        return context.model == "m2"

    rig = guarded(
        [OK],
        checks={"t.only_m2": only_m2},
        config=fallback(
            target("a", override_params={"model": "m1"}),
            target("b", override_params={"model": "m2"}),
            input_guardrails=[guard("t.only_m2", deny=True)],
        ),
    )

    assert "Good day" == (await rig.create()).text
    assert "b" == rig.hosts


async def test_other_messages_are_judged_anew():
    """An override that changes the conversation is another input."""
    rig = guarded(
        [OK],
        config=fallback(
            target("a", override_params={"messages": said("secret")}),
            target("b"),
            input_guardrails=[guard("t.clean", deny=True)],
        ),
    )

    await rig.create()

    assert "b" == rig.hosts


# -- observers -----------------------------------------------------------------------------------------


async def test_observers_hear_of_every_hook_without_any_text():
    """Names, verdicts and times; no data."""
    rig = guarded([SECRET], output_guardrails=[guard("t.clean", id="g1")], router={"observe": True})

    await rig.handle()

    [event] = [event for event in rig.events if isinstance(event, HookFinished)]
    assert ("g1", "after", False, False, False) == (
        event.hook,
        event.side,
        event.verdict,
        event.denied,
        event.asynchronous,
    )
    assert "secret" not in repr(rig.events)


async def test_what_passed_unjudged_is_a_warning_of_the_route():
    """A check that could not judge is not silent."""
    rig = guarded([OK], input_guardrails=[guard("t.errs", id="g1")])

    answer = await rig.create()

    assert ["config.input_guardrails[0]: t.errs could not judge, which this hook lets pass"] == list(
        answer.route.warnings
    )
