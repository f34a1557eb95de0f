"""What the constructor of a router takes: every wrong argument is named, all at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmroute import Config, ConfigError, Router
from llmroute.testing import ScriptedTransport, VirtualClock, completion

SECRET = "sk-SECRET-4f8Kd02mQz7"
OPENAI = {"provider": "openai", "api_key": "k"}
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def problems_of(*args: Any, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Router(*args, **options)
    return [str(problem) for problem in caught.value.problems]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"providers": [OPENAI]}, "providers: expected an object, got a list"),
    ({"providers": {1: OPENAI}}, "providers: expected names as text, got 1"),
    ({"providers": {"a": 5}}, "providers.a: expected an object or a function, got 5"),
    (
        {"providers": {"a": {**OPENAI, "api_key": 5}}},
        "providers.a.api_key: expected text, got another kind of value",
    ),
    ({"configs": "x"}, "configs: expected an object, got text 'x'"),
    ({"configs": {"a": 5}}, "configs.a: expected an object or its JSON text, got 5"),
    ({"configs": {"a": {"provider": 5}}}, "configs.a.provider: expected text, got 5"),
    ({"metadata": "x"}, "metadata: expected an object, got text 'x'"),
    ({"metadata": {"a": {1, 2}}}, "metadata.a: expected JSON, got a set"),
    (
        {"request_config": "maybe"},
        "request_config: expected one of deny, untrusted, trusted, got text 'maybe'",
    ),
    (
        {"unknown": "warning"},
        "unknown: expected one of error, warn, got text 'warning', did you mean 'warn'?",
    ),
    ({"require_keys": "yes"}, "require_keys: expected true or false, got text 'yes'"),
    ({"transport": object()}, "transport: expected an object with the methods send, aclose, got an object"),
    (
        {"transport": ScriptedTransport},
        "transport: expected an object with the methods send, aclose, got a type",
    ),
    ({"hosts": 5}, "hosts: expected host names, got 5"),
    (
        {"hosts": ["a.corp", "http://b"]},
        "hosts[1]: 'http://b' is not 'host', 'host:port', '*.suffix' or '*.suffix:port'",
    ),
    ({"hosts": [5]}, "hosts[0]: expected text, got 5"),
    ({"observers": 5}, "observers: expected functions, got 5"),
    ({"observers": [print, 5]}, "observers[1]: expected a function that takes an event, got 5"),
    (
        {"clock": object()},
        "clock: expected an object with the methods now, time, sleep, call_at, timeout, got an object",
    ),
    ({"seed": "x"}, "seed: expected a whole number, got text 'x'"),
    ({"seed": True}, "seed: expected a whole number, got true"),
    ({"fetch": "yes"}, "fetch: expected true, false or a FetchPolicy, got text 'yes'"),
    ({"trace_id": 5}, "trace_id: expected a text"),
    ({"trace_id": "a\nb"}, "trace_id: holds control characters, such as line ends"),
    ({"timeout": "5"}, "timeout: expected seconds above 0, got '5'"),
    ({"timeout": -1}, "timeout: expected seconds above 0, got -1"),
    ({"timeout": float("nan")}, "timeout: expected seconds above 0, got nan"),
]


@pytest.mark.parametrize(("options", "expected"), WRONG, ids=str)
def test_a_wrong_argument_is_named(options, expected):
    """With what was expected and what was found."""
    assert [expected] == problems_of(OPENAI, **options)


def test_all_wrong_arguments_are_named_at_once():
    """In the order of the signature."""
    found = problems_of(OPENAI, hosts=5, providers=5, seed="x", metadata=5)

    assert ["providers", "metadata", "hosts", "seed"] == [problem.split(":")[0] for problem in found]


@pytest.mark.parametrize(
    "config", [5, [], Path("a.json"), "a.json", b"\xff", {"provider": 5}, object()], ids=str
)
def test_a_wrong_config_is_refused(config):
    """Whatever it is."""
    assert all(problem.startswith("config") for problem in problems_of(config))


@pytest.mark.parametrize("make", [dict, json.dumps, lambda config: json.dumps(config).encode(), Config])
def test_a_config_is_an_object_its_text_or_a_config(make):
    """All of them mean the same."""
    assert "openai" == Router(make(OPENAI)).health()[0].provider


async def test_one_host_is_a_host_and_not_its_letters():
    """`hosts="llm.corp"` trusts llm.corp."""
    headers = {"x-portkey-config": json.dumps({**OPENAI, "custom_host": "http://llm.corp/v1"})}

    async def status(**options: Any) -> int:
        router = Router(transport=ScriptedTransport(completion("ok")), **options)
        return (await router.handle(HELLO, headers)).status

    assert (400, 200, 200) == (await status(), await status(hosts="llm.corp"), await status(hosts={"*.corp"}))


async def test_one_observer_is_enough():
    """A function alone, or several in any iterable."""
    events: list[Any] = []
    for observers in (events.append, [events.append], (events.append for _ in range(1))):
        events.clear()
        router = Router(OPENAI, observers=observers, transport=ScriptedTransport(completion("ok")))
        await router.chat.completions.create(**HELLO)
        assert events


def test_nothing_is_as_good_as_none():
    """Every optional argument may be None."""
    options = (
        "providers",
        "configs",
        "metadata",
        "request_config",
        "transport",
        "hosts",
        "observers",
        "clock",
        "seed",
        "fetch",
    )

    assert Router(OPENAI, **dict.fromkeys(options))


def test_what_the_caller_changes_later_changes_nothing():
    """Metadata is copied."""
    metadata = {"plan": "gold"}
    router = Router(OPENAI, metadata=metadata, clock=VirtualClock())
    metadata["plan"] = "lead"

    assert {"plan": "gold"} == router._core.metadata


# -- keywords that make a config -----------------------------------------------------------------------

SHORTHAND: list[tuple[dict[str, Any], str]] = [
    ({"provider": "opnai"}, "config.provider: unknown provider 'opnai', did you mean 'openai'?"),
    ({"provider": "openai", "api_kye": SECRET}, "api_kye: unknown member, did you mean 'api_key'?"),
    ({"provider": "openai", "api_key": None}, "api_key: expected text, got null"),
    (
        {"provider": "openai", "retry": {"attempts": 9}},
        "retry.attempts: expected a whole number from 0 to 5, got 9",
    ),
    ({"provider": "openai", "observer": print}, "observer: unknown member, did you mean 'observers'?"),
    ({"name": "x"}, "config: says nothing: it needs a provider, or a strategy with targets"),
]


@pytest.mark.parametrize(("members", "expected"), SHORTHAND, ids=str)
def test_a_wrong_keyword_is_named(members, expected):
    """Keywords that are no argument make a config of one target; their problems carry their names."""
    assert [expected] == problems_of(**members)


def test_keywords_do_not_stand_beside_a_config():
    """They would be a second config; a mistyped argument is told as such."""
    assert ["api_key: may not stand beside a config; use with_options"] == problems_of(OPENAI, api_key="k")
    assert ["observer: unknown argument, did you mean 'observers'?"] == problems_of(OPENAI, observer=print)


@pytest.mark.parametrize("written", ["Bearer k", "bearer k", "k"])
@pytest.mark.parametrize("keyword", ["Authorization", "authorization"])
async def test_authorization_is_a_key(keyword, written):
    """The Portkey SDK's name for it."""
    transport = ScriptedTransport(completion("ok"))
    await Router(provider="openai", transport=transport, **{keyword: written}).chat.completions.create(
        **HELLO
    )

    assert "Bearer k" == transport.requests[0].headers["authorization"]


# -- adapters of the host's own ------------------------------------------------------------------------


def test_an_adapter_that_refuses_its_target_is_named():
    """When the router is made, not at the first call."""

    def mine(settings: Any) -> Any:
        raise RuntimeError(SECRET)

    found = problems_of({"provider": "mine"}, providers={"mine": mine})

    assert ["config.provider: its function raised RuntimeError"] == found
