"""What all signing and token-fetching credentials share: settings, and a way to the token service."""

from __future__ import annotations

from typing import Any

import pytest
from yarl import URL

from llmroute.providers.auth.base import MAX_TOKEN_ANSWER, CredentialSettings, fetch_over, with_headers
from llmroute.providers.auth.key import CredentialError, KeySource
from llmroute.providers.auth.token import TokenTable
from llmroute.secret import Secret
from llmroute.testing import Reply, ScriptedTransport, VirtualClock
from llmroute.transport.base import TransportError
from llmroute.wire.message import WireRequest

WIRE = WireRequest(URL("https://sts.example/"), {"a": "1"}, b"x")
VARIABLES = {"NAME": "from env", "EMPTY": ""}


def settings(*, ambient: bool = True, **options: Any) -> CredentialSettings:
    return CredentialSettings(
        target="config.targets[0]",
        provider="bedrock",
        options=options,
        key=KeySource("config", None, (), variable=VARIABLES.get),
        key_given=False,
        ambient=ambient,
        base_url=None,
        variable=VARIABLES.get,
        clock=VirtualClock(),
        fetch=fetch_over(ScriptedTransport([])),
        tokens=TokenTable(),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (Secret("s"), "s"),
        (Secret("env:NAME"), "from env"),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_member_as_text(value: Any, expected: str | None) -> None:
    """Revealed, or read from the variable that it names."""
    assert expected == settings(member=value).text("member")


@pytest.mark.parametrize(
    ("value", "ambient", "told"),
    [
        ("env:ABSENT", True, r"config\.targets\[0\]\.member: the variable 'ABSENT' is not set"),
        ("env:EMPTY", True, "'EMPTY' is not set"),
        ("env:NAME", False, "variables may not be named here"),
    ],
)
def test_a_variable_that_is_not_to_be_had(value: str, ambient: bool, told: str) -> None:
    """Not set, or named by an untrusted config; the target is named."""
    with pytest.raises(CredentialError, match=told):
        settings(ambient=ambient, member=value).text("member")


def test_a_fingerprint_tells_credentials_apart_and_holds_none() -> None:
    """It depends on every member, on who may use the environment, and on nothing else."""
    members = ("key", "secret")
    one = settings(key="a", secret=Secret("hunter2"), other=1).fingerprint(members)

    assert one == settings(key="a", secret=Secret("hunter2"), other=2).fingerprint(members)
    others = [
        settings(key="b", secret=Secret("hunter2")),
        settings(key="a", secret=Secret("hunter3")),
        settings(key="a"),
        settings(key="a", secret=Secret("hunter2"), ambient=False),
        settings(key="a\0secret=hunter2", secret=None),
    ]
    assert 6 == len({one, *(each.fingerprint(members) for each in others)})
    assert 16 == len(one)


def test_headers_are_added_to_a_request() -> None:
    """The given ones win; the request itself stays as it is."""
    assert {"a": "2", "b": "3"} == with_headers(WIRE, {"a": "2", "b": "3"}).headers
    assert {"a": "1"} == WIRE.headers


async def test_a_fetch_reads_the_whole_answer_and_gives_the_connection_back() -> None:
    """Status, headers and body, whatever the status."""
    transport = ScriptedTransport(Reply(403, {"x": "y"}, [b"a", b"b"]))
    reply = await fetch_over(transport)(WIRE)

    assert (403, "y", b"ab") == (reply.status, reply.headers["X"], reply.body)
    assert 0 == transport.open
    assert transport.requests[0].exchange is not None
    assert transport.requests[0].exchange.released


async def test_an_answer_that_is_too_large_is_hung_up_on() -> None:
    """A token is short."""
    transport = ScriptedTransport(Reply(steps=[b"x" * MAX_TOKEN_ANSWER, b"x", b"x"]))
    with pytest.raises(TransportError):
        await fetch_over(transport)(WIRE)

    assert 0 == transport.open
