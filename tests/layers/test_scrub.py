"""An upstream that echoes a credential is masked."""

from __future__ import annotations

import pytest
from engine_kit import KEY, Rig, target

from llmroute import APIError
from llmroute.layers.scrub import Scrubber
from llmroute.outcome import Failure
from llmroute.testing import error, reply, sse


def echo(status=401, text=f"bad key {KEY}!", **members):
    return reply(status, json={"error": {"message": text, "type": KEY, "code": KEY, "param": KEY}, **members})


@pytest.mark.parametrize(
    "answer",
    [
        echo(),
        echo(details=[{"your_key": KEY, KEY: [f"Bearer {KEY}"]}]),
        echo(text="x" * 2040 + KEY),
        reply(500, text=f"<p>{KEY}</p>"),
        reply(500, text='{"error": {"message": "sk\\u002dcanary\\u002d0123456789"}}'),
        reply(200, text=f"not json {KEY}"),
        reply(200, json={"error": {"message": f"inside {KEY}"}}),
        reply(307, headers={"Location": f"https://x.example/{KEY}"}),
        reply(307, headers={"Location": "https://x.example/" + "y" * 170 + KEY}),
        error(429, headers={"x-request-id": KEY}),
    ],
)
async def test_an_upstream_that_echoes_the_key_is_masked(answer):
    """In the exception, its body, headers and route, on the wire and in events."""
    rig = Rig(target(), answer, observe=True)
    with pytest.raises(APIError) as caught:
        await rig.create()
    response = await rig.handle()
    told = [caught.value, vars(caught.value), response.body, response.headers, rig.events]

    assert "canary" not in f"{told!r} {caught.value}"


async def test_a_stream_s_failures_are_masked_too():
    """Before the commit and after it."""
    broken = {"error": {"message": f"key {KEY} expired"}}
    early = Rig(target(), sse([broken]))
    late = Rig(target(), sse([{"choices": [{"index": 0, "delta": {"content": "Hi"}}]}, broken]))
    with pytest.raises(APIError) as first:
        await early.stream()
    with pytest.raises(APIError) as second:
        await (await late.stream()).final()

    assert "canary" not in str(first.value)
    assert "key *** expired" in str(second.value)


async def test_credentials_the_caller_brought_are_masked_as_well():
    """Forwarded and extra ones; placeholders of a few letters are not."""
    rig = Rig(
        target(api_key="ollama"), reply(500, text="ollama: Bearer another-canary, x-api-key third-canary")
    )
    headers = {"Authorization": "Bearer another-canary", "X-Api-Key": "third-canary"}
    with pytest.raises(APIError) as caught:
        await rig.create(extra_headers=headers)

    assert "openai error: ollama: ***, x-api-key ***" == str(caught.value)


def test_what_holds_no_credential_is_not_copied():
    """The same failure and the same headers come back."""
    scrubber = Scrubber({"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
    failure = Failure("status", "no", body={"error": "application/json"})
    headers = {"X-Request-Id": "r-1"}

    assert scrubber.failure(failure) is failure
    assert scrubber.headers(headers) is headers


def test_a_body_that_cannot_be_searched_is_left_out():
    """Nested too deeply to be written as JSON: rather no body than an unmasked one."""
    deep: list = []
    for _ in range(1000):
        deep = [deep]

    assert Scrubber({"Authorization": KEY}).failure(Failure("status", "no", body=deep)).body is None
