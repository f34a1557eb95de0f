"""allowedRequestTypes."""

from __future__ import annotations

import pytest
from ask_kit import before, built, problems_of


@pytest.mark.parametrize(
    ("parameters", "metadata", "expected", "source"),
    [
        ({"allowedTypes": "embed, chatComplete"}, {}, True, "parameters"),
        ({"allowedTypes": ["embed"]}, {"supported_endpoints": ["chatComplete"]}, False, "parameters"),
        ({}, {"supported_endpoints": ["chatComplete", 5]}, True, "metadata"),
        ({}, {"blocked_endpoints": "chatComplete"}, False, "metadata"),
        ({}, {"supported_endpoints": {"chatComplete": 1}}, True, "default"),
        ({"blocked_types": ["embed"]}, {}, True, "parameters"),
    ],
)
def test_lists_come_from_the_parameters_or_the_metadata(parameters, metadata, expected, source):
    """Parameters count first, list by list."""
    verdict = built("allowedRequestTypes", parameters)(before(metadata=metadata))

    assert (expected, source) == (verdict.passed, verdict.data["source"])


def test_a_contradiction_is_refused_or_undecided():
    """In the parameters it is a problem; with the metadata of a call there is no verdict."""
    assert problems_of("allowedRequestTypes", {"allowedTypes": ["a", "b"], "blockedTypes": ["b"]})

    check = built("allowedRequestTypes", {"allowedTypes": ["chatComplete"]})
    assert check(before(metadata={"blocked_endpoints": ["chatComplete"]})).error is not None


@pytest.mark.parametrize("types", [5, {"a": 1}, [5], True])
def test_types_are_texts(types):
    """The reference passes everything for what is neither list nor text."""
    assert 1 == len(problems_of("allowedRequestTypes", {"allowedTypes": types}))
