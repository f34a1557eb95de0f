"""Validates the JSON of the text against a schema.

Parameters: `schema` (draft 2020-12 and older forms, see `hooks.schema`), `not`; `method`:
"spans" (recorded: fences, without any the shortest brace spans; 0, null, false and "" count as nothing),
"scan" (the whole text, or every value in it).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ...config.primitives import found
from ...patterns import PatternTimeout
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..schema import Run, TooMuchWorkError, compile_schema
from ..schema.node import Found
from ..support import json_text
from ..support.report import cut, undecided

#: Longer texts are not searched.
MAX_TEXT: Final = 1_000_000
#: Problems that are reported.
MAX_PROBLEMS: Final = 100


def build(parameters: Parameters, services: Services) -> Check:
    """The first valid value wins, else the first there is. Without JSON the verdict is false."""
    schema = parameters.raw("schema")
    negated = parameters.flag("not")
    method = parameters.choice("method", ("spans", "scan"), "spans")
    parameters.done()
    if schema == []:
        schema = {}  # how PHP writes an object without members; it accepts everything, as recorded
    if not isinstance(schema, dict):
        got = "nothing" if schema is None else found(schema)
        parameters.problem("schema", f"expected an object, got {got}")
        schema = {}
    node, tracked = compile_schema(
        schema, lambda path, message: parameters.problem(f"schema.{path}" if path else "schema", message)
    )
    now = services.clock.now

    def check(context: HookContext) -> Verdict:
        text = context.text
        if len(text) > MAX_TEXT:
            return undecided(f"The text has more than {MAX_TEXT:,} characters.", {"not": negated})
        try:
            values = json_text.scan(text) if method == "scan" else _spans(text)
            best = _best(values, lambda value, run: node.validate(value, run, tracked=tracked), Run(now))
        except json_text.TooTangledError:
            return undecided("The text has too many brackets.", {"not": negated})
        except (TooMuchWorkError, RecursionError):
            return undecided("The JSON is too large or too deep for this schema.", {"not": negated})
        except PatternTimeout as reason:
            return undecided(f"A pattern of the schema is undecided: {reason}.", {"not": negated})
        if not values:
            return Verdict(False, {"explanation": "There is no JSON in the text.", "not": negated})
        if best is None or (method == "spans" and _is_falsy(best[0])):
            return Verdict(False)
        value, problems = best
        passed = bool(problems) is negated
        explanation = "The JSON does not match the schema." if problems else "The JSON matches the schema."
        errors = [
            {"path": "", "message": cut(problem.message), "instanceLocation": problem.location}
            for problem in problems[:MAX_PROBLEMS]
        ]
        data = {"matchedJson": value, "not": negated, "explanation": explanation, "validationErrors": errors}
        return Verdict(passed, data)

    return check


def _spans(text: str) -> list[Any]:
    """What stands at the recorded places, parsed or NOT_JSON."""
    return [json_text.parse(part) for part in json_text.fenced(text) or json_text.braced(text)]


def _best(values: Iterable[Any], validate: Any, run: Run) -> tuple[Any, Found] | None:
    """The first valid value, else the first one that is not null, with its problems."""
    best: tuple[Any, Found] | None = None
    for value in values:
        if value is json_text.NOT_JSON:
            continue
        problems = validate(value, run)
        if not problems or best is None or best[0] is None:
            best = value, problems
        if not problems:
            break
    return best


def _is_falsy(value: Any) -> bool:
    """Whether JavaScript takes the value for false."""
    return value is None or value is False or value == "" or (isinstance(value, (int, float)) and value == 0)
