"""How the hooks of one side run together: order, changes, time. Rules: DESIGN decision 3, spec/GUARDRAILS.md 1.3."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from engine_kit import fallback
from guard_kit import after, before, guard, guarded, replaced, said

from llmroute.clock import SystemClock
from llmroute.hooks import Verdict, blocking
from llmroute.testing import completion, error, reply

OK = completion("Good day")
AB = said("a b")


def changer(old, new):
    return lambda context: replaced(context, old, new)


def later(check):
    async def checked(context):
        await asyncio.sleep(0)
        return check(context)

    return checked


CHANGES = {"t.a": changer("a", "A"), "t.b": changer("b", "B"), "t.b_later": later(changer("b", "B"))}


def sent(rig):
    return rig.transport.requests[0].json["messages"][-1]["content"]


@pytest.mark.parametrize(
    "members",
    [
        {"input_guardrails": [guard("t.a", "t.b")]},
        {"input_guardrails": [guard("t.a"), guard("t.b")]},
        {"input_guardrails": [guard("t.b_later"), guard("t.a")]},
        {"input_guardrails": [guard("t.a", "t.b_later")]},
        {"input_guardrails": [guard("t.a", "t.b", sequential=True), guard("t.b_later")]},
        {"input_guardrails": [guard("t.b_later"), guard("t.a", sequential=True)]},
        {"input_mutators": [guard("t.a"), guard("t.b")]},
        {"input_mutators": [guard("t.a", "t.b_later")]},
        {"input_mutators": [guard("t.a")], "input_guardrails": [guard("t.b_later")]},
        {"input_guardrails": [guard("t.b"), guard("t.a")], "input_mutators": [guard("t.b")]},
    ],
)
async def test_no_change_is_lost(members):
    """Two redactors leave nothing of either, however they are arranged."""
    rig = guarded([OK], checks=CHANGES, **members)

    await rig.create(messages=AB)

    assert "A B" == sent(rig)


async def test_changes_apply_in_the_order_of_the_config():
    """What the first one makes is what the second one changes."""
    checks = {"t.first": later(changer("x", "yy")), "t.second": changer("y", "z")}
    rig = guarded([OK], checks=checks, input_guardrails=[guard("t.first"), guard("t.second", "t.passes")])

    await rig.create(messages=said("x y"))

    assert "zz z" == sent(rig)


async def test_guardrails_judge_what_mutators_produced():
    """Wherever the mutator stands in the config."""
    rig = guarded(
        [OK], input_guardrails=[guard("t.clean", deny=True)], input_mutators=[guard("t.redact", id="m")]
    )

    answer = await rig.create(messages=said("my secret"))

    assert [("my ******")] == [
        check["data"]["text"]
        for hook in before(answer.hook_results)
        for check in hook["checks"]
        if check["data"]
    ]


async def test_parallel_checks_judge_the_same_input():
    """Recorded: beside a change, not behind it."""
    rig = guarded([OK], input_guardrails=[guard("t.redact", "t.clean")])

    assert 246 == (await rig.handle(messages=said("secret"))).status


async def test_sequential_checks_see_the_changes_before_them():
    """Recorded."""
    rig = guarded([OK], input_guardrails=[guard("t.redact", "t.clean", sequential=True)])

    assert 200 == (await rig.handle(messages=said("secret"))).status


async def test_sequential_checks_go_on_after_a_failure():
    """Recorded."""
    rig = guarded([OK], input_guardrails=[guard("t.fails", "t.passes", sequential=True)])

    [hook] = before((await rig.handle()).body["hook_results"])

    assert [False, True] == [check["verdict"] for check in hook["checks"]]


async def test_results_keep_the_order_of_the_config():
    """Whichever is ready first, and though mutators run before."""
    slow = {"t.slow": later(lambda context: True)}
    rig = guarded(
        [OK],
        checks=slow,
        input_guardrails=[guard("t.slow", id="1"), guard("t.passes", id="2")],
        input_mutators=[guard("t.shout", id="3")],
    )

    found = (await rig.handle()).body["hook_results"]

    assert ["1", "2", "3"] == [hook["id"] for hook in before(found)]


async def test_checks_that_wait_run_side_by_side():
    """Three checks of one second each take one second."""
    rig = None

    async def slow(context):
        await rig.clock.sleep(1.0)
        return True

    rig = guarded(
        [OK], checks={"t.slow": slow}, input_guardrails=[guard("t.slow"), guard("t.slow"), guard("t.slow")]
    )
    begun = rig.clock.now()

    answer = await rig.create()

    assert 1.0 == pytest.approx(rig.clock.now() - begun)
    assert [1000.0] * 3 == [hook["execution_time"] for hook in before(answer.hook_results)]
    rig.assert_clean()


@pytest.mark.parametrize("sequential", [False, True])
async def test_a_hook_has_a_limit_for_all_its_checks(sequential):
    """30 s unless it says otherwise; what is there by then counts."""
    hook = guard("t.passes", "t.never", sequential=sequential)
    rig = guarded([OK], input_guardrails=[{**hook, "timeout": 2_000, "deny": True}])

    response = await rig.handle()

    [result] = before(response.body["hook_results"])
    assert 446 == response.status
    assert [True, False] == [check["verdict"] for check in result["checks"]]
    assert "TimeoutError" == result["checks"][1]["error"]["name"]
    assert 2000.0 == pytest.approx(result["execution_time"])
    rig.assert_clean()


async def test_the_default_limit_of_a_hook_is_30_seconds():
    """Nothing waits for ever."""
    rig = guarded([OK], input_guardrails=[guard("t.never")])
    begun = rig.clock.now()

    await rig.create()

    assert 30.0 == pytest.approx(rig.clock.now() - begun)


async def test_a_hook_does_not_outlast_the_call():
    """The budget of the call bounds its guardrails."""
    rig = guarded([OK], input_guardrails=[guard("t.never", deny=True)], deadline=1_000)
    begun = rig.clock.now()

    assert 446 == (await rig.handle()).status
    assert 1.0 == pytest.approx(rig.clock.now() - begun)


async def test_a_check_that_will_not_be_cancelled_holds_nobody_up():
    """It is left to itself."""
    rig = guarded([OK], input_guardrails=[guard("t.stubborn", timeout=10, deny=True)])

    assert 446 == (await rig.handle()).status
    await asyncio.sleep(0.1)
    rig.assert_clean()


async def test_cancelling_a_call_cancels_its_checks():
    """No task is left behind."""
    rig = guarded([OK], input_guardrails=[guard("t.never", "t.never")], router={"auto": False})
    call = asyncio.ensure_future(rig.create())
    await asyncio.sleep(0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    rig.assert_clean()


async def test_a_change_that_cannot_be_made_again_is_an_error():
    """Two guardrails change the text; the second cannot do it on what the first left, so its policy counts."""
    calls = []

    def once(context):
        calls.append(context.text)
        if len(calls) > 1:
            raise RuntimeError
        return replaced(context, "b", "B")

    rig = guarded(
        [OK], checks={**CHANGES, "t.once": once}, input_guardrails=[guard("t.a"), guard("t.once", deny=True)]
    )

    assert 446 == (await rig.handle(messages=AB)).status
    assert ["a b", "A b"] == calls


async def test_a_changed_answer_keeps_no_log_probabilities():
    """They spell out the tokens that were taken out."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "a secret"},
        "logprobs": {"content": [{"token": "secret"}]},
        "finish_reason": "stop",
    }
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice, choice]}
    for members, expected in (
        ({"output_mutators": [guard("t.redact")]}, [None, None]),
        ({"output_guardrails": [guard("t.redact")]}, [None, choice["logprobs"]]),
        ({"output_guardrails": [guard("t.passes")]}, [choice["logprobs"], choice["logprobs"]]),
    ):
        answer = (await guarded([reply(json=body)], **members).handle()).body
        assert expected == [choice["logprobs"] for choice in answer["choices"]]


# -- what a check is given -----------------------------------------------------------------------------


async def test_checks_see_the_call():
    """Request, metadata, headers, provider, model and side."""
    seen = {}

    def look(context):
        seen[context.event] = (
            context.provider,
            context.model,
            dict(context.metadata),
            context.headers.get("x-user"),
            context.request["messages"][0]["content"],
            context.response and context.response["choices"][0]["message"]["content"],
            context.streaming,
            context.request_type,
        )
        return True

    rig = guarded(
        [OK],
        checks={"t.look": look},
        input_guardrails=[guard("t.look")],
        output_guardrails=[guard("t.look")],
        override_params={"model": "gpt-4o"},
    )

    await rig.handle({"x-portkey-metadata": '{"team": "a"}', "X-User": "u"})

    common = ("openai", "gpt-4o", {"team": "a"}, "u", "Hello")
    assert {
        "before": (*common, None, False, "chatComplete"),
        "after": (*common, "Good day", False, "chatComplete"),
    } == seen


async def test_a_check_of_the_hosts_gets_its_parameters():
    """As they stand in the config."""
    seen = []
    rig = guarded(
        [OK],
        checks={"acme.limit": lambda context: bool(seen.append(dict(context.parameters))) or True},
        input_guardrails=[{"acme.limit": {"most": 3}}, {"acme.limit": {"most": 4}}],
    )

    await rig.create()

    assert [{"most": 3}, {"most": 4}] == seen


async def test_checks_remember_for_each_other_within_a_call():
    """From before the call to after it, and not from call to call."""

    def leaves(context):
        return "left" not in context.memory and not context.memory.update(left=1)

    rig = guarded(
        OK,
        checks={"t.leaves": leaves, "t.finds": lambda context: context.memory["left"] == 1},
        input_guardrails=[guard("t.leaves", deny=True)],
        output_guardrails=[guard("t.finds", deny=True)],
    )

    await rig.create()
    await rig.create()


async def test_scope_is_the_last_message_for_guardrails_and_all_of_them_for_mutators():
    """Recorded for checks; a mutator that skipped a message would leak it."""
    messages = [*said("a", "system"), *said("a"), *said("a", "assistant"), *said("a")]
    for members, expected in (
        ({"input_guardrails": [guard("t.a")]}, ["a", "a", "a", "A"]),
        ({"input_mutators": [guard("t.a")]}, ["A", "A", "A", "A"]),
        ({"input_guardrails": [guard("t.a", scope="all")]}, ["A", "A", "A", "A"]),
        ({"input_guardrails": [{"t.a": {"scope": "all"}}]}, ["A", "A", "A", "A"]),
        ({"input_mutators": [{"t.a": {"scope": "last"}}]}, ["a", "a", "a", "A"]),
    ):
        rig = guarded([OK], checks=CHANGES, **members)
        await rig.create(messages=messages)
        assert expected == [message["content"] for message in rig.transport.requests[0].json["messages"]]


# -- answers that are no verdict -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"passed": "canary"}, "expected a bool or a Verdict, got a dict"),
        (None, "expected a bool or a Verdict, got a NoneType"),
        (Verdict("canary"), "expected a verdict of true or false, got a str"),
        (Verdict(True, request={"prompt": "canary"}), "its changed request has no list of messages"),
        (Verdict(True, data={"canary"}), "its data is not JSON"),
    ],
    ids=str,
)
@pytest.mark.parametrize("wrap", [lambda check: check, later], ids=["at once", "later"])
async def test_an_answer_that_is_no_verdict_is_logged(caplog, wrap, answer, problem):
    """With the check's id and what kind of answer it was, never with the answer."""
    rig = guarded([OK], checks={"t.odd": wrap(lambda context: answer)}, input_guardrails=[guard("t.odd")])
    await rig.create()

    assert [("WARNING", f"the check t.odd gave no verdict: {problem}")] == [
        (record.levelname, record.message) for record in caplog.records
    ]
    assert "canary" not in caplog.text


# -- checks that block ---------------------------------------------------------------------------------


async def test_blocking_checks_run_off_the_loop():
    """With the context variables of the call."""
    variable = contextvars.ContextVar("variable")
    seen = []

    def check(context):
        seen.append((threading.current_thread() is threading.main_thread(), variable.get()))
        return Verdict(True)

    rig = guarded(
        [OK],
        checks={"t.check": blocking(check)},
        input_guardrails=[guard("t.check")],
        router={"clock": SystemClock()},
    )
    variable.set("here")

    await rig.create()

    assert [(False, "here")] == seen


async def test_blocking_checks_may_change_texts_and_raise():
    """Like any other."""
    checks = {"t.change": blocking(changer("a", "A")), "t.boom": blocking(lambda context: 1 / 0)}
    rig = guarded(
        [OK],
        checks=checks,
        input_guardrails=[guard("t.change"), guard("t.boom")],
        router={"clock": SystemClock()},
    )

    answer = await rig.create(messages=AB)

    assert "A b" == sent(rig)
    assert [None, "the check raised ZeroDivisionError"] == [
        check.get("error", {}).get("message")
        for hook in before(answer.hook_results)
        for check in hook["checks"]
    ]


# -- asynchronous hooks --------------------------------------------------------------------------------


async def test_asynchronous_hooks_run_beside_the_call():
    """Observers hear of them; the answer neither waits for them nor shows them."""
    rig = guarded(
        [OK],
        input_guardrails=[guard("t.fails", id="in", deny=True, **{"async": True})],
        output_guardrails=[guard("t.clean", id="out", deny=True, **{"async": True})],
        router={"observe": True},
    )

    response = await rig.handle()
    await rig.router.aclose()

    assert (200, False) == (response.status, "hook_results" in response.body)
    assert {("in", False, False, True), ("out", True, False, True)} == {
        (event.hook, event.verdict, event.denied, event.asynchronous)
        for event in rig.events
        if type(event).__name__ == "HookFinished"
    }


async def test_an_asynchronous_hook_runs_once_for_all_targets():
    """A fallback repeats it no more than any other."""
    calls = []
    rig = guarded(
        [error(500), OK],
        checks={"t.log": lambda context: not calls.append(context.text)},
        config=fallback("a", "b", input_guardrails=[guard("t.log", **{"async": True})]),
    )

    await rig.create()
    await rig.router.aclose()

    assert ["Hello"] == calls


async def test_closing_a_router_ends_its_asynchronous_hooks():
    """After the time that running calls have."""
    rig = guarded([OK], input_guardrails=[guard("t.never", **{"async": True})])

    await rig.create()
    await rig.router.aclose(timeout=1)
    for _ in range(5):
        await asyncio.sleep(0)

    rig.assert_clean()


async def test_an_asynchronous_mutator_is_not_run():
    """Recorded; the config says so in a warning."""
    rig = guarded([OK], input_mutators=[guard("t.shout", **{"async": True})])

    await rig.create()

    assert "Hello" == sent(rig)
    assert ["config.input_mutators[0]: an asynchronous mutator changes nothing, so it is not run"] == [
        str(warning) for warning in rig.router.warnings
    ]


async def test_output_results_stand_on_their_side():
    """Before and after are told apart."""
    rig = guarded([OK], output_guardrails=[guard("t.passes", id="o")])

    assert ["o"] == [hook["id"] for hook in after((await rig.create()).hook_results)]
