"""What the hooks did for one target counts for the next only where it can be no different there."""

from __future__ import annotations

import copy

import attrs
import pytest
from engine_kit import fallback, target
from guard_kit import guard, guarded

from llmroute.hooks import HookContext, Verdict
from llmroute.testing import completion, error

#: Ways to read the model that a target is asked for.
READERS = {
    "model": lambda context: context.model,
    "request": lambda context: context.request["model"],
    "an evolved context": lambda context: attrs.evolve(context, scope="all").model,
    "an evolved one of an evolved one": lambda context: attrs.evolve(attrs.evolve(context)).request["model"],
    "a copy": lambda context: copy.copy(context).model,
    "a deep copy": lambda context: copy.deepcopy(context).model,
    "all members": lambda context: attrs.asdict(context)["_request"]["model"],
    "all members, as they are": lambda context: attrs.asdict(context, recurse=False)["_model"],
    "a tuple": attrs.astuple,
    "the repr": repr,
    "the body of the texts": lambda context: context.texts.body["model"],
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
async def test_a_check_that_read_the_model_judges_every_target(read):
    """However it did: the first target is good, the second is not."""
    rig = guarded(
        {"a.example": error(500), "b.example": completion("x")},
        checks={"t.judge": lambda context: "evil" not in str(read(context))},
        config=fallback(
            target("a", override_params={"model": "good"}),
            target("b", override_params={"model": "evil"}),
            input_guardrails=[guard("t.judge", deny=True)],
        ),
    )

    assert 446 == (await rig.handle()).status
    assert "a" == rig.hosts


@pytest.mark.parametrize(
    "read",
    [
        lambda context: context.text,
        lambda context: context.texts.pieces,
        lambda context: context.texts.rewritten(str.upper),
        lambda context: attrs.evolve(context, scope="all").text,
        lambda context: (context.metadata, context.headers, context.parameters, context.event),
    ],
)
def test_what_every_target_is_asked_is_nothing_of_the_target(read):
    """The conversation and the caller's own words: such a check need not run again."""
    context = HookContext("before", {"model": "m", "messages": [{"role": "user", "content": "a"}]})
    read(context)

    assert not context.target_read


async def test_a_target_that_is_asked_for_no_stream_is_another_one():
    """For a check that looks whether it is."""
    rig = guarded(
        {"a.example": error(500), "b.example": completion("x")},
        checks={"t.streams": lambda context: context.streaming},
        config=fallback(
            target("a", override_params={"stream": True}),
            target("b", override_params={"stream": False}),
            input_guardrails=[guard("t.streams", deny=True)],
        ),
    )

    assert 446 == (await rig.handle()).status


@pytest.mark.parametrize(
    "changed",
    [
        lambda context: {**context.texts.rewritten(str.upper), "max_tokens": 7},
        lambda context: {k: v for k, v in context.texts.rewritten(str.upper).items() if k != "temperature"},
    ],
    ids=["added", "left out"],
)
@pytest.mark.parametrize("side", ["input_mutators", "input_guardrails"])
async def test_a_change_beside_the_messages_reaches_every_target(side, changed):
    """It is made again, on what the next target is asked."""
    rig = guarded(
        [error(500), completion("x")],
        checks={"t.change": lambda context: Verdict(True, request=changed(context))},
        config=fallback(
            target("a", override_params={"model": "m1"}),
            target("b", override_params={"model": "m2"}),
            **{side: [guard("t.change")]},
        ),
    )

    await rig.create(temperature=0)

    first, second = (sent.json for sent in rig.transport.requests)
    assert {**first, "model": "m2"} == second
    assert "HELLO" == second["messages"][0]["content"]
