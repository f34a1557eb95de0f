"""Credentials that are more than a key in a header: signatures, and tokens that have to be fetched.

A target whose provider is listed in `registry.CREDENTIALS` may have `Credentials`; they finish a
request after it has been encoded. Targets with a plain key (`key.KeySource`) never come here.
"""

from __future__ import annotations

import hashlib
import threading
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

import attrs

from ...clock import Clock
from ...outcome import Failure
from ...secret import Secret
from ...transport.base import Transport
from ...wire.message import WireReply, WireRequest
from .key import CredentialError, KeySource
from .token import TokenTable

T = TypeVar("T")

#: Sends one request to a token service and reads the whole answer. Raises TransportError.
Fetch = Callable[[WireRequest], Awaitable[WireReply]]

CONNECT_TIMEOUT: Final = 5.0
MAX_TOKEN_ANSWER: Final = 2**20


class Credentials(Protocol):
    """What proves one target's identity to its provider; used from any number of loops."""

    async def authorize(self, wire: WireRequest) -> WireRequest:
        """The finished `wire` with its Authorization; may ask a token service. Raises CredentialError."""

    def renews(self, status: int, failure: Failure) -> bool:
        """Whether the provider's answer means that `forget` and another attempt may help."""

    def forget(self) -> None:
        """Ask anew at the next use."""

    def fingerprint(self) -> str:
        """Names the credential in state keys without holding it."""

    def missing(self) -> str | None:
        """What is not there and would make `authorize` fail, without any I/O; None when unknown."""


@attrs.frozen
class CredentialSettings:
    """What a factory of `registry.CREDENTIALS` gets; it returns None where a plain key will do.

    `target` is the path for messages. `key` asks for the target's `api_key`, or the usual
    variables; `key_given` tells whether the config holds one. Only with `ambient` may the process
    environment and the machine's own identity be used. `tokens` is shared by the router's plans.
    """

    target: str
    provider: str
    options: Mapping[str, Any] = attrs.field(repr=False)
    key: KeySource
    key_given: bool
    ambient: bool
    base_url: str | None
    variable: Callable[[str], str | None]
    clock: Clock
    fetch: Fetch
    tokens: TokenTable

    def text(self, option: str) -> str | None:
        """A member of the config, revealed; "env:NAME" names a variable. None when absent or empty.

        Raises CredentialError for a variable that is not set, or that an untrusted config names.
        """
        value = self.options.get(option)
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str) or not text:
            return None
        if not text.startswith("env:"):
            return text
        if not self.ambient:
            raise CredentialError(f"{self.target}.{option}: variables may not be named here")
        found = self.variable(text[4:])
        if not found:
            raise CredentialError(f"{self.target}.{option}: the variable {text[4:][:200]!r} is not set")
        return found

    def fingerprint(self, options: Iterable[str]) -> str:
        """A name for the credential that these members make, as they are written."""
        parts = [self.provider, str(self.ambient)]
        for name in options:
            value = self.options.get(name)
            parts.append(f"{name}={value.reveal() if isinstance(value, Secret) else value!r}")
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.sha256(text).hexdigest()[:16]


def with_headers(wire: WireRequest, headers: Mapping[str, str]) -> WireRequest:
    """`wire` with more headers; `headers` win."""
    return attrs.evolve(wire, headers={**wire.headers, **headers})


def fetch_over(transport: Transport) -> Fetch:
    """A Fetch that uses the router's transport; the caller bounds the time."""

    async def fetch(wire: WireRequest) -> WireReply:
        reply = await transport.send(wire, connect_timeout=CONNECT_TIMEOUT)
        try:
            data = await reply.read(MAX_TOKEN_ANSWER)
        except BaseException:
            reply.close()
            raise
        reply.release()
        return WireReply(reply.status, reply.headers, data)

    return fetch


async def in_thread(function: Callable[[], T]) -> T:
    """Run a blocking function of a vendor's library in a thread of its own and wait for it.

    The thread is a daemon: one that hangs keeps neither the caller, who bounds the time, nor the
    process.
    """
    loop = get_running_loop()
    future: Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        failed: Exception | None = None
        try:
            result = function()
        except Exception as error:
            failed = error
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="llmroute-credentials", daemon=True).start()
    return await future
