"""requestParameters: tools and parameters that are allowed or blocked."""

from __future__ import annotations

import pytest
from ask_kit import before, built, problems_of


def tool(name, kind="function"):
    return {"type": kind, kind: {"name": name}}


def found(parameters, **body):
    """Tools and parameters that were found, with the reasons."""
    request = {"model": "gpt-4o", "messages": [], **body}
    data = built("requestParameters", parameters)(before(request=request)).data
    tools = [(entry["name"], *entry["reasons"]) for entry in data["blockedToolsFound"]]
    return [*tools, *((entry["param"], *entry["reasons"]) for entry in data["blockedParamsFound"])]


@pytest.mark.parametrize(
    ("rules", "tools", "expected"),
    [
        ({"blockedFunctionNames": ["drop"]}, [tool("drop"), tool("get")], [("drop", "name_blocked")]),
        ({"allowedFunctionNames": ["get"]}, [tool("drop"), tool("get")], [("drop", "name_not_allowed")]),
        ({"allowedTypes": ["function"]}, [{"type": "web_search"}], [("web_search", "type_not_allowed")]),
        ({"blockedTypes": ["mcp"]}, [{"type": "mcp", "name": "x"}], [("x", "type_blocked")]),
        ({"blockedFunctionNames": ["c"]}, [tool("c", "custom")], [("c", "name_blocked")]),
        (
            {"blockedFunctionNames": ["f"]},
            [{"type": "odd", "function": {"name": "f"}}],
            [("f", "name_blocked")],
        ),
        ({"allowedTypes": ["function"]}, [5], [(None, "type_not_allowed")]),
        ({"allowedTypes": [], "blockedTypes": []}, [tool("a")], []),
    ],
)
def test_tools_are_judged_by_type_and_name(rules, tools, expected):
    """An allow list refuses what is not in it, a block list what is; an empty one asks for nothing."""
    assert expected == found({"tools": rules}, tools=tools)


def test_both_lists_count():
    """An entry may be found for two reasons."""
    rules = {"allowedTypes": ["function"], "blockedFunctionNames": ["shell"], "blockedTypes": ["mcp"]}

    assert [("shell", "type_blocked", "type_not_allowed", "name_blocked")] == found(
        {"tools": rules}, tools=[{"type": "mcp", "name": "shell"}]
    )


def test_the_older_functions_are_no_way_around():
    """`functions` are tools of the type "function"."""
    rules = {"tools": {"blockedFunctionNames": ["drop"]}}

    assert [("drop", "name_blocked")] == found(rules, functions=[{"name": "drop"}])
    assert [("drop", "name_blocked")] == found(rules, tools=None, functions={"name": "drop"})


@pytest.mark.parametrize(
    ("rules", "body", "expected"),
    [
        ({"blockedKeys": ["seed"]}, {"seed": 1}, [("seed", "key_blocked")]),
        ({"allowedKeys": ["model", "messages"]}, {"top_p": 1}, [("top_p", "key_not_allowed")]),
        ({"values": {"stream": {"blockedValues": [True]}}}, {"stream": True}, [("stream", "value_blocked")]),
        ({"values": {"stream": {"blockedValues": [1]}}}, {"stream": True}, []),
        ({"values": {"n": {"allowedValues": [1, 2]}}}, {"n": 2.0}, []),
        ({"values": {"n": {"allowedValues": [1]}}}, {"n": "1"}, [("n", "value_not_allowed")]),
        ({"values": {"n": {"allowedValues": [1]}}}, {}, []),
        ({"values": {"stop": {"allowedValues": ["x"]}}}, {"stop": ["x"]}, [("stop", "value_not_allowed")]),
    ],
)
def test_parameters_are_judged_by_key_and_value(rules, body, expected):
    """Values strictly: a number is no text, true is not 1. Only members at the top count."""
    assert expected == found({"params": rules}, **body)


def test_the_verdict_says_what_was_found():
    """A sentence, and lists for programs."""
    parameters = {"tools": {"blockedTypes": ["mcp"]}, "params": {"blockedKeys": ["seed"]}}
    request = {"model": "m", "messages": [], "tools": [{"type": "mcp"}], "seed": 1}

    verdict = built("requestParameters", parameters)(before(request=request))

    assert False is verdict.passed
    assert (
        "Not allowed: tool 'mcp' (type_blocked), parameter 'seed' (key_blocked)."
        == verdict.data["explanation"]
    )


def test_the_documented_id_is_the_same_check():
    """The hosted product calls it requestParametersCheck."""
    assert built("requestParametersCheck", {})(before()).passed


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"tools": []}, "p.tools: expected an object"),
        (
            {"tools": {"allowedType": []}},
            "p.tools.allowedType: unknown parameter, did you mean 'allowedTypes'?",
        ),
        ({"tools": {"allowedTypes": [5]}}, "p.tools.allowedTypes[0]: expected text"),
        ({"tools": {"allowedTypes": ["a"], "blockedTypes": ["a"]}}, "p.tools.blockedTypes: has an entry"),
        ({"params": {"values": {"n": 5}}}, "p.params.values.n: expected an object"),
        ({"params": {"values": {"n": {"allowedValues": [[1]]}}}}, "p.params.values.n.allowedValues[0]"),
    ],
)
def test_wrong_rules_are_refused(parameters, problem):
    """A contradiction is one, as documented."""
    assert any(problem in found for found in problems_of("requestParameters", parameters))
