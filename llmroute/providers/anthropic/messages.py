"""OpenAI's conversation as Anthropic's: a system prompt and turns of user and assistant."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..calls import LegacyCalls, arguments_object, read_call
from ..report import Report
from .parts import blocks_of
from .state import own_state, replayed

#: What the API takes as the id of a tool call; other providers' ids may hold more.
_TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")


class Conversation:
    """Collects messages. `system` and `turns` are ready for the request after `finish`.

    Neighbouring messages of one side become one turn: parallel tool results must share the user turn
    that follows their calls, and text that follows them belongs to it. System and developer messages
    from anywhere in the conversation are gathered in `system`.
    """

    def __init__(self, report: Report, system: Any = None) -> None:
        self.turns: list[dict[str, Any]] = []
        self.system: list[dict[str, Any]] = []
        self._report = report
        #: Ids of function calls (the deprecated kind, which has none of its own) without result.
        self._legacy = LegacyCalls()
        if system is not None:
            self.system += self._blocks(system, {}, "system")

    def add_all(self, messages: Any) -> None:
        """Add every message. Raises EncodeError, naming the message and its member."""
        if not isinstance(messages, (list, tuple)):
            raise EncodeError("messages: a list was expected", "messages")
        for i, message in enumerate(messages):
            if type(message) is dict and len(message) == 2 and type(message.get("content")) is str:
                role, text = message.get("role"), message["content"]
                # The bulk of any conversation: a text and nothing else.
                if role == "user" or role == "assistant":
                    if text and not text.isspace():
                        self._push(role, text if role == "user" else [{"type": "text", "text": text}])
                    continue
            self._add(message, i)

    def _add(self, message: Any, i: int) -> None:
        where = f"messages[{i}]"
        if not isinstance(message, dict):
            raise EncodeError(f"{where}: an object was expected", where)
        role = message.get("role")
        if role == "tool":
            self._push_result(self._result(message, message.get("tool_call_id"), where))
        elif role == "assistant":
            self._push("assistant", self._assistant(message, where, i))
        elif role == "user":
            self._add_user(message, where)
        elif role in ("system", "developer"):
            self._note_name(message)
            self.system += self._blocks(message.get("content"), message, f"{where}.content")
        elif role == "function":
            self._push_result(self._result(message, self._legacy.close(message, where), where))
        else:
            raise EncodeError(f"{where}.role: {role!r:.100} is no role", f"{where}.role")

    def finish(self) -> None:
        """Settle what the API asks of the whole: some turn, and no blank end of a prefill."""
        if not self.turns and self.system:
            # A system prompt alone is an instruction: the API wants it from a user.
            self.turns, self.system = [{"role": "user", "content": self.system}], []
        if not self.turns:
            raise EncodeError("messages: there is no content to send", "messages")
        last = self.turns[-1]
        if last["role"] == "assistant" and last["content"][-1].get("type") == "text":
            text = last["content"][-1]["text"]
            if text != text.rstrip():
                last["content"][-1] = {**last["content"][-1], "text": text.rstrip()}

    # -- one message ---------------------------------------------------------

    def _add_user(self, message: Mapping[str, Any], where: str) -> None:
        self._note_name(message)
        content = message.get("content")
        if isinstance(content, str) and message.get("cache_control") is None:
            if content and not content.isspace():
                self._push("user", content)
            return
        self._push("user", self._blocks(content, message, f"{where}.content"))

    def _assistant(self, message: Mapping[str, Any], where: str, i: int) -> list[dict[str, Any]]:
        calls = self._calls(message, where)
        if calls and len(message) == 3 and not message.get("content", True):
            return calls  # the usual answer with tool calls has nothing else to look at
        self._note_name(message)
        if message.get("audio") is not None:
            self._report.lost("messages[].audio")
        if message.get("function_call") is not None:
            opened = self._legacy.open(message["function_call"])
            calls.append(_tool_use(opened, f"{where}.function_call"))
        entries = own_state(message, where)
        given = message.get("content_blocks")
        if entries is None and isinstance(given, (list, tuple)):
            blocks = blocks_of(list(given), f"{where}.content_blocks", self._report)
            known = {block.get("id") for block in blocks if block["type"] == "tool_use"}
            return blocks + [call for call in calls if call["id"] not in known]
        text = self._assistant_text(message, where)
        return text + calls if entries is None else replayed(entries, text, calls)

    def _assistant_text(self, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        content = message.get("content")
        if content is None:
            content = message.get("refusal") or ""
        return self._blocks(content, message, f"{where}.content")

    def _calls(self, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        calls = message.get("tool_calls")
        if calls is None:
            return []
        if not isinstance(calls, (list, tuple)):
            raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
        return [_tool_use(call, f"{where}.tool_calls[{j}]") for j, call in enumerate(calls)]

    def _result(self, message: Mapping[str, Any], call: Any, where: str) -> dict[str, Any]:
        if not isinstance(call, str) or not call:
            raise EncodeError(f"{where}.tool_call_id: a text was expected", f"{where}.tool_call_id")
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": _tool_id(call)}
        content = message.get("content")
        if isinstance(content, str):
            block["content"] = content
        elif isinstance(content, (list, tuple)):
            block["content"] = blocks_of(list(content), f"{where}.content", self._report)
        elif content is not None:
            raise EncodeError(f"{where}.content: a text or a list was expected", f"{where}.content")
        for name in ("is_error", "cache_control"):
            if message.get(name) is not None:
                block[name] = message[name]
        return block

    def _blocks(self, content: Any, message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        """Blocks of text or of a list of parts; the message's own `cache_control` goes on the last."""
        if isinstance(content, str):
            blocks = [{"type": "text", "text": content}] if content and not content.isspace() else []
        elif isinstance(content, (list, tuple)):
            blocks = blocks_of(list(content), where, self._report)
        else:
            raise EncodeError(f"{where}: a text or a list was expected", where)
        mark = message.get("cache_control")
        if mark is not None and blocks:
            blocks[-1].setdefault("cache_control", mark)
        return blocks

    def _note_name(self, message: Mapping[str, Any]) -> None:
        if message.get("name"):
            self._report.lost("messages[].name")

    # -- turns ---------------------------------------------------------------

    def _push(self, role: str, content: str | list[dict[str, Any]]) -> None:
        if not content:
            return
        if not self.turns or self.turns[-1]["role"] != role:
            self.turns.append({"role": role, "content": content})
            return
        self._listed().extend(_as_blocks(content))

    def _push_result(self, block: dict[str, Any]) -> None:
        if not self.turns or self.turns[-1]["role"] != "user":
            self.turns.append({"role": "user", "content": [block]})
            return
        blocks = self._listed()
        # Results come first in their turn, in the order of their messages.
        place = next((k for k, each in enumerate(blocks) if each["type"] != "tool_result"), len(blocks))
        blocks.insert(place, block)

    def _listed(self) -> list[dict[str, Any]]:
        turn = self.turns[-1]
        turn["content"] = blocks = _as_blocks(turn["content"])
        return blocks


def _as_blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tool_id(identifier: str) -> str:
    """An id that the API takes: the same for a call and its result, different for different ids."""
    if _TOOL_ID.match(identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', identifier[:64])}_{digest}"


def _tool_use(call: Any, where: str) -> dict[str, Any]:
    identifier, name, arguments = read_call(call, where)
    block = {
        "type": "tool_use",
        "id": _tool_id(identifier),
        "name": name,
        "input": arguments_object(arguments, f"{where}.function.arguments"),
    }
    if call.get("cache_control") is not None:
        block["cache_control"] = call["cache_control"]
    return block
