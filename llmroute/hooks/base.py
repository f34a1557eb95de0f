"""What a check is given and what it answers.

A check is a function of a HookContext. It answers with a Verdict, or with a bool where there is
nothing else to say; it may be a coroutine function. It must not change what it is given: a change
is a new request or response in the verdict.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

import attrs

from ..clock import Clock
from .texts import Texts

Event = Literal["before", "after"]
Scope = Literal["last", "all"]


@attrs.frozen
class CheckFailure:
    """A check could not do its work. What that means for the hook is the hook's policy."""

    message: str
    name: str = "Check error"


@attrs.frozen
class Verdict:
    """What a check found.

    `data` is JSON for `hook_results`; it holds no secret. With `error` the check could not judge, and
    `passed` is what it would report. `skipped` says that there was nothing to judge. `request` or
    `response` is a changed body, whole; None leaves it as it is.
    """

    passed: bool
    data: Any = None
    error: CheckFailure | None = None
    skipped: bool = False
    request: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    log: Any = None


@attrs.frozen
class HookContext:
    """The call as a check sees it.

    `request` is the OpenAI-shaped body after the target's overrides and the changes of earlier
    mutators; `response` the completion dict, None before the call. `metadata` is the routing
    metadata, `headers` the caller's in lower case. `texts` reads and rewrites the texts in `scope`.
    """

    event: Event
    request: Mapping[str, Any] = attrs.field(repr=False)
    response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    metadata: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    provider: str = ""
    model: str | None = None
    request_type: str = "chatComplete"
    scope: Scope = "last"
    streaming: bool = False

    @property
    def texts(self) -> Texts:
        """The pieces of text in scope, with the places they stand at."""
        return Texts.of(self.event, self.request, self.response, self.scope)

    @property
    def text(self) -> str:
        """The checked text: the pieces in scope that are not empty, joined by newlines."""
        return self.texts.joined

    def changed(self, body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """The Verdict member for a changed body: `Verdict(True, **context.changed(body))`."""
        return {"request" if self.event == "before" else "response": body}


class Check(Protocol):
    """Judges a request or an answer. A plain function will do."""

    def __call__(self, context: HookContext, /) -> Verdict | bool | Awaitable[Verdict | bool]: ...


class Fetch(Protocol):
    """A bounded outgoing request of a check: host policy, time limit, no redirects, capped answer."""

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,
        limit: int = 2**20,
    ) -> Fetched:
        """Raises FetchError; never follows a redirect."""


@attrs.frozen
class Fetched:
    """The answer to a Fetch. `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FetchError(Exception):
    """No answer: refused by the host policy, unreachable, too slow ("timeout") or too large."""

    def __init__(self, kind: Literal["refused", "connection", "timeout", "too_large"], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@attrs.frozen
class Services:
    """What checks may use of the outside world.

    `nonce` gives unguessable text for one call's placeholders. `ask` sends a chat body to another
    target of the same router by its name and gives the answer's text.
    """

    clock: Clock
    fetch: Fetch
    nonce: Callable[[], str]
    ask: Callable[[str, Mapping[str, Any], float], Awaitable[str]] | None = None


class Build(Protocol):
    """A check's module-level `build`: reads and validates the parameters once, when the plan is built.

    Wrong parameters are reported through `Parameters`, all at once, and become a ConfigError.
    """

    def __call__(self, parameters: Any, services: Services, /) -> Check: ...
