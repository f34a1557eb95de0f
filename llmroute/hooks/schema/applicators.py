"""Keywords that apply other schemas, to the same value or to parts of it."""

from __future__ import annotations

from typing import Any

from ...patterns import Pattern
from .node import Found, Keyword, Node, Place, Problem, Run, Seen

# -- the same value ----------------------------------------------------------------------------------


def never() -> Keyword:
    """The schema `false`."""
    return lambda value, place, run, seen: [Problem(place, "false", "False boolean schema.")]


def reference(keyword: str, node: Node) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        found = node.in_place(value, place, run, seen)
        return [Problem(place, keyword, "A subschema had errors."), *found] if found else None

    return check


def not_(node: Node) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if node.apply(value, place, run, None if seen is None else set()):
            return None
        return [Problem(place, "not", 'Instance matched "not" schema.')]

    return check


def any_of(nodes: list[Node]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        results = []
        for node in nodes:
            found = node.in_place(value, place, run, seen)
            if not found and seen is None:
                return None
            results.append(found)
        if not all(results):
            return None
        header = Problem(place, "anyOf", "Instance does not match any subschemas.")
        return [header, *(problem for found in results for problem in found)]

    return check


def all_of(nodes: list[Node]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems = [problem for node in nodes for problem in node.in_place(value, place, run, seen)]
        header = Problem(place, "allOf", "Instance does not match every subschema.")
        return [header, *problems] if problems else None

    return check


def one_of(nodes: list[Node]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        results = [node.in_place(value, place, run, seen) for node in nodes]
        matches = sum(not found for found in results)
        if matches == 1:
            return None
        message = f"Instance does not match exactly one subschema ({matches} matches)."
        return [Problem(place, "oneOf", message), *(problem for found in results for problem in found)]

    return check


def if_(condition: Node, then: Node | None, otherwise: Node | None) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        met = not condition.in_place(value, place, run, seen)
        branch, name = (then, "then") if met else (otherwise, "else")
        found = None if branch is None else branch.in_place(value, place, run, seen)
        return [Problem(place, "if", f'Instance does not match "{name}" schema.'), *found] if found else None

    return check


def dependent_schemas(keyword: str, nodes: dict[str, Node]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for name, node in nodes.items():
            if name in value and (found := node.in_place(value, place, run, seen)):
                message = f'Instance has "{name}" but does not match dependant schema.'
                problems += [Problem(place, keyword, message), *found]
        return problems

    return check


# -- members of objects ------------------------------------------------------------------------------


def property_names(node: Node) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for name in value:
            if found := _below(node, name, (place, name), run, seen):
                message = f'Property name "{name}" does not match schema.'
                problems += [Problem(place, "propertyNames", message), *found]
        return problems

    return check


def properties(nodes: dict[str, Node]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for name, node in nodes.items():
            if name not in value:
                continue
            if found := _below(node, value[name], (place, name), run, seen):
                message = f'Property "{name}" does not match schema.'
                problems += [Problem(place, "properties", message), *found]
            elif seen is not None:
                seen.add(name)
        return problems

    return check


def pattern_properties(nodes: list[tuple[str, Pattern, Node]]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for source, pattern, node in nodes:
            for name in value:
                if not run.search(pattern, name):
                    continue
                if found := _below(node, value[name], (place, name), run, seen):
                    message = (
                        f'Property "{name}" matches pattern "{source}" but does not match associated schema.'
                    )
                    problems += [Problem(place, "patternProperties", message), *found]
                elif seen is not None:
                    seen.add(name)
        return problems

    return check


def additional_properties(node: Node, named: frozenset[str], patterns: list[Pattern]) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for name in value:
            if name in named or any(run.search(pattern, name) for pattern in patterns):
                continue
            if found := _below(node, value[name], (place, name), run, seen):
                message = f'Property "{name}" does not match additional properties schema.'
                problems += [Problem(place, "additionalProperties", message), *found]
            elif seen is not None:
                seen.add(name)
        return problems

    return check


def unevaluated_properties(node: Node) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for name in [name for name in value if seen is None or name not in seen]:
            if found := _below(node, value[name], (place, name), run, seen):
                message = f'Property "{name}" does not match unevaluated properties schema.'
                problems += [Problem(place, "unevaluatedProperties", message), *found]
            elif seen is not None:
                seen.add(name)
        return problems

    return check


# -- items of arrays ---------------------------------------------------------------------------------


def listed_items(keyword: str, nodes: list[Node]) -> Keyword:
    """`prefixItems`, or a list as `items`."""

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for index, (entry, node) in enumerate(zip(value, nodes, strict=False)):
            if found := _below(node, entry, (place, index), run, seen):
                problems += [Problem(place, keyword, "Items did not match schema."), *found]
            if seen is not None:
                seen.add(index)
        return problems

    return check


def further_items(keyword: str, node: Node, start: int, message: str) -> Keyword:
    """`items`, `additionalItems`: all from `start` on."""

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for index in range(start, len(value)):
            if found := _below(node, value[index], (place, index), run, seen):
                problems += [Problem(place, keyword, message), *found]
            if seen is not None:
                seen.add(index)
        return problems

    return check


def contains(node: Node, low: Any, high: Any) -> Keyword:
    """`low` and `high` are `minContains` and `maxContains`, None where they are not given."""

    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        if not value and low is None:
            message = "Array is empty. It must contain at least one item matching the schema."
            return [Problem(place, "contains", message)]
        if low is not None and len(value) < low:
            message = f"Array has less items ({len(value)}) than minContains ({low})."
            return [Problem(place, "minContains", message)]
        problems: Found = []
        count = 0
        for index, entry in enumerate(value):
            found = _below(node, entry, (place, index), run, seen)
            problems += found
            count += not found
            if not found and seen is not None:
                seen.add(index)
        if low is None and count == 0:
            return [Problem(place, "contains", "Array does not contain item matching schema.")]
        if low is not None and count < low:
            message = (
                f"Array must contain at least {low} items matching schema. Only {count} items were found."
            )
            return [*problems, Problem(place, "minContains", message)]
        if high is not None and count > high:
            message = f"Array may contain at most {high} items matching schema. {count} items were found."
            return [Problem(place, "maxContains", message)]
        return None

    return check


def unevaluated_items(node: Node) -> Keyword:
    def check(value: Any, place: Place, run: Run, seen: Seen) -> Found | None:
        problems: Found = []
        for index, entry in enumerate(value):
            if seen is not None and index in seen:
                continue
            if found := _below(node, entry, (place, index), run, seen):
                problems += [
                    Problem(place, "unevaluatedItems", "Items did not match unevaluated items schema."),
                    *found,
                ]
            if seen is not None:
                seen.add(index)
        return problems

    return check


def _below(node: Node, value: Any, place: Place, run: Run, seen: Seen) -> Found:
    """Apply a schema to a part of the value, of which nothing is evaluated yet."""
    return node.apply(value, place, run, None if seen is None else set())
