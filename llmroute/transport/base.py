"""The seam between the router and the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from ..wire.message import WireRequest

TransportErrorKind = Literal["connection", "connect_timeout", "protocol", "too_large"]


class TransportError(Exception):
    """A network failure. `message` is scrubbed text: no header, no key, no foreign exception."""

    def __init__(self, kind: TransportErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Exchanged(Protocol):
    """An answer whose head has arrived; the body is pulled, so a slow reader slows the sender."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive."""

    async def read(self, limit: int) -> bytes:
        """The whole decoded body. Raises TransportError, `too_large` past `limit` bytes."""

    async def read_some(self) -> bytes:
        """The next decoded bytes, b"" at the orderly end. Raises TransportError."""

    def interrupt(self, error: Exception) -> None:
        """Make a `read_some` that is waiting raise `error`."""

    def release(self) -> None:
        """The answer is used up: the connection may serve the next request if it is clean."""

    def close(self) -> None:
        """Hang up."""


class Transport(Protocol):
    """Sends requests. One transport serves any number of event loops and threads."""

    async def send(
        self, request: WireRequest, *, connect_timeout: float | None = None, guarded: bool = False
    ) -> Exchanged:
        """Send and wait for the head of the answer. Raises TransportError; cancellation hangs up.

        `connect_timeout` is in seconds. `guarded` requests go to hosts that untrusted data named: every
        resolved address is checked against the host policy.
        """

    async def aclose(self) -> None:
        """Close what belongs to the running loop; afterwards `send` may not be called."""
