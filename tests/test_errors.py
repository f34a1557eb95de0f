"""The exceptions of the public API: their tree, their members, and that they travel."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from llmroute import errors
from llmroute.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    ConfigError,
    DeadlineExceededError,
    GuardrailError,
    IncompleteStreamError,
    InternalServerError,
    LLMRouteError,
    MissingExtra,
    Problem,
    RequestTimeoutError,
    RouterClosedError,
    StreamError,
    status_error_class,
)
from llmroute.types.route import Attempt, Route

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, LLMRouteError) and value.__module__ == errors.__name__
]
ROUTE = Route(
    "config.targets[1]", "openai", attempts=(Attempt("config.targets[0]", "openai", "m", 429, "slow"),)
)

#: Each class and its bases within the tree (DESIGN section 2).
TREE = {
    "LLMRouteError": "Exception",
    "ConfigError": "LLMRouteError",
    "RouterClosedError": "LLMRouteError",
    "MissingExtra": "LLMRouteError",
    "APIError": "LLMRouteError",
    "APIConnectionError": "APIError",
    "APITimeoutError": "APIConnectionError TimeoutError",
    "DeadlineExceededError": "APITimeoutError",
    "StreamError": "APIError",
    "IncompleteStreamError": "StreamError",
    "APIStatusError": "APIError",
    "BadRequestError": "APIStatusError",
    "ContextWindowExceededError": "BadRequestError",
    "ContentPolicyViolationError": "BadRequestError",
    "AuthenticationError": "APIStatusError",
    "PermissionDeniedError": "APIStatusError",
    "NotFoundError": "APIStatusError",
    "RequestTimeoutError": "APIStatusError APITimeoutError",
    "ConflictError": "APIStatusError",
    "UnprocessableEntityError": "APIStatusError",
    "RateLimitError": "APIStatusError",
    "GuardrailError": "APIStatusError",
    "InternalServerError": "APIStatusError",
    "InvalidResponseError": "InternalServerError",
}


def made(cls):
    """One error of a class, with all that its kind can carry."""
    if issubclass(cls, APIStatusError):
        return cls(
            "told you so",
            status_code=429,
            body={"error": {"message": "told you so"}},
            headers={"retry-after": "2"},
            route=ROUTE,
            type="rate_limit_error",
            code="slow_down",
            param="model",
            retry_after=2.0,
        )
    if issubclass(cls, APIError):
        return cls("told you so", route=ROUTE)
    return cls([Problem("config.targets[0]", "wrong")]) if cls is ConfigError else cls("told you so")


def test_the_tree_is_as_documented():
    """Nothing is missing and nothing hangs elsewhere."""
    assert TREE == {cls.__name__: " ".join(base.__name__ for base in cls.__bases__) for cls in CLASSES}


def test_the_docstring_draws_every_class():
    """The reader chooses what to catch before reading any code."""
    assert [] == [name for name in TREE if name not in errors.__doc__]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(
    "travel", [pickle.loads, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
def test_every_error_travels_whole(cls, travel):
    """Through multiprocessing, celery and concurrent.futures: same class, text and members."""
    error = made(cls)
    error.add_note("a note")
    arrived = travel(pickle.dumps(error)) if travel is pickle.loads else travel(error)

    assert (cls, str(error)) == (type(arrived), str(arrived))
    assert vars(error) == vars(arrived)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_works(protocol):
    """OSError's own state included, for the timeouts are OSErrors too."""
    error = pickle.loads(pickle.dumps(made(RequestTimeoutError), protocol))

    assert ("told you so", 429, ROUTE) == (str(error), error.status_code, error.route)


def test_a_broken_stream_travels_with_its_partial_answer():
    """Attributes set after construction count."""
    error = IncompleteStreamError("cut", route=ROUTE)
    error.partial = {"choices": []}

    assert {"choices": []} == pickle.loads(pickle.dumps(error)).partial


def test_timeouts_are_timeout_errors():
    """`except TimeoutError` catches them, and no OSError text replaces ours."""
    for cls in (APITimeoutError, DeadlineExceededError, RequestTimeoutError):
        error = made(cls)
        assert isinstance(error, TimeoutError)
        assert isinstance(error, APIConnectionError)
        assert "told you so" == str(error) == error.message


def test_defaults_are_empty():
    """Whoever raises one by hand gives only what there is."""
    error = APIStatusError("no", status_code=418)

    assert (418, None, {}, None, None, None, None, None) == (
        error.status_code,
        error.body,
        error.headers,
        error.route,
        error.type,
        error.code,
        error.param,
        error.retry_after,
    )
    assert IncompleteStreamError("cut").partial is None
    assert GuardrailError("denied", status_code=446).hook_results is None
    assert StreamError("cut").route is None


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (408, "RequestTimeoutError"),
        (409, "ConflictError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (446, "GuardrailError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
        (529, "InternalServerError"),
        (599, "InternalServerError"),
        (302, "APIStatusError"),
        (402, "APIStatusError"),
        (418, "APIStatusError"),
    ],
)
def test_a_status_has_a_class(status, name):
    """Others below 500 are plain APIStatusError."""
    assert name == status_error_class(status).__name__


def test_a_config_error_lists_every_problem():
    """One line each, and as values."""
    error = ConfigError([Problem("config.a", "expected a number"), Problem("config.b", "missing")])

    assert "config.a: expected a number\nconfig.b: missing" == str(error)
    assert ("config.a", "config.b") == tuple(problem.path for problem in error.problems)
    assert "config.a: expected a number" == str(error.problems[0])


def test_the_other_errors_are_plain():
    """Text only."""
    assert "closed" == str(RouterClosedError("closed"))
    assert "pip install" in str(MissingExtra("pip install 'llmroute[x]'"))
    assert issubclass(InternalServerError, APIStatusError)
