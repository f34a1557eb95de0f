"""The check for keys and tokens. Forms and near misses: tests/hooks/findings/test_secret_forms.py."""

from __future__ import annotations

import json

from check_kit import Bench

from llmroute.hooks.findings.spans import MAX_TEXT

KEY = "sk-" + "aB3" * 16
GENERIC = "api_key = k3Jd9xQ2mVz7Lp0Rt5Yw"


def test_a_secret_fails_with_counts_only():
    """What was found is never in the data."""
    verdict = Bench("default.secrets").on(f"my key: {KEY}")

    assert (False, [{"type": "openai_key", "count": 1}]) == (verdict.passed, verdict.data["entities"])
    assert KEY not in json.dumps(verdict.data)


def test_a_text_without_secrets_passes():
    """And so does no text."""
    assert all(Bench("default.secrets").on(*texts).passed for texts in ([], [""], ["Good day"]))


def test_generic_secrets_are_asked_for_by_name():
    """They are guesses."""
    assert Bench("default.secrets").on(GENERIC).passed
    assert not Bench("default.secrets", categories=["generic"]).on(GENERIC).passed


def test_redaction_masks_for_good():
    """The words of the mask may be chosen."""
    verdict = Bench("default.secrets", redact=True).on(f"{KEY}, {KEY}")
    chosen = Bench("default.secrets", redact=True, redactText="***").on(KEY)

    assert (True, "[SECRET], [SECRET]") == (verdict.passed, verdict.request["messages"][0]["content"])
    assert "***" == chosen.request["messages"][0]["content"]


def test_what_cannot_be_judged_does_not_pass():
    """Too much text, and parameters that do not exist."""
    assert Bench("default.secrets").on("a" * (MAX_TEXT + 1)).error is not None
    assert 1 == len(Bench("default.secrets", categories=["aws"]).problems)
