"""The parameters that a target really sends."""

from __future__ import annotations

import copy

import pytest
from engine_kit import HELLO, Rig, target

from llmroute.config.spec import TargetSpec
from llmroute.layers.params import effective_params, is_stream, model_of
from llmroute.testing import completion

BODY = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Hi", "name": "Ann"}, {"role": "assistant", "content": "Yes"}],
    "tools": [
        {"type": "function", "function": {"name": "a", "strict": True}},
        {"type": "function", "function": {"name": "b", "strict": True}},
    ],
    "metadata": {"a.b": 1, "c": 2},
    "seed": 1,
}


async def sent(body=BODY, **members):
    """What reaches the provider, after the config's own reading of the members."""
    rig = Rig(target(**members), completion())
    response = await rig.handle(**body)
    assert 200 == response.status
    return rig.transport.requests[0].json


def changed(**changes):
    return {**BODY, **changes}


async def test_defaults_stand_below_the_body_and_overrides_above():
    """default_params < body < override_params."""
    params = {"seed": 9, "temperature": 0.5}

    assert changed(temperature=0.5) == await sent(default_params=params)
    assert changed(seed=9, temperature=0.5) == await sent(override_params=params)
    assert changed(seed=7) == await sent(default_params={"seed": 9}, override_params={"seed": 7})


async def test_an_override_replaces_whole_values():
    """Shallow, as documented: nothing inside a value is merged."""
    assert changed(metadata={"d": 3}) == await sent(override_params={"metadata": {"d": 3}})


async def test_null_is_a_value():
    """Of the caller it wins over a default, of an override over the caller."""
    assert changed(seed=None) == await sent(changed(seed=None), default_params={"seed": 9})
    assert changed(seed=None) == await sent(override_params={"seed": None})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("seed", {k: v for k, v in BODY.items() if k != "seed"}),
        ("nothing", BODY),
        ("seed.deeper", BODY),
        ("metadata.c", changed(metadata={"a.b": 1})),
        ('metadata["a.b"]', changed(metadata={"c": 2})),
        ("metadata['a.b']", changed(metadata={"c": 2})),
        ("metadata.a.b", BODY),
        ("tools[0]", changed(tools=BODY["tools"][1:])),
        (
            "tools[1].function.strict",
            changed(tools=[BODY["tools"][0], {"type": "function", "function": {"name": "b"}}]),
        ),
        (
            "tools[*].function.strict",
            changed(tools=[{"type": "function", "function": {"name": name}} for name in "ab"]),
        ),
        ("tools[*]", changed(tools=[])),
        ("tools[7]", BODY),
        ("tools[7].function", BODY),
        ("tools.function", BODY),
        ("metadata[0]", BODY),
        ("messages[0].name", changed(messages=[{"role": "user", "content": "Hi"}, BODY["messages"][1]])),
    ],
)
async def test_drop_params_removes_what_a_path_names(path, expected):
    """Members, entries, all entries; what is not there is no error."""
    assert expected == await sent(drop_params=[path])


async def test_drop_comes_last():
    """What a default or an override brought can be dropped too."""
    assert BODY == await sent(
        override_params={"top_k": 5}, default_params={"min_p": 1}, drop_params=["top_k", "min_p"]
    )


async def test_several_paths_into_the_same_value():
    """Each sees what the one before it left."""
    left = [{"function": {"name": "b"}}]

    assert changed(tools=left) == await sent(
        drop_params=["tools[0]", "tools[0].type", "tools[*].function.strict"]
    )


async def test_the_callers_objects_are_never_modified():
    """Neither the body nor anything inside it, nor the config's."""
    body, overrides = copy.deepcopy(BODY), {"stop": ["x"]}
    rig = Rig(
        target(
            override_params=overrides,
            default_params={"metadata": {"z": 1}},
            drop_params=["tools[*].function.strict", "messages[0].name", "metadata.c", "stop[0]"],
        ),
        completion(),
    )
    for _ in range(2):
        await rig.create(**body)

    assert BODY == body
    assert {"stop": ["x"]} == overrides
    assert rig.transport.requests[0].json == rig.transport.requests[1].json


def test_without_settings_the_body_itself_is_sent():
    """Nothing copied on the hot path."""
    assert HELLO is effective_params(TargetSpec("config", "openai"), HELLO)


@pytest.mark.parametrize("model", [None, "", 5, ["gpt-4o"], {"name": "x"}])
def test_a_model_is_a_text(model):
    """Anything else could not be sent."""
    assert model_of({"model": model}) is None
    assert model_of({}) is None
    assert "m" == model_of({"model": "m"})


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (False, False), (None, False), ("true", False), (1, False)]
)
def test_only_true_asks_for_a_stream(value, expected):
    """Exactly, as recorded."""
    assert expected is is_stream({"stream": value})
