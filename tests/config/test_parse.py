"""Reading configs: every problem at once, with its path and words; nothing costly, nothing secret."""

from __future__ import annotations

import enum
import json
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pytest
from config_kit import FULL, SECRET, places, problems_of, replaced
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_kit import soon

from llmroute import ConfigError
from llmroute.config.document import Config
from llmroute.config.parse import parse
from llmroute.config.schema import LATER_MEMBERS, OPTIONS
from llmroute.secret import Secret

OPENAI = {"provider": "openai"}


class Mode(enum.StrEnum):
    FALLBACK = "fallback"


class Codes(enum.IntEnum):
    LIMITED = 429


def two(target: Any) -> dict[str, Any]:
    """A fallback whose second target is `target`."""
    return {"strategy": {"mode": "fallback"}, "targets": [OPENAI, target]}


#: A config and everything that is wrong with it.
WRONG: list[tuple[Any, list[str]]] = [
    (
        two({**OPENAI, "retry": {"attempts": 9}}),
        ["config.targets[1].retry.attempts: expected a whole number from 0 to 5, got 9"],
    ),
    (two({**OPENAI, "wieght": 1}), ["config.targets[1].wieght: unknown member, did you mean 'weight'?"]),
    (
        {**OPENAI, "retry": {"attempts": 1.5}},
        ["config.retry.attempts: expected a whole number from 0 to 5, got 1.5"],
    ),
    (
        {**OPENAI, "retry": {"attempts": True}},
        ["config.retry.attempts: expected a whole number from 0 to 5, got true"],
    ),
    ({**OPENAI, "retry": {}}, ["config.retry.attempts: missing; it is required here"]),
    ({**OPENAI, "retry": [1]}, ["config.retry: expected an object, got a list"]),
    (
        {**OPENAI, "request_timeout": -1},
        ["config.request_timeout: expected a whole number from 0 to 86400000 (ms), got -1"],
    ),
    (
        {**OPENAI, "deadline": 10**40},
        ["config.deadline: expected a whole number from 1 to 86400000 (ms), got a huge number"],
    ),
    ({**OPENAI, "weight": float("nan")}, ["config.weight: expected a number from 0 to 1e+15, got nan"]),
    ({**OPENAI, "weight": "1"}, ["config.weight: expected a number from 0 to 1e+15, got text '1'"]),
    ({**OPENAI, "passthrough": "yes"}, ["config.passthrough: expected true or false, got text 'yes'"]),
    (
        {**OPENAI, "strict_open_ai_compliance": 1},
        ["config.strict_open_ai_compliance: expected true or false, got 1"],
    ),
    ({"provider": ""}, ["config.provider: expected text, got an empty one"]),
    ({"provider": "x" * 201}, ["config.provider: expected at most 200 characters, got 201"]),
    ({"provider": "openai\n"}, ["config.provider: holds control characters, such as line ends"]),
    ({**OPENAI, "name": "\ud800"}, ["config.name: holds a lone surrogate, which cannot be sent as UTF-8"]),
    (
        {"strategy": {"mode": "Fallback"}, "targets": [OPENAI]},
        [
            "config.strategy.mode: expected one of single, fallback, loadbalance, conditional, "
            "got text 'Fallback', did you mean 'fallback'?"
        ],
    ),
    (
        {"strategy": {"mode": "hedge"}, "targets": [OPENAI]},
        [
            "config.strategy.mode: 'hedge' is not supported yet; use one of single, "
            "fallback, loadbalance, conditional"
        ],
    ),
    (
        {"strategy": "fallback", "targets": [OPENAI]},
        ["config.strategy: expected an object, got text 'fallback'"],
    ),
    (
        {"strategy": {"mode": "single"}, "targets": {"a": 1}},
        ["config.targets: expected a list, got an object"],
    ),
    (
        {"strategy": {"mode": "single"}, "targets": ["x"]},
        ["config.targets[0]: expected an object, got text 'x'"],
    ),
    (
        {"strategy": {"mode": "single", "on_status_codes": [99, 200, "429"]}, "targets": [OPENAI]},
        [
            "config.strategy.on_status_codes[0]: expected a whole number from 100 to 599, got 99",
            "config.strategy.on_status_codes[2]: expected a whole number from 100 to 599, got text '429'",
        ],
    ),
    ({**OPENAI, "forward_headers": "x-a"}, ["config.forward_headers: expected a list, got text 'x-a'"]),
    (
        {**OPENAI, "forward_headers": ["x a"]},
        ["config.forward_headers[0]: expected a header name, got text 'x a'"],
    ),
    (
        {**OPENAI, "forward_headers": ["Cookie"]},
        ["config.forward_headers[0]: the header 'cookie' may not be forwarded"],
    ),
    (
        {**OPENAI, "aws_region": "us-east-1.evil/#"},
        ["config.aws_region: must be 1 to 63 letters, digits and hyphens: it becomes part of a host name"],
    ),
    (
        {**OPENAI, "deployment_id": "a/b"},
        ["config.deployment_id: may hold letters, digits and . _ - : ~ only: it becomes part of a URL"],
    ),
    (
        {**OPENAI, "azure_foundry_url": "ftp://x"},
        ["config.azure_foundry_url: not a URL like https://host/path"],
    ),
    (
        {**OPENAI, "vertex_service_account_json": {"a": 1}},
        [
            "config.vertex_service_account_json: expected a service account's key file, with "
            "client_email and private_key"
        ],
    ),
    ({**OPENAI, "deployments": {}}, ["config.deployments: expected a list, got an object"]),
    (
        {**OPENAI, "override_params": {"stop": {"a"}, "seed": 2**2000, "top_p": float("inf"), "x": [b""]}},
        [
            "config.override_params.stop: expected JSON, got a set",
            "config.override_params.seed: expected a number, got a huge one",
            "config.override_params.top_p: expected JSON, got inf",
            "config.override_params.x[0]: expected JSON, got a bytes",
        ],
    ),
    (
        {**OPENAI, "override_params": {"base_url": "x", "headers": {}}},
        [
            "config.override_params.base_url: may not be set here: it is a setting of the "
            "target, not a parameter",
            "config.override_params.headers: may not be set here: it is a setting of the "
            "target, not a parameter",
        ],
    ),
    ({**OPENAI, "metadata": {1: "a"}}, ["config.metadata: expected member names as text, got 1"]),
    ({**OPENAI, 5: 1}, ["config: expected member names as text, got 5"]),
    ({**OPENAI, "cache": {"mode": "simple"}}, ["config.cache: not supported yet; remove it"]),
    ({**OPENAI, "cbConfig": {}}, ["config.cbConfig: not supported yet; remove it"]),
    ({**OPENAI, "prompt_id": "p"}, ["config.prompt_id: prompts are kept by a hosted service; send messages"]),
    (
        {**OPENAI, "on_status_codes": [429, 99]},
        [
            "config.on_status_codes: it has no effect here; put it into "
            "strategy.on_status_codes or retry.on_status_codes",
            "config.on_status_codes[1]: expected a whole number from 100 to 599, got 99",
        ],
    ),
    ({**OPENAI, "model": "gpt-4o"}, ["config.model: unknown member, did you mean 'override_params'?"]),
    ({**OPENAI, "timeout": 5}, ["config.timeout: unknown member, did you mean 'request_timeout'?"]),
    ({**OPENAI, "__class__": 1}, ["config.__class__: unknown member"]),
    (
        {**OPENAI, "prov\u200bider": 1},
        ["config.prov\u200bider: unknown member (spelled 'prov\\u200bider'), did you mean 'provider'?"],
    ),
    ({**OPENAI, "a\x1b[31m\n": 1}, ["config.a\\x1b[31m\\n: unknown member (spelled 'a\\x1b[31m\\n')"]),
    (
        {**OPENAI, "request_timeout": 5, "requestTimeout": 6},
        ["config.requestTimeout: stands twice, in two spellings"],
    ),
    (
        two({"provider": 5, "retry": {"attempts": "x", "jitters": 1}, "weight": None}),
        [
            "config.targets[1].provider: expected text, got 5",
            "config.targets[1].retry.attempts: expected a whole number from 0 to 5, got text 'x'",
            "config.targets[1].retry.jitters: unknown member, did you mean 'jitter'?",
            "config.targets[1].weight: expected a number from 0 to 1e+15, got null",
        ],
    ),
    (5, ["config: expected an object, got 5"]),
    ([], ["config: expected an object, got a list"]),
]


@pytest.mark.parametrize(("source", "expected"), WRONG, ids=lambda value: str(value)[:60])
def test_every_problem_is_told_with_its_path_and_what_is_expected(source, expected):
    """All at once, in the order of the config."""
    assert expected == problems_of(source)


@pytest.mark.parametrize("spelled", ["onStatusCodes", "on_status_codes"])
def test_members_may_be_written_in_camel_case(spelled):
    """Both spellings mean the same; paths keep the one that was written."""
    node = parse({"strategy": {"mode": "fallback", spelled: [429]}, "targets": [OPENAI]}).node
    problem = problems_of({"strategy": {"mode": "fallback", spelled: [1]}, "targets": [OPENAI]})

    assert (429,) == node.strategy.on_status_codes
    assert [f"config.strategy.{spelled}[0]: expected a whole number from 100 to 599, got 1"] == problem


def test_the_content_of_parameters_keeps_its_spelling():
    """Camel case is for the language's own members, not for what is passed on."""
    assert {"topK": 1} == parse({**OPENAI, "overrideParams": {"topK": 1}}).node.override_params


@pytest.mark.parametrize("place", list(places(FULL)), ids=str)
def test_null_is_refused_everywhere(place):
    """A member that stands there has a value; only inside parameters, metadata and queries null is one."""
    free = {"override_params", "default_params", "metadata", "query"}
    source = replaced(FULL, place, None)

    if free & set(place[:-1]):
        parse(source)
    else:
        assert any("null" in problem for problem in problems_of(source))


def test_texts_and_numbers_count_by_value():
    """Enumerations and other subclasses of str and int are taken, and kept as plain values."""
    node = parse(
        {
            "strategy": {"mode": Mode.FALLBACK, "on_status_codes": [Codes.LIMITED]},
            "targets": [{**OPENAI, "override_params": {"a": Codes.LIMITED, "b": [Mode.FALLBACK]}}],
        }
    ).node
    override = node.targets[0].override_params

    assert ("fallback", str) == (node.strategy.mode, type(node.strategy.mode))
    assert (429, int) == (node.strategy.on_status_codes[0], type(node.strategy.on_status_codes[0]))
    assert {"a": 429, "b": ["fallback"]} == override
    assert (int, str) == (type(override["a"]), type(override["b"][0]))


def test_whole_numbers_may_be_written_as_floats():
    """JSON does not tell 3.0 from 3."""
    assert 3 == parse({**OPENAI, "retry": {"attempts": 3.0}}).node.retry.attempts


def test_any_mapping_will_do_and_is_copied():
    """What is kept does not change with what was given."""
    params: dict[str, Any] = {"stop": ["a"]}
    node = parse(MappingProxyType({**OPENAI, "override_params": params})).node
    params["stop"].append("b")

    assert {"stop": ["a"]} == node.override_params


def test_remarks_are_ignored():
    """`$schema` and members that begin with one underscore say nothing to the router."""
    assert parse(OPENAI).node == parse({"$schema": "x", "_note": {"any": None}, "_": 1, **OPENAI}).node


def test_unknown_members_can_be_warnings():
    """With unknown="warn", at any depth and in lists."""
    source = {"strategy": {"mode": "single", "mod": 1}, "targets": [{**OPENAI, "wieght": 1}], "x" * 90: 2}
    parsed = parse(source, unknown="warn")

    assert "openai" == parsed.node.targets[0].provider
    assert [
        "config.strategy.mod: unknown member, did you mean 'mode'?",
        "config.targets[0].wieght: unknown member, did you mean 'weight'?",
        f"config.{'x' * 57}...: unknown member",
    ] == [str(warning) for warning in parsed.warnings]


def test_only_unknown_members_are_forgiven():
    """unknown="warn" does not let anything else pass, and what is not supported yet least of all."""
    assert 2 == len(problems_of({**OPENAI, "wieght": 1, "weight": "x"}, unknown="warn"))
    assert 1 == len(problems_of({**OPENAI, "cache": {"mode": "simple"}}, unknown="warn"))


@pytest.mark.parametrize("member", LATER_MEMBERS["ConfigNode"])
@pytest.mark.parametrize("value", [None, {}, [], "x", {"deny": SECRET}], ids=repr)
def test_what_is_not_supported_yet_is_refused_whatever_it_holds(member, value):
    """Never ignored: a guardrail that silently does nothing would be worse than none."""
    assert [f"config.{member}: not supported yet; remove it"] == problems_of({**OPENAI, member: value})


# -- text ----------------------------------------------------------------------------------------------

TEXTS: list[tuple[str | bytes, str]] = [
    ("", "config: expected a JSON object, got an empty text"),
    (" \n", "config: expected a JSON object, got an empty text"),
    ("{", "config: expected a JSON object, but the text goes wrong at line 1, column 2"),
    ('{"a": 1}\n{"b": 2}', "config: expected a JSON object, but the text goes wrong at line 2, column 1"),
    ("provider: openai", "config: expected a JSON object, but the text begins at line 1 with something else"),
    (
        "routing/prod.json",
        "config: expected a JSON object, got what looks like a file's name; read files with from_file",
    ),
    ("pc-prod-4711", "config: a saved config's id needs the hosted service; send the config's JSON"),
    (b"\xff{}", "config: expected a JSON object in UTF-8"),
    (
        '{"retry": {"attempts": 1, "attempts": 99}}',
        "config.retry.attempts: the member stands twice in one object",
    ),
    ('{"a": [{}, {"\\u0062": 1, "b": 2}]}', "config.a[1].b: the member stands twice in one object"),
    (
        '{"request_timeout": Infinity}',
        "config.request_timeout: expected a whole number from 0 to 86400000 (ms), got inf",
    ),
    (
        f'{{"request_timeout": {"9" * 5000}}}',
        "config.request_timeout: expected a whole number from 0 to 86400000 (ms), got inf",
    ),
    ("[" * 100_000, "config" + "[0]" * 12 + ": nested too deeply"),
    ('{"a":' * 100_000, "config" + ".a" * 12 + ": nested too deeply"),
    ('{"a":[1,{"b":["]",' + "[" * 9_999, "config.a[1].b[1]" + "[0]" * 8 + ": nested too deeply"),
    ("9", "config: expected an object, got 9"),
    ("null", "config: expected an object, got null"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=lambda value: str(value)[:40])
def test_a_wrong_text_is_told_by_its_place(text, expected):
    """Line and column for broken JSON, the path for everything that can have one."""
    assert [expected] == problems_of(text)


def test_all_repeated_members_are_told():
    """Two readers could see two different configs."""
    text = '{"a": {"x": 1, "x": 2}, "b": [{"y": 1, "y": 2, "y": 3}]}'

    assert ["config.a.x", "config.b[0].y"] == [problem.split(":")[0] for problem in problems_of(text)]


def test_a_byte_order_mark_is_skipped():
    """Editors put it there."""
    assert (
        parse(OPENAI) == parse('\ufeff{"provider": "openai"}') == parse(b'\xef\xbb\xbf{"provider": "openai"}')
    )


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_read_or_refused(text):
    """Nothing but ConfigError comes out."""
    with suppress(ConfigError):
        parse(text)


# -- bounds --------------------------------------------------------------------------------------------


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = OPENAI
    for _ in range(depth):
        node = {"strategy": {"mode": "single"}, "targets": [node]}
    return node


def around_itself() -> dict[str, Any]:
    config: dict[str, Any] = {"strategy": {"mode": "single"}, "targets": [OPENAI]}
    config["targets"].append(config)
    return config


def doubled(times: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(times):
        value = [value, value]
    return value


BOMBS: dict[str, tuple[Any, str]] = {
    "around itself": (around_itself(), "config.targets[1]: contains itself"),
    "deep": (nested(100), "config" + ".targets[0]" * 6 + ": nested more than 128 levels deep"),
    "shared": (
        {**OPENAI, "override_params": {"x": doubled(40)}},
        "config: expected at most 200,000 values in all",
    ),
    "wide": ({f"m{i}": 1 for i in range(200_001)}, "config: expected at most 200,000 values in all"),
    "unknown": ({f"m{i}": 1 for i in range(100_000)}, "config.m0: unknown member"),
    "long list": (
        {**OPENAI, "drop_params": ["a"] * 10_001},
        "config.drop_params: expected at most 10,000 entries, got 10,001",
    ),
    "wrong targets": (
        {"strategy": {"mode": "single"}, "targets": [{"provider": 5, "wieght": 1}] * 10_000},
        "config.targets[0].provider: expected text, got 5",
    ),
    "long text": ("[" + "1," * 2**20, "config: expected at most 1,048,576 characters, got 2,097,153"),
    "ten megabytes": ({**OPENAI, "junk": "x" * 10_000_000}, "config.junk: unknown member"),
}


@pytest.mark.parametrize(("source", "expected"), BOMBS.values(), ids=BOMBS)
def test_a_hostile_config_is_refused_soon(source, expected):
    """In 100 ms of CPU time, with 100 problems at most."""
    problems = soon(lambda: problems_of(source))

    assert expected == problems[0]
    assert len(problems) <= 101


def test_more_problems_than_anybody_reads_are_cut():
    """The last line says so."""
    problems = problems_of({f"m{i}": 1 for i in range(500)})

    assert 101 == len(problems)
    assert "config: only the first 100 problems are listed" == problems[-1]


def test_fifty_strategies_inside_each_other_are_fine():
    """The bounds do not stand in the way of anything real."""
    assert parse(nested(50)).node.strategy.mode == "single"


# -- secrets -------------------------------------------------------------------------------------------

SECRET_MEMBERS = [
    "api_key",
    *(
        name
        for name, kind in OPTIONS.items()
        if name.startswith(("aws_secret", "aws_s", "oracle_p", "oracle_k"))
    ),
    "azure_ad_token",
    "azure_entra_client_secret",
    "modal_secret",
]


def said_about(source: Any) -> str:
    """Everything that a config shows, whether it is refused or taken."""
    try:
        config = Config(source)
    except ConfigError as error:
        return f"{error} {error!r} {error.problems!r} {error.__cause__!r}"
    return f"{config!r} {config.node!r} {config.warnings!r}"


@pytest.mark.parametrize(
    "planted", [SECRET, [SECRET], {"k": SECRET}, {SECRET: 1}, f"{SECRET}\r\nx: y"], ids=repr
)
@pytest.mark.parametrize("place", list(places(FULL)), ids=str)
def test_a_key_in_the_wrong_place_is_not_shown(place, planted):
    """Wherever in a config it got: neither in a message nor in a repr."""
    assert "SECRET" not in said_about(replaced(FULL, place, planted))


@pytest.mark.parametrize("member", SECRET_MEMBERS)
@given(
    value=st.recursive(st.text(min_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
@settings(max_examples=25)
def test_nothing_of_a_secret_member_is_shown(member, value):
    """Whatever it looks like: not even a part of a list or an object that stands there."""
    shown = said_about({**OPENAI, member: value if not isinstance(value, str) else f"zq{value}qz"})

    assert "zq" not in shown
    assert not isinstance(value, (list, dict)) or shown.startswith(f"config.{member}: expected text")


def test_keys_are_kept_as_secrets():
    """From the moment they are read; several lines are for keys in PEM only."""
    node = parse(
        {
            **OPENAI,
            "api_key": "a",
            "aws_secret_access_key": "b",
            "oracle_private_key": "-----BEGIN KEY-----\nc\n",
            "vertex_service_account_json": {"client_email": "e", "private_key": "p\n"},
        }
    ).node

    assert Secret("a") == node.api_key
    assert Secret("b") == node.options["aws_secret_access_key"]
    assert Secret("-----BEGIN KEY-----\nc\n") == node.options["oracle_private_key"]
    account = json.loads(node.options["vertex_service_account_json"].reveal())
    assert {"client_email": "e", "private_key": "p\n"} == account
    assert problems_of({**OPENAI, "api_key": "a\nb"})


def test_a_key_may_be_a_function_or_a_secret_in_code():
    """JSON cannot carry either; whatever else stands there is refused."""

    def key() -> str:
        return "k"

    assert key is parse({**OPENAI, "api_key": key}).node.api_key
    assert Secret("k") == parse({**OPENAI, "api_key": Secret("k")}).node.api_key
    assert ["config.api_key: expected text, got another kind of value"] == problems_of(
        {**OPENAI, "api_key": 5}
    )


def test_a_service_account_may_be_its_text_or_a_variable():
    """The header carries it as text."""
    text = json.dumps({"client_email": "e", "private_key": "p"})

    assert (
        text
        == parse({**OPENAI, "vertex_service_account_json": text})
        .node.options["vertex_service_account_json"]
        .reveal()
    )
    assert parse({**OPENAI, "vertex_service_account_json": "env:ACCOUNT"})
    assert problems_of({**OPENAI, "vertex_service_account_json": "x"})


# -- anything at all -----------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
@settings(max_examples=200)
def test_anything_in_any_place_is_taken_or_refused(data):
    """Nothing but ConfigError comes out of a config, and every problem names a place below the root."""
    place = data.draw(st.sampled_from(list(places(FULL))))
    source = replaced(FULL, place, data.draw(ANYTHING))
    problems: tuple[Any, ...] = ()
    try:
        Config(source)
    except ConfigError as error:
        problems = error.problems

    assert all(problem.path.startswith("config") for problem in problems)
    assert all(problem.message and "\n" not in str(problem) for problem in problems)
