"""A stream from its first chunk to its end: commit, time limits, and hanging up.

Rules: DESIGN section 4, "Commit point" and "Time".
"""

from __future__ import annotations

import asyncio
import gc
import math
from contextlib import suppress

import pytest
from engine_kit import Rig, collect, fallback, read, target, texts

from llmroute import APIError, DeadlineExceededError, IncompleteStreamError, StreamError
from llmroute.layers.stream import commits
from llmroute.testing import Break, Pause, Reply, completion, cut, error, sse, stall, stream


def chunk(delta=None, **members):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": None, **members}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


ROLE, HELLO, STOP = chunk({"role": "assistant"}), chunk({"content": "Hello"}), chunk(finish_reason="stop")
BROKEN = {"error": {"message": "overloaded", "type": "server_error"}}


# -- commit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (chunk({"content": "a"}), True),
        (chunk({"reasoning_content": "a"}), True),
        (chunk({"reasoning": "a"}), True),
        (chunk({"refusal": "no"}), True),
        (chunk({"tool_calls": [{"index": 0}]}), True),
        (chunk({"function_call": {"name": "f"}}), True),
        (chunk({"audio": {"id": "a"}}), True),
        (chunk(finish_reason="stop"), True),
        (chunk({"role": "assistant", "content": ""}), False),
        (chunk({"role": "assistant", "content": None, "tool_calls": []}), False),
        ({"choices": []}, False),
        ({"choices": [], "usage": {"total_tokens": 1}}, False),
        ({"choices": None}, False),
        ({}, False),
        ({"choices": ["odd", {"delta": "odd"}, {"delta": None}]}, False),
        ({"choices": [{"delta": {}}, {"delta": {"content": "second"}}]}, True),
    ],
)
def test_a_chunk_commits_when_it_says_something(body, expected):
    """Content, reasoning, refusal, a tool call, audio or a finish reason, in any choice."""
    assert expected is commits(body)


async def test_chunks_before_the_commit_are_held_and_replayed():
    """The call returns at the first content; nothing is lost and the order stays."""
    events = [ROLE, {**ROLE, "choices": []}, HELLO, STOP, "data: [DONE]"]
    rig = Rig(target(), sse(events, gap=1.0))
    opened = await rig.stream()

    assert 2.0 == rig.clock.now()
    assert events[:4] == [seen.to_dict() for seen in await collect(opened)]


@pytest.mark.parametrize(
    "answer",
    [
        sse([BROKEN]),
        sse([ROLE, BROKEN]),
        cut(sse([ROLE, HELLO]), 1),
        cut(sse([ROLE, HELLO]), 1, orderly=True),
        stall(sse([ROLE, HELLO]), 1),
        error(500),
    ],
)
async def test_before_the_commit_the_next_target_is_tried(answer):
    """An error, a break or a stall costs the caller nothing but time."""
    rig = Rig(fallback(target("a", first_token_timeout=5000), "b"), {"a.": answer, "b.": stream("Paris")})
    opened = await rig.stream()

    assert ["Paris"] == texts(await collect(opened))
    assert "config.targets[1]" == opened.route.target
    rig.assert_clean()


@pytest.mark.parametrize(
    ("end", "cls"),
    [
        ((Break(),), IncompleteStreamError),
        ((), IncompleteStreamError),
        ((Pause(math.inf),), IncompleteStreamError),
        ((b"data: {broken\n\n",), IncompleteStreamError),
        (tuple(sse([BROKEN]).steps), StreamError),
    ],
)
async def test_after_the_commit_nothing_is_sent_again(end, cls):
    """The error is raised after the chunks that came; neither a retry nor a fallback follows."""
    answer = Reply(200, {}, (*sse([ROLE, HELLO]).steps, *end))
    config = fallback(target("a", retry={"attempts": 3}), "b")
    rig = Rig(config, {"a.": answer, "b.": stream("Paris")})
    opened = await rig.stream()
    seen, failure = await read(opened)

    assert cls is type(failure)
    assert (["Hello"], "a") == (texts(seen), rig.hosts)
    assert "Hello" == opened.text
    assert "config.targets[0]" == failure.route.target
    rig.assert_clean()


async def test_content_and_error_in_one_read_are_handed_on_in_order():
    """The chunk first, then the failure: what is committed is not taken back."""
    together = b"".join(sse([HELLO, BROKEN]).steps)
    rig = Rig(fallback("a", "b"), Reply(200, {}, [together]))
    opened = await rig.stream()

    assert "Hello" == (await anext(opened)).choices[0].delta.content
    with pytest.raises(StreamError, match="overloaded"):
        await anext(opened)


async def test_an_incomplete_stream_carries_what_came():
    """`partial` is a completion dict."""
    rig = Rig(target(), cut(stream("Hello there you"), 3))
    with pytest.raises(IncompleteStreamError) as caught:
        await (await rig.stream()).final()

    assert "Hello there " == caught.value.partial["choices"][0]["message"]["content"]


async def test_the_terminator_ends_the_stream_at_once():
    """Whatever would follow is not waited for."""
    rig = Rig(target(), stall(stream("Hello"), 4))
    opened = await rig.stream()

    assert ["Hello"] == texts(await collect(opened))
    assert 0.0 == rig.clock.now()
    rig.assert_clean()


async def test_created_is_filled_in_the_same_for_every_chunk():
    """Where the provider's format has none."""
    plain = [{k: v for k, v in body.items() if k != "created"} for body in (ROLE, HELLO, STOP)]
    rig = Rig(target(), sse([*plain, "data: [DONE]"], gap=5.0))
    opened = await rig.stream()

    assert {1_700_000_005} == {seen.created for seen in await collect(opened)}


# -- time ----------------------------------------------------------------------------------------------


def kept_alive(pause, count):
    """A stream that says Hello, then sends only comments."""
    return Reply(200, {}, [*sse([ROLE, HELLO]).steps, *[Pause(pause), b": ping\n\n"] * count])


async def test_silence_over_the_idle_limit_breaks_the_stream():
    """120 s by default, `stream_idle_timeout` in ms otherwise."""
    for limits, expected in (({}, 120.0), ({"stream_idle_timeout": 3000}, 3.0)):
        rig = Rig(target(**limits), stall(stream("Hello there"), 2))
        opened = await rig.stream()
        with pytest.raises(IncompleteStreamError, match=f"silent for {expected * 1000:.0f} ms"):
            await collect(opened)

        assert expected == rig.clock.now()
        rig.assert_clean()


async def test_every_byte_begins_the_idle_time_anew():
    """A slow stream of any length is no silent one."""
    rig = Rig(target(stream_idle_timeout=3000), stream("one two three four", gap=2.9))

    assert ["one ", "two ", "three ", "four"] == texts(await collect(await rig.stream()))


@pytest.mark.parametrize("idle", [3000, 120_000, 250_000, 86_400_000])
async def test_comments_prove_life_for_five_minutes(idle):
    """Then a stream without a chunk is over, on time, whatever the idle limit is."""
    rig = Rig(target(stream_idle_timeout=idle), kept_alive(2.0, 1000))
    opened = await rig.stream()
    with pytest.raises(IncompleteStreamError, match="only signs of life"):
        await collect(opened)

    assert 300.0 == rig.clock.now()
    rig.assert_clean()


async def test_a_chunk_ends_the_time_of_mere_signs_of_life():
    """Each wait for a chunk has five minutes of its own."""
    steps = [*sse([ROLE, HELLO]).steps]
    for _ in range(4):
        steps += [Pause(100.0), b": ping\n\n", Pause(100.0), *sse([HELLO]).steps]
    rig = Rig(target(), Reply(200, {}, [*steps, *sse([STOP, "data: [DONE]"]).steps]))

    assert 5 == len(texts(await collect(await rig.stream())))
    assert 800.0 == rig.clock.now()


async def test_a_slow_consumer_does_not_trip_the_idle_limit():
    """Only time spent waiting for the provider counts, not the caller's own."""
    rig = Rig(target(stream_idle_timeout=3000), stream("one two three", gap=1.0))
    opened, seen = await rig.stream(), []
    async for piece in opened:
        seen.append(piece)
        await rig.clock.advance(50.0)

    assert ["one ", "two ", "three"] == texts(seen)
    rig.assert_clean()


async def test_a_provider_silent_after_a_slow_consumer_is_still_noticed():
    """The idle time begins with the wait."""
    rig = Rig(target(stream_idle_timeout=3000), stall(stream("one two"), 2))
    opened = await rig.stream()
    await anext(opened)
    await anext(opened)
    await rig.clock.advance(50.0)
    with pytest.raises(IncompleteStreamError):
        await anext(opened)

    assert 53.0 == rig.clock.now()


@pytest.mark.parametrize("limited", ["deadline", "timeout"])
async def test_a_deadline_holds_through_the_last_chunk(limited):
    """The config's `deadline`, or the call's `timeout`."""
    config = target(deadline=5000) if limited == "deadline" else target()
    rig = Rig(config, stream("one two three four five six", gap=1.0))
    opened = await rig.stream(**({"timeout": 5} if limited == "timeout" else {}))
    seen, failure = await read(opened)

    assert DeadlineExceededError is type(failure)
    assert 5.0 == rig.clock.now()
    assert ["one ", "two ", "three ", "four "] == texts(seen)
    rig.assert_clean()


async def test_a_deadline_passes_while_the_consumer_is_busy():
    """The connection is given up at once; the next read says so, after what had come."""
    rig = Rig(target(deadline=5000), stream("one two three", gap=1.0))
    opened = await rig.stream()
    await rig.clock.advance(100.0)

    assert rig.transport.requests[0].closed
    assert ["one "] == texts([await anext(opened), await anext(opened)])
    with pytest.raises(DeadlineExceededError):
        await anext(opened)


async def test_the_default_limit_of_a_call_ends_at_the_commit():
    """A stream of an hour is fine as long as it goes on."""
    words = " ".join(["word"] * 60)
    rig = Rig(target(), stream(words, gap=60.0))

    assert 60 == len(texts(await collect(await rig.stream())))
    assert rig.clock.now() > 3600.0


# -- leaving ---------------------------------------------------------------------------------------------


async def opened_and_read(answer=None, **options):
    rig = Rig(target(), answer or stall(stream("one two"), 2), **options)
    opened = await rig.stream()
    await anext(opened)
    return rig, opened


async def test_close_hangs_up_and_may_be_repeated():
    """Afterwards the iteration is over."""
    rig, opened = await opened_and_read()
    await opened.close()
    await opened.aclose()

    assert rig.transport.requests[0].closed
    assert [] == await collect(opened)
    rig.assert_clean()


async def test_leaving_the_context_hangs_up():
    """Also by an exception or a `break`."""
    rig, opened = await opened_and_read()
    with pytest.raises(KeyError):
        async with opened:
            raise KeyError
    rig.assert_clean()


async def test_a_dropped_stream_hangs_up():
    """At once, by reference counting: neither its timer nor an observer keeps it alive."""
    for observe in (False, True):
        rig, opened = await opened_and_read(observe=observe)
        gc.disable()
        try:
            del opened
            assert rig.transport.requests[0].closed
            rig.assert_clean()
        finally:
            gc.enable()


async def test_a_cancelled_read_hangs_up_and_is_no_end():
    """Whoever reads on is told; a cut answer must not look complete."""
    rig, opened = await opened_and_read(auto=False)
    await anext(opened)
    task = asyncio.ensure_future(anext(opened))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    rig.assert_clean()
    with pytest.raises(IncompleteStreamError, match="cancelled"):
        await anext(opened)


async def test_the_rest_of_a_closed_stream_is_not_a_completion():
    """`final()` raises, with what there is."""
    for answer in (stall(stream("one two"), 3), stream("one two")):
        _, opened = await opened_and_read(answer)
        await opened.close()
        with pytest.raises(IncompleteStreamError, match="closed before its end") as caught:
            await opened.final()
        assert caught.value.partial["object"] == "chat.completion"


async def test_closing_after_the_end_changes_nothing():
    """The completion is whole."""
    rig, opened = await opened_and_read(stream("one two"))
    await collect(opened)
    await opened.close()

    assert "one two" == (await opened.final()).choices[0].message.content
    rig.assert_clean()


async def ends_of(answer, leave):
    """How an observer was told that the stream ended."""
    rig = Rig(target(stream_idle_timeout=1000), answer, observe=True)
    opened = await rig.stream()
    with suppress(APIError):
        await leave(opened)
    await opened.close()
    del opened
    return [event.end for event in rig.events if type(event).__name__ == "StreamFinished"]


@pytest.mark.parametrize(
    ("answer", "leave", "expected"),
    [
        (stream("one two"), collect, "completed"),
        (cut(stream("one two"), 2), collect, "failed"),
        (stall(stream("one two"), 2), collect, "failed"),
        (sse([HELLO, BROKEN]), collect, "failed"),
        (stream("one two"), anext, "abandoned"),
        (stall(stream("one two"), 2), anext, "abandoned"),
        (stream("one two"), lambda opened: opened.close(), "abandoned"),
        (cut(stream("one two"), 2), lambda opened: opened.close(), "abandoned"),
    ],
)
async def test_the_end_is_told_exactly_once(answer, leave, expected):
    """Completed, failed or abandoned, however often it is closed."""
    assert [expected] == await ends_of(answer, leave)


async def test_a_stream_of_a_loop_that_is_gone_can_be_dropped():
    """Its connection is gone as well; there is nothing to complain about."""
    rig, opened = await opened_and_read()

    def broken():
        raise RuntimeError("Event loop is closed")

    opened._stream._reply.close = broken
    del opened
    gc.collect()

    rig.transport.requests.clear()


async def test_a_late_listener_is_told_at_once():
    """`on_end` after the end: how it ended, why, and what it used."""
    rig = Rig(target(), stream("one", usage={"total_tokens": 5}))
    response = await rig.handle(stream=True)
    await collect(response.stream)
    told = []
    response.stream._stream.on_end(lambda *ended: told.append(ended))

    assert [("completed", None, {"total_tokens": 5})] == told


async def test_a_completion_in_place_of_a_stream_is_streamed():
    """Some servers ignore `stream`."""
    rig = Rig(target(), completion("Hello"))

    assert "Hello" == (await (await rig.stream()).final()).choices[0].message.content
