"""Routing headers of a gateway request: what they say, and what is no header."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute import ConfigError
from llmroute.config.headers import HARMLESS, config_value, lowered, read_headers, read_metadata
from llmroute.config.primitives import BaseURL, SecretText, Text
from llmroute.config.schema import FORBIDDEN_FORWARDS, OPTIONS
from llmroute.config.text import MAX_HEADER_TEXT
from llmroute.secret import Secret

SECRET = "sk-SECRET-4f8Kd02mQz7"


def read(**headers: str) -> Any:
    """Headers by their names behind `x-portkey-`, with underscores for dashes."""
    return read_headers(
        {f"x-portkey-{name.replace('_', '-')}": text for name, text in headers.items()}, trusted=False
    )


def overlay(headers: dict[str, str]) -> Any:
    return read_headers(headers, trusted=False).overlay


# -- names and values ----------------------------------------------------------------------------------


def test_names_are_lowered_and_values_are_texts():
    """Bytes are Latin-1, as on the wire; a config or metadata may be an object in code."""
    given = {"X-Portkey-Config": {"provider": "openai"}, "x-portkey-METADATA": {"a": "é"}, "A": b"\xe9"}

    assert {
        "x-portkey-config": '{"provider": "openai"}',
        "x-portkey-metadata": '{"a": "\\u00e9"}',
        "a": "é",
    } == lowered(given)
    assert {} == lowered(None)


NO_HEADERS: list[tuple[Any, str]] = [
    ({1: "a"}, "headers: expected header names as text, got 1"),
    ({"a": 1}, "headers.a: expected the header's value as text, got 1"),
    ({"a": None}, "headers.a: expected the header's value as text, got null"),
    ({"a": {"b": 1}}, "headers.a: expected the header's value as text, got an object"),
    ({"x-portkey-config": {"api_key": object()}}, "headers.x-portkey-config: expected JSON"),
    ({"x-a": "x\r\nx-evil: 1"}, "headers.x-a: holds control characters, such as line ends"),
    ({"x-a": "\0"}, "headers.x-a: holds control characters, such as line ends"),
    ({"x-a\r\nx-evil": 1}, "headers.x-a\\r\\nx-evil: expected the header's value as text, got 1"),
    ("x-a: 1", "headers: expected an object, got text 'x-a: 1'"),
    ([("a", "b")], "headers: expected an object, got a list"),
]


@pytest.mark.parametrize(("headers", "expected"), NO_HEADERS, ids=str)
def test_what_is_no_header_is_refused(headers, expected):
    """With its name; the value is not shown."""
    with pytest.raises(ConfigError) as caught:
        lowered(headers)

    assert expected == str(caught.value)


# -- what they say -------------------------------------------------------------------------------------


def test_nothing_said_is_nothing_asked():
    """Other headers are none of ours."""
    routing = read_headers({"content-type": "application/json", "x-tenant": "a"}, trusted=False)

    assert (None, None, {}, "", (), None) == (
        routing.config,
        routing.provider,
        routing.metadata,
        routing.trace_id,
        routing.routing,
        routing.request_timeout,
    )
    assert (None, None, ()) == (routing.overlay.api_key, routing.overlay.custom_host, routing.overlay.options)


def test_the_usual_ones_are_read():
    """Config, provider, trace id, metadata, custom host, timeout."""
    routing = read(
        config="{}", provider="openai", trace_id="t", metadata='{"a": 1}', custom_host="https://a.example"
    )

    assert ("{}", "openai", "t", {"a": 1}) == (
        routing.config,
        routing.provider,
        routing.trace_id,
        routing.metadata,
    )
    assert "https://a.example" == routing.overlay.custom_host
    assert ("x-portkey-config", "x-portkey-provider", "x-portkey-custom-host") == routing.routing


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_some_headers_steer_nothing(name):
    """A router with its own config reads them from anybody."""
    assert () == read_headers({name: "1"}, trusted=False).routing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2500", 2500),
        ("1e3", 1000),
        ("1.9", 1),
        *((bad, None) for bad in ("0", "-5", "", "abc", "nan", "inf", "1e400", "86400001", "0.5")),
    ],
)
def test_the_timeout_is_a_number_of_milliseconds(text, expected):
    """Anything else says nothing, as in the reference; so does more than a day."""
    assert (
        expected
        == read(request_timeout=text).request_timeout
        == read(request_timeout=text).overlay.request_timeout
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("false", False), ("true", None), ("False", None), ("", None)]
)
def test_only_false_makes_an_answer_less_strict(text, expected):
    """As recorded."""
    assert expected is read(strict_open_ai_compliance=text).overlay.strict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x-a, X-B", ("x-a", "x-b")),
        (" , x-a,,", ("x-a",)),
        ("", None),
        (" , ", None),
        *((f"x-a, {name}", ("x-a",)) for name in sorted(FORBIDDEN_FORWARDS)),
    ],
)
def test_forwarded_headers_are_a_comma_list(text, expected):
    """Framing and control headers are left out of it."""
    assert expected == read(forward_headers=text).overlay.forward_headers


METADATA: list[tuple[str | None, Any]] = [
    (None, {}),
    ("", {}),
    ("{", {}),
    ("5", {}),
    ('"abc"', {}),
    ('["x", "y"]', {"0": "x", "1": "y"}),
    ('{"a": {"b": [1]}}', {"a": {"b": [1]}}),
    ('{"a": "1", "a": "2"}', {"a": "2"}),
    ("[" * 100_000, {}),
    ("9" * 5_000, {}),
    ('{"a": 1' + "0" * 5_000 + "}", {}),
    ("[" * 300 + "]" * 300, {}),
    ('{"a": NaN}', {}),
]


@pytest.mark.parametrize(("text", "expected"), METADATA, ids=lambda value: str(value)[:30])
def test_metadata_that_is_no_object_is_empty(text, expected):
    """A list counts by index; whatever cannot be read says nothing."""
    assert expected == read_metadata(text)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": "Bearer a"}, "a"),
        ({"authorization": "bearer  a "}, "a"),
        ({"authorization": "a"}, "a"),
        ({"authorization": "Bearer "}, None),
        ({"x-portkey-api-key": "p"}, None),
        ({"x-portkey-provider": "openai", "x-portkey-api-key": "p"}, "p"),
        ({"x-portkey-provider": "openai", "x-portkey-api-key": "p", "authorization": "Bearer a"}, "a"),
        ({"x-portkey-provider": "anthropic", "x-api-key": "x"}, "x"),
        ({"x-portkey-provider": "openai", "x-api-key": "x"}, None),
    ],
)
def test_the_key_comes_from_where_the_providers_clients_put_it(headers, expected):
    """`x-portkey-api-key` only beside a plain provider header (DESIGN decision 8)."""
    assert (None if expected is None else Secret(expected)) == overlay(headers).api_key


@pytest.mark.parametrize(
    "option", sorted(name for name, kind in OPTIONS.items() if isinstance(kind, (Text, SecretText, BaseURL)))
)
def test_every_text_option_has_a_header(option):
    """With dashes, or under the gateway's own name; read by the same kind as in a config."""
    text = "https://a.example" if option.endswith("url") else "abc"
    [(name, value)] = overlay({f"x-portkey-{option.replace('_', '-')}": text}).options

    assert name in (option, {"azure_api_version": "api_version"}.get(option), "azure_extra_parameters")
    assert text == (value.reveal() if isinstance(value, Secret) else value)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-portkey-azure-resource-name": "r"}, {"resource_name": "r"}),
        ({"x-portkey-azure-deployment-id": "d"}, {"deployment_id": "d"}),
        ({"x-portkey-azure-api-version": "v"}, {"api_version": "v"}),
        ({"anthropic-beta": "b"}, {}),
        ({"x-portkey-provider": "anthropic", "anthropic-beta": "b"}, {"anthropic_beta": "b"}),
        ({"x-portkey-provider": "openai", "openai-project": "p"}, {"openai_project": "p"}),
        ({"x-portkey-provider": "openai", "anthropic-beta": "b"}, {}),
    ],
    ids=str,
)
def test_some_options_have_other_names(headers, expected):
    """The gateway's own, and those that a provider's clients send, for that provider only."""
    assert expected == dict(overlay(headers).options)


def test_a_wrong_option_is_refused_by_its_header():
    """All at once."""
    with pytest.raises(ConfigError) as caught:
        read(aws_region="us-east-1.evil/#", azure_foundry_url="x")

    assert ["headers.x-portkey-aws-region", "headers.x-portkey-azure-foundry-url"] == [
        problem.path for problem in caught.value.problems
    ]


# -- the config ----------------------------------------------------------------------------------------


def test_the_config_is_json_of_a_bounded_size():
    """256 KiB: more than any server takes as a header."""
    assert {"provider": "openai"} == config_value('{"provider": "openai"}')
    with pytest.raises(ConfigError, match="expected at most 262,144 characters"):
        config_value(json.dumps({"a": "x" * MAX_HEADER_TEXT}))


def test_a_saved_configs_id_is_refused_with_a_reason():
    """Saved configs are kept by the hosted service."""
    with pytest.raises(ConfigError, match="config: a saved config's id needs the hosted service"):
        config_value("pc-prod-4711")


# -- anything ------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [f"x-portkey-{name}" for name in ("config", "provider", "metadata", "forward-headers", "custom-host")]
    + ["x-portkey-request-timeout", "authorization", "x-portkey-aws-region", "x-portkey-trace-id", "x-a"]
)


@given(st.dictionaries(NAMES, st.text() | st.binary() | st.none() | st.integers()))
def test_any_headers_are_read_or_refused(headers):
    """Nothing but ConfigError comes out, and no key is shown."""
    shown = ""
    try:
        shown = repr(read_headers(lowered({**headers, "authorization": f"Bearer {SECRET}"}), trusted=False))
    except ConfigError as error:
        shown = str(error)

    assert SECRET not in shown
