"""From outcomes to what a caller sees: exceptions, error bodies, headers, routes."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from llmroute.edge import error_body, error_of, kept_headers, route_of, routing_headers, stream_error_of
from llmroute.outcome import Failure, Outcome, StreamFailed
from llmroute.request import Call, CallLog, Request
from llmroute.types.route import Attempt, Route

ROUTE = Route("config.targets[1]", "openai")


def failed(status=500, kind="status", **members):
    failure = Failure(kind, "openai error: no", **members)
    return Outcome(status, "config.targets[1]", "openai", "gpt-4o", failure=failure)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (failed(400), "BadRequestError"),
        (failed(401, "auth"), "AuthenticationError"),
        (failed(403), "PermissionDeniedError"),
        (failed(404), "NotFoundError"),
        (failed(409), "ConflictError"),
        (failed(422), "UnprocessableEntityError"),
        (failed(429), "RateLimitError"),
        (failed(500), "InternalServerError"),
        (failed(529), "InternalServerError"),
        (failed(307), "APIStatusError"),
        (failed(418), "APIStatusError"),
        (failed(400, "request"), "BadRequestError"),
        (failed(400, "routing"), "BadRequestError"),
        (failed(400, reason="context_window"), "ContextWindowExceededError"),
        (failed(413, reason="context_window"), "ContextWindowExceededError"),
        (failed(403, reason="content_policy"), "ContentPolicyViolationError"),
        (failed(500, reason="context_window"), "InternalServerError"),
        (failed(408, "timeout"), "RequestTimeoutError"),
        (failed(408, "connect_timeout"), "RequestTimeoutError"),
        (failed(408), "RequestTimeoutError"),
        (failed(408, "deadline"), "DeadlineExceededError"),
        (failed(503, "connection"), "APIConnectionError"),
        (failed(502, "protocol"), "APIConnectionError"),
        (failed(502, "parse"), "InvalidResponseError"),
        (failed(502, "too_large"), "InvalidResponseError"),
        (failed(502, "interrupted"), "InvalidResponseError"),
    ],
)
def test_a_failure_has_an_exception(outcome, name):
    """By its kind first, then by its reason, then by the status."""
    error = error_of(outcome, ROUTE)

    assert name == type(error).__name__
    assert "openai error: no" == str(error)
    assert error.route is ROUTE


def test_the_exception_carries_what_the_provider_said():
    """The members of OpenAI's error object, the allow-listed headers, the wish to wait."""
    outcome = failed(429, type="rate_limit_error", code="slow", param="model", retry_after=2.5)
    outcome.headers = CIMultiDict({"Retry-After": "2.5", "Set-Cookie": "a=b", "X-Request-Id": "r-1"})
    error = error_of(outcome, ROUTE)

    assert (429, "rate_limit_error", "slow", "model", 2.5) == (
        error.status_code,
        error.type,
        error.code,
        error.param,
        error.retry_after,
    )
    assert {"retry-after": "2.5", "x-request-id": "r-1"} == error.headers
    assert "openai error: no" == error.body["error"]["message"]


def test_with_several_attempts_the_message_lists_each():
    """One line an attempt, the last twenty of them."""
    attempts = tuple(
        Attempt(
            f"config.targets[{i}]", "openai", "m", 200 if i == 29 else 429, None if i == 29 else f"no {i}"
        )
        for i in range(30)
    )
    text = str(error_of(failed(), Route("config", "openai", attempts=attempts)))

    assert text.startswith("openai error: no\n30 attempts:\n  config.targets[10] (openai): 429 no 10\n")
    assert text.endswith("config.targets[29] (openai): 200 answered")
    assert 22 == len(text.splitlines())


@pytest.mark.parametrize(
    ("kind", "status", "name", "partial"),
    [
        ("interrupted", 502, "IncompleteStreamError", True),
        ("timeout", 408, "IncompleteStreamError", True),
        ("parse", 502, "IncompleteStreamError", True),
        ("deadline", 408, "DeadlineExceededError", False),
        ("status", 502, "StreamError", False),
    ],
)
def test_a_broken_stream_has_an_exception(kind, status, name, partial):
    """IncompleteStreamError with what was collected, where the end is missing."""
    error = stream_error_of(StreamFailed(Failure(kind, "cut"), status), ROUTE, {"choices": []})

    assert name == type(error).__name__
    assert "cut" == str(error)
    assert ({"choices": []} if partial else None) == getattr(error, "partial", None)


def test_an_error_body_keeps_the_upstreams_other_members():
    """But for those that only the router may write; `error` is our reading of it."""
    upstream = {"error": "boom", "request_id": "r-1", "hook_results": {}, "route": {}, "provider": "evil"}
    body = error_body(failed(500, body=upstream, type="server_error"))

    assert {
        "error": {"message": "openai error: no", "type": "server_error", "param": None, "code": None},
        "request_id": "r-1",
        "provider": "openai",
    } == body


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_other_bodies_are_replaced(body):
    """An upstream may answer anything."""
    assert {"error", "provider"} == error_body(failed(500, body=body)).keys()


def test_only_the_providers_own_errors_name_it():
    """Timeouts and local refusals are ours, as recorded."""
    assert "provider" not in error_body(failed(408, "timeout"))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("X-Request-Id", True),
        ("x-ratelimit-remaining-requests", True),
        ("anthropic-ratelimit-tokens-reset", True),
        ("x-ms-ratelimit-anything", True),
        ("Retry-After-Ms", True),
        ("cf-ray", True),
        ("Set-Cookie", False),
        ("Content-Type", False),
        ("Content-Encoding", False),
        ("Authorization", False),
        ("x-portkey-provider", False),
        ("x-portkey-gateway-exception", False),
        ("server", False),
    ],
)
def test_upstream_headers_pass_an_allow_list(name, kept):
    """Names in lower case; nothing the upstream sends can pose as ours."""
    assert ({name.lower(): "1"} if kept else {}) == kept_headers({name: "1"})


def test_a_route_is_taken_from_outcome_and_log():
    """Lists become tuples: nothing that happens later changes it."""
    log = CallLog(10.0)
    log.attempts.append(Attempt("config", "openai", "m", 200))
    log.warnings.append("config: left out")
    call = Call(Request({}, trace_id="t-1"), log, None)
    route = route_of(Outcome(200, "config", "openai", "m", retries=2), call, 12.5)
    log.attempts.clear()

    assert (
        Route(
            "config",
            "openai",
            "m",
            2,
            "DISABLED",
            "t-1",
            ("config: left out",),
            (Attempt("config", "openai", "m", 200),),
            2.5,
        )
        == route
    )


def test_the_headers_of_an_answer_name_its_way():
    """Texts, with the names that clients of the gateway know."""
    assert {
        "x-portkey-last-used-option-index": "config.targets[1]",
        "x-portkey-provider": "openai",
        "x-portkey-retry-attempt-count": "0",
        "x-portkey-cache-status": "DISABLED",
        "x-portkey-trace-id": "t-1",
    } == routing_headers(failed(), "t-1")
