"""Which deployment a call goes to, where that is, and what is sent there."""

from __future__ import annotations

import json
import warnings
from typing import Any

import cloud_kit as kit
import pytest
from multidict import CIMultiDict

from llmroute import ConfigError, ContentPolicyViolationError, Router
from llmroute.providers.azure.openai import PARAMETERS, adapter
from llmroute.providers.base import Adapter, EncodeError, ProviderSettings
from llmroute.testing import ScriptedTransport, reply
from llmroute.wire.message import WireReply, WireRequest

RESOURCE = {"resource_name": "res-1"}
DATED = {**RESOURCE, "api_version": "2024-10-21"}
LISTED = [
    {"deployment_id": "dep-4o", "alias": "gpt-4o", "api_version": "2025-01-01"},
    {"deploymentName": "dep-mini", "isDefault": True},
]


def target(options: Any = DATED, **settings: Any) -> Adapter:
    return adapter(ProviderSettings(provider="azure-openai", options=options, **settings))


def request(options: Any = DATED, model: str = "gpt-4o", **params: Any) -> WireRequest:
    return target(options).encode({"model": model, "messages": kit.HELLO, **params}, "k")


@pytest.mark.parametrize(
    ("options", "model", "url"),
    [
        ({**DATED, "deployment_id": "dep"}, "m", "deployments/dep/chat/completions?api-version=2024-10-21"),
        (DATED, "gpt-4o", "deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        (RESOURCE, "gpt-4o", "v1/chat/completions"),
        ({**RESOURCE, "api_version": "v1", "deployment_id": "dep"}, "m", "v1/chat/completions"),
        (
            {**DATED, "deployments": LISTED},
            "gpt-4o",
            "deployments/dep-4o/chat/completions?api-version=2025-01-01",
        ),
        (
            {**DATED, "deployments": LISTED},
            "dep-mini",
            "deployments/dep-mini/chat/completions?api-version=2024-10-21",
        ),
        (
            {**DATED, "deployments": LISTED},
            "other",
            "deployments/dep-mini/chat/completions?api-version=2024-10-21",
        ),
        (
            {**DATED, "deployment_id": "last", "deployments": LISTED[:1]},
            "other",
            "deployments/last/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_where_a_deployment_is(options: Any, model: str, url: str) -> None:
    """By the target's deployment, its list, or the model's own name; version v1 without dates by default."""
    assert f"https://res-1.openai.azure.com/openai/{url}" == str(request(options, model).url)


def test_version_v1_names_the_deployment_as_the_model() -> None:
    """Its path names none; the dated versions ignore the model."""
    v1, dated = (
        request({**RESOURCE, "api_version": version, "deployment_id": "dep"})
        for version in ("v1", "2024-10-21")
    )

    assert ("dep", "gpt-4o") == (json.loads(v1.body)["model"], json.loads(dated.body)["model"])


def test_a_model_of_no_deployment_is_refused() -> None:
    """Where the list has no default, with the names that it has."""
    with pytest.raises(EncodeError, match="none of this target's deployments: gpt-4o"):
        request({**DATED, "deployments": LISTED[:1]}, "other")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("dep", r"deployments\[0\]: an object"),
        ({}, r"deployments\[0\].deployment_id"),
        ({"deployment_id": 5}, r"deployments\[0\].deployment_id"),
        ({"deployment_id": "d", "api_version": 1}, r"deployments\[0\].api_version"),
    ],
)
def test_a_list_that_cannot_be_read_is_told(entry: Any, problem: str) -> None:
    """By the place of what is wrong in it."""
    with pytest.raises(EncodeError, match=problem):
        request({**DATED, "deployments": [entry]})


@pytest.mark.parametrize("name", ["../../x", "d?api-version=0", "d#x", "d/e"])
def test_a_deployment_is_one_part_of_the_path(name: str) -> None:
    """Also one that the request's model or the target's list names."""
    for options, model in (
        (DATED, name),
        ({**DATED, "deployments": [{"deployment_id": name, "alias": "a"}]}, "a"),
    ):
        url = request(options, model).url
        assert "res-1.openai.azure.com" == url.host
        assert {"api-version": "2024-10-21"} == dict(url.query)
        assert 6 == len(url.raw_path.split("/"))


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("resource_name", "evil.example/#"),
        ("resource_name", "evil.example?x="),
        ("resource_name", "a.b"),
        ("resource_name", "x@evil.example:80/"),
        ("resource_name", ""),
        ("deployment_id", "../../x"),
        ("deployment_id", "d?api-version=0"),
        ("api_version", "2024&x=y"),
        ("api_version", "2024#"),
        ("azure_ad_token", "x\r\nx-evil: 1"),
    ],
)
def test_the_config_s_members_are_single_parts(member: str, text: str) -> None:
    """What would change host, path, query or headers is refused by its place."""
    config = {"provider": "azure-openai", "api_key": "k", **DATED, "deployment_id": "d", member: text}
    with pytest.raises(ConfigError) as caught:
        Router(config)

    assert [f"config.{member}"] == [problem.path for problem in caught.value.problems]


def test_a_target_needs_a_resource_or_a_host() -> None:
    """One of both, when the config is read."""
    with pytest.raises(ConfigError, match=r"config\.resource_name: missing; .* resource_name or custom_host"):
        Router({"provider": "azure-openai", "api_key": "k"})
    Router({"provider": "azure-openai", "api_key": "k", "custom_host": "https://gw.example/openai"})


def test_a_custom_host_keeps_its_query() -> None:
    """It stands for host and "/openai"; the version follows the path."""
    built = target({"api_version": "2024-10-21"}, base_url="https://gw.example/x/?key=1")
    url = built.encode({"model": "m", "messages": kit.HELLO}, "k").url

    assert "https://gw.example/x/deployments/m/chat/completions?api-version=2024-10-21&key=1" == str(url)


# -- parameters --------------------------------------------------------------


def test_every_parameter_of_openai_s_is_sent() -> None:
    """The table holds whatever the openai package can send, and Azure's own beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        params = pytest.importorskip("openai.types.chat.completion_create_params")
    names = set(params.CompletionCreateParamsBase.__annotations__) | {"stream"}

    assert {"data_sources", "user_security_context"} == PARAMETERS - names
    assert set() == names - PARAMETERS


def test_unknown_parameters_are_told_and_may_be_an_error() -> None:
    """Azure refuses them; `passthrough` sends them all the same."""
    params = {"model": "m", "messages": kit.HELLO, "wibble": 1, "wobble": None}

    wire = target().encode(params, "k")
    assert ("wibble is unknown to Azure OpenAI and is not sent",) == wire.warnings
    assert {"model", "messages"} == json.loads(wire.body).keys()
    with pytest.raises(EncodeError, match="wibble is unknown"):
        target(on_unsupported="error").encode(params, "k")
    assert params == json.loads(target(passthrough=True).encode(params, "k").body)


def test_thoughts_in_the_history_are_told_and_not_sent() -> None:
    """The API refuses members of messages that it does not know."""
    answer = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "hm",
        "provider_state": {"origin": "x"},
    }
    wire = target().encode({"model": "m", "messages": [*kit.HELLO, answer]}, "k")

    assert {"role": "assistant", "content": "a"} == json.loads(wire.body)["messages"][1]
    assert ("messages[].reasoning_content: azure-openai does not take it back",) == wire.warnings


async def test_the_content_filter_s_findings_reach_the_caller() -> None:
    """As an exception of its own, with what was found."""
    found = {"hate": {"filtered": True, "severity": "high"}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    error = {"message": "filtered", "code": "content_filter", "status": 400, "innererror": inner}
    transport = ScriptedTransport(reply(400, json={"error": error}))
    router = Router({"provider": "azure-openai", "api_key": "k", **DATED}, transport=transport)
    with pytest.raises(ContentPolicyViolationError) as caught:
        await router.chat.completions.create(model="m", messages=kit.HELLO)

    assert found == caught.value.body["error"]["innererror"]["content_filter_result"]


def test_the_key_has_a_header_of_its_own() -> None:
    """`api-key`, not Authorization; without a key neither, for credentials to add theirs."""
    assert "k" == request().headers["api-key"]
    wire = target().encode({"model": "m", "messages": kit.HELLO}, None)
    assert {"Content-Type"} == set(wire.headers)


def test_a_chunk_with_filter_results_only_is_kept() -> None:
    """Azure's asynchronous filter sends choices without a delta."""
    late = {"index": 0, "finish_reason": None, "content_filter_results": {"hate": {"filtered": False}}}
    chunk = {"id": "", "object": "", "created": 0, "model": "", "choices": [late]}
    decoder = target().decoder({})
    (made,) = decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    assert {**late, "delta": {}} == made["choices"][0]
    assert decoder.failure is None


def test_errors_of_any_shape_are_errors() -> None:
    """A page of markup from a proxy in front of the service, for one."""
    failure = target().failure(WireReply(502, CIMultiDict(), b"<html>Bad Gateway</html>"))

    assert "azure-openai error: <html>Bad Gateway</html>" == failure.message
