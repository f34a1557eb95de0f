"""Deny means deny: no error makes a denying hook pass unless the policy says so. Source: DESIGN decision 2."""

from __future__ import annotations

import pytest
from guard_kit import after, before, guard, guarded, said

from llmroute import GuardrailError
from llmroute.hooks import CheckFailure, Verdict
from llmroute.testing import completion, reply, sse, stream, tool_call

OK = completion("Good day")
CALL = completion(tool_calls=[tool_call("look_up", {"q": "secret"})])

BAD_ANSWERS = {
    "nothing": None,
    "text": "true",
    "number": 1,
    "mapping": {"verdict": True},
    "text as verdict": Verdict("yes"),
    "number as verdict": Verdict(1),
    "odd error": Verdict(True, error="no"),
    "odd skipped": Verdict(True, skipped="no"),
    "data that is no JSON": Verdict(True, data=object()),
    "endless data": Verdict(True, data=float("nan")),
    "changed body that is a list": Verdict(True, request=[], response=[]),
    "changed body without content": Verdict(True, request={}, response={}),
    "messages that are texts": Verdict(True, request={"messages": ["x"]}, response={"choices": ["x"]}),
    "objects in messages": Verdict(
        True,
        request={"messages": [{"role": "user", "content": object()}]},
        response={"choices": [{"message": object()}]},
    ),
}

#: Every way not to judge: the check, and what makes a call of it.
UNJUDGED = {
    "crashes": "t.crashes",
    "crashes after waiting": "t.crashes_later",
    "never answers": "t.never",
    "cancels itself": "t.cancels_itself",
    "reports an error": "t.errs",
    "reports an error, and true": "t.errs_and_passes",
    **{name: f"bad.{index}" for index, name in enumerate(BAD_ANSWERS)},
}
CHECKS = {f"bad.{index}": (lambda context, a=answer: a) for index, answer in enumerate(BAD_ANSWERS.values())}


async def status(check, side, streamed=False, router=None, **members):
    """The status of a call whose one hook has `check`."""
    script = stream("Good day") if streamed else OK
    hook = guard(check, timeout=1_000, **members)
    rig = guarded(script, checks=CHECKS, router=router, **{f"{side}_guardrails": [hook]})
    response = await rig.handle(stream=streamed)
    await response.aclose()
    rig.assert_clean()
    return response.status


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("check", UNJUDGED.values(), ids=UNJUDGED)
async def test_what_cannot_judge_denies(check, side, streamed):
    """Before and after the call, streams included."""
    assert 446 == await status(check, side, streamed, deny=True)


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("check", UNJUDGED.values(), ids=UNJUDGED)
async def test_what_cannot_judge_passes_without_deny(check, side):
    """As recorded: an error is no failure."""
    assert 200 == await status(check, side)


POLICIES = [
    # hook, its check's parameters, the router's word, status of an error
    ({"deny": True}, {}, None, 446),
    ({"deny": True}, {}, "pass", 200),
    ({"deny": True}, {"failOnError": False}, None, 200),
    ({"deny": True}, {"failOnError": False}, "deny", 200),
    ({"deny": True, "on_error": "pass"}, {}, None, 200),
    ({"deny": True, "on_error": "pass"}, {"failOnError": True}, "deny", 200),
    ({}, {}, None, 200),
    ({}, {}, "deny", 446),
    ({}, {"failOnError": True}, None, 246),
    ({}, {"fail_on_error": True}, "pass", 246),
    ({"on_error": "deny"}, {}, None, 446),
    ({"on_error": "deny"}, {"failOnError": False}, "pass", 446),
]


@pytest.mark.parametrize(("hook", "parameters", "router", "expected"), POLICIES)
async def test_the_policy_for_errors(hook, parameters, router, expected):
    """The hook's `on_error`, then the check's `failOnError`, then the router's, then `deny`."""
    options = {"guardrail_errors": router} if router else {}
    rig = guarded(OK, input_guardrails=[{"t.errs": parameters, **hook}], router=options)

    assert expected == (await rig.handle()).status


EMPTINESS = [
    ({"deny": True}, {}, 200),
    ({"deny": True, "on_empty": "deny"}, {}, 446),
    ({"on_empty": "deny"}, {}, 446),
    ({"deny": True}, {"failOnError": True}, 446),
    ({}, {"failOnError": True}, 246),
    ({"deny": True, "on_empty": "pass"}, {"failOnError": True}, 200),
    ({"deny": True, "on_error": "deny"}, {}, 200),
]


@pytest.mark.parametrize(("hook", "parameters", "expected"), EMPTINESS)
@pytest.mark.parametrize("answer", [CALL, completion("")], ids=["tool call", "empty"])
async def test_nothing_to_judge_is_a_result_of_its_own(answer, hook, parameters, expected):
    """Skipped: neither failed nor an error. It passes unless `on_empty` says otherwise."""
    rig = guarded(answer, output_guardrails=[{"t.skips_when_empty": parameters, **hook}])

    response = await rig.handle()

    assert expected == response.status
    [result] = after(response.body["hook_results"])
    assert [True] == [check["skipped"] for check in result["checks"]]


async def test_a_tool_call_is_judged_where_the_check_covers_all():
    """`scope: "all"`: the arguments of tool calls are texts."""
    rig = guarded(CALL, output_guardrails=[guard("t.clean", scope="all", deny=True)])

    assert 446 == (await rig.handle()).status


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (stream(tool_calls=[tool_call("look_up", {"q": "secret"})]), 446),
        (stream(["the ", "sec", "ret"]), 446),
        (stream("nothing"), 200),
    ],
)
async def test_streams_are_judged_as_a_whole(answer, expected):
    """A word that is cut by chunks, and tool calls in pieces."""
    rig = guarded(answer, output_guardrails=[guard("t.clean", scope="all", deny=True)])

    response = await rig.handle(stream=True)
    await response.aclose()

    assert expected == response.status


@pytest.mark.parametrize("on_empty", ["pass", "deny"])
async def test_an_empty_stream_is_nothing_to_judge(on_empty):
    """Only a finish reason comes; without one the stream has failed before any hook."""
    event = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    rig = guarded(
        sse([event, "data: [DONE]"]),
        output_guardrails=[guard("t.skips_when_empty", deny=True, on_empty=on_empty)],
    )

    response = await rig.handle(stream=True)
    await response.aclose()

    assert (200 if on_empty == "pass" else 446) == response.status


@pytest.mark.parametrize(("scope", "expected"), [("last", 200), ("all", 446)])
async def test_any_choice_can_be_the_one_that_denies(scope, expected):
    """`scope: "all"` covers every choice."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for index, text in enumerate(["ok", "secret"])
    ]
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
    rig = guarded(reply(json=body), output_guardrails=[guard("t.clean", scope=scope, deny=True)])

    assert expected == (await rig.handle(n=2)).status


async def test_one_denying_hook_is_enough():
    """Whatever the others say."""
    hooks = [guard("t.passes", deny=True), guard("t.fails"), guard("t.fails", id="no", deny=True)]

    with pytest.raises(GuardrailError, match="denied by no "):
        await guarded(OK, input_guardrails=hooks).create()


async def test_a_failing_hook_without_deny_does_not_deny_for_another():
    """Recorded: the hook that denies has to be the one that fails."""
    hooks = [guard("t.passes", deny=True), guard("t.fails")]

    assert 246 == (await guarded(OK, input_guardrails=hooks).handle()).status


async def test_the_message_of_a_crash_is_not_told():
    """It may quote anything; the kind of the error is."""
    rig = guarded(OK, input_guardrails=[guard("t.crashes", deny=True)])

    response = await rig.handle()

    [result] = before(response.body["hook_results"])
    assert {"name": "Check error", "message": "the check raised RuntimeError"} == result["checks"][0]["error"]
    assert "canary" not in repr(response.body)


async def test_feedback_follows_the_verdict():
    """Not the recorded count of errors as successes: what failed gets the feedback of a failure."""
    feedback = {
        "on_success": {"feedback": {"value": 5, "metadata": {"user_name": "u"}}},
        "on_fail": {"feedback": {"value": -5, "weight": 0.5}},
    }
    hook = {"t.errs": {"failOnError": True}, "t.passes": {}, "t.fails": {}, **feedback}
    [result] = before((await guarded(OK, input_guardrails=[hook]).handle()).body["hook_results"])
    assert {
        "value": -5.0,
        "weight": 0.5,
        "metadata": {"successfulChecks": "t.passes", "failedChecks": "t.fails", "erroredChecks": "t.errs"},
    } == result["feedback"]

    hook = {"t.passes": {}, **feedback}
    [result] = before((await guarded(OK, input_guardrails=[hook]).handle()).body["hook_results"])
    assert {"userName": "u", "successfulChecks": "t.passes", "failedChecks": "", "erroredChecks": ""} == (
        result["feedback"]["metadata"]
    )


async def test_a_mutator_may_deny():
    """Recorded: a failing mutator with `deny` does."""

    def found(context):
        return Verdict(False, request={**context.request, "messages": said("gone")})

    rig = guarded(OK, checks={"t.found": found}, input_mutators=[guard("t.found", deny=True)])

    assert 446 == (await rig.handle()).status


async def test_a_failure_with_a_name_keeps_it():
    """`CheckFailure(message, name)`."""
    failing = {"t.failing": lambda context: Verdict(False, error=CheckFailure("status 500", "HttpError"))}
    rig = guarded(OK, checks=failing, input_guardrails=[guard("t.failing")])

    [result] = before((await rig.handle()).body["hook_results"])

    assert {"name": "HttpError", "message": "status 500"} == result["checks"][0]["error"]
