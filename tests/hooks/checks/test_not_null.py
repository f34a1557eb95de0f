"""notNull."""

from __future__ import annotations

import pytest
from ask_kit import after, before, built

CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"choices": []}, "undefined"),
        ({}, "undefined"),
        ({"choices": [{"message": {}}]}, "undefined"),
        ({"choices": [{"message": {"content": None, "tool_calls": [CALL]}}]}, "null"),
        ({"choices": [{"message": {"content": False}}]}, "boolean"),
    ],
)
def test_what_has_no_content_is_null(answer, kind):
    """Answers without choices and answers of tool calls only fail; they are no error that would pass."""
    verdict = built("notNull", {})(after(response=answer))

    assert (False, None, kind) == (verdict.passed, verdict.error, verdict.data["contentType"])


@pytest.mark.parametrize("content", [5, True, ["a"], [{"type": "text", "text": "a"}]])
def test_an_answer_of_another_form_is_undecided(content):
    """Only texts can be blank."""
    assert built("notNull", {})(after(content)).error is not None


def test_parts_count_before_the_call():
    """One part with text is enough."""
    parts = [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "a"}]

    assert built("notNull", {})(before(parts)).passed
    assert 2 == built("notNull", {})(before(parts)).data["textArrayLength"]
