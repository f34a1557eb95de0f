"""An embeddable, in-process LLM router: routing as data, OpenAI-shaped results.

from llmroute import Router

async with Router({"provider": "openai"}) as router:
    completion = await router.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Capital of France?"}])
"""

from .client import ChatStream
from .config.document import Config
from .config.typed import ConfigDict
from .errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ConflictError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DeadlineExceededError,
    GuardrailError,
    IncompleteStreamError,
    InternalServerError,
    InvalidResponseError,
    LLMRouteError,
    MissingExtra,
    NotFoundError,
    PermissionDeniedError,
    Problem,
    RateLimitError,
    RequestTimeoutError,
    RouterClosedError,
    StreamError,
    UnprocessableEntityError,
)
from .explain import Explanation
from .response import Response
from .router import Router
from .secret import Secret
from .sync import SyncRouter
from .telemetry.events import Observer
from .transport.base import Transport
from .types.chat import ChatCompletion
from .types.chunk import ChatCompletionChunk
from .types.route import Attempt, Route
from .wire.fetching import FetchPolicy

__version__ = "0.1.0"

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatStream",
    "Config",
    "ConfigDict",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "DeadlineExceededError",
    "Explanation",
    "FetchPolicy",
    "GuardrailError",
    "IncompleteStreamError",
    "InternalServerError",
    "InvalidResponseError",
    "LLMRouteError",
    "MissingExtra",
    "NotFoundError",
    "Observer",
    "PermissionDeniedError",
    "Problem",
    "RateLimitError",
    "RequestTimeoutError",
    "Response",
    "Route",
    "Router",
    "RouterClosedError",
    "Secret",
    "StreamError",
    "SyncRouter",
    "Transport",
    "UnprocessableEntityError",
]
