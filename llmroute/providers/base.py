"""What an adapter is: four pure methods between OpenAI-shaped dicts and one provider's bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from ..outcome import Failure
from ..wire.message import WireReply, WireRequest

if TYPE_CHECKING:
    from .links import Link


def no_variable(name: str) -> str | None:
    """A process environment without variables, for targets that may not read it."""
    return None


@attrs.frozen
class ProviderSettings:
    """What an adapter needs to know of its target; constant over the target's life.

    `base_url` is the target's `custom_host`, None for the provider's own host. `options` holds the
    target's provider members under their config names (`anthropic_version`, `openai_project`, ...);
    secrets among them are `Secret`. With `strict` the answer keeps to OpenAI's members and finish
    reasons. `on_unsupported` says what happens to a parameter that the format cannot carry: it is
    reported in `WireRequest.warnings` ("drop") or refused with EncodeError ("error"). With
    `passthrough` an OpenAI-compatible adapter sends the body as it is, without renames. `variable`
    reads the process environment, for what is usually kept there (a region); never at build time.
    """

    provider: str
    path: str = "config"
    base_url: str | None = None
    options: Mapping[str, Any] = attrs.field(factory=dict)
    strict: bool = True
    on_unsupported: str = "drop"
    passthrough: bool = False
    variable: Callable[[str], str | None] = no_variable


class EncodeError(Exception):
    """The request cannot be expressed for this provider: a local 400, nothing was sent."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class DecodeError(Exception):
    """A complete answer that is not a usable completion (502 `invalid_response_error`)."""


class StreamDecoder(Protocol):
    """Bytes in, chunk dicts out; incremental and bounded.

    After `feed` and `close` the caller looks at `failure` (an error event, broken data, an early
    end) once it has handed on the returned chunks. `done` means that the terminator has been seen
    and whatever follows is to be ignored. Chunks never carry members reserved for the router; without
    `created` and `id` they get those of the stream.
    """

    done: bool
    failure: Failure | None

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Chunks completed by `data`."""

    def close(self) -> list[dict[str, Any]]:
        """Chunks still held at the orderly end of the body; sets `failure` when it came too early."""


class Adapter(Protocol):
    """One target's translator, built once per plan and shared by all calls."""

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        """The request for effective `params` (an OpenAI body); `params` is not modified.

        `key` is the revealed API key, None for providers without one. Raises EncodeError.
        """

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        """The completion dict of a 2xx answer. Raises DecodeError when it is none.

        A 2xx answer that reports an error raises ReplyError.
        """

    def failure(self, reply: WireReply) -> Failure:
        """What a non-2xx answer says. Never raises; `body` may be any bytes (cut to 64 KiB)."""

    def decoder(self, params: Mapping[str, Any]) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""


class JSONAdapter(Adapter, Protocol):
    """An adapter whose format is OpenAI's: it can send the caller's body as it was written."""

    def encode_json(self, params: Mapping[str, Any], json: bytes, key: str | None) -> WireRequest:
        """`encode(params, key)`, where `json` is the text of `params`."""


class LinkedAdapter(Adapter, Protocol):
    """An adapter of a provider that fetches nothing; asked where the router may fetch for it."""

    def wants(self, params: Mapping[str, Any]) -> Sequence[Link]:
        """What of `params` must be put in as data before `encode`."""


class ReplyError(Exception):
    """An error object inside a 2xx answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
