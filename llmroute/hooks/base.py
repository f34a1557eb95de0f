"""What a check is given and what it answers.

A check is a function of a HookContext. It answers with a Verdict, or with a bool where there is
nothing else to say; it may be a coroutine function. It must not change what it is given: a change
is a new request or response in the verdict.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, Literal, Protocol

import attrs

from ..clock import Clock
from .texts import Texts, TooDeepError, usual_text

Event = Literal["before", "after"]
Scope = Literal["last", "all"]


#: The name of the failure of a check that had no verdict in time.
TIMED_OUT: Final = "TimeoutError"


@attrs.frozen
class CheckFailure:
    """A check could not do its work. What that means for the hook is the hook's policy."""

    message: str
    name: str = "Check error"


@attrs.define  # treated as frozen; frozen classes cost three times as much per check
class Verdict:
    """What a check found.

    `data` is JSON for `hook_results`; it holds no secret. With `error` the check could not judge, and
    `passed` is what it would report. `skipped` says that there was nothing to judge, whatever `passed`
    and `error` report. `request` or `response` is a changed body, whole; None leaves it as it is.
    """

    passed: bool
    data: Any = None
    error: CheckFailure | None = None
    skipped: bool = False
    request: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    log: Any = None


#: No factory: asking for one would take every context longer.
_NONE: Final[Mapping[str, Any]] = {}


@attrs.define(eq=False)  # treated as frozen, as above
class HookContext:
    """The call as a check sees it.

    - `request`: the OpenAI-shaped body after the target's overrides and the changes of earlier
      mutators; `response`: the completion dict, None before the call. On a stream judged in
      windows it holds the part under judgement.
    - `metadata`: the routing metadata; `headers`: the caller's, in lower case, credentials included.
    - `provider`, `model`: of the target that is asked.
    - `parameters`: those of a check that the host's code brought along.
    - `texts`, `text`: the texts in `scope`; `texts` also rewrites them.
    - `memory`: what the checks of one call remember for each other, from before the call to after it,
      over retries and fallbacks. Keep keys of your own in it.
    """

    event: Event
    _request: Mapping[str, Any] = attrs.field(repr=False)
    response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    metadata: Mapping[str, Any] = attrs.field(default=_NONE, repr=False)
    headers: Mapping[str, str] = attrs.field(default=_NONE, repr=False)
    _provider: str = ""
    _model: str | None = None
    request_type: str = "chatComplete"
    scope: Scope = "last"
    _streaming: bool = False
    parameters: Mapping[str, Any] = attrs.field(default=_NONE, repr=False)
    memory: MutableMapping[str, Any] = attrs.field(factory=dict, repr=False)
    #: By scope; contexts on the same body share them.
    _texts: MutableMapping[str, Texts] = attrs.field(factory=dict, repr=False)
    _joined: str | None = attrs.field(default=None, init=False, repr=False)
    #: Not empty when a check looked at the target. Contexts made of this one by attrs.evolve share it.
    _readings: list[bool] = attrs.field(factory=list, repr=False)
    #: See `_Whole`.
    _whole: None = attrs.field(init=False)

    @property
    def request(self) -> Mapping[str, Any]:
        """The request's body."""
        self._readings[:] = _ONE
        return self._request

    @property
    def provider(self) -> str:
        """The target's provider."""
        self._readings[:] = _ONE
        return self._provider

    @property
    def model(self) -> str | None:
        """The model that the target is asked for."""
        self._readings[:] = _ONE
        return self._model

    @property
    def streaming(self) -> bool:
        """Whether the target is asked for a stream."""
        self._readings[:] = _ONE
        return self._streaming

    @property
    def texts(self) -> Texts:
        """The pieces of text in scope, with the places they stand at. Raises TooDeepError."""
        return self._shared_texts().shown(self._reads_target)

    def _shared_texts(self) -> Texts:
        body = self._request if self.event == "before" else self.response or _NONE
        texts = self._texts.get(self.scope)
        if texts is None or not texts.stand_in(body):
            texts = self._texts[self.scope] = Texts.of(self.event, body, self.scope)
        if not texts.complete:
            # The check has failed to judge: a text that nobody looked at must not pass as a good one.
            raise TooDeepError
        return texts

    def _reads_target(self) -> None:
        self._readings[:] = _ONE

    @property
    def text(self) -> str:
        """The checked text: the pieces in scope that are not empty, joined by newlines.

        Raises TooDeepError.
        """
        text = self._joined
        if text is None:
            if self.scope == "last":
                before = self.event == "before"
                text = usual_text(self.event, self._request if before else self.response or _NONE)
            text = self._joined = self._shared_texts().joined if text is None else text
        return text

    @property
    def target_read(self) -> bool:
        """Whether a check looked at more than the conversation, so that another target may differ."""
        return bool(self._readings)

    def changed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The Verdict member for a changed body: `Verdict(True, **context.changed(body))`."""
        return {"request" if self.event == "before" else "response": body}

    def restore_later(self, placeholder: str, original: str) -> None:
        """Put `original` in the place of `placeholder` in the answer, after every output hook.

        In contents and tool arguments, streams included. Only for checks whose `restores` attribute
        is true, or which `registry.RESTORING` lists.
        """
        self.memory.setdefault(RESTORATIONS, {})[placeholder] = original


class _Whole:
    """The member of a context that nobody needs: who reads it reads them all, the target among them.

    attrs.asdict does, copying, and the repr; what they make of it may be read where nobody sees.
    """

    def __get__(self, context: HookContext | None, owner: type) -> None:
        if context is not None:
            context._reads_target()

    def __set__(self, context: HookContext, value: None) -> None:
        """For copies, which set every member."""


# Here because attrs puts a slot in the place of whatever the class says.
setattr(HookContext, attrs.fields(HookContext)[-1].name, _Whole())

_ONE: Final = (True,)

#: Where `restore_later` keeps placeholders and originals in the memory of a call.
RESTORATIONS = "llmroute.restorations"


class Check(Protocol):
    """Judges a request or an answer. A plain function will do.

    Optional attributes: `transforms` (it may change what it judges), `restores` (it uses
    `restore_later`), `reach` (the characters that one finding of it can span, for windows of a
    stream).
    """

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
        trusted: bool = False,
    ) -> Fetched:
        """Raises FetchError; never follows a redirect. `timeout` is in seconds, for the whole.

        Private addresses are refused, but for those of `Router(hosts=...)`, unless the URL is
        `trusted`: the config's own word, as a webhook's address is, and never out of a text or token.
        """


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

    - `nonce` gives unguessable text for one call's placeholders.
    - `ask` sends a chat body to a named provider of the same router, without any hooks, and gives the
      answer's text; the third argument is the time limit in seconds. Raises FetchError.
    - `provider` gives the members of a named provider, secrets revealed and `env:` looked up, None when
      nobody declared it; `variable` reads the process environment. Both are for the time of a call.
    """

    clock: Clock
    fetch: Fetch
    nonce: Callable[[], str]
    ask: Callable[[str, Mapping[str, Any], float], Awaitable[str]] | None = None
    provider: Callable[[str], Mapping[str, Any] | None] = lambda name: None
    variable: Callable[[str], str | None] = lambda name: None


class Build(Protocol):
    """A check's module-level `build`: reads and validates the parameters once, when the plan is built.

    Wrong parameters are reported through `Parameters`, all at once, and become a ConfigError.
    """

    def __call__(self, parameters: Any, services: Services, /) -> Check: ...
