"""OpenAI's conversation as Converse's: a system prompt and turns of user and assistant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import EncodeError
from ..calls import LegacyCalls, arguments_object, read_call
from ..report import Report
from .models import Model
from .parts import Block, PartReader
from .state import own_state, replayed, tool_id


class Conversation:
    """Collects messages. `system` and `turns` are ready for the request after `finish`.

    Neighbouring messages of one side become one turn: Converse wants the sides to alternate, and
    parallel tool results in the one turn that follows their calls. System and developer messages
    from anywhere in the conversation are gathered in `system`. `called` holds the names of the
    functions that have been called.
    """

    def __init__(self, model: Model, report: Report, system: Any = None) -> None:
        self.turns: list[dict[str, Any]] = []
        self.system: list[Block] = []
        self.called: dict[str, None] = {}
        self._model = model
        self._report = report
        self._parts = PartReader(model, report)
        #: Ids of function calls (the deprecated kind, which has none of its own) without result.
        self._legacy = LegacyCalls()
        if system is not None:
            self.system += self._parts.blocks(system, "system")

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
                        self._push(role, [{"text": text}])
                    continue
            self._add(message, i)

    def _add(self, message: Any, i: int) -> None:
        where = f"messages[{i}]"
        if not isinstance(message, dict):
            raise EncodeError(f"{where}: an object was expected", where)
        role = message.get("role")
        if role == "tool":
            self._push("user", self._result(message, message.get("tool_call_id"), where))
        elif role == "assistant":
            self._push("assistant", self._assistant(message, where, i))
        elif role == "user":
            self._note_name(message)
            self._push("user", self._blocks(message.get("content"), message, f"{where}.content"))
        elif role in ("system", "developer"):
            self._note_name(message)
            self.system += self._blocks(message.get("content"), message, f"{where}.content")
        elif role == "function":
            self._push("user", self._result(message, self._legacy.close(message, where), where))
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
        if last["role"] == "assistant":
            text = last["content"][-1].get("text")
            if isinstance(text, str) and text != text.rstrip():
                last["content"][-1] = {"text": text.rstrip()}

    # -- one message ---------------------------------------------------------

    def _assistant(self, message: Mapping[str, Any], where: str, i: int) -> list[Block]:
        calls = self._calls(message, where)
        if calls and len(message) == 3 and not message.get("content", True):
            return calls  # the usual answer with tool calls has nothing else to look at
        self._note_name(message)
        if message.get("audio") is not None:
            self._report.lost("messages[].audio")
        if message.get("images"):
            self._report.lost("messages[].images", "is not sent: Converse takes images from users only")
        if message.get("function_call") is not None:
            opened = self._legacy.open(message["function_call"])
            calls.append(self._called(opened, f"{where}.function_call"))
        state = own_state(message, self._model, where)
        given = message.get("content_blocks")
        if state is None and isinstance(given, (list, tuple)):
            blocks = self._parts.blocks(given, f"{where}.content_blocks") + calls
        else:
            text = self._assistant_text(message, where)
            blocks = text + calls if state is None else replayed(state, text, calls)
        # A turn of nothing but reasoning is refused, and says nothing.
        return [] if all("reasoningContent" in block for block in blocks) else blocks

    def _assistant_text(self, message: Mapping[str, Any], where: str) -> list[Block]:
        content = message.get("content")
        if content is None:
            content = message.get("refusal") or ""
        return self._blocks(content, message, f"{where}.content")

    def _calls(self, message: Mapping[str, Any], where: str) -> list[Block]:
        calls = message.get("tool_calls")
        if calls is None:
            return []
        if not isinstance(calls, (list, tuple)):
            raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
        blocks = []
        for j, call in enumerate(calls):
            blocks.append(self._called(call, f"{where}.tool_calls[{j}]"))
            if call.get("cache_control") is not None:
                blocks += self._parts.cache_point(call["cache_control"])
        return blocks

    def _called(self, call: Any, where: str) -> Block:
        block = _tool_use(call, where)
        self.called[block["toolUse"]["name"]] = None
        return block

    def _result(self, message: Mapping[str, Any], call: Any, where: str) -> list[Block]:
        if not isinstance(call, str) or not call:
            raise EncodeError(f"{where}.tool_call_id: a text was expected", f"{where}.tool_call_id")
        content = message.get("content")
        if type(content) is str and len(message) == 3:
            # The usual result: a text and nothing else.
            blocks = [{"text": content}] if content and not content.isspace() else []
            return [{"toolResult": {"toolUseId": tool_id(call), "content": blocks}}]
        inside: list[Block] = []
        beside: list[Block] = []
        if content is not None:
            inside, beside = self._parts.result_blocks(content, f"{where}.content")
        result: dict[str, Any] = {"toolUseId": tool_id(call), "content": inside}
        if message.get("is_error"):
            if self._model.takes_result_status:
                result["status"] = "error"
            else:
                self._report.lost("messages[].is_error")
        if message.get("cache_control") is not None:
            beside += self._parts.cache_point(message["cache_control"])
        return [{"toolResult": result}, *beside]

    def _blocks(self, content: Any, message: Mapping[str, Any], where: str) -> list[Block]:
        """Blocks of text or of a list of parts; the message's own `cache_control` follows them."""
        blocks = self._parts.blocks(content, where)
        mark = message.get("cache_control")
        if mark is not None and blocks and "cachePoint" not in blocks[-1]:
            blocks += self._parts.cache_point(mark)
        return blocks

    def _note_name(self, message: Mapping[str, Any]) -> None:
        if message.get("name"):
            self._report.lost("messages[].name")

    def _push(self, role: str, content: list[Block]) -> None:
        if not content:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += content
        else:
            self.turns.append({"role": role, "content": content})


def _tool_use(call: Any, where: str) -> Block:
    identifier, name, arguments = read_call(call, where)
    given = arguments_object(arguments, f"{where}.function.arguments")
    return {"toolUse": {"toolUseId": tool_id(identifier), "name": name, "input": given}}
