"""Mistral's chat completions: OpenAI's form with an API that refuses what it does not know.

Source: docs.mistral.ai/api. Two things always differ from OpenAI's requests: ids of tool calls have
nine letters or digits, and answers of reasoning models come as lists of chunks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from ...wire.json import JSONError, dumps, loads
from ...wire.message import WireReply, WireRequest
from ..base import EncodeError, ProviderSettings
from ..openai import OpenAICompatible
from ..openai_request import chat_url
from ..report import Report
from .request import body_of, fim_body_of
from .response import mended
from .stream import Decoder
from .tables import FIM_PATH, ROW


class Mistral(OpenAICompatible):
    """One target. `mistral_fim_completion: "true"` among the options asks for code completion.

    Hosts of Mistral's get what its API documents. Behind a host of somebody else's may be any
    server: members of messages, content parts and tool choices go there as the caller gives them.
    """

    __slots__ = ("_completes_code", "_native")

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(ROW, settings)
        self._native = _is_mistral(settings.base_url)
        self._completes_code = str(settings.options.get("mistral_fim_completion")).lower() == "true"

    def encode(self, params: Mapping[str, Any], key: str | None) -> WireRequest:
        if self._settings.passthrough:
            return super().encode(params, key)
        headers = self._kept.get(key) or self._headers(key)
        url = self._url or self._chat_url(params)
        report = Report("the Mistral API", refuse=self._settings.on_unsupported == "error")
        try:
            if self._completes_code:
                body = dumps(fim_body_of(params, report))
            else:
                body = dumps(body_of(params, report, native=self._native))
        except JSONError as problem:
            raise EncodeError(f"the request cannot be written as JSON: {problem}") from None
        except RecursionError:
            raise EncodeError("the request is nested too deeply") from None
        return WireRequest(url, headers, body, warnings=report.warnings())

    def _chat_url(self, params: Mapping[str, Any]) -> URL:
        self._url = chat_url(self._base_url(), FIM_PATH if self._completes_code else self._row.path)
        return self._url

    def decode(self, reply: WireReply, params: Mapping[str, Any]) -> dict[str, Any]:
        if b'"messages"' in reply.body:
            reply = _with_messages(reply)
        return mended(super().decode(reply, params))

    def decoder(self, params: Mapping[str, Any]) -> Decoder:
        return Decoder(strict=self._settings.strict)


def _is_mistral(base_url: str | None) -> bool:
    if base_url is None:
        return True
    try:
        host = URL(base_url).host or ""
    except ValueError:
        return False
    return host == "mistral.ai" or host.endswith(".mistral.ai")


def _with_messages(reply: WireReply) -> WireReply:
    """A reply whose choices have `message`: those that used connectors have a list `messages`."""
    try:
        body = loads(reply.body)
    except JSONError:
        return reply
    choices = body.get("choices") if isinstance(body, dict) else None
    for choice in choices if isinstance(choices, list) else ():
        messages = choice.get("messages") if isinstance(choice, dict) else None
        if isinstance(messages, list) and messages and choice.get("message") is None:
            choice["message"] = messages[-1]
    return WireReply(reply.status, reply.headers, dumps(body))


def adapter(settings: ProviderSettings) -> Mistral:
    """The adapter for one target of provider `mistral-ai`."""
    return Mistral(settings)
