"""The check for personal data. Kinds and near misses: tests/hooks/findings/test_personal.py."""

from __future__ import annotations

import json
import re

import pytest
from check_kit import Bench, calling

from llmroute.hooks.base import RESTORATIONS
from llmroute.hooks.findings.spans import MAX_TEXT

MAIL, CARD = "jane@example.com", "4111 1111 1111 1111"


def contents(verdict):
    return [message["content"] for message in verdict.request["messages"]]


def test_a_text_without_personal_data_passes():
    """And so does no text."""
    bench = Bench("default.pii")

    assert all(bench.on(*texts).passed for texts in ([], [""], ["Good day"]))


def test_a_text_with_personal_data_fails_with_counts_only():
    """What was found is never in the data."""
    verdict = Bench("default.pii").on(f"{MAIL} {MAIL} {CARD}")

    assert (False, None) == (verdict.passed, verdict.request)
    assert [{"type": "email", "count": 2}, {"type": "credit_card", "count": 1}] == verdict.data["entities"]
    assert not re.search("jane|4111", json.dumps(verdict.data))


def test_categories_limit_what_counts():
    """Unknown ones are problems."""
    assert Bench("default.pii", categories=["phone"]).on(MAIL).passed
    assert not Bench("default.pii", categories=["phone", "email"]).on(MAIL).passed
    assert 1 == len(Bench("default.pii", categories=["emial"]).problems)


def test_allowed_texts_are_no_findings():
    """In any case of letters."""
    assert Bench("default.pii", allow=["JANE@example.com"]).on(MAIL).passed


def test_redaction_puts_a_placeholder_for_each_value():
    """The same for the same one over the whole conversation, and told as a change."""
    memory = {}
    verdict = Bench("default.pii", redact=True).on(f"{MAIL}, {CARD}", f"again {MAIL}", memory=memory)

    first, second = contents(verdict)
    mail = second.removeprefix("again ")
    assert verdict.passed
    assert re.fullmatch(r"\[EMAIL_1_[0-9a-z]{12}\], \[CREDIT_CARD_1_[0-9a-z]{12}\]", first)
    assert first.startswith(mail)
    assert {MAIL, CARD} == set(memory[RESTORATIONS].values())
    assert not re.search("jane|4111", json.dumps(verdict.data))


def test_placeholders_of_one_call_are_the_same_in_every_check_and_attempt():
    """They share the call's memory; another call has others."""
    memory, bench = {}, Bench("default.pii", redact=True)

    first = contents(bench.on(MAIL, memory=memory))
    again = contents(bench.on(f"{CARD} {MAIL}", memory=memory))
    other = contents(bench.on(MAIL))

    assert again[0].endswith(first[0])
    assert first != other


def test_without_restore_nothing_is_kept():
    """The originals are gone for good."""
    memory = {}
    Bench("default.pii", redact=True, restore=False).on(MAIL, memory=memory)

    assert RESTORATIONS not in memory


def test_answers_are_redacted_for_good():
    """What the model made up is nobody's to have back."""
    verdict = Bench("default.pii", redact=True).after(f"it is {MAIL}", "fine")

    assert re.fullmatch(r"it is \[EMAIL_1_\w+\]", verdict.response["choices"][0]["message"]["content"])
    assert "fine" == verdict.response["choices"][1]["message"]["content"]


@pytest.mark.parametrize(
    "value",
    [
        MAIL,
        f"a\n{MAIL}\nb",
        f'"{MAIL}"',
        f"\\{MAIL}",
        "m\u00fcller@example.de",
        4111111111111111,
        f"x\t{CARD}",
        {"a": [CARD]},
    ],
)
@pytest.mark.parametrize("check", ["default.pii", "default.secrets"])
def test_tool_arguments_stay_json(check, value):
    """Whatever escapes stand around a finding, and also where it was a number."""
    key = "sk-" + "aB3" * 16
    arguments = json.dumps({"v": value, "k": f"line\n{key}"})
    verdict = Bench(check, redact=True).on(calling(arguments))

    new = verdict.request["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert {"v", "k"} == set(json.loads(new))
    assert not re.search("example|4111" if check == "default.pii" else key, new)


def test_a_text_that_is_too_long_is_undecided():
    """Rather than searched for seconds, or let pass."""
    verdict = Bench("default.pii").on("a" * (MAX_TEXT + 1))

    assert verdict.error is not None
    assert not verdict.passed
