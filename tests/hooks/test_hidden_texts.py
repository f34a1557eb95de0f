"""No text goes out unjudged or unchanged, whatever form a host gives it: requests, answers, streams."""

from __future__ import annotations

import copy
import json

import pytest
from engine_kit import texts
from guard_kit import after, guard, guarded, said

from llmroute import GuardrailError
from llmroute.hooks import Verdict
from llmroute.testing import completion, reply, sse

ARGUMENTS = {"id": "t", "type": "function", "function": {"name": "f", "arguments": {"a": "secret"}}}
MESSAGES = {
    "arguments": {"content": None, "tool_calls": [ARGUMENTS]},
    "texts in a list": {"content": ["secret"]},
    "thinking": {"content": [{"type": "thinking", "thinking": "secret"}, {"type": "text", "text": "x"}]},
    "reasoning in parts": {"content": "x", "reasoning_details": [{"text": "secret"}]},
    "reasoning as an object": {"content": "x", "reasoning": {"text": "secret"}},
    "a transcript": {"content": None, "audio": {"id": "a", "data": "", "transcript": "secret"}},
}
each_message = pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
each_mode = pytest.mark.parametrize("mode", ["buffer", "window"])


def everything(*checks, **members):
    return guard(*checks, scope="all", **members)


def of(message):
    """An answer with this message."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return reply(json={**json.loads(b"".join(completion("x").steps)), "choices": [choice]})


def chunk(delta, **choice):
    return {"id": "x", "choices": [{"index": 0, "delta": delta, **choice}]}


END = chunk({}, finish_reason="stop")


def streamed(*chunks):
    return sse([*chunks, END, "data: [DONE]"])


async def read(rig):
    """The chunks of a stream, None where it was denied at once."""
    response = await rig.handle(stream=True)
    return None if response.stream is None else [chunk async for chunk in response.stream]


# -- whole requests and answers ------------------------------------------------------------------------


@each_message
async def test_a_request_is_judged_in_every_form(message):
    """A denied one never leaves."""
    rig = guarded(completion("x"), input_guardrails=[everything("t.clean", deny=True)])

    sent = [*said("hi"), {"role": "assistant", **message}, *said("go on")]

    assert 446 == (await rig.handle(messages=sent)).status
    assert "" == rig.hosts


@each_message
async def test_a_request_is_changed_in_every_form(message):
    """In its place, so that the rest is what it was."""
    rig = guarded(completion("x"), input_mutators=[everything("t.redact")])
    sent = [*said("hi"), {"role": "assistant", **message}, *said("go on")]

    await rig.handle(messages=sent)

    assert (
        json.loads(json.dumps(sent).replace("secret", "******")) == rig.transport.requests[0].json["messages"]
    )


@each_message
async def test_an_answer_is_judged_and_changed_in_every_form(message):
    """As requests are."""
    denied = guarded(of(message), output_guardrails=[everything("t.clean", deny=True)])
    assert 446 == (await denied.handle()).status

    changed = guarded(of(message), output_mutators=[everything("t.redact")])
    answer = (await changed.handle()).body
    assert "secret" not in json.dumps(answer["choices"])
    assert "******" in json.dumps(answer["choices"])


async def test_a_text_in_a_list_is_judged_in_the_last_message_too():
    """It is content like any other."""
    rig = guarded(completion("x"), input_guardrails=[guard("t.clean", deny=True)])

    assert 446 == (await rig.handle(messages=[{"role": "user", "content": ["secret"]}])).status


async def test_personal_data_is_taken_out_of_arguments_that_are_an_object():
    """The object stays one."""
    call = {**ARGUMENTS, "function": {"name": "f", "arguments": {"to": "john.doe@example.com"}}}
    rig = guarded(completion("x"), input_guardrails=[{"default.pii": {"redact": True}, "scope": "all"}])

    await rig.handle(messages=[{"role": "assistant", "content": None, "tool_calls": [call]}, *said("x")])

    arguments = rig.transport.requests[0].json["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert arguments["to"].startswith("[EMAIL_1_")


@pytest.mark.parametrize(("deny", "expected"), [(True, 446), (False, 200)])
async def test_what_is_too_deep_to_be_read_cannot_be_judged(deny, expected):
    """Which denies where the hook denies."""
    deep = "secret"
    for _ in range(100):
        deep = [deep]
    call = {**ARGUMENTS, "function": {"name": "f", "arguments": deep}}
    rig = guarded(completion("x"), input_guardrails=[everything("t.clean", deny=deny)])

    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}, *said("x")]

    assert expected == (await rig.handle(messages=messages)).status


async def test_a_budget_counts_no_texts_that_it_could_not_read():
    """It does not pass either."""
    call = {**ARGUMENTS, "function": {"name": "f", "arguments": ["x"] * 20_000}}
    rig = guarded(
        completion("x"), input_guardrails=[{"default.tokenBudget": {"maxTokens": 100}, "deny": True}]
    )

    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}, *said("x")]

    assert 446 == (await rig.handle(messages=messages)).status


# -- streams -------------------------------------------------------------------------------------------

PIECES = {
    "arguments": [{"tool_calls": [{"index": 0, **ARGUMENTS}]}],
    "arguments of a function": [{"function_call": {"name": "f", "arguments": {"a": "secret"}}}],
    "reasoning as an object": [
        {"reasoning": {"text": "sec"}},
        {"reasoning": {"text": "ret"}},
        {"content": "x"},
    ],
    "thinking": [{"thinking": "sec"}, {"thinking": "ret"}, {"content": "x"}],
    "reasoning in parts": [
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "sec"}]},
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "ret"}]},
        {"content": "x"},
    ],
    "a transcript": [{"audio": {"id": "a", "transcript": "sec"}}, {"audio": {"transcript": "ret"}}],
}


@each_mode
@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
async def test_a_stream_is_judged_and_changed_in_every_form(pieces, mode):
    """A word that is cut by chunks as well."""
    script = streamed(*map(chunk, pieces))

    denied = guarded(script, output_guardrails=[everything("t.clean", deny=True, stream=mode)])
    assert await read(denied) is None

    changed = await read(guarded(script, output_mutators=[everything("t.redact", stream=mode)]))
    assert "******" in json.dumps(changed)
    assert "ret" not in json.dumps(changed)


@each_mode
@pytest.mark.parametrize("copy_of", [{"message": {"content": "my secret"}}, {"text": "my secret"}], ids=repr)
@pytest.mark.parametrize("length", [1, 300])
async def test_copies_beside_the_delta_do_not_undo_a_change(copy_of, length, mode):
    """Some hosts repeat the text, in the chunk itself or at the end."""
    first = chunk({"content": "my secret "}, **copy_of)
    last = chunk({}, **copy_of)
    rest = [chunk({"content": "and so on "})] * length
    rig = guarded(streamed(first, *rest, last), output_guardrails=[everything("t.redact", stream=mode)])

    chunks = await read(rig)

    assert "secret" not in json.dumps(chunks)
    assert "my ****** " + "and so on " * length == "".join(texts(chunks))


@each_mode
@pytest.mark.parametrize("copy_of", [{"message": {"content": "secret"}}, {"text": "secret"}], ids=repr)
async def test_a_text_that_stands_only_beside_the_delta_is_not_handed_on(copy_of, mode):
    """Nobody has judged it, and no delta says it."""
    script = streamed(chunk({"content": "well"}), chunk({}, **copy_of))
    rig = guarded(script, output_guardrails=[guard("t.clean", deny=True, stream=mode)])

    chunks = await read(rig)

    assert ["well"] == texts(chunks)
    assert "secret" not in json.dumps(chunks)


async def test_reasoning_in_parts_that_repeats_a_text_does_not_hold_up_a_window():
    """It is judged with the text; what a window changes takes it along."""
    word = [{"reasoning": w, "reasoning_details": [{"text": w}]} for w in ["secret ", *["more "] * 400]]
    rig = guarded(
        streamed(*map(chunk, word), chunk({"content": "x"})),
        output_mutators=[everything("t.redact", stream="window")],
    )
    response = await rig.handle(stream=True)

    first = await anext(response.stream)

    assert first["choices"][0]["delta"]["reasoning"].startswith("****** more")
    assert "secret" not in json.dumps([first, *[chunk async for chunk in response.stream]])


# -- what would undo a change --------------------------------------------------------------------------

PROBABILITIES = {"content": [{"token": "my ", "logprob": -1}, {"token": "secret", "logprob": -1}]}


def copies(context):
    """Redacts a deep copy, as the host's own code may."""
    body = copy.deepcopy(context.response)
    for choice in body["choices"]:
        choice["message"]["content"] = choice["message"]["content"].replace("secret", "***")
    return Verdict(True, response=body)


def reorders(context):
    """Redacts, and turns the choices round."""
    body = copies(context).response
    return Verdict(True, response={**body, "choices": body["choices"][::-1]})


def drops(context):
    """Leaves the last choice only."""
    body = copies(context).response
    return Verdict(True, response={**body, "choices": body["choices"][-1:]})


@pytest.mark.parametrize("change", [copies, reorders, drops])
async def test_no_log_probabilities_of_a_changed_text_are_left(change):
    """Whatever the check copied; those of texts that stayed are kept."""
    choices = [
        {
            "index": i,
            "message": {"content": text},
            "logprobs": logprobs,
            "text": text,
            "finish_reason": "stop",
        }
        for i, (text, logprobs) in enumerate(
            [("good", {"content": [{"token": "good"}]}), ("my secret", PROBABILITIES)]
        )
    ]
    body = {**json.loads(b"".join(completion("x").steps)), "choices": choices}
    rig = guarded(reply(json=body), checks={"t.change": change}, output_guardrails=[guard("t.change")])

    answer = (await rig.handle()).body["choices"]

    assert "secret" not in json.dumps(answer)
    told = {choice["message"]["content"]: (choice["logprobs"], choice.get("text")) for choice in answer}
    assert (None, None) == told.pop("my ***")
    assert told in ({}, {"good": ({"content": [{"token": "good"}]}, "good")})


async def test_a_stream_that_a_copy_redacts_keeps_no_log_probabilities():
    """As a whole answer."""
    script = streamed(chunk({"content": "my secret"}, logprobs=PROBABILITIES))
    rig = guarded(script, checks={"t.copies": copies}, output_guardrails=[guard("t.copies", stream="buffer")])

    assert "secret" not in json.dumps(await read(rig))


# -- changes in the wrong place, and malformed ones ----------------------------------------------------


@pytest.mark.parametrize(
    ("side", "wrong", "problem"),
    [
        ("output", "request", "after the call a change belongs in response, not in request"),
        ("input", "response", "before the call a change belongs in request, not in response"),
    ],
)
async def test_a_change_in_the_wrong_member_is_a_failure_to_judge(side, wrong, problem):
    """Dropped in silence, the text would go out as it was."""
    body = {"messages": said("x"), "choices": [{"message": {"content": "x"}}]}
    checks = {"t.wrong": lambda context: Verdict(True, **{wrong: body})}
    rig = guarded(completion("x"), checks=checks, **{f"{side}_guardrails": [guard("t.wrong", deny=True)]})

    response = await rig.handle()

    assert 446 == response.status
    [result] = response.body["hook_results"][f"{'before' if side == 'input' else 'after'}_request_hooks"]
    assert problem == result["checks"][0]["error"]["message"]


async def test_a_change_in_both_members_is_taken_from_the_right_one():
    """A check for both sides may fill in both."""
    both = {
        "request": {"model": "m", "messages": said("new")},
        "response": {"choices": [{"message": {"content": "new"}}]},
    }
    checks = {"t.both": lambda context: Verdict(True, **both)}
    rig = guarded(completion("x"), checks=checks, output_guardrails=[guard("t.both", deny=True)])

    assert "new" == (await rig.handle()).body["choices"][0]["message"]["content"]


MALFORMED = {
    "a message that is a text": {"message": "hey"},
    "no message": {},
    "calls that are texts": {"message": {"content": "x", "tool_calls": ["a"]}},
    "calls that are an object": {"message": {"content": "x", "tool_calls": {"a": 1}}},
    "a key that is no text": {"message": {"content": "x", 5: 6}},
}


@pytest.mark.parametrize("how", ["whole", "buffer", "window"])
@pytest.mark.parametrize("choice", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_change_is_a_failure_to_judge(choice, how):
    """It denies where the hook does, and passes with the result saying so where it does not."""
    body = {"id": "i", "object": "chat.completion", "created": 1, "model": "m"}
    body |= {"choices": [{"index": 0, "finish_reason": "stop", **choice}]}
    checks = {"t.odd": lambda context: Verdict(True, response=body)}
    script = completion("hello") if how == "whole" else streamed(chunk({"content": "hello"}))
    mode = {} if how == "whole" else {"stream": how}

    rig = guarded(script, checks=checks, output_guardrails=[guard("t.odd", deny=True, **mode)])
    assert 446 == (await rig.handle(stream=how != "whole")).status

    rig = guarded(script, checks=checks, output_guardrails=[guard("t.odd", **mode)])
    made = await (rig.create() if how == "whole" else rig.stream())
    text = made.text if how == "whole" else (await made.final()).text
    assert "hello" == text
    assert "error" in after(made.hook_results)[0]["checks"][0]


# -- windows -------------------------------------------------------------------------------------------

USAGE = {"id": "x", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
LONG = {"content": "good " * 120}
NOT_EMPTY = {"deny": True, "on_empty": "deny", "stream": "window"}


@pytest.mark.parametrize("overlap", [0, 256])
@pytest.mark.parametrize("chunks", [[chunk(LONG, finish_reason="stop"), USAGE], [chunk(LONG), END, USAGE]])
async def test_an_end_without_text_is_no_empty_answer(chunks, overlap):
    """The text has passed already; `on_empty` is about answers without any."""
    hook = guard("t.skips_when_empty", window_overlap=overlap, **NOT_EMPTY)
    rig = guarded(sse([*chunks, "data: [DONE]"]), output_guardrails=[hook])

    made = await rig.stream()

    assert LONG["content"] == (await made.final()).text
    assert [True] == [result["verdict"] for result in after(made.hook_results)]


@pytest.mark.parametrize("overlap", [0, 256])
async def test_a_window_without_content_is_no_empty_answer(overlap):
    """It may hold the reasoning before it, or a tool call after it."""
    thought = chunk({"reasoning_content": "hm " * 300})
    call = chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]})
    hook = guard("t.skips_when_empty", window_overlap=overlap, **NOT_EMPTY)
    rig = guarded(streamed(thought, chunk(LONG), call), output_guardrails=[hook])

    assert LONG["content"] == (await (await rig.stream()).final()).text


@pytest.mark.parametrize("reasoning", ["", "hm " * 300])
async def test_a_stream_without_any_content_is_an_empty_answer(reasoning):
    """Which the last window says."""
    chunks = [chunk({"reasoning_content": reasoning})] if reasoning else []
    rig = guarded(streamed(*chunks), output_guardrails=[guard("t.skips_when_empty", **NOT_EMPTY)])

    with pytest.raises(GuardrailError):
        await (await rig.stream()).final()


async def test_a_denial_after_a_failure_names_its_hook():
    """The worst of all windows counts, and observers hear of it."""
    windows = iter([False])

    def flaky(context):
        return next(windows)  # raises at the second window

    rig = guarded(
        streamed(*[chunk({"content": "x" * 600})] * 4),
        checks={"t.flaky": flaky},
        output_guardrails=[guard("t.flaky", stream="window", on_error="deny", id="flaky")],
        router={"observe": True},
    )

    with pytest.raises(GuardrailError, match="denied by flaky ") as caught:
        await (await rig.stream()).final()

    assert [True] == [result["deny"] for result in after(caught.value.hook_results)]
    finished = [event for event in rig.events if type(event).__name__ == "HookFinished"]
    assert [(False, False), (False, True)] == [(event.verdict, event.denied) for event in finished]
