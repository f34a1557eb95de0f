"""Streams cut anywhere: what is handed on is what the whole answer would have been, and never more."""

from __future__ import annotations

import asyncio

from engine_kit import texts
from guard_kit import guard, guarded
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute import GuardrailError
from llmroute.testing import stream

PIECES = st.lists(
    st.one_of(
        st.sampled_from(["secret", "sec", "ret", "s", " ", "secre", "t"]), st.text("abc ", max_size=12)
    ),
    min_size=1,
    max_size=40,
).map(lambda pieces: [piece for piece in pieces if piece] or ["x"])
SIZES = st.tuples(st.integers(1, 40), st.integers(6, 20))
FEW = settings(max_examples=60, deadline=None)


def windowed(check, sizes, **members):
    return guard(check, stream="window", window_size=sizes[0], window_overlap=sizes[1], **members)


async def handed_on(pieces, **members):
    """The text of the stream, and whether it was denied."""
    rig = guarded(stream(pieces), **members)
    got = []
    try:
        async for chunk in await rig.stream():
            got += texts([chunk])
    except GuardrailError:
        return "".join(got), True
    finally:
        rig.assert_clean()
    return "".join(got), False


@FEW
@given(PIECES, SIZES)
def test_a_redacted_stream_is_the_redacted_answer(pieces, sizes):
    """Whatever the chunks and the windows."""
    expected = "".join(pieces).replace("secret", "******")

    for members in (
        {"output_mutators": [windowed("t.redact", sizes)]},
        {"output_mutators": [windowed("t.redact", sizes)], "output_guardrails": [windowed("t.clean", sizes)]},
        {"output_mutators": [guard("t.redact", stream="buffer")]},
    ):
        assert (expected, False) == asyncio.run(handed_on(pieces, **members))


@FEW
@given(PIECES, SIZES)
def test_nothing_of_a_denied_window_is_handed_on(pieces, sizes):
    """What comes is a beginning of the answer that ends before the finding."""
    whole = "".join(pieces)

    got, denied = asyncio.run(handed_on(pieces, output_guardrails=[windowed("t.clean", sizes, deny=True)]))

    assert ("secret" in whole) == denied
    assert whole.startswith(got)
    assert len(got) <= whole.index("secret") if denied else got == whole


@FEW
@given(PIECES, SIZES)
def test_a_stream_that_passes_is_not_changed(pieces, sizes):
    """Chunk for chunk."""
    for hook in (windowed("t.passes", sizes), guard("t.passes"), guard("t.passes", deny=True)):
        rig = guarded(stream(pieces), output_guardrails=[hook])

        async def read(rig=rig):
            return texts([chunk async for chunk in await rig.stream()])

        assert pieces == asyncio.run(read())
