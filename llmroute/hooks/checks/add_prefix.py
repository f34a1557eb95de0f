"""Puts a text in front of a message.

Parameters: `prefix`; `applyToRole` ("user"): the first message of that role is meant; `addToExisting`
(true), false puts a message of its own before it; `onlyIfEmpty` (false); `strict`: empty and missing
content gets the prefix, too, and nothing is reported as transformed that is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import javascript, reading


def build(parameters: Parameters, services: Services) -> Check:
    """Where no message has the role one is made: system first, any other last. Before the call only."""
    adding = AddPrefix(
        prefix=reading.filled_text(parameters, "prefix", limit=100_000),
        role=parameters.text("applyToRole", "", limit=100) or "user",
        to_existing=parameters.flag("addToExisting", True),
        only_if_empty=parameters.flag("onlyIfEmpty"),
        strict=parameters.flag("strict"),
    )
    parameters.done()
    return adding


@attrs.frozen
class AddPrefix:
    """The check; recorded but for `strict`."""

    prefix: str
    role: str
    to_existing: bool
    only_if_empty: bool
    strict: bool

    transforms = True

    def __call__(self, context: HookContext, /) -> Verdict:
        messages = context.request.get("messages")
        if context.event != "before" or not isinstance(messages, list):
            return Verdict(True)
        data = {
            "prefix": self.prefix,
            "requestType": context.request_type,
            "applyToRole": self.role,
            "addToExisting": self.to_existing,
            "onlyIfEmpty": self.only_if_empty,
        }
        changed = self._changed(messages)
        if changed is None and self.strict:
            return Verdict(True, data)
        # The reference reports a transformation also where nothing has changed.
        request = context.request if changed is None else {**context.request, "messages": changed}
        return Verdict(True, data, request=request)

    def _changed(self, messages: list[Any]) -> list[Any] | None:
        """The messages with the prefix, None when they stay as they are."""
        index = next((i for i, message in enumerate(messages) if _role(message) == self.role), None)
        own = {"role": self.role, "content": self.prefix}
        if index is None:
            return [own, *messages] if self.role == "system" else [*messages, own]
        message = messages[index]
        content = message.get("content")
        if self.only_if_empty and not self._is_empty(content):
            return None
        if not self.to_existing:
            return [*messages[:index], own, *messages[index:]]
        last = index == len(messages) - 1
        if last and not self.strict and content in (None, []):
            return None
        prefixed = self._prefixed(content)
        if prefixed is content:
            return None
        return [*messages[:index], {**message, "content": prefixed}, *messages[index + 1 :]]

    def _is_empty(self, content: Any) -> bool:
        if content is None:
            return self.strict
        return not javascript.trim(content) if isinstance(content, str) else content == []

    def _prefixed(self, content: Any) -> Any:
        if content is None or isinstance(content, str):
            return self.prefix + (content or "")
        if not isinstance(content, list):
            return content
        first = content[0] if content else None
        if isinstance(first, Mapping) and first.get("type") == "text":
            return [{**first, "text": self.prefix + str(first.get("text") or "")}, *content[1:]]
        return [{"type": "text", "text": self.prefix}, *content]


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None
