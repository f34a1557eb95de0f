"""modelWhitelist."""

from __future__ import annotations

import pytest
from ask_kit import before, built, problems_of

from llmroute.hooks.support.globs import matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("gpt-4o*", "gpt-4o-mini", True),
        ("gpt-4o*", "gpt-4o", True),
        ("*-mini", "gpt-4o-mini", True),
        ("gpt-*-mini", "gpt-4o-mini", True),
        ("gpt-*-mini", "gpt-mini", False),
        ("*", "", True),
        ("a*b*c", "axbxc", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("[ab]*", "a", False),
        ("a", "ab", False),
        ("*a*a*a*a*a*a*a*b", "a" * 50_000, False),
    ],
)
def test_a_star_stands_for_any_characters(pattern, name, expected):
    """Nothing else has a meaning, and no name takes long."""
    assert expected is matches(name, pattern)


def test_wildcards_are_a_parameter():
    """Without it a star is a star, as recorded."""
    context = before(request={"model": "gpt-4o-mini", "messages": []})

    assert not built("modelWhitelist", {"models": ["gpt-*"]})(context).passed
    assert built("modelWhitelist", {"models": ["gpt-*"], "wildcards": True})(context).passed
    assert not built("modelWhitelist", {"models": ["gpt-*"], "wildcards": True, "not": True})(context).passed


def test_the_spelling_of_the_manifest_is_the_same_check():
    """`modelwhitelist` passed everything in the reference, whose engine did not know it."""
    assert not built("default.modelwhitelist", {"models": ["zzz"]})(before()).passed


@pytest.mark.parametrize("model", [None, "", 5])
def test_a_request_without_a_model_is_undecided(model):
    """With `not`, too."""
    context = before(request={"model": model, "messages": []})

    assert built("modelWhitelist", {"models": ["a"], "not": True})(context).error is not None


def test_models_are_a_list_of_texts():
    """Text alone would be searched letter by letter."""
    assert 1 == len(problems_of("modelWhitelist", {"models": "gpt-4o"}))
    assert 1 == len(problems_of("modelWhitelist", {"models": ["a", 5]}))
    assert 1 == len(problems_of("modelWhitelist", {}))
