"""Bytez' own chat format: messages and a few parameters in, one message or bare text out.

Source: docs.bytez.com (chat models); error objects and parameter names as recorded.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any, Final

from yarl import URL

from ..outcome import Failure
from ..wire.hosts import path_part
from ..wire.json import JSONError, dumps
from ..wire.message import WireReply, WireRequest
from ..wire.retry_after import http_date
from .base import DecodeError, EncodeError, ProviderSettings, ReplyError
from .chunks import ChunkMaker, completion
from .failures import ErrorStyle, failure_from, failure_of, parsed_reply
from .openai_request import chat_url, header_value

_HOST: Final = "https://api.bytez.com"
_STYLE: Final = ErrorStyle(status_in=("type",))
_PARAMS: Final = {
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
}
#: Parameters that do not go into the body.
_ELSEWHERE: Final = frozenset({"model", "messages", "stream", "version"})


class Bytez:
    """The model stands in the path, `version` (default 2) before it."""

    __slots__ = ("_settings",)

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = "Key " + header_value(key, "api_key")
        body: dict[str, Any] = {"messages": _messages(params.get("messages"))}
        options = {_PARAMS[name]: value for name, value in params.items() if name in _PARAMS}
        if options:
            body["params"] = options
        if params.get("stream"):
            body["stream"] = True
        warnings = self._unsupported(params)
        try:
            return WireRequest(self._url(params), headers, dumps(body), warnings=warnings)
        except JSONError as problem:
            raise EncodeError(f"the request cannot be written as JSON: {problem}") from None

    def _unsupported(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        lost = [name for name in params if name not in _PARAMS and name not in _ELSEWHERE]
        if lost and self._settings.on_unsupported == "error":
            raise EncodeError(f"bytez does not take {', '.join(lost)}", lost[0], "unsupported_parameter")
        return tuple(f"{name}: bytez does not take it" for name in lost)

    def _url(self, params: Mapping[str, Any]) -> URL:
        # Models are called "owner/name"; each part is encoded for itself.
        model = "/".join(path_part(part) for part in str(params.get("model", "")).split("/"))
        version = path_part(str(params.get("version") or 2))
        return chat_url(self._settings.base_url or _HOST, f"/models/v{version}/{model}")

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        body = parsed_reply(reply, "bytez")
        if isinstance(body, dict) and body.get("error"):
            raise ReplyError(failure_from(body, "bytez", 502, _STYLE))
        output = body.get("output") if isinstance(body, dict) else None
        if isinstance(output, str):
            output = {"content": output}
        if not isinstance(output, dict):
            raise DecodeError("bytez answered without an output")
        return completion(
            id=reply.headers.get("x-request-id", "") or "chatcmpl-bytez",
            model=str(params.get("model", "")),
            created=int(http_date(reply.headers.get("date", "")) or 0),
            message=output,
            finish_reason="stop",
        )

    def failure(self, reply: WireReply) -> Failure:
        return failure_of(reply, "bytez", _STYLE)

    def decoder(self, params: Mapping[str, Any]) -> BytezDecoder:
        return BytezDecoder(str(params.get("model", "")))


class BytezDecoder:
    """A stream of bare UTF-8 text that ends with the body; each block is one chunk."""

    __slots__ = ("_chunks", "_text", "done", "failure")

    def __init__(self, model: str) -> None:
        self.done = False
        self.failure: Failure | None = None
        self._chunks = ChunkMaker("chatcmpl-bytez", model)
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        text = self._text.decode(data)
        return [self._chunks.delta({"role": "assistant", "content": text})] if text else []

    def close(self) -> list[dict[str, Any]]:
        rest = self._text.decode(b"", True)
        self.done = True
        return [self._chunks.delta({"content": rest} if rest else {}, "stop")]


def _messages(messages: Any) -> Any:
    if not isinstance(messages, list):
        return messages
    return [
        {**message, "role": "system"}
        if isinstance(message, dict) and message.get("role") == "developer"
        else message
        for message in messages
    ]


def adapter(settings: ProviderSettings) -> Bytez:
    return Bytez(settings)
