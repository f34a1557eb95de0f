"""The checks decide, report and transform as the reference was recorded to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ask_kit import after, asked, before, built, completion, differences, problems_of

CASES = Path(__file__).parents[2] / "cases" / "guardrails"
ROWS = [
    pytest.param(row, id=f"{file.stem}: {row['note']} ({index})")
    for file in sorted(CASES.glob("*.json"))
    for index, row in enumerate(json.loads(file.read_text()))
]


@pytest.mark.parametrize("case", ROWS)
async def test_a_check_does_as_recorded(case):
    """Verdict, error, report and transformation; wrong parameters may be refused beforehand instead."""
    if case.get("may_refuse") and problems_of(case["check"], case["parameters"]):
        return
    expected, context = case["expect"], context_of(case)

    verdict = await asked(built(case["check"], case["parameters"]), context)

    changed = verdict.request or verdict.response
    assert expected["verdict"] is verdict.passed
    assert expected.get("error", False) is (verdict.error is not None)
    assert expected.get("transformed", False) is (changed is not None)
    assert [] == differences(expected.get("data", {}), verdict.data or {})
    assert expected.get("transformed_request", context.request) == (verdict.request or context.request)
    assert expected.get("transformed_response", context.response) == (verdict.response or context.response)


def context_of(case):
    metadata = case.get("metadata", {})
    if case["hook"] == "before":
        request = case.get("request") or {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": case["text"]}],
        }
        return before(request=request, metadata=metadata)
    own = {"request": case["request"]} if "request" in case else {}
    response = case.get("response") or completion(case.get("text", "ok"))
    return after(response=response, metadata=metadata, **own)
