"""The catalogue and the registry: who is served, where, with which key; and the odd ones."""

from __future__ import annotations

import json
import subprocess
import sys

import openai_kit as kit
import pytest
from yarl import URL

from llmroute.providers.base import EncodeError, ProviderSettings, ReplyError
from llmroute.providers.catalogue import ROWS
from llmroute.providers.registry import (
    ADAPTERS,
    adapter_for,
    env_names,
    key_optional,
    known_providers,
    refusal,
)

GATEWAY_NAMES = (
    "302ai aibadgr anyscale bytez cerebras cometapi dashscope deepbricks deepinfra deepseek featherless-ai "
    "fireworks-ai github groq hyperbolic inference-net iointelligence kluster-ai krutrim lambda lemonfox-ai "
    "lepton lingyi matterai modal monsterapi moonshot ncompass nebius nextbit novita-ai nscale openai "
    "openrouter ovhcloud perplexity-ai predibase sambanova siliconflow together-ai upstage x-ai z-ai zhipu"
)


def test_every_openai_like_provider_of_the_gateway_is_served() -> None:
    """Under the gateway's slugs, with a key name each; the list is sorted."""
    assert {*GATEWAY_NAMES.split(), "ollama", "anthropic", "google"} <= set(known_providers())
    assert sorted(known_providers()) == list(known_providers())
    signed = {"oracle", "vertex-ai"}  # not with a key
    assert all(env_names(provider) for provider in {*known_providers()} - signed)


@pytest.mark.parametrize("slug", sorted(ROWS))
def test_every_row_makes_a_request(slug: str) -> None:
    """To its own documented host or to the target's; services without a host say so."""
    row = ROWS[slug]
    assert slug == row.slug
    assert row.docs.startswith("https://")
    if row.base_url is None:
        assert "custom_host" in row.status
        with pytest.raises(EncodeError, match="custom_host"):
            kit.request(slug)
    else:
        assert URL(row.base_url).host == kit.request(slug).url.host
        assert row.base_url == row.base_url.rstrip("/")
        assert row.base_url.startswith("https://") or URL(row.base_url).host == "localhost"
    assert kit.request(slug, {"base_url": "http://h/x"}).url.raw_path.startswith("/x/")


def test_local_servers_need_no_key() -> None:
    """Nor does OVHcloud's free tier; everybody else does."""
    local = {row.slug for row in ROWS.values() if URL(row.base_url or "https://x").host == "localhost"}

    assert {"ollama", "vllm", "lm-studio", "llama-cpp", "litellm"} == local
    assert all(key_optional(slug) for slug in {*local, "ovhcloud", "modal"})
    assert not any(key_optional(slug) for slug in ("openai", "anthropic", "groq", "nowhere"))


def test_ollama_speaks_openais_format() -> None:
    """At its usual port, the provider named."""
    wire = kit.target("ollama").encode(kit.PARAMS, None)

    assert "http://localhost:11434/v1/chat/completions" == str(wire.url)
    assert kit.PARAMS == json.loads(wire.body)
    body = kit.target("ollama").decode(kit.reply(kit.completion()), kit.PARAMS)
    assert "ollama" == body["provider"]


@pytest.mark.parametrize("name", ["cortex", "sagemaker", "triton"])
def test_providers_not_served_yet_are_refused_by_name(name: str) -> None:
    """With a sentence that says so, from the registry and from the lookup."""
    assert f"{name} is not supported yet" in (refusal(name) or "")
    with pytest.raises(LookupError, match="not supported yet"):
        adapter_for(ProviderSettings(name))


def test_refusals_name_the_successor() -> None:
    """palm is gone; embedding services have no chat; unknown names and served ones have no refusal."""
    assert "google" in (refusal("palm") or "")
    assert "no chat" in (refusal("voyage") or "")
    assert refusal("openai") is None
    assert refusal("nowhere") is None
    with pytest.raises(LookupError, match="unknown provider 'nowhere'"):
        adapter_for(ProviderSettings("nowhere"))


def test_native_adapters_are_imported_when_they_are_needed() -> None:
    """The table holds names; reading it imports none of them."""
    code = (
        "import sys, llmroute.providers.registry as r;"
        "print([m for m in sys.modules if m in {p.partition(':')[0] for p in r.ADAPTERS.values()}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
    assert all(":" in place for place in ADAPTERS.values())


# -- predibase ---------------------------------------------------------------


def test_predibase_has_tenant_and_model_in_the_path() -> None:
    """The adapter behind the colon goes into the body; each part is one part of the path."""
    wire = kit.request("predibase", model="llama/3:repo/1", user="../t?x")

    assert "/..%2Ft%3Fx/deployments/v2/llms/llama%2F3/v1/chat/completions" == wire.url.raw_path
    assert "repo/1" == json.loads(wire.body)["model"]
    assert "../t?x" == json.loads(wire.body)["user"]


# -- bytez -------------------------------------------------------------------


def test_bytez_gets_its_own_format() -> None:
    """Model and version in the path, three parameters under its names, the rest reported."""
    wire = kit.request("bytez", model="org/na me", version=3, max_tokens=5, seed=1, stream=True)

    assert "https://api.bytez.com/models/v3/org/na%20me" == str(wire.url)
    assert "Key sk-test" == wire.headers["Authorization"]
    assert {"messages": kit.HELLO, "params": {"max_new_tokens": 5}, "stream": True} == json.loads(wire.body)
    assert ("seed: bytez does not take it",) == wire.warnings
    with pytest.raises(EncodeError, match="seed"):
        kit.request("bytez", {"on_unsupported": "error"}, seed=1)


def test_bytez_answers_become_completions() -> None:
    """A message or bare text; an error inside a 200 is raised."""
    adapter = kit.target("bytez")
    body = adapter.decode(kit.reply({"error": None, "output": {"content": "Paris"}}), kit.PARAMS)

    assert "Paris" == body["choices"][0]["message"]["content"]
    assert "x" == adapter.decode(kit.reply({"output": "x"}), kit.PARAMS)["choices"][0]["message"]["content"]
    with pytest.raises(ReplyError):
        adapter.decode(kit.reply({"error": "no", "output": None}), kit.PARAMS)
    assert "429" == adapter.failure(kit.reply({"error": "no"}, 429)).type


@pytest.mark.parametrize("step", [None, 1])
def test_bytez_streams_bare_text(step: int | None) -> None:
    """Characters may be cut anywhere; the end of the body is the end of the stream."""
    chunks, decoder = kit.decoded("Paris \u00e9".encode(), "bytez", step)

    assert "Paris \u00e9" == kit.text_of(chunks)
    assert "stop" == chunks[-1]["choices"][0]["finish_reason"]
    assert decoder.failure is None
