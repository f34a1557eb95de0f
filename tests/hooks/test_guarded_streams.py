"""Output hooks on streams: "buffer", "window" and "after". Rules: DESIGN sections 3 and 4."""

from __future__ import annotations

import asyncio
import gc

import pytest
from engine_kit import collect, fallback, target, texts
from guard_kit import after, before, guard, guarded, replaced, said

from llmroute import GuardrailError, IncompleteStreamError, InternalServerError
from llmroute.hooks import Verdict, transforming
from llmroute.hooks import streaming as streaming_module
from llmroute.layers import hooks
from llmroute.telemetry.events import CallFinished, HookFinished, StreamFinished
from llmroute.testing import completion, cut, error, sse, stall, stream, tool_call

WORDS = [f"w{number:02d} " for number in range(60)]
LONG = "".join(WORDS)


def windowed(*checks, size=20, overlap=8, **members):
    return guard(*checks, stream="window", window_size=size, window_overlap=overlap, **members)


async def outcome(rig, **params):
    """The texts that came, and how the stream ended: None, or the error."""
    got, ended = [], None
    try:
        async for chunk in await rig.stream(**params):  # the first window may raise here already
            got += texts([chunk])
    except GuardrailError as failure:
        ended = failure
    rig.assert_clean()
    return "".join(got), ended


# -- buffer --------------------------------------------------------------------------------------------


async def test_a_denied_stream_delivers_nothing():
    """The default for hooks that deny: the caller gets a 446, not a stream."""
    rig = guarded(stream("the secret is out"), output_guardrails=[guard("t.clean", deny=True)])

    with pytest.raises(GuardrailError) as caught:
        await rig.stream()

    assert [False] == [hook["verdict"] for hook in after(caught.value.hook_results)]
    rig.assert_clean()


async def test_a_stream_that_passes_comes_chunk_by_chunk():
    """As the provider sent it."""
    rig = guarded(stream("all is well"), output_guardrails=[guard("t.clean", deny=True)])

    made = await rig.stream()

    assert ["all ", "is ", "well"] == texts(await collect(made))
    assert [True] == [hook["verdict"] for hook in after(made.hook_results)]
    rig.assert_clean()


async def test_a_denied_stream_keeps_its_usage():
    """What it cost is known."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    rig = guarded(stream("secret", usage=usage), output_guardrails=[guard("t.clean", deny=True)])

    assert usage == (await rig.handle(stream=True)).body["usage"]


async def test_a_failing_stream_without_deny_is_a_246():
    """When the verdict comes before the first chunk, the status can say so."""
    rig = guarded(stream("secret"), output_guardrails=[guard("t.clean", stream="buffer")])

    response = await rig.handle(stream=True)

    assert 246 == response.status
    assert ["secret"] == texts([chunk async for chunk in response.stream])


@pytest.mark.parametrize(
    "broken", [cut(stream("one two three"), 2), stall(stream("one two three"), 2)], ids=["cut", "silent"]
)
async def test_a_stream_that_breaks_before_its_verdict_falls_back(broken):
    """Nothing was handed on, so it is an ordinary failure."""
    config = fallback("a", "b", output_guardrails=[guard("t.clean", deny=True)], stream_idle_timeout=1_000)
    rig = guarded([broken, stream("well")], config=config)

    assert ("well", None) == await outcome(rig)
    assert "ab" == rig.hosts


async def test_a_denied_stream_is_retried_when_446_is_listed():
    """Like a denied answer."""
    rig = guarded(
        [stream("secret"), stream("well")],
        output_guardrails=[guard("t.clean", deny=True)],
        retry={"attempts": 1, "on_status_codes": [446]},
    )

    assert ("well", None) == await outcome(rig)


async def test_buffering_does_not_outlast_the_call():
    """The budget is up to the commit, which is the verdict."""
    rig = guarded(stream(WORDS, gap=1.0), output_guardrails=[guard("t.clean", deny=True)])

    with pytest.raises(TimeoutError):
        await rig.stream(timeout=10)

    rig.assert_clean()


async def test_a_buffered_change_makes_new_chunks():
    """Role, text, end and usage are all there."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    rig = guarded(stream("my secret", usage=usage), output_mutators=[guard("t.redact", stream="buffer")])

    made = await rig.stream()
    answer = await made.final()

    assert ("my ******", "stop", 3) == (
        answer.text,
        answer.choices[0].finish_reason,
        answer.usage.total_tokens,
    )


async def test_what_is_kept_for_a_verdict_is_bounded(monkeypatch):
    """64 MiB; beyond that the stream fails, it is not passed unjudged."""
    monkeypatch.setattr(hooks, "MAX_KEPT", 1_000)
    monkeypatch.setattr(streaming_module, "MAX_KEPT", 1_000)
    for hook in (guard("t.clean", deny=True), windowed("t.clean", size=100_000), guard("t.clean")):
        rig = guarded(stream(WORDS), output_guardrails=[hook])
        with pytest.raises((InternalServerError, IncompleteStreamError), match="guardrails"):
            await collect(await rig.stream())
        rig.assert_clean()


# -- window --------------------------------------------------------------------------------------------


async def test_windows_hand_on_what_has_passed():
    """The last characters wait for the next window; nothing is lost."""
    rig = guarded(stream(WORDS), output_guardrails=[windowed("t.clean", deny=True)])

    made = await rig.stream()
    first = await anext(made)

    assert [] == texts([first]) or texts([first])[0] in WORDS
    assert LONG == "".join(texts([first, *await collect(made)]))
    assert LONG == made.text
    rig.assert_clean()


async def test_the_first_window_decides_before_anything_is_committed():
    """A denial there is a 446, and a fallback goes on."""
    config = fallback("a", "b", output_guardrails=[windowed("t.clean", deny=True)])
    rig = guarded([stream(["secret ", *WORDS]), stream(WORDS)], config=config)

    assert (LONG, None) == await outcome(rig)
    assert "ab" == rig.hosts


async def test_a_denial_in_a_later_window_ends_the_stream():
    """A chunk with content_filter, then GuardrailError; the denied window is never seen."""
    rig = guarded(
        stream([*WORDS[:30], "secret ", *WORDS[30:]]), output_guardrails=[windowed("t.clean", deny=True)]
    )
    made = await rig.stream()
    chunks = []

    with pytest.raises(GuardrailError) as caught:
        async for chunk in made:
            chunks.append(chunk)

    got = "".join(texts(chunks))
    assert LONG.startswith(got)
    assert got
    assert "secret" not in got
    assert "content_filter" == chunks[-1].choices[0].finish_reason
    assert [None] * (len(chunks) - 1) == [chunk.choices[0].finish_reason for chunk in chunks[:-1]]
    assert [False] == [hook["verdict"] for hook in after(caught.value.hook_results)]
    assert [False] == [hook["verdict"] for hook in after(made.hook_results)]
    with pytest.raises(GuardrailError):
        await anext(made)
    rig.assert_clean()


@pytest.mark.parametrize("at", range(1, 40))
async def test_a_finding_across_two_windows_is_never_begun(at):
    """Wherever the windows meet: not one letter of it is handed on."""
    pieces = [*("x" * at), *"secret", *("y" * 40)]
    rig = guarded(stream(pieces), output_guardrails=[windowed("t.clean", size=10, overlap=6, deny=True)])

    got, ended = await outcome(rig)

    assert ended is not None
    assert set(got) <= {"x"}


async def test_tool_calls_wait_until_they_are_whole():
    """Half a tool call cannot be judged."""
    answer = stream(LONG, tool_calls=[tool_call("look_up", {"q": "secret"})])
    rig = guarded(answer, output_guardrails=[windowed("t.clean", scope="all", deny=True)])
    made = await rig.stream()
    chunks = []

    with pytest.raises(GuardrailError):
        async for chunk in made:
            chunks.append(chunk)

    assert all(not chunk.choices[0].delta.tool_calls for chunk in chunks)


async def test_tool_calls_that_pass_come_whole():
    """At the end of the stream."""
    answer = stream(LONG, tool_calls=[tool_call("look_up", {"q": "weather"})])
    rig = guarded(answer, output_guardrails=[windowed("t.clean", scope="all", deny=True)])

    completed = await (await rig.stream()).final()

    assert '{"q":"weather"}' == completed.choices[0].message.tool_calls[0].function.arguments.replace(" ", "")
    assert LONG == completed.text


async def test_each_choice_is_judged():
    """With n > 1 the windows hold all choices."""
    events = [
        {"id": "x", "choices": [{"index": i % 2, "delta": {"content": text}}]}
        for i, text in enumerate([*WORDS[:21], "secret ", *WORDS])
    ]
    ends = [{"id": "x", "choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]} for i in (0, 1)]
    rig = guarded(
        sse([*events, *ends, "data: [DONE]"]), output_guardrails=[windowed("t.clean", scope="all", deny=True)]
    )
    chunks = []

    with pytest.raises(GuardrailError):
        async for chunk in await rig.stream(n=2):
            chunks.append(chunk)

    assert "secret" not in "".join(texts(chunks))
    assert [(0, "content_filter"), (1, "content_filter")] == [
        (choice.index, choice.finish_reason) for choice in chunks[-1].choices
    ]


async def test_a_window_that_fails_without_deny_is_only_told():
    """The first one makes a 246, a later one changes nothing any more."""
    rig = guarded(stream(["secret ", *WORDS]), output_guardrails=[windowed("t.clean")])
    response = await rig.handle(stream=True)
    assert 246 == response.status
    await response.aclose()

    rig = guarded(stream([*WORDS, "secret"]), output_guardrails=[windowed("t.clean")])
    made = await rig.stream()
    assert LONG + "secret" == "".join(texts(await collect(made)))
    assert [False] == [hook["verdict"] for hook in after(made.hook_results)]


async def test_chunks_that_pass_are_not_rewritten():
    """Log probabilities and whatever else a provider adds stay."""
    extra = {"content": "w00 ", "vendor": 1}
    rig = guarded(stream([extra, *WORDS[1:]]), output_guardrails=[windowed("t.clean")])

    chunks = await collect(await rig.stream())

    assert [1] == [chunk.choices[0].delta.vendor for chunk in chunks if "vendor" in chunk.choices[0].delta]


# -- changes on streams --------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(40))
async def test_a_redaction_is_never_split(at):
    """Letter by letter, wherever the windows meet."""
    pieces = [*("x" * at), *"secret", *("y" * 30)]
    rig = guarded(stream(pieces), output_mutators=[windowed("t.redact", size=10, overlap=6)])

    got, ended = await outcome(rig)

    assert ("x" * at + "******" + "y" * 30, None) == (got, ended)


async def test_mutators_use_windows_by_default():
    """A long stream begins before its end."""
    long = [f"word{number} " for number in range(1_000)]
    rig = guarded(stream(long), output_mutators=[guard("t.redact")])
    made = await rig.stream()

    read = 0
    async for _ in made:
        read += 1
        break

    assert rig.transport.requests[0].exchange.open
    await made.close()
    assert 1 == read


async def test_every_letter_of_a_long_stream_is_changed_once():
    """Windows neither skip nor repeat."""
    rig = guarded(stream(WORDS), output_mutators=[windowed("t.shout")])

    assert (LONG.upper(), None) == await outcome(rig)


async def test_a_change_that_depends_on_the_whole_waits_for_the_end():
    """A prefix is put before the answer, not before every window."""

    def prefixed(context):
        body = context.texts.rewritten(lambda text: "> " + text)
        return Verdict(True, **context.changed(body))

    rig = guarded(stream(WORDS), checks={"t.prefixed": prefixed}, output_mutators=[windowed("t.prefixed")])

    assert ("> " + LONG, None) == await outcome(rig)


async def test_a_guardrail_that_changes_texts_does_so_on_streams_too():
    """When it says that it may: `transforming`."""
    checks = {"t.change": transforming(lambda context: replaced(context, "w33", "---"), reach=3)}
    rig = guarded(stream(WORDS), checks=checks, output_guardrails=[guard("t.change")])

    assert (LONG.replace("w33", "---"), None) == await outcome(rig)


async def test_changed_chunks_bring_no_log_probabilities():
    """They would spell out what was taken out."""
    events = [
        {
            "id": "x",
            "choices": [{"index": 0, "delta": {"content": word}, "logprobs": {"content": [{"token": word}]}}],
        }
        for word in (*WORDS[:30], "secret ", *WORDS[30:])
    ]
    end = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    rig = guarded(sse([*events, end, "data: [DONE]"]), output_mutators=[windowed("t.redact")])

    chunks = await collect(await rig.stream())

    assert "secret" not in repr([chunk.to_dict() for chunk in chunks])
    assert LONG.replace("w30", "****** w30").replace("  ", " ") == "".join(texts(chunks))


async def test_guardrails_judge_what_mutators_left_in_each_window():
    """In the same order as on a whole answer."""
    rig = guarded(
        stream([*WORDS, "secret ", *WORDS]),
        output_mutators=[windowed("t.redact")],
        output_guardrails=[windowed("t.clean", deny=True)],
    )

    got, ended = await outcome(rig)

    assert (LONG + "****** " + LONG, None) == (got, ended)


async def test_a_change_after_the_stream_is_a_warning():
    """It came too late, and is not silent about it."""
    rig = guarded(stream("my secret"), output_mutators=[guard("t.redact", stream="after")])
    made = await rig.stream()

    assert "my secret" == "".join(texts(await collect(made)))
    assert ["config.output_mutators[0]: its change came after the stream"] == list(made.route.warnings)


# -- after ---------------------------------------------------------------------------------------------


async def test_hooks_that_do_not_deny_wait_for_the_end():
    """The default: no chunk is held back, the verdict is there at the end."""
    rig = guarded(stream("the secret is out"), output_guardrails=[guard("t.clean")])
    made = await rig.stream()
    assert [] == after(made.hook_results)

    assert ["the ", "secret ", "is ", "out"] == texts(await collect(made))

    assert [False] == [hook["verdict"] for hook in after(made.hook_results)]
    rig.assert_clean()


async def test_final_carries_the_results():
    """The completion of a stream is like the one without a stream."""
    rig = guarded(stream("secret"), output_guardrails=[guard("t.clean")])

    answer = await (await rig.stream()).final()

    assert [False] == [hook["verdict"] for hook in after(answer.hook_results)]


async def test_asynchronous_hooks_hear_the_whole_stream():
    """After its end."""
    rig = guarded(
        stream("the secret"),
        output_guardrails=[guard("t.clean", id="g", **{"async": True})],
        router={"observe": True},
    )

    await collect(await rig.stream())
    await rig.router.aclose()

    assert [("g", False)] == [(e.hook, e.verdict) for e in rig.events if isinstance(e, HookFinished)]


# -- results as events ---------------------------------------------------------------------------------

LOOSE = {"strict_open_ai_compliance": False}


async def events_of(rig):
    """The chunks of a wire-level stream, results as the names of the sides that they hold."""
    response = await rig.handle(stream=True)
    return [
        sorted(chunk["hook_results"]) if "hook_results" in chunk else "".join(texts([chunk]))
        async for chunk in response.stream
    ]


async def test_results_of_the_input_come_first_when_not_strict():
    """As recorded."""
    rig = guarded(stream("ab"), input_guardrails=[guard("t.passes")], **LOOSE)

    assert [["before_request_hooks"], "", "ab", ""] == await events_of(rig)


async def test_results_of_the_output_come_last_when_not_strict():
    """Before the end of the stream, as they are no earlier known."""
    rig = guarded(
        stream("ab"), input_guardrails=[guard("t.passes")], output_guardrails=[guard("t.passes")], **LOOSE
    )

    assert [
        ["before_request_hooks"],
        "",
        "ab",
        "",
        ["after_request_hooks", "before_request_hooks"],
    ] == await events_of(rig)


async def test_buffered_results_come_at_once():
    """All of them are known before the first chunk."""
    rig = guarded(stream("ab"), output_guardrails=[guard("t.passes", deny=True)], **LOOSE)

    assert [["after_request_hooks"], "", "ab", ""] == await events_of(rig)


@pytest.mark.parametrize("members", [{}, {"strict_open_ai_compliance": True}])
async def test_strict_streams_carry_no_results(members):
    """The default: a client of OpenAI's sees nothing unknown."""
    rig = guarded(stream("ab"), input_guardrails=[guard("t.passes")], **members)

    assert ["", "ab", ""] == await events_of(rig)


async def test_typed_streams_carry_no_event():
    """`stream.hook_results` has them; a loop over choices does not stumble."""
    rig = guarded(stream("ab"), input_guardrails=[guard("t.passes")], **LOOSE)

    made = await rig.stream()
    chunks = await collect(made)

    assert all(chunk.choices for chunk in chunks)
    assert 1 == len(before(made.hook_results))


async def test_server_sent_events_end_with_the_denial():
    """One error event that says why, and no [DONE]."""
    rig = guarded(stream([*WORDS, "secret"]), output_guardrails=[windowed("t.clean", deny=True)])

    response = await rig.handle(stream=True)
    events = [event async for event in response.sse()]

    assert b"hooks_failed" in events[-1]
    assert b"after_request_hooks" in events[-1]
    assert b"content_filter" in events[-2]


# -- life ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", [guard("t.clean"), windowed("t.clean"), guard("t.clean", deny=True)])
async def test_a_stream_that_is_left_hangs_up(hook):
    """Closed, or merely dropped."""
    for drop in (False, True):
        rig = guarded(stream([*WORDS, *WORDS], gap=0.01), output_guardrails=[hook])
        made = await rig.stream()
        await anext(made)
        if drop:
            del made
            gc.collect()
            await asyncio.sleep(0)
        else:
            await made.close()
        rig.assert_clean()
        await rig.router.aclose()


async def test_closing_the_router_ends_a_guarded_stream():
    """Whoever reads on sees a broken stream, not an end."""
    rig = guarded(stall(stream(WORDS), 30), output_guardrails=[windowed("t.clean")], router={"auto": False})
    made = await rig.stream()
    await anext(made)
    closing = asyncio.ensure_future(rig.router.aclose(timeout=0))
    while not closing.done():
        await asyncio.sleep(0)
        await rig.clock.advance(1.0)

    with pytest.raises(IncompleteStreamError):
        await collect(made)


async def test_cancelling_the_reader_hangs_up():
    """In the middle of a verdict, too."""
    begun = asyncio.Event()

    async def slow(context):
        if begun.is_set() or len(context.text) > 25:
            begun.set()
            await asyncio.Event().wait()
        return True

    rig = guarded(
        stream(WORDS), checks={"t.slow": slow}, output_guardrails=[windowed("t.slow")], router={"auto": False}
    )
    made = await rig.stream()
    reading = asyncio.ensure_future(collect(made))
    await begun.wait()

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    rig.assert_clean()
    with pytest.raises(IncompleteStreamError):
        await anext(made)


async def test_a_stream_that_breaks_keeps_what_was_handed_on():
    """After the commit a break is a break, guarded or not."""
    rig = guarded(cut(stream(WORDS), 40), output_guardrails=[windowed("t.clean")])

    with pytest.raises(IncompleteStreamError) as caught:
        await collect(await rig.stream())

    content = caught.value.partial["choices"][0]["message"]["content"]
    assert LONG.startswith(content)
    rig.assert_clean()


async def test_a_judged_stream_may_last_longer_than_a_call_may_take_to_begin():
    """The budget up to the commit does not bound the verdicts after it."""
    rig = guarded(
        stream([f"{word}" for word in WORDS * 4], gap=10.0),
        output_guardrails=[windowed("t.passes", deny=True)],
    )

    got, ended = await outcome(rig)

    assert (LONG * 4, None) == (got, ended)


async def test_an_error_answer_is_no_stream_to_judge():
    """Hooks look at answers of status 200."""
    rig = guarded([error(500)], output_guardrails=[guard("t.fails", deny=True)])

    assert 500 == (await rig.handle(stream=True)).status


async def test_an_answer_that_is_no_stream_is_judged_as_a_whole():
    """`stream` only settles when the verdict comes."""
    rig = guarded(completion("secret"), output_guardrails=[windowed("t.clean", deny=True)])

    assert 446 == (await rig.handle(messages=said("x"))).status


async def test_observers_hear_of_a_windowed_hook_once_and_of_its_failure():
    """Not of every window."""
    rig = guarded(
        stream([*WORDS, "secret"]), output_guardrails=[windowed("t.clean")], router={"observe": True}
    )

    await collect(await rig.stream())

    assert [True, False] == [event.verdict for event in rig.events if isinstance(event, HookFinished)]


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def forgets_usage(context):
    """Changes the answer, and loses what it cost."""
    body = {"id": "new", "created": 1, "model": "m", "choices": context.response["choices"]}
    return Verdict(True, **context.changed(body))


def told(rig, kind):
    (event,) = [event for event in rig.events if isinstance(event, kind)]
    return event.usage


@pytest.mark.parametrize(
    "members",
    [
        {"output_guardrails": [guard("t.clean", deny=True)]},
        {"output_mutators": [guard("t.redact", stream="buffer")]},
        {"output_mutators": [guard("t.forgets_usage", stream="buffer")]},
        {"output_guardrails": [windowed("t.clean", deny=True)]},
        {"output_mutators": [windowed("t.shout")]},
        {"output_mutators": [windowed("t.forgets_usage")]},
        {"output_guardrails": [guard("t.clean", stream="after")]},
    ],
    ids=["buffer", "changed", "forgotten", "window", "changed window", "forgotten in a window", "after"],
)
async def test_observers_hear_the_usage_whatever_hooks_change(members):
    """The provider's own word, not what hooks left of it."""
    checks = {"t.forgets_usage": forgets_usage}
    rig = guarded(stream(WORDS, usage=USAGE), checks=checks, router={"observe": True}, **members)
    await collect(await rig.stream())

    assert USAGE == told(rig, StreamFinished)


@pytest.mark.parametrize("hook", [guard("t.clean", deny=True), windowed("t.clean", deny=True)], ids=str)
async def test_a_stream_denied_at_once_tells_its_usage_with_the_call(hook):
    """There is no stream that could end; the answer has it as well."""
    rig = guarded(stream("secret", usage=USAGE), output_guardrails=[hook], router={"observe": True})
    response = await rig.handle(stream=True)

    assert (446, USAGE) == (response.status, response.body["usage"])
    assert USAGE == told(rig, CallFinished)


async def test_a_stream_denied_before_its_usage_has_none():
    """Nobody knows it: the provider was hung up on."""
    rig = guarded(
        stream(["secret ", *WORDS], usage=USAGE),
        output_guardrails=[windowed("t.clean", deny=True)],
        router={"observe": True},
    )
    response = await rig.handle(stream=True)

    assert (446, False) == (response.status, "usage" in response.body)
    assert told(rig, CallFinished) is None


async def test_a_stream_denied_in_its_last_window_tells_its_usage():
    """It is known by then."""
    rig = guarded(
        stream([*WORDS[:32], "secret"], usage=USAGE),
        output_guardrails=[windowed("t.clean", deny=True)],
        router={"observe": True},
    )
    got, ended = await outcome(rig)

    assert got
    assert ended is not None
    assert ("failed", USAGE) == (rig.events[-1].end, rig.events[-1].usage)


async def test_hooks_of_a_target_meet_its_stream_only():
    """A fallback's second target has its own."""
    config = fallback(
        target("a", output_guardrails=[guard("t.clean", deny=True)]),
        target("b", output_mutators=[windowed("t.shout")]),
    )
    rig = guarded([stream("secret"), stream("secret")], config=config)

    assert ("SECRET", None) == await outcome(rig)
