"""The member `provider_state` of assistant messages: what Cohere wants back, and in its place.

`{"origin": "cohere", "data": {...}}` with any of: `content`, one entry for each content block of the
answer (see `marked`), `tool_plan` and `citations`. Cohere's guides append the answer's message
unchanged to the conversation (docs.cohere.com, tool use).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import EncodeError
from ..marked import are_entries, placed
from .tables import ORIGIN

Json = dict[str, Any]


class StateBuilder:
    """Gathers the state of one answer, block by block."""

    __slots__ = ("_citations", "_content", "_plan", "_thinks")

    def __init__(self) -> None:
        self._content: list[Json] = []
        self._citations: list[Any] = []
        self._plan = ""
        self._thinks = False

    def add_text(self, length: int) -> None:
        self._content.append({"type": "text", "length": length})

    def add_block(self, block: Json) -> None:
        self._content.append(block)
        self._thinks = True

    def add_plan(self, text: str) -> None:
        self._plan += text

    def add_citations(self, citations: list[Any]) -> None:
        self._citations += citations

    def state(self) -> Json | None:
        """The provider_state, None when the message says it all."""
        data: Json = {}
        if self._thinks or self._citations:
            data["content"] = self._content
        if self._plan:
            data["tool_plan"] = self._plan
        if self._citations:
            data["citations"] = self._citations
        return {"origin": ORIGIN, "data": data} if data else None


def own_state(message: Mapping[str, Any], where: str) -> Json | None:
    """The data that an assistant message brings back, None without any of this origin.

    Raises EncodeError when it is not what StateBuilder writes.
    """
    state = message.get("provider_state")
    if not isinstance(state, dict) or state.get("origin") != ORIGIN:
        return None
    data = state.get("data")
    if (
        not isinstance(data, dict)
        or not are_entries(data.get("content", ()))
        or not isinstance(data.get("tool_plan", ""), str)
        or not isinstance(data.get("citations", ()), (list, tuple))
    ):
        raise EncodeError(f"{where}.provider_state.data: not as it was given", f"{where}.provider_state")
    return data


def replayed(data: Json, content: str | list[Json] | None, *, with_calls: bool) -> Json:
    """`content`, `tool_plan` and `citations` of the assistant's message.

    `content` is the message's as it is now; when its text was changed it has lost its citations.
    """
    blocks, unchanged = placed(data.get("content", ()), content)
    found: Json = {}
    if blocks:
        found["content"] = blocks
    if unchanged and data.get("citations"):
        found["citations"] = list(data["citations"])
    if with_calls and data.get("tool_plan"):
        found["tool_plan"] = data["tool_plan"]
    return found
