"""What is particular to each publisher's format, and the official types as judges of what is sent."""

from __future__ import annotations

import functools
import json
import warnings
from typing import Any

import cloud_kit as kit
import pytest
from multidict import CIMultiDict

from llmroute.providers.base import Adapter, EncodeError, ProviderSettings
from llmroute.providers.vertex import adapter
from llmroute.wire.message import WireReply

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    genai = pytest.importorskip("google.genai.types")
    anthropic = pytest.importorskip("anthropic.types.beta")
    chat = pytest.importorskip("openai.types.chat")
    pydantic = pytest.importorskip("pydantic")

PLACE = {"vertex_project_id": "p-1", "vertex_region": "europe-west4"}
CASES = kit.cases("vertex-ai") + kit.cases("vertex-ai_own")


def target(**settings: Any) -> Adapter:
    return adapter(ProviderSettings(**{"provider": "vertex-ai", "options": PLACE, **settings}))


def encoded(model: str, messages: Any = kit.HELLO, **params: Any) -> dict[str, Any]:
    wire = target().encode({"model": model, "messages": messages, **params}, "tok")
    found: dict[str, Any] = json.loads(wire.body)
    return found


def called(*ids: str) -> list[dict[str, Any]]:
    """A question, parallel calls with `ids` to one function, and their results in reverse."""
    calls = [
        {"id": id, "type": "function", "function": {"name": "tide", "arguments": json.dumps({"at": id})}}
        for id in ids
    ]
    results = [{"role": "tool", "tool_call_id": id, "content": f"of {id}"} for id in reversed(ids)]
    return [*kit.HELLO, {"role": "assistant", "content": None, "tool_calls": calls}, *results]


# -- Gemini ------------------------------------------------------------------


def test_results_stand_in_the_order_of_their_calls() -> None:
    """Version v1 of the API has no ids of calls: only the order tells two calls of one function apart."""
    contents = encoded("gemini-2.5-flash", called("a", "b", "c"))["contents"]

    results = [part["functionResponse"] for part in contents[-1]["parts"]]
    assert ["of a", "of b", "of c"] == [result["response"]["output"] for result in results]
    assert not any("id" in result for result in results)


def test_the_order_is_that_of_the_last_turn_s_calls() -> None:
    """Ids that come again in a later turn belong to the later calls."""
    first, second = called("b", "a"), called("a", "b")
    contents = encoded("gemini-2.5-flash", [*first, {"role": "assistant", "content": "ok"}, *second])[
        "contents"
    ]

    turns = [turn["parts"] for turn in contents if "functionResponse" in turn["parts"][0]]
    outputs = [[part["functionResponse"]["response"]["output"] for part in parts] for parts in turns]
    assert [["of b", "of a"], ["of a", "of b"]] == outputs


def test_members_of_vertex_ai_s_own_are_sent() -> None:
    """Labels, model armor and safety settings are no parameters of OpenAI's, but of this API."""
    own = {"labels": {"a": "b"}, "modelArmorConfig": {}, "safety_settings": [], "cachedContent": "c"}

    assert own == {name: value for name, value in encoded("gemini-2.5-flash", **own).items() if name in own}


def test_signatures_go_back_to_vertex_ai_only() -> None:
    """State of the Gemini API is another service's: the call gets the documented stand-in instead."""
    call = {
        "id": "a",
        "type": "function",
        "function": {"name": "tide", "arguments": "{}"},
        "provider_state": {"origin": "google", "data": {"thought_signature": "c2ln"}},
    }
    messages = [*kit.HELLO, {"role": "assistant", "tool_calls": [call]}]
    foreign = encoded("gemini-3-pro", messages)["contents"][1]["parts"][0]
    call["provider_state"]["origin"] = "vertex-ai"  # type: ignore[index]
    own = encoded("gemini-3-pro", messages)["contents"][1]["parts"][0]

    assert "skip_thought_signature_validator" == foreign["thoughtSignature"]
    assert "c2ln" == own["thoughtSignature"]


# -- Claude ------------------------------------------------------------------


def test_the_body_of_claude_names_the_version_and_not_the_model() -> None:
    """The model stands in the URL; the newest version of the platform is the default."""
    body = encoded("claude-sonnet-4-5")

    assert "vertex-2023-10-16" == body["anthropic_version"]
    assert "model" not in body


def test_betas_of_target_and_call_are_added_up() -> None:
    """They travel in a header, each once."""
    settings = {"options": {**PLACE, "anthropic_beta": "b-1,b-2"}}
    params = {"model": "claude-x", "messages": kit.HELLO, "anthropic_beta": "b-2", "betas": ["b-3"]}

    assert "b-1,b-2,b-3" == target(**settings).encode(params, "tok").headers["anthropic-beta"]


def test_headers_of_anthropic_s_accounts_are_told_as_lost() -> None:
    """Vertex AI bills projects."""
    wire = target().encode({"model": "claude-x", "messages": kit.HELLO, "workspace_id": "w"}, "tok")

    assert ("workspace_id is not sent: Vertex AI has projects instead",) == wire.warnings


# -- all ---------------------------------------------------------------------


@pytest.mark.parametrize("model", ["gemini-x", "claude-x", "mistralai.x", "meta.x", "endpoints.1"])
def test_without_a_key_there_is_no_authorization(model: str) -> None:
    """Credentials add theirs afterwards: an empty one would hide that they are missing."""
    wire = target().encode({"model": model, "messages": kit.HELLO}, None)

    assert "authorization" not in {name.lower() for name in wire.headers}


def test_a_temperature_that_mistral_refuses_may_be_an_error() -> None:
    """With on_unsupported "error" nothing is moved into its range."""
    params = {"model": "mistralai.x", "messages": kit.HELLO, "temperature": 1.7}

    with pytest.raises(EncodeError, match="temperature is above"):
        target(on_unsupported="error").encode(params, "tok")


def test_a_wait_that_google_asks_for_is_kept() -> None:
    """google.rpc.RetryInfo in the error of any publisher's model."""
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}]
    body = [{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": details}}]
    failure = target().failure(WireReply(429, CIMultiDict(), json.dumps(body).encode()))

    assert (7.5, "429", "RESOURCE_EXHAUSTED") == (failure.retry_after, failure.code, failure.type)


GENAI_CONFIG = ("systemInstruction", "tools", "tool_config", "safety_settings", "labels", "serviceTier")


@pytest.mark.parametrize("case", CASES, ids=kit.by_id)
async def test_what_is_sent_and_answered_is_of_the_official_types(case: dict[str, Any]) -> None:
    """Google's package knows every member sent to Gemini, Anthropic's every one sent to Claude; strict
    answers are OpenAI's."""
    done = await kit.run(case)
    for call in done.calls:
        if "/publishers/google/" in call["path"]:
            check_gemini(call["json"])
        elif "/publishers/anthropic/" in call["path"]:
            check_claude(call["json"])
    if case["request"]["headers"].get("x-portkey-strict-open-ai-compliance") == "false":
        return
    for chunk in done.chunks or []:
        chat.ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)
    if done.status == 200 and done.body is not None:
        chat.ChatCompletion.model_validate_json(json.dumps(done.body), strict=True)


def check_gemini(body: dict[str, Any]) -> None:
    for content in body["contents"]:
        genai.Content.model_validate_json(json.dumps(content))
    config = {**body.get("generationConfig", {}), **{n: body[n] for n in GENAI_CONFIG if n in body}}
    genai.GenerateContentConfig.model_validate_json(json.dumps(config))


def check_claude(body: dict[str, Any]) -> None:
    from anthropic.types import message_create_params

    assert body.pop("anthropic_version").startswith("vertex-")
    streams = body.get("stream") is True
    kind = "MessageCreateParamsStreaming" if streams else "MessageCreateParamsNonStreaming"
    judge_of(getattr(message_create_params, kind)).validate_python({"model": "claude", **body})


@functools.cache
def judge_of(kind: Any) -> Any:
    return pydantic.TypeAdapter(kind)
