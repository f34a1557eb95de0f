"""modelRules: models by metadata."""

from __future__ import annotations

import pytest
from ask_kit import before, built, problems_of

RULES = {"defaults": ["small"], "metadata": {"tier": {"pro": ["large"], "Pro": ["other"], "all": ["*", "x"]}}}


def allowed(rules, model, metadata, **parameters):
    context = before(request={"model": model, "messages": []}, metadata=metadata)
    verdict = built("modelRules", {"rules": rules, **parameters})(context)
    return None if verdict.error else verdict.passed


@pytest.mark.parametrize(
    ("model", "metadata", "expected"),
    [
        ("small", {}, True),
        ("large", {"tier": "pro"}, True),
        ("small", {"tier": "pro"}, False),
        ("other", {"tier": "Pro"}, True),
        ("large", {"tier": ["x", "pro"]}, True),
        ("large", {"tier": {"pro": 1}}, False),
        ("large", {"tier": None}, False),
        ("anything", {"tier": "all"}, False),
    ],
)
def test_the_metadata_decides(model, metadata, expected):
    """Values are compared as text, in their case; objects and null match nothing."""
    assert expected is allowed(RULES, model, metadata)


def test_wildcards_are_a_parameter():
    """With it `*` allows every model, as the hosted product documents."""
    assert True is allowed(RULES, "anything", {"tier": "all"}, wildcards=True)
    assert False is allowed(RULES, "anything", {"tier": "all"}, wildcards=True, **{"not": True})


def test_rules_that_allow_nothing_decide_nothing():
    """Without defaults and without a match there is no verdict."""
    assert None is allowed({"metadata": {"tier": {"pro": ["a"]}}}, "a", {"tier": "x"})


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (None, "p.rules: expected an object, got nothing"),
        ([], "p.rules: expected an object"),
        ({"default": ["a"]}, "p.rules.default: unknown parameter, did you mean 'defaults'?"),
        ({"defaults": [5]}, "p.rules.defaults[0]: expected text"),
        ({"metadata": {"tier": ["a"]}}, "p.rules.metadata.tier: expected an object"),
        ({"metadata": {"tier": {"pro": [5]}}}, "p.rules.metadata.tier.pro: expected a list of texts"),
    ],
)
def test_wrong_rules_are_refused(rules, problem):
    """With the path of what is wrong."""
    assert any(problem in found for found in problems_of("modelRules", {"rules": rules}))
