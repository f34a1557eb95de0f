"""The adapter of every service that speaks OpenAI's chat completions; a `Row` says what is different."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from yarl import URL

from ..outcome import Failure
from ..wire.json import JSONError, dumps
from ..wire.message import WireReply, WireRequest
from ..wire.retry_after import http_date
from .base import EncodeError, ProviderSettings
from .failures import checked_completion, failure_of, parsed_reply, without_reserved
from .openai_request import chat_url, cleaned, constant_headers, defaulted, header_value, shaped
from .openai_stream import OpenAIStreamDecoder, map_finish_reason
from .row import Row

#: Header sets kept by one adapter: keys that change (short-lived tokens) must not pile up.
_KEPT_KEYS: Final = 32


class OpenAICompatible:
    """Everything is sent and everything is returned, but for what the row says.

    A target whose `custom_host` or options cannot be used raises EncodeError at every `encode`.
    """

    __slots__ = (
        "_cleans", "_constant", "_history", "_keeps", "_kept", "_row", "_settings", "_shapes", "_url",
    )  # fmt: skip

    def __init__(self, row: Row, settings: ProviderSettings) -> None:
        self._row = row
        self._settings = settings
        shapes = row.rename or row.fold or row.defaults or row.roles
        self._shapes = bool(shapes) and not settings.passthrough
        # Behind a host of the target's own may be any server; what OpenAI refuses it may need.
        self._history = {} if row.slug == "openai" and settings.base_url else row.history
        self._cleans = not settings.passthrough
        finish = row.blank_finish or (row.finish_reasons and settings.strict)
        #: Whether a usual answer is handed on as it is.
        self._keeps = not (row.adds_provider or row.empty_usage or finish)
        self._kept: dict[str | None, dict[str, str]] = {}
        self._url: URL | None = None
        self._constant: dict[str, str] | None = None

    # -- requests ------------------------------------------------------------

    def encode_json(self, params: Mapping[str, Any], json: bytes, key: str | None) -> WireRequest:
        if self._shapes or (self._cleans and _holds_past_answers(params)):
            return self.encode(params, key)
        headers = self._kept.get(key) or self._headers(key)
        url = self._url if self._url is not None else self._chat_url(params)
        return WireRequest(url, headers, json)

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        headers = self._kept.get(key) or self._headers(key)
        told: tuple[str, ...] = ()
        if self._shapes:
            if self._row.defaults:
                told = defaulted(self._row, params)
            params = shaped(self._row, params)
        url = self._url or self._chat_url(params)
        if self._cleans and _holds_past_answers(params):
            params, warnings = self._cleaned(params, params["messages"])
            return WireRequest(url, headers, _dumped(params), warnings=told + warnings)
        try:
            body = orjson.dumps(params)
        except TypeError:
            body = _dumped(params)
        return WireRequest(url, headers, body, warnings=told)

    def _cleaned(
        self, params: Mapping[str, Any], messages: list[Any]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        kept, lost = cleaned(messages, self._history)
        warnings = tuple(f"messages[].{name}: {self._row.slug} does not take it back" for name in lost)
        return {**params, "messages": kept}, warnings

    def _chat_url(self, params: Mapping[str, Any]) -> URL:
        self._url = chat_url(self._base_url(), self._row.path)
        return self._url

    def _base_url(self) -> str:
        base_url = self._settings.base_url or self._row.base_url
        if base_url is None:
            raise EncodeError(f"{self._row.slug} has no host of its own: set custom_host", "custom_host")
        return base_url

    def _headers(self, key: str | None) -> dict[str, str]:
        if self._constant is None:
            self._constant = constant_headers(self._row, self._settings)
        headers = dict(self._constant)
        if key:
            headers[self._row.auth_header] = self._row.auth_scheme + header_value(key, "api_key")
        if len(self._kept) >= _KEPT_KEYS:
            self._kept.clear()
        self._kept[key] = headers
        return headers

    # -- answers -------------------------------------------------------------

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        """Upstream's own dict with `object`, `created`, `choices[].index` and roles where they lack.

        `created` is then the time of the `Date` header, 0 without one.
        """
        row = self._row
        parsed = parsed_reply(reply, row.slug)
        if self._keeps and _is_usual(parsed):
            return parsed  # type: ignore[no-any-return]
        body = checked_completion(parsed, row.slug, row.errors)
        without_reserved(body)
        if body.get("object") is None:
            body["object"] = "chat.completion"
        if body.get("created") is None:
            body["created"] = int(http_date(reply.headers.get("date", "")) or 0)
        if row.empty_usage and body.get("usage") is None:
            body["usage"] = {}
        if row.adds_provider and body.get("provider") != row.slug:
            if "provider" in body:
                # OpenRouter names the host it chose.
                body["upstream_provider"] = body["provider"]
            body["provider"] = row.slug
        for position, choice in enumerate(body["choices"]):
            choice.setdefault("index", position)
            message = choice["message"]
            message.setdefault("role", "assistant")
            if type(message.get("reasoning")) is str:
                message.setdefault("reasoning_content", message["reasoning"])
            if row.blank_finish:
                choice.setdefault("native_finish_reason", choice.get("finish_reason"))
                choice["finish_reason"] = ""
            elif row.finish_reasons and self._settings.strict:
                map_finish_reason(choice, row)
        return body

    def failure(self, reply: WireReply) -> Failure:
        return failure_of(reply, self._row.slug, self._row.errors)

    def decoder(self, params: Mapping[str, Any]) -> OpenAIStreamDecoder:
        return OpenAIStreamDecoder(self._row, self._settings.strict)


def _holds_past_answers(params: Mapping[str, Any]) -> bool:
    """Only past answers hold what may have to go, and only beside role and content."""
    messages = params.get("messages")
    if type(messages) is list:
        for message in messages:
            if type(message) is dict and len(message) > 2 and message.get("role") == "assistant":
                return True
    return False


def _is_usual(body: Any) -> bool:
    """Whether an answer is what nearly all are: one sound choice and nothing to add or to take away."""
    try:
        (choice,) = body["choices"]
        message = choice["message"]
        return bool(
            choice["index"] == 0
            and message["role"]
            and body["object"]
            and body["created"]
            and "reasoning" not in message
            and "route" not in body
            and "hook_results" not in body
            and type(message) is dict
            and type(body) is dict
        )
    except (LookupError, TypeError, ValueError):
        return False


def _dumped(params: Mapping[str, Any]) -> bytes:
    try:
        return dumps(params if isinstance(params, dict) else dict(params))
    except JSONError as problem:
        raise EncodeError(f"the request cannot be written as JSON: {problem}") from None
