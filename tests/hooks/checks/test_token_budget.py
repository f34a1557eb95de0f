"""The budget of tokens: of a conversation before the call, of the answer after it."""

from __future__ import annotations

import pytest
from check_kit import Bench, calling


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], 0),
        ([""], 4),
        (["abcd"], 5),
        (["abcde"], 6),
        (["a", "a"], 10),
        ([{"role": "user", "content": [{"type": "text", "text": "abcd"}, {"type": "text", "text": "e"}]}], 6),
        ([calling('{"a": 1}')], 6),
    ],
)
def test_a_conversation_is_estimated(messages, expected):
    """Four characters a token, rounded up for each text, and four tokens for each message."""
    assert expected == Bench("default.tokenBudget", maxTokens=100).on(*messages).data["tokens"]


def test_the_budget_itself_passes():
    """One more does not."""
    bench = Bench("default.tokenBudget", maxTokens=5)

    assert [True, False] == [bench.on("abcd").passed, bench.on("abcde").passed]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_tokens": 50}, 55),
        ({"max_completion_tokens": 7, "max_tokens": 50}, 12),
        ({}, 5),
        ({"max_tokens": -3}, 5),
        ({"max_tokens": True}, 5),
        ({"max_tokens": "50"}, 5),
    ],
)
def test_the_completion_counts_on_request(members, expected):
    """What the request asks for at most."""
    bench = Bench("default.tokenBudget", maxTokens=100, includeCompletion=True)

    assert expected == bench.on("abcd", **members).data["tokens"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"completion_tokens": 9}, 9),
        ({"completion_tokens": 0}, 0),
        ({"completion_tokens": -1}, 2),
        ({"completion_tokens": True}, 2),
        ({"completion_tokens": "9"}, 2),
        ({}, 2),
        (None, 2),
    ],
)
def test_an_answer_is_counted_by_its_provider(usage, expected):
    """Else it is estimated, over all choices."""
    verdict = Bench("default.tokenBudget", maxTokens=100).after("abcd", "a", usage=usage)

    assert expected == verdict.data["tokens"]


@pytest.mark.parametrize(
    "parameters",
    [{}, {"maxTokens": 0}, {"maxTokens": 1.5}, {"maxTokens": "5"}, {"maxTokens": 5, "charactersPerToken": 0}],
)
def test_wrong_parameters_are_problems(parameters):
    """One each."""
    assert 1 == len(Bench("default.tokenBudget", **parameters).problems)
