"""What goes to a provider and what comes back, as values without I/O."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from yarl import URL


@attrs.define  # treated as frozen; frozen classes cost three times as much per call
class WireRequest:
    """One HTTP request, complete but for the socket.

    `url` is a kept `yarl.URL` where it is the same for every call. `warnings` says what of the
    caller's parameters the provider's format could not carry.
    """

    url: URL
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    method: str = "POST"
    warnings: tuple[str, ...] = ()


@attrs.define
class WireReply:
    """One complete HTTP answer. `headers` is case-insensitive."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
