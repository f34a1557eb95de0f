"""Passes models of a list.

Parameters: `models`, `not`; `wildcards`: `*` in an entry stands for any characters.
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.globs import matches_any
from ..support.report import undecided


def build(parameters: Parameters, services: Services) -> Check:
    """A request without a model is undecided."""
    models = parameters.texts("models")
    negated = parameters.flag("not")
    wildcards = parameters.flag("wildcards")
    parameters.done()
    exact = frozenset(models)
    patterns = tuple(model for model in models if "*" in model) if wildcards else ()
    allowed = list(models)

    def check(context: HookContext) -> Verdict:
        model = context.request.get("model")
        if not isinstance(model, str) or not model:
            data = {"requestedModel": "No model specified", "not": negated, "allowedModels": allowed}
            return undecided("The request has no model.", data)
        listed = model in exact or matches_any(model, patterns)
        passed = listed is not negated
        data = {
            "verdict": passed,
            "not": negated,
            "explanation": "The model is listed." if listed else "The model is not listed.",
            "requestedModel": model,
            "allowedModels": allowed,
        }
        return Verdict(passed, data)

    return check
