"""Conditions: what they find, what they hold for, what is refused when they are compiled."""

from __future__ import annotations

import enum
import json
from collections import ChainMap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.config.conditions import Budget, Condition, ConditionTimeout, Scope, compile_query

CASES = Path(__file__).parents[1] / "cases" / "conditions"
# Recorded from the reference: conditions in order, and the name of the target that answered.
RECORDED = json.loads((CASES / "recorded.json").read_text())
# What we decide otherwise, or what was not recorded: query, what it is asked about, and whether it holds.
DECIDED = json.loads((CASES / "decided.json").read_text())
# Queries that are refused, with the path (below `query`) and the message of every problem.
REFUSED = json.loads((CASES / "refused.json").read_text())

PARAMS = {"model": "gpt-4o-mini"}


def compiled(query: object) -> Condition:
    problems: list[str] = []
    condition = compile_query(query, "query", lambda path, message: problems.append(f"{path}: {message}"))
    assert [] == problems
    assert condition is not None
    return condition


def problems_of(query: object) -> list[str]:
    problems: list[str] = []
    assert compile_query(query, "query", lambda path, message: problems.append(f"{path}: {message}")) is None
    return problems


def scope(metadata: Any = None, params: Any = None) -> Scope:
    return Scope(
        metadata={} if metadata is None else metadata,
        params=PARAMS if params is None else params,
        pathname="/v1/chat/completions",
    )


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["name"])
def test_the_target_is_the_one_that_the_reference_took(case):
    """The first condition that holds names it, else the default."""
    asked = scope(case.get("metadata"), case.get("params"))
    taken = next((then for query, then in case["conditions"] if compiled(query).holds(asked)), None)

    assert case["target"] == (case.get("default") if taken is None else taken)


@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case["name"])
def test_a_condition_holds_as_decided(case):
    """Missing keys, nested paths, and everything in one object joined by and."""
    assert case["holds"] == compiled(case["query"]).holds(scope(case.get("metadata"), case.get("params")))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_a_query_that_cannot_be_meant_is_refused_with_every_problem(case):
    """Each problem has the path of its place and says what was expected, what was found, and a hint."""
    assert case["problems"] == problems_of(case["query"])


def test_a_query_that_is_no_json_is_refused():
    """Python callers may give anything."""
    assert ["query: expected an object of conditions, got a set"] == problems_of(set())
    assert ["query: expected texts as keys, got 1"] == problems_of({1: 2})
    assert ["query.metadata.a.1: expected texts as operators, got 1"] == problems_of({"metadata.a": {1: 2}})


class Tier(enum.StrEnum):
    GOLD = "gold"


@pytest.mark.parametrize(
    ("query", "metadata"),
    [
        ({"metadata.tier": "gold"}, {"tier": Tier.GOLD}),
        ({"metadata.tier": {"$in": ["gold"]}}, {"tier": Tier.GOLD}),
        ({"metadata.tier": {"$in": [Tier.GOLD]}}, {"tier": "gold"}),
        ({"metadata.tier": {"$regex": "^gold$"}}, {"tier": Tier.GOLD}),
        ({"metadata.a.b": 1}, ChainMap({}, {"a": ChainMap({"b": 1})})),
        ({"metadata.a.1": 2}, {"a": (1, 2)}),
        ({"metadata.a": {"$gt": 5}}, {"a": 10**400}),
        ({"metadata.a": {"$ne": object()}}, {"a": 1}),
        ({"metadata.a": {"$ne": 1}}, {"a": object()}),
    ],
    ids=repr,
)
def test_values_of_python_callers_count_as_their_json(query, metadata):
    """Subclasses of str, other mappings, tuples, big numbers and foreign objects do no harm."""
    assert compiled(query).holds(scope(metadata))


def nested(depth: int, operator: str = "$and") -> dict[str, Any]:
    query: dict[str, Any] = {"metadata.a": 1}
    for _ in range(depth):
        query = {operator: [query]}
    return query


def test_depth_is_limited():
    """Sixty-four objects inside one another are accepted; five thousand are one problem."""
    assert compiled(nested(63)).holds(scope({"a": 1}))

    for depth in (64, 5_000):
        problems = problems_of(nested(depth))
        assert 1 == len(problems)
        assert problems[0].endswith("expected at most 64 objects inside one another")


def test_a_query_that_holds_itself_is_refused():
    """Only Python callers can make one."""
    query: dict[str, Any] = {"$or": []}
    query["$or"].append(query)

    assert 1 == len(problems_of(query))


def test_size_is_limited():
    """Beyond the limit nothing more is read, and that is the one problem."""
    entries = [{"metadata.a": 1}]
    assert compiled({"$or": entries * 3_000}).holds(scope({"a": 1}))

    assert ["query.$or[3333]: expected at most 10,000 keys, operators and entries in a query"] == problems_of(
        {"$or": entries * 4_000}
    )


def test_the_patterns_of_a_query_are_limited_together():
    """Equal patterns count once."""
    equal = {"$or": [{"metadata.a": {"$regex": "x" * 900}}] * 100}
    different = {"$or": [{"metadata.a": {"$regex": "x" * (990 - n)}} for n in range(20)]}
    assert not compiled(equal).holds(scope({"a": ""}))

    assert [
        "query.$or[10].metadata.a.$regex: expected at most 10,000 characters in the patterns of a query"
    ] == (problems_of(different))


def test_problems_are_limited():
    """The hundred and first ends the reading."""
    problems = problems_of({f"x{n}": 1 for n in range(500)})

    assert 101 == len(problems)
    assert "query.x100: more than 100 problems in this query" == problems[-1]


def test_a_pattern_that_explodes_ends_the_evaluation():
    """ConditionTimeout carries the place of the pattern in the config."""
    condition = compiled({"metadata.a": {"$regex": "^(a|aa)+$"}})

    with pytest.raises(ConditionTimeout) as error:
        condition.holds(scope({"a": "a" * 5_000 + "b"}))
    assert "query.metadata.a.$regex" == error.value.path
    assert "query.metadata.a.$regex: undecided within its time" == str(error.value)


@pytest.mark.parametrize("value", ["a" * 100_001, ["a" * 60_000] * 2, [[[["a"] * 60_000]]]])
def test_a_value_with_too_long_a_text_is_undecided(value):
    """Neither cut nor taken for no match."""
    with pytest.raises(ConditionTimeout):
        compiled({"metadata.a": {"$regex": "b"}}).holds(scope({"a": value}))


def test_all_patterns_of_a_call_share_one_limit():
    """Once it is used up, the next pattern is undecided however quick."""
    condition = compiled({"metadata.a": {"$regex": "a"}})
    asked = Scope(metadata={"a": "a"}, params={}, pathname="/", budget=Budget(0.0))

    with pytest.raises(ConditionTimeout):
        condition.holds(asked)


def test_only_slow_patterns_use_up_the_limit():
    """The scope keeps the count; an ordinary search is not counted."""
    quick, slow = compiled({"metadata.a": {"$regex": "a"}}), compiled({"metadata.a": {"$regex": "^(a|aa)+$"}})
    asked = scope({"a": "a" * 5_000 + "b"})
    before = asked.budget.seconds

    with pytest.raises(ConditionTimeout):
        slow.holds(asked)
    assert asked.budget.seconds < before - 0.005
    assert quick.holds(asked)


def test_what_is_not_reached_costs_nothing():
    """And stops at the first that fails, or at the first that holds."""
    exploding = {"metadata.a": {"$regex": "^(a|aa)+$"}}
    asked = scope({"a": "a" * 5_000 + "b"})

    assert not compiled({"$and": [{"metadata.b": 1}, exploding]}).holds(asked)
    assert compiled({"$or": [{"params.model": "gpt-4o-mini"}, exploding]}).holds(asked)


@pytest.mark.parametrize(
    ("query", "metadata", "lines"),
    [
        ({"metadata.plan": "paid"}, {"plan": "free"}, ["metadata.plan $eq 'paid': found 'free' -> no"]),
        ({"metadata.plan": "paid"}, {"plan": "paid"}, ["metadata.plan $eq 'paid': found 'paid' -> yes"]),
        ({"metadata.plan": {"$ne": "paid"}}, {}, ["metadata.plan $ne 'paid': nothing found -> no"]),
        ({"metadata.n": {"$gt": 5}}, {"n": True}, ["metadata.n $gt 5: found true -> no"]),
        (
            {"metadata.n": {"$in": [1, "a", None]}},
            {"n": 1.0},
            ["metadata.n $in [1, 'a', null]: found 1 -> yes"],
        ),
        ({"metadata.n": None}, {"n": {"a": 1}}, ["metadata.n $eq null: found an object -> no"]),
        ({"metadata.n": 1}, {"n": [[1]]}, ["metadata.n $eq 1: found a list -> no"]),
        (
            {"metadata.t": "\n"},
            {"t": "\x1b[31m\u202e"},
            [r"metadata.t $eq '\n': found '\x1b[31m\u202e' -> no"],
        ),
        ({"metadata.n": 1}, {"n": 10**400}, ["metadata.n $eq 1: found Infinity -> no"]),
        ({}, {}, ["all of nothing -> yes"]),
        ({"$or": []}, {}, ["any of nothing -> no"]),
        (
            {"metadata.a": 1, "$or": [{"metadata.b": {"$gte": 1, "$lt": 9}}, {"metadata.c": "x"}]},
            {"a": 1, "c": "y"},
            [
                "all of -> no",
                "  metadata.a $eq 1: found 1 -> yes",
                "  any of -> no",
                "    all of -> no",
                "      metadata.b $gte 1: nothing found -> no",
                "      metadata.b $lt 9: nothing found -> no",
                "    metadata.c $eq 'x': found 'y' -> no",
            ],
        ),
    ],
    ids=repr,
)
def test_an_explanation_shows_operands_and_what_was_found(query, metadata, lines):
    """Values are shown on one line, control characters escaped."""
    assert lines == compiled(query).explain(scope(metadata))


def test_an_explanation_is_limited():
    """Values are cut at 80 characters and the whole at 50 lines."""
    long = compiled({"metadata.a": "x" * 500}).explain(scope({"a": ["y" * 500]}))
    wide = compiled({"$or": [{f"metadata.k{n}": n} for n in range(3_000)]}).explain(scope())

    assert [f"metadata.a $eq '{'x' * 76}...: found ['{'y' * 75}... -> no"] == long
    assert 50 == len(wide)
    assert "  ..." == wide[-1]


def test_an_explanation_survives_a_pattern_that_explodes():
    """It says so where the answer would stand."""
    condition = compiled({"metadata.a": {"$regex": "^(a|aa)+$"}})

    (line,) = condition.explain(scope({"a": "a" * 5_000 + "b"}))
    assert line.endswith("-> undecided within its time")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["metadata.a", "metadata.a.0", "params.b.c", "url.pathname", "metadata", "$and", "$or", "$eq", "x.y"]
OPERATORS = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$regex", "$like"]
QUERIES = st.recursive(
    JSON | st.dictionaries(st.sampled_from(OPERATORS), JSON, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(QUERIES, st.dictionaries(st.sampled_from("ab"), JSON), st.dictionaries(st.sampled_from("ab"), JSON))
def test_no_query_and_no_value_raises(query, metadata, params):
    """A query is refused with a problem, or gives an answer and an explanation for whatever it finds."""
    problems: list[str] = []
    condition = compile_query(query, "query", lambda path, message: problems.append(message))
    assert (condition is None) == bool(problems)
    if condition is None:
        return
    asked = Scope(metadata=metadata, params=params, pathname="/")
    try:
        assert condition.holds(asked) in (True, False)
    except ConditionTimeout:
        return
    assert all(line.isprintable() for line in condition.explain(asked))
