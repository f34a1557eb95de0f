"""Passes the models that the metadata of a request allows.

Parameters: `rules`, `{"defaults": [models], "metadata": {key: {value: [models]}}}`, `not`; `wildcards`: `*`
in a model stands for any characters, as in the hosted product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...config.primitives import found
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript, reading
from ..support.globs import matches_any
from ..support.report import undecided

Rules = Mapping[str, Mapping[str, frozenset[str]]]


def build(parameters: Parameters, services: Services) -> Check:
    """Models of all matching values together; the defaults where there are none."""
    section = reading.section(parameters, "rules")
    if section is None and parameters.raw("rules") is None:
        parameters.problem("rules", "expected an object, got nothing")
    negated = parameters.flag("not")
    wildcards = parameters.flag("wildcards")
    parameters.done()
    defaults = frozenset(section.texts("defaults", ()) if section else ())
    rules = _rules(section) if section else {}
    if section:
        section.done()

    def check(context: HookContext) -> Verdict:
        model = context.request.get("model")
        if not isinstance(model, str) or not model:
            return undecided("The request has no model.")
        matched = _matched(rules, context.metadata)
        models = frozenset[str]().union(*(allowed for _, allowed in matched)) or defaults
        if not models:
            return undecided("No rule applies, and there are no defaults.")
        listed = model in models or (wildcards and matches_any(model, models))
        explanation = "The model is listed" if listed else "The model is not listed"
        by = ", ".join(name for name, allowed in matched if allowed)[:200] or "the defaults"
        return Verdict(listed is not negated, {"explanation": f"{explanation} by {by}."})

    return check


def _rules(section: Parameters) -> Rules:
    rules: dict[str, dict[str, frozenset[str]]] = {}
    for key, mapping in section.mapping("metadata", {}).items():
        path = f"metadata.{str(key)[:60]}"
        if not isinstance(mapping, Mapping):
            section.problem(path, f"expected an object, got {found(mapping)}")
            continue
        # A value with just a text is passed over, as recorded: the defaults are then in force.
        rules[str(key)] = {
            str(value): frozenset(reading.texts_at(section, f"{path}.{str(value)[:60]}", models))
            for value, models in mapping.items()
            if not isinstance(models, str)
        }
    return rules


def _matched(rules: Rules, metadata: Mapping[str, Any]) -> list[tuple[str, frozenset[str]]]:
    """The values of the metadata that there are rules for, and the models that they allow."""
    matched = []
    for key, mapping in rules.items():
        given = metadata.get(key)
        for value in given if isinstance(given, (list, tuple)) else (given,):
            if isinstance(value, (str, int, float)):
                text = javascript.text_of(value)
                if text in mapping:
                    matched.append((f"{key}:{text}", mapping[text]))
    return matched
