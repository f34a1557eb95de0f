"""From an outcome, a value, to what a caller sees: a route, an exception or an error body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DeadlineExceededError,
    GuardrailError,
    IncompleteStreamError,
    InvalidResponseError,
    RequestTimeoutError,
    StreamError,
    status_error_class,
)
from .outcome import Failure, HookResults, Outcome, StreamFailed
from .request import Call
from .types.route import Route

#: Upstream headers that are passed on; everything else stays inside.
_KEPT_HEADERS = frozenset(
    {
        "apim-request-id",
        "cf-ray",
        "opc-request-id",
        "openai-model",
        "openai-organization",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-goog-request-id",
        "x-ms-request-id",
        "x-ms-retry-after-ms",
        "x-request-id",
        "x-should-retry",
    }
)
_KEPT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-", "x-ms-ratelimit-")


def route_of(outcome: Outcome, call: Call, now: float) -> Route:
    """How the outcome came about."""
    log = call.log
    return Route(
        target=outcome.path,
        provider=outcome.provider,
        model=outcome.model,
        retries=outcome.retries,
        cache_status="DISABLED",
        trace_id=call.trace_id,
        warnings=tuple(log.warnings),
        attempts=tuple(log.attempts),
        duration=now - log.started,
    )


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The upstream headers of the allow-list, in lower case."""
    return {
        lower: value
        for name, value in headers.items()
        if (lower := name.lower()) in _KEPT_HEADERS or lower.startswith(_KEPT_PREFIXES)
    }


def error_of(outcome: Outcome, route: Route) -> APIError:
    """The exception for a failed outcome. With several attempts the message lists each."""
    failure = outcome.failure
    assert failure is not None
    message = _message(failure, route)
    if failure.kind == "deadline":
        return DeadlineExceededError(message, route=route)
    if failure.kind in ("connection", "protocol"):
        return APIConnectionError(message, route=route)
    error = _error_class(outcome.status, failure)(
        message,
        status_code=outcome.status,
        body=error_body(outcome),
        headers=kept_headers(outcome.headers),
        route=route,
        type=failure.type,
        code=failure.code,
        param=failure.param,
        retry_after=failure.retry_after,
    )
    if isinstance(error, GuardrailError) and outcome.hooks is not None:
        error.hook_results = outcome.hooks.to_dict()
    return error


def _error_class(status: int, failure: Failure) -> type[APIStatusError]:
    if failure.kind in ("timeout", "connect_timeout"):
        return RequestTimeoutError
    if failure.kind in ("parse", "too_large", "interrupted"):
        return InvalidResponseError
    if failure.reason == "context_window" and status < 500:
        return ContextWindowExceededError
    if failure.reason == "content_policy" and status < 500:
        return ContentPolicyViolationError
    return status_error_class(status)


def _message(failure: Failure, route: Route) -> str:
    if len(route.attempts) < 2:
        return failure.message
    lines = [f"  {a.target} ({a.provider}): {a.status} {a.error or 'answered'}" for a in route.attempts[-20:]]
    return f"{failure.message}\n{len(route.attempts)} attempts:\n" + "\n".join(lines)


def stream_error_of(
    error: StreamFailed, route: Route, partial: dict[str, Any] | None, hooks: HookResults | None = None
) -> APIError:
    """The exception for a stream that broke after its first chunk had been handed on."""
    failure = error.failure
    if failure.kind == "guardrail":
        denied = Outcome(error.status, route.target, route.provider, failure=failure, hooks=hooks)
        return error_of(denied, route)
    if failure.kind == "deadline":
        return DeadlineExceededError(failure.message, route=route)
    if failure.kind == "status":
        return StreamError(failure.message, route=route)
    broken = IncompleteStreamError(failure.message, route=route)
    broken.partial = partial
    return broken


def answer_body(outcome: Outcome) -> dict[str, Any]:
    """The wire form of an answer, with what its guardrails found."""
    body = outcome.body or {}
    return body if outcome.hooks is None else {**body, "hook_results": outcome.hooks.to_dict()}


def error_body(outcome: Outcome) -> dict[str, Any]:
    """The wire form of a failure: an OpenAI error object, beside whatever else upstream's body held."""
    failure = outcome.failure
    assert failure is not None
    upstream = failure.body if isinstance(failure.body, dict) else {}
    body = {name: value for name, value in upstream.items() if name not in ("hook_results", "route")}
    said = upstream.get("error")
    body["error"] = {
        **(said if isinstance(said, dict) else {}),
        "message": failure.message,
        "type": failure.type,
        "param": failure.param,
        "code": failure.code,
    }
    if failure.kind == "status" and outcome.provider:
        body["provider"] = outcome.provider
    if outcome.hooks is not None:
        body["hook_results"] = outcome.hooks.to_dict()
    return body


def routing_headers(outcome: Outcome, trace_id: str) -> dict[str, str]:
    """The `x-portkey-*` headers of an answer."""
    return {
        "x-portkey-last-used-option-index": outcome.path,
        "x-portkey-provider": outcome.provider,
        "x-portkey-retry-attempt-count": str(outcome.retries),
        "x-portkey-cache-status": "DISABLED",
        "x-portkey-trace-id": trace_id,
    }
