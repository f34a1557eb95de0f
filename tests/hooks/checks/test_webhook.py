"""webhook: a service of the host's decides."""

from __future__ import annotations

import asyncio
import json

import pytest
from ask_kit import (
    Service,
    after,
    asked,
    before,
    built,
    completion,
    problems_of,
    reply,
    services,
    unreachable,
)

URL = "https://hooks.example/check?key=s3cret"
SECRET = {
    "authorization": "Bearer sk-canary",
    "cookie": "a=b",
    "x-portkey-api-key": "pk",
    "x-session-id": "7",
}


async def called(service, context=None, **parameters):
    """The verdict of a webhook with the given service."""
    return await asked(
        built("webhook", {"webhookURL": URL, **parameters}, services(service)), context or before()
    )


async def test_the_call_is_told_as_documented():
    """Request, answer, provider, metadata and event; the answer is empty before the call."""
    service = Service(reply({"verdict": True}))
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "b"},
    ]
    context = before(parts, metadata={"_user": "u"}, streaming=True)

    assert (await called(service, context)).passed
    assert {
        "request": {
            "json": context.request,
            "text": "a\n\nb",
            "isStreamingRequest": True,
            "isTransformed": False,
        },
        "response": {"json": {}, "text": "", "statusCode": None, "isTransformed": False},
        "provider": "openai",
        "requestType": "chatComplete",
        "metadata": {"_user": "u"},
        "eventType": "beforeRequestHook",
    } == service.body

    assert (await called(service, after("yes"))).passed
    assert ("yes", 200, "afterRequestHook") == (
        service.body["response"]["text"],
        service.body["response"]["statusCode"],
        service.body["eventType"],
    )


async def test_the_call_is_bounded():
    """A POST with the time of the parameter for the whole, and an answer of at most 1 MiB."""
    service = Service(reply({"verdict": True}))

    await called(service, timeout=500)

    [call] = service.calls
    assert ("POST", URL, 0.5, 2**20, True) == (
        call["method"],
        call["url"],
        call["timeout"],
        call["limit"],
        call["trusted"],
    )


async def test_no_header_of_the_caller_goes_along_unless_it_is_named():
    """Credentials stay here; those that are named go, and the config's own headers win."""
    service = Service(reply({"verdict": True}))
    context = before(headers=SECRET)

    await called(service, context)
    assert {"Content-Type": "application/json"} == service.calls[-1]["headers"]
    assert "canary" not in service.calls[-1]["body"].decode()

    await called(
        service, context, forwardHeaders=["X-Session-Id", "traceparent"], headers={"X-SESSION-ID": "own"}
    )
    assert {"Content-Type": "application/json", "X-SESSION-ID": "own"} == service.calls[-1]["headers"]

    await called(service, context, forwardHeaders=["authorization"], headers='{"content-type": "text/plain"}')
    assert {"authorization": "Bearer sk-canary", "content-type": "text/plain"} == service.calls[-1]["headers"]


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "Content-Length",
        "transfer-encoding",
        "proxy-authorization",
        "x-portkey-api-key",
        "x-portkey-config",
        "x-portkey-aws-secret-access-key",
        "metadata-flavor",
        "a b",
        "",
    ],
)
def test_some_headers_cannot_be_named(name):
    """Those of the connection, of the gateway itself and of cloud metadata services, and what is no header."""
    assert 1 == len(problems_of("webhook", {"webhookURL": URL, "forwardHeaders": [name]}))
    assert [] == problems_of("webhook", {"webhookURL": URL, "forwardHeaders": ["x-portkey-trace-id"]})


@pytest.mark.parametrize(
    "answer",
    [
        reply({"verdict": "false"}),
        reply({"verdict": 1}),
        reply({"verdict": None}),
        reply({}),
        reply([]),
        reply(b""),
        reply(b"{"),
        reply(b'{"verdict": true', 200),
        reply(b"", 204),
        reply({"verdict": True}, 500),
        reply({"verdict": True}, 404),
        reply({"verdict": True}, 302, location="https://elsewhere.example/"),
        unreachable(),
        unreachable("timeout"),
        unreachable("refused"),
        unreachable("too_large"),
    ],
)
async def test_only_a_json_boolean_is_a_verdict(answer):
    """Everything else is an error, which is for the hook's policy to judge; nothing passes and nothing changes."""
    verdict = await called(Service(answer))

    assert (False, None, False) == (verdict.passed, verdict.request, verdict.skipped)
    assert verdict.error is not None


async def test_errors_have_the_recorded_names():
    """Programs tell them apart by name; the URL in the report has no query."""
    verdict = await called(Service(unreachable("timeout")))
    assert "TimeoutError" == verdict.error.name
    assert {
        "webhookUrl": "https://hooks.example/check",
        "requestContext": {"timeout": 3000},
    }.items() <= verdict.data.items()

    verdict = await called(Service(reply({"why": "x"}, 503)))
    assert ("HttpError", {"why": "x"}) == (verdict.error.name, verdict.data["responseData"])
    assert "503" in verdict.error.message
    assert "responseData" not in (await called(Service(reply(b"{", 503)))).data


async def test_a_verdict_and_its_data_are_reported():
    """`data` of the answer comes back in the report, unless it is very large."""
    verdict = await called(Service(reply({"verdict": False, "data": {"score": 1}})))
    assert (False, {"score": 1}) == (verdict.passed, verdict.data["responseData"])

    verdict = await called(Service(reply({"verdict": True, "data": "x" * 70_000})))
    assert (True, None) == (verdict.passed, verdict.data["responseData"])


def change(**members):
    return reply({"verdict": True, "transformedData": {"request": {"json": members}}})


async def test_a_transformation_changes_messages_only():
    """Model, tools, keys and the stream stay what they were."""
    messages = [{"role": "system", "content": "be nice"}, {"role": "user", "content": "[X]"}]
    evil = {
        "model": "other",
        "tools": [{}],
        "stream": True,
        "api_key": "k",
        "custom_host": "https://evil.example",
    }

    verdict = await called(Service(change(messages=messages, **evil)))

    assert {"model": "gpt-4o", "messages": messages} == verdict.request


async def test_further_members_change_where_the_config_names_them():
    """`stream` cannot be named."""
    service = Service(change(temperature=0, top_p=1))

    verdict = await called(service, allow_fields=["temperature"])

    assert {"model", "messages", "temperature"} == set(verdict.request)
    assert 1 == len(problems_of("webhook", {"webhookURL": URL, "allowFields": ["stream"]}))


async def test_a_transformation_of_an_answer_changes_contents_only():
    """Choice by choice; role, calls, usage and reasons stay."""
    given = completion("a secret", "b")
    changed = {"model": "x", "choices": [{"message": {"role": "x", "content": "a ***"}}, {"message": {}}]}
    service = Service(reply({"verdict": False, "transformedData": {"response": {"json": changed}}}))

    verdict = await called(service, after(response=given))

    expected = json.loads(json.dumps(given))
    expected["choices"][0]["message"]["content"] = "a ***"
    assert (False, expected) == (verdict.passed, verdict.response)
    assert given["choices"][1] is verdict.response["choices"][1]


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": []},
        {"messages": "x"},
        {"messages": [5]},
        {"messages": [{"content": "no role"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": "user", "content": ["x"]}]},
        [1],
        "text",
    ],
)
async def test_a_malformed_transformation_is_an_error(changed):
    """It is not applied in part."""
    service = Service(reply({"verdict": True, "transformedData": {"request": {"json": changed}}}))

    verdict = await called(service)

    assert (False, None) == (verdict.passed, verdict.request)
    assert verdict.error is not None


async def test_another_number_of_choices_is_an_error():
    """Unless the config allows the choices to change as a whole."""
    changed = {"choices": [{"message": {"content": "x"}}, {"message": {"content": "y"}}]}
    service = Service(reply({"verdict": True, "transformedData": {"response": {"json": changed}}}))

    assert (await called(service, after("a"))).error is not None
    allowed = await called(service, after("a"), allowFields=["choices"])
    assert changed["choices"] == allowed.response["choices"]


async def test_the_other_side_and_equal_bodies_change_nothing():
    """An answer cannot be changed before it is there."""
    same = {"messages": [{"role": "user", "content": "hi"}]}
    other = {"response": {"json": completion("x")}}

    assert None is (await called(Service(change(**same)))).request
    assert None is (await called(Service(reply({"verdict": True, "transformedData": other})))).request
    assert None is (await called(Service(reply({"verdict": True, "transformedData": 5})))).request


async def test_a_cancelled_call_cancels_the_webhook():
    """Nothing goes on in the background."""
    ended = asyncio.Event()

    async def slow():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.ensure_future(called(Service(lambda method, url: slow())))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "p.webhookURL: expected text"),
        ({"webhookURL": ""}, "p.webhookURL: expected text"),
        ({"webhookURL": "hooks.example"}, "p.webhookURL: not a URL"),
        ({"webhookURL": "http://169.254.169.254/"}, "p.webhookURL: a cloud metadata endpoint"),
        ({"webhookURL": "https://u:p@hooks.example/"}, "p.webhookURL: holds credentials"),
        ({"webhookURL": URL, "headers": 5}, "p.headers: expected an object"),
        ({"webhookURL": URL, "headers": "{"}, "p.headers: expected an object as JSON"),
        ({"webhookURL": URL, "headers": "[]"}, "p.headers: expected an object as JSON"),
        ({"webhookURL": URL, "headers": {"a b": "c"}}, "p.headers.a b: is no header name"),
        ({"webhookURL": URL, "headers": {"a": "b\r\nc: d"}}, "p.headers.a: holds control characters"),
        ({"webhookURL": URL, "headers": {"a": 5}}, "p.headers.a: expected text"),
        ({"webhookURL": URL, "timeout": 0}, "p.timeout: expected a number from 1"),
        ({"webhookURL": URL, "timeout": 10**9}, "p.timeout: expected a number from 1"),
    ],
)
def test_wrong_parameters_are_refused(parameters, problem):
    """A webhook may be in a private network, but never at a metadata endpoint."""
    assert any(problem in found for found in problems_of("webhook", parameters))
    assert [] == problems_of("webhook", {"webhookURL": "http://10.0.0.5:8080/check"})


def test_its_secrets_are_not_in_its_repr():
    """Logs of a host must not hold the webhook's own key."""
    check = built("webhook", {"webhookURL": "https://hooks.example/", "headers": {"X-Key": "s3cret"}})

    assert "s3cret" not in repr(check)
