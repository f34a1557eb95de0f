"""SyncRouter and what hangs on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ..client import ChatStream
from ..errors import RouterClosedError
from ..router import Router
from ..types.chat import ChatCompletion
from .streams import SyncChatStream, SyncResponse
from .thread import LoopThread

if TYPE_CHECKING:
    from ..config.document import Config
    from ..errors import Problem
    from ..explain import Explanation, TargetHealth
    from ..types.create import Create

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


def _like(
    method: Callable[Concatenate[Router, P], Any],
) -> Callable[[Callable[..., T]], Callable[Concatenate[S, P], T]]:
    """Give a method the parameters of Router's, for editors and type checkers."""
    return lambda own: own


def _built_like(kind: Callable[P, Router]) -> Callable[[Callable[..., T]], Callable[Concatenate[S, P], T]]:
    """The same for a constructor."""
    return lambda own: own


class _SyncCompletions:
    """`router.chat.completions`."""

    __slots__ = ("_router",)

    def __init__(self, router: SyncRouter) -> None:
        self._router = router

    if TYPE_CHECKING:
        create: Create[ChatCompletion, SyncChatStream, ChatCompletion | SyncChatStream]
    else:

        def create(self, **params: Any) -> ChatCompletion | SyncChatStream:
            """As `Router.chat.completions.create`, without await; streams are SyncChatStream."""
            return self._router._create(params)


class _SyncChat:
    """`router.chat`."""

    __slots__ = ("completions",)

    def __init__(self, router: SyncRouter) -> None:
        self.completions = _SyncCompletions(router)


class SyncRouter:
    """`Router` without `await`: same arguments, same names, safe from many threads.

    Calls run on one background event loop, which starts with the first call and ends with the
    interpreter, with `close()`, or when the router is dropped. An exception in the waiting thread
    (KeyboardInterrupt, a soft time limit) cancels its call.
    """

    __slots__ = ("__weakref__", "_router", "_thread", "chat")

    @_built_like(Router)
    def __init__(self, *args: Any, **options: Any) -> None:
        self._become(Router(*args, **options), LoopThread())

    def _become(self, router: Router, thread: LoopThread) -> SyncRouter:
        self._router = router
        self._thread = thread
        self.chat = _SyncChat(self)
        return self

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> SyncRouter:
        """A router for a config file; see Router.from_file."""
        return cls.__new__(cls)._become(Router.from_file(path, **options), LoopThread())

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any], **options: Any) -> SyncRouter:
        """A router for the headers that a client of the gateway would send; see Router.from_headers."""
        return cls.__new__(cls)._become(Router.from_headers(headers, **options), LoopThread())

    @_like(Router.with_options)
    def with_options(self, **options: Any) -> SyncRouter:
        """A view that shares connections and state; see Router.with_options."""
        kind = type(self)
        return kind.__new__(kind)._become(self._router.with_options(**options), self._thread)

    def _create(self, params: dict[str, Any]) -> ChatCompletion | SyncChatStream:
        made = self._thread.run(partial(self._router.create, params))
        return SyncChatStream(made, self._thread) if isinstance(made, ChatStream) else made

    def handle(
        self, body: Mapping[str, Any] | str | bytes, headers: Mapping[str, Any] | None = None
    ) -> SyncResponse:
        """The wire-level twin of `POST /v1/chat/completions`; see Router.handle."""
        return SyncResponse(self._thread.run(partial(self._router.handle, body, headers)), self._thread)

    def reload(self, config: Mapping[str, Any] | str | bytes | Config) -> None:
        """Replace the config at once for new calls; see Router.reload."""
        self._router.reload(config)

    def explain(self, body: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> Explanation:
        """What a call with this body would do; see Router.explain."""
        return self._router.explain(body, metadata)

    def health(self) -> list[TargetHealth]:
        """The targets of the router's config, with what is known of each."""
        return self._router.health()

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd about the config without being wrong."""
        return self._router.warnings

    def close(self, timeout: float | None = None) -> None:
        """Refuse new calls, give running ones `timeout` seconds (10 when None), stop the loop.

        Any number of times; views of a router close with it.
        """
        try:
            self._thread.run(partial(self._router.aclose, timeout))
        except RouterClosedError:
            return  # closed before
        finally:
            self._thread.close()

    def __enter__(self) -> SyncRouter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sync{repr(self._router)[1:]}"
