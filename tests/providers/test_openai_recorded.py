"""Calls recorded from the gateway; where it was lossy, everything must arrive all the same."""

from __future__ import annotations

from typing import Any

import openai_kit as kit
import pytest

CASES = kit.recorded()
SAME = [case for case in CASES if "deviate" not in case]
LOSSY = [case for case in CASES if "deviate" in case]
#: Names under which a provider may receive a parameter.
RENAMED = {"max_completion_tokens": "max_tokens", "reasoning_effort": "reasoning", "stream_options": "usage"}


def by_id(case: dict[str, Any]) -> str:
    return str(case["id"])


@pytest.mark.parametrize("case", SAME, ids=by_id)
def test_the_provider_receives_what_the_gateway_sent(case: dict[str, Any]) -> None:
    """Method, path, query and headers as recorded, and a body with these members and no others."""
    call, expected = kit.Replay(case).call, case["expect_upstream"]

    assert [] == kit.differences(expected, call)
    assert expected["json"].keys() == call["json"].keys()


@pytest.mark.parametrize("case", SAME, ids=by_id)
def test_the_caller_gets_what_the_gateway_answered(case: dict[str, Any]) -> None:
    """Status and completion, or status and error object, or a stream that says the same."""
    done, expect = kit.Replay(case), case["expect"]

    assert expect["status"] == done.status
    if "sse" in expect:
        assert done.failure is None
        assert [] == kit.differences(kit.joined(kit.chunks_in(expect["sse"])), kit.joined(done.chunks or []))
    elif "json" in expect:
        assert [] == kit.differences(expect["json"], done.json())


@pytest.mark.parametrize("case", LOSSY, ids=by_id)
def test_every_parameter_is_sent_where_the_gateway_dropped_some(case: dict[str, Any]) -> None:
    """Under its own name or the provider's, at the recorded path."""
    call, body = kit.Replay(case).call, case["request"]["body"]
    missing = [
        name
        for name, value in body.items()
        if value is not None and name not in call["json"] and RENAMED.get(name) not in call["json"]
    ]

    assert [] == missing
    assert len(body["messages"]) == len(call["json"]["messages"])
    assert case["expect_upstream"]["path"] == call["path"]


@pytest.mark.parametrize("case", LOSSY, ids=by_id)
def test_every_member_of_an_answer_is_kept_where_the_gateway_dropped_some(case: dict[str, Any]) -> None:
    """Completions and streams come back whole, errors keep status and text."""
    done, reply = kit.Replay(case), case["reply"]
    content = reply.get("json")

    if reply.get("status", 200) >= 400:
        assert reply["status"] == done.status
        assert done.failure is not None
        assert done.failure.message.partition(" error: ")[2]
    elif isinstance(content, dict) and content.get("choices"):
        kept = {name: value for name, value in content.items() if name not in ("provider", "choices")}
        messages = [choice["message"] for choice in content["choices"]]
        assert [] == kit.differences(kept, done.body)
        assert [] == kit.differences(messages, [choice["message"] for choice in (done.body or {})["choices"]])
    elif "sse" in reply and done.failure is None:
        wanted, got = kit.joined(kit.chunks_in(reply["sse"])), kit.joined(done.chunks or [])
        # Usage may have stood at the provider's own place.
        assert [] == kit.differences({**wanted, "usage": wanted["usage"] or got["usage"]}, got)
    else:
        assert 502 == done.status or done.failure is not None
