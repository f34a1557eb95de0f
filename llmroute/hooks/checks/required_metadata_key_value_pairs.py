"""Looks for keys with certain values in the metadata of a request.

Parameters: `metadataPairs` (key: a value, or a list of values), `operator` "all" (the default), "any" or
"none", `matchType` "exact" (the default), "contains", "containsAll" or "regex"; see `support.matching`.
Source: the hosted product's list of guardrail checks.
"""

from __future__ import annotations

from ...patterns import PatternTimeout
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.matching import MATCH_TYPES, Expected, read_expected
from ..support.report import undecided


def build(parameters: Parameters, services: Services) -> Check:
    """A key that is not in the metadata does not match."""
    pairs = parameters.mapping("metadataPairs")
    operator = parameters.choice("operator", ("all", "any", "none"), "all")
    match_type = parameters.choice("matchType", MATCH_TYPES, "exact")
    parameters.done()
    if not pairs:
        parameters.problem("metadataPairs", "expected at least one key")
    wanted: dict[str, Expected] = {}
    for key, value in pairs.items():
        expected = read_expected(parameters, f"metadataPairs.{str(key)[:60]}", value, match_type)
        if expected is not None:
            wanted[str(key)] = expected

    def check(context: HookContext) -> Verdict:
        metadata = context.metadata
        try:
            matched = [key for key in wanted if key in metadata and wanted[key].matches(metadata[key])]
        except PatternTimeout as reason:
            return undecided(f"A pattern is undecided: {reason}.")
        missing = [key for key in wanted if key not in matched]
        passed = {"any": bool(matched), "all": not missing, "none": not matched}[operator]
        data = {
            "explanation": f"{len(matched)} of {len(wanted)} pairs match, of which {operator} should.",
            "matched_metadata_keys": matched,
            "missing_metadata_keys": missing,
            "operator": operator,
            "matchType": match_type,
        }
        return Verdict(passed, data)

    return check
