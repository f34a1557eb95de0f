"""Looks for keys in the metadata of a request.

Parameters: `metadataKeys`, `operator` "all", "any" or "none".
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.report import undecided


def build(parameters: Parameters, services: Services) -> Check:
    """Keys with null or empty values are there. After the call nothing is decided, as recorded."""
    keys = parameters.texts("metadataKeys")
    operator = parameters.choice("operator", ("all", "any", "none"))
    parameters.done()
    if not keys:
        parameters.problem("metadataKeys", "expected at least one key")

    def check(context: HookContext) -> Verdict:
        if context.event != "before":
            return undecided("Metadata is judged before the call only.", passed=True)
        found = [key for key in keys if key in context.metadata]
        missing = [key for key in keys if key not in context.metadata]
        passed = {"any": bool(found), "all": not missing, "none": not found}[operator]
        data = {
            "explanation": f"{len(found)} of {len(keys)} keys were found, of which {operator} should be.",
            "missing_metadata_keys": missing,
            "found_metadata_keys": found,
            "operator": operator,
        }
        return Verdict(passed, data)

    return check
