"""Every exception of the public API.

LLMRouteError
├── ConfigError                     .problems: every path and reason at once
├── RouterClosedError
├── MissingExtra                    an optional dependency is not installed
└── APIError                        .route: the target and every attempt
    ├── APIConnectionError
    │   └── APITimeoutError         also a TimeoutError
    │       └── DeadlineExceededError
    ├── StreamError
    │   └── IncompleteStreamError   .partial: the completion so far
    └── APIStatusError              .status_code .body .headers .type .code .param .retry_after
        ├── BadRequestError 400
        │   ├── ContextWindowExceededError
        │   └── ContentPolicyViolationError
        ├── AuthenticationError 401
        ├── PermissionDeniedError 403
        ├── NotFoundError 404
        ├── RequestTimeoutError 408  also an APITimeoutError
        ├── ConflictError 409
        ├── UnprocessableEntityError 422
        ├── RateLimitError 429
        ├── GuardrailError 446      .hook_results
        └── InternalServerError >= 500
            └── InvalidResponseError

All of them pickle; none holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from .types.route import Route


class LLMRouteError(Exception):
    """Base of everything this library raises on purpose."""


@attrs.frozen
class Problem:
    """One thing wrong with a config: where, and what was found against what is allowed."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigError(LLMRouteError):
    """The config is wrong. `problems` lists every place at once; no secret's value is ever shown.

    The text has a line for each problem, behind the name of the `file` that the config was read from.
    """

    #: As the host's code named it; None for a config that is no file's.
    file: str | None = None

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __str__(self) -> str:
        # Made anew each time: whoever reads the file learns its name after the problems.
        start = f"{self.file}: " if self.file else ""
        return "\n".join(f"{start}{problem}" for problem in self.problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,), dict(self.__dict__)


class RouterClosedError(LLMRouteError):
    """The router has been closed; build a new one."""


class MissingExtra(LLMRouteError):
    """A feature needs an optional dependency; the message names the extra to install."""


class APIError(LLMRouteError):
    """A call that gave no completion. `route` tells what was tried."""

    def __init__(self, message: str, *, route: Route | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.route = route

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class APIConnectionError(APIError):
    """The network gave no complete answer."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """A time limit was over before the answer was complete."""


class DeadlineExceededError(APITimeoutError):
    """The budget of the whole call (`deadline` or `timeout`) is spent."""


class StreamError(APIError):
    """A stream failed after its first chunk had been handed on; nothing was re-sent."""


class IncompleteStreamError(StreamError):
    """A stream ended without its end mark. `partial` is the completion dict collected so far."""

    partial: dict[str, Any] | None = None


class APIStatusError(APIError):
    """The provider, or a rule of the router, answered with an error status."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        route: Route | None = None,
        type: str | None = None,
        code: str | int | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        APIError.__init__(self, message, route=route)
        self.status_code = status_code
        self.body = body
        self.headers: Mapping[str, str] = headers or {}
        self.type = type
        self.code = code
        self.param = param
        #: Seconds the provider asked to wait, None when it did not say.
        self.retry_after = retry_after


class BadRequestError(APIStatusError):
    """400: the request is wrong."""


class ContextWindowExceededError(BadRequestError):
    """The conversation is longer than the model's context window."""


class ContentPolicyViolationError(BadRequestError):
    """The provider's content policy refused the request."""


class AuthenticationError(APIStatusError):
    """401: no usable credential."""


class PermissionDeniedError(APIStatusError):
    """403: the credential may not do this."""


class NotFoundError(APIStatusError):
    """404: no such model or path."""


class RequestTimeoutError(APIStatusError, APITimeoutError):
    """408: an attempt exceeded its time limit, or the provider said so."""


class ConflictError(APIStatusError):
    """409."""


class UnprocessableEntityError(APIStatusError):
    """422: the provider understood the request and will not do it."""


class RateLimitError(APIStatusError):
    """429: too many requests; see `retry_after`."""


class GuardrailError(APIStatusError):
    """446: a guardrail denied the request or the answer. `hook_results` says which."""

    hook_results: Mapping[str, Any] | None = None


class InternalServerError(APIStatusError):
    """500 and above."""


class InvalidResponseError(InternalServerError):
    """The provider's answer is not a completion."""


#: The class for a status; others below 500 are plain APIStatusError.
STATUS_ERRORS: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    446: GuardrailError,
}


def status_error_class(status: int) -> type[APIStatusError]:
    """The exception class for an error status."""
    return STATUS_ERRORS.get(status, InternalServerError if status >= 500 else APIStatusError)


def _rebuild(cls: type[APIError], args: tuple[Any, ...], state: dict[str, Any]) -> APIError:
    """Unpickle without calling constructors that want keywords."""
    make: Callable[..., APIError] = cls.__new__
    error = make(cls)
    error.args = args
    error.__dict__.update(state)
    return error
