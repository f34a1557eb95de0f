"""What holds for every check: parameters are read strictly, and no input breaks one or holds it up."""

from __future__ import annotations

import re
from functools import partial

import pytest
from ask_kit import Service, after, asked, before, built, problems_of, reply, services, unreachable
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_kit import soon_awaited

from llmroute.hooks.base import Verdict

RSA_KEY = {
    "kty": "RSA",
    "kid": "k",
    "e": "AQAB",
    "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1h"
    "GzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_"
    "75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEp"
    "k1BzBZI0KQB0GaDWFLN-aEAw3vRw",
}
#: Every check with the least it needs.
CHECKS = {
    "addPrefix": {"prefix": "x"},
    "alllowercase": {},
    "allowedRequestTypes": {},
    "alluppercase": {},
    "characterCount": {"minCharacters": 0, "maxCharacters": 9},
    "contains": {"words": ["a"], "operator": "any"},
    "containsCode": {"format": "Python"},
    "endsWith": {"suffix": "a"},
    "inlineImageUrls": {},
    "jsonKeys": {"keys": ["a"], "operator": "any"},
    "jsonSchema": {"schema": {"type": "object"}},
    "jwt": {"jwks": {"keys": [RSA_KEY]}},
    "log": {"logURL": "https://log.example/"},
    "modelRules": {"rules": {"defaults": ["a"]}},
    "modelWhitelist": {"models": ["a"]},
    "notNull": {},
    "regexMatch": {"rule": "a"},
    "regexReplace": {"rule": "a"},
    "requestParameters": {},
    "requiredMetadataKeyValuePairs": {"metadataPairs": {"a": "b"}},
    "requiredMetadataKeys": {"metadataKeys": ["a"], "operator": "all"},
    "sentenceCount": {"minSentences": 0, "maxSentences": 9},
    "validUrls": {},
    "webhook": {"webhookURL": "https://hook.example/"},
    "wordCount": {"minWords": 0, "maxWords": 9},
}
#: Further ways of doing things, which have work to do of their own.
VARIANTS = [
    ("characterCount", {"maxCharacters": 9, "method": "graphemes"}),
    ("contains", {"words": ["a", "ab"], "operator": "all", "wholeWords": True, "caseSensitive": False}),
    ("containsCode", {"format": "Python", "method": "heuristics"}),
    ("containsCode", {"format": "CSS", "method": "heuristics"}),
    ("jsonKeys", {"keys": ["a.b", "c"], "operator": "any", "method": "scan"}),
    ("jsonSchema", {"schema": {"type": "object", "required": ["a"]}, "method": "scan"}),
    ("regexMatch", {"rule": "(a+)+$"}),
    ("regexReplace", {"rule": "/(a|b|ab)*c/g"}),
    ("sentenceCount", {"maxSentences": 9, "method": "sentences"}),
    ("validUrls", {"find": "bare", "maxUrls": 100}),
    ("wordCount", {"maxWords": 9, "method": "words"}),
]
ALL = [*CHECKS.items(), *VARIANTS]

N = 50_000
HOSTILE = {
    "nothing": "",
    "blanks": " \t\n\ufeff" * 10,
    "lone surrogates": "\ud800 \udfff a\udc00",
    "control characters": "\x00\x01\x7f\x85\u2028\u202e",
    "one letter": "a" * N,
    "backticks": "`" * N,
    "open fences": "```a\n" * (N // 5),
    "fences in a line": "x```json " * (N // 9),
    "open braces": "{" * N,
    "open brackets": "[" * N,
    "brackets that lead nowhere": "[1," * (N // 3),
    "keys that lead nowhere": '{"a":' * (N // 5),
    "open quotation": "[[[[" * 200 + '"' + "a" * N,
    "pairs of braces": "{}" * (N // 2),
    "deep": "[" * 5_000 + "]" * 5_000,
    "endless number": "```json\n" + "9" * N + "\n```",
    "dots": ". " * (N // 2),
    "initials": "A. " * (N // 3),
    "marks and quotes": '."' * (N // 2),
    "words": "a b " * (N // 4),
    "URLs": "http://a.b/) " * (N // 13),
    "one long URL": "http://" + ")" * N,
    "labels": "a." * (N // 2),
    "dashes": "a-" * (N // 2),
    "ideographs": "\u65e5\u672c" * (N // 2),
    "emoji": "\U0001f468\u200d\U0001f469" * (N // 3),
    "class heads": ("def a(" + ")" * 94) * (N // 100),
    "lines": "a{\n" * (N // 3),
    "newlines": "\n" * N,
    "blank lines": "\n \t" * (N // 3),
}


def test_every_recorded_and_documented_check_is_here():
    """The table of this module has the checks that the registry has, but for those tested elsewhere."""
    from llmroute.hooks.registry import CHECKS as registered

    elsewhere = {"moderation", "pii", "promptInjection", "secrets", "tokenBudget"}
    ours = {name for name in registered if name.startswith("default.")}

    assert {f"default.{name}" for name in {*CHECKS, *elsewhere}} == ours


@pytest.mark.parametrize(("name", "parameters"), CHECKS.items())
def test_an_unknown_parameter_is_refused(name, parameters):
    """A typo is a problem with a path, never ignored; the least a check needs is no problem."""
    assert [] == problems_of(name, parameters)
    assert ["p.xyzzy: unknown parameter"] == problems_of(name, {**parameters, "xyzzy": 1})


@pytest.mark.parametrize(("name", "parameters"), [item for item in CHECKS.items() if item[1]])
def test_a_near_miss_gets_a_hint(name, parameters):
    """A parameter with one letter too many is unknown, and the message names the one that was meant."""
    known = next(iter(parameters))

    hints = [problem for problem in problems_of(name, {**parameters, f"{known}z": 1}) if "unknown" in problem]

    assert [f"p.{known}z: unknown parameter, did you mean '{known}'?"] == hints


@pytest.mark.parametrize(("name", "parameters"), CHECKS.items())
def test_both_spellings_of_a_parameter_are_the_same(name, parameters):
    """snake_case is as good as camelCase."""
    snake = {re.sub("(?<=[a-z])(?=[A-Z])", "_", key).lower(): value for key, value in parameters.items()}
    both = {**parameters, **snake}

    assert [] == problems_of(name, snake)
    assert len(both) - len(parameters) == len(
        [problem for problem in problems_of(name, both) if "twice" in problem]
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    ("name", "parameters"), ALL, ids=[f"{name} {index}" for index, (name, _) in enumerate(ALL)]
)
async def test_no_text_breaks_a_check_or_holds_it_up(name, parameters, text):
    """Whatever the text, there is a verdict, and soon."""
    check = built(name, parameters, services(Service(unreachable())))
    for context in (before(text), after(text)):
        assert isinstance(await soon_awaited(partial(asked, check, context), 0.5), Verdict)


WEIRD = [
    {},
    {"messages": None},
    {"messages": []},
    {"messages": [None, 5]},
    {"messages": [{"role": 5}]},
    {"messages": [{"role": "user", "content": {"text": "a"}}]},
    {
        "messages": [
            {"role": "user", "content": [None, 5, {"text": 5}, {"type": "image_url", "image_url": 5}]}
        ]
    },
    {"model": 5, "tools": 5, "functions": [5], "messages": [{"content": True}]},
    {"tools": [{"type": ["x"], "function": {"name": ["y"]}}], "messages": [{"role": "user", "content": "a"}]},
]


@pytest.mark.parametrize("body", WEIRD)
@pytest.mark.parametrize(("name", "parameters"), CHECKS.items())
async def test_no_body_breaks_a_check(name, parameters, body):
    """Malformed requests and answers get a verdict, too."""
    check = built(name, parameters, services(Service(reply({"verdict": True}))))
    metadata = {"supported_endpoints": 5, "a": [None, {"b": 1}, True]}
    answer = {"choices": [{"message": body.get("messages")}], **body}

    assert isinstance(await asked(check, before(request=body, metadata=metadata)), Verdict)
    assert isinstance(await asked(check, after(request=body, response=answer, metadata=metadata)), Verdict)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("name", "parameters"), ALL, ids=[f"{name} {index}" for index, (name, _) in enumerate(ALL)]
)
@settings(derandomize=True, max_examples=30, deadline=None, database=None)
@given(data=st.data())
def test_no_parameter_breaks_the_reading(name, parameters, data):
    """Whatever stands in a config, building a check reports problems and raises nothing."""
    changed = dict(parameters)
    for key in (*parameters, "not", "method", "flags", "timeout", "find", "values", "require"):
        if data.draw(st.booleans()):
            changed[key] = data.draw(VALUES)

    assert all(problem.startswith("p") for problem in problems_of(name, changed))
