"""requiredMetadataKeys and requiredMetadataKeyValuePairs."""

from __future__ import annotations

import pytest
from ask_kit import after, before, built, problems_of

METADATA = {
    "env": "prod",
    "teams": ["ml", "ops"],
    "scope": "read write",
    "level": 3,
    "beta": True,
    "o": {"a": 1},
}


def passes(pairs, operator="all", match_type="exact", metadata=METADATA):
    parameters = {"metadataPairs": pairs, "operator": operator, "matchType": match_type}
    verdict = built("requiredMetadataKeyValuePairs", parameters)(before(metadata=metadata))
    return None if verdict.error else verdict.passed


@pytest.mark.parametrize(
    ("pairs", "match_type", "expected"),
    [
        ({"env": "prod"}, "exact", True),
        ({"env": "Prod"}, "exact", False),
        ({"env": "pro"}, "contains", False),
        ({"level": 3, "beta": True}, "exact", True),
        ({"level": "3"}, "exact", True),
        ({"level": True}, "exact", False),
        ({"teams": "ml"}, "exact", False),
        ({"teams": ["hr", "ops"]}, "contains", True),
        ({"teams": ["hr", "ops"]}, "containsAll", False),
        ({"teams": ["ml", "ops"]}, "containsAll", True),
        ({"scope": ["write", "read"]}, "containsAll", True),
        ({"env": ["dev", "prod"]}, "contains", True),
        ({"env": "^pr.d$"}, "regex", True),
        ({"teams": ["^x", "^o"]}, "regex", True),
        ({"o": "a"}, "contains", False),
        ({"missing": ".*"}, "regex", False),
    ],
)
def test_values_match_in_four_ways(pairs, match_type, expected):
    """Exactly, as one of several, as all of several, or by a pattern; parts of words do not count."""
    assert expected is passes(pairs, match_type=match_type)


@pytest.mark.parametrize(("operator", "expected"), [("all", False), ("any", True), ("none", False)])
def test_the_operator_says_how_many_pairs(operator, expected):
    """Of two pairs one matches."""
    assert expected is passes({"env": "prod", "level": 4}, operator)


def test_a_pattern_that_takes_too_long_is_undecided():
    """With "none" it would look like a pair that does not match."""
    assert None is passes({"a": "^(a+)+$"}, "none", "regex", {"a": "a" * 5_000 + "!"})


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "p.metadataPairs: expected an object"),
        ({"metadataPairs": {}}, "p.metadataPairs: expected at least one key"),
        ({"metadataPairs": {"a": ["b", "c"]}}, "p.metadataPairs.a: expected one value"),
        ({"metadataPairs": {"a": {"b": 1}}}, "p.metadataPairs.a: expected a plain value"),
        ({"metadataPairs": {"a": "("}, "matchType": "regex"}, "p.metadataPairs.a: not a JavaScript pattern"),
        ({"metadataPairs": {"a": "b"}, "matchType": "like"}, "p.matchType: expected one of"),
    ],
)
def test_wrong_pairs_are_refused(parameters, problem):
    """Each with its path."""
    assert any(problem in found for found in problems_of("requiredMetadataKeyValuePairs", parameters))


def test_inherited_names_are_no_keys():
    """The reference finds `toString` in any metadata."""
    check = built("requiredMetadataKeys", {"metadataKeys": ["toString"], "operator": "any"})

    assert not check(before(metadata={"a": 1})).passed


def test_after_the_call_keys_are_undecided():
    """As recorded, with a verdict of true; what it means is for the hook's policy to say."""
    verdict = built("requiredMetadataKeys", {"metadataKeys": ["a"], "operator": "all"})(after())

    assert (True, True) == (verdict.passed, verdict.error is not None)
