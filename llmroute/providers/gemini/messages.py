"""OpenAI's messages as Gemini's `contents` and `systemInstruction`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...wire.json import JSONError, loads
from ..base import EncodeError
from ..report import Report
from .dialect import Dialect
from .models import is_current, merges_turns, result_role, system_role
from .parts import Part, media, parts_of
from .schema import OBJECT
from .state import FOREIGN_SIGNATURE, arranged, call_signature, unwrapped

_UNSAID: Final = ("thinking", "redacted_thinking", "reasoning", "tool_use")
_ROLES: Final = {"user", "assistant", "system", "developer", "tool", "function"}


class Conversation:
    """Reads messages in order; afterwards `contents` and `system` hold the turns and the instructions.

    Neighbouring messages of one speaker become one turn, so all results of parallel calls answer
    together.
    """

    def __init__(self, model: str, dialect: Dialect, report: Report) -> None:
        self.contents: list[dict[str, Any]] = []
        self.system: list[Part] = []
        self._origin = dialect.origin
        self._call_ids = dialect.call_ids
        self._report = report
        self._current = is_current(model)
        self._merges = merges_turns(model)
        self._result_role = result_role(model)
        self._system_role = system_role(model)
        self._speaker: str | None = None
        self._names: dict[str, str] = {}
        self._shown: list[Part] = []
        #: Where there are no ids: how many calls came before a call, and before those just answered.
        self._before: dict[str, int] = {}
        self._answered: list[int] = []
        self._calls_so_far = 0

    def read(self, messages: Any) -> None:
        """Raises EncodeError, naming the place, for what cannot be expressed and for no message at all."""
        if not isinstance(messages, Sequence) or isinstance(messages, (str, bytes)) or not messages:
            raise EncodeError("messages: a list with at least one message was expected", "messages")
        for position, message in enumerate(messages):
            if not self._read_plain(message):
                self._message(message, f"messages[{position}]")
        self._show()
        if not self.contents and self.system:
            # The API asks for a turn to answer to.
            self._turn("user", "user", self.system)
            self.system = []
        if not self.contents:
            raise EncodeError("messages: no message has any content", "messages")

    def _read_plain(self, message: Any) -> bool:
        """Reads `message` if it is nothing but a text, a text as result, or calls: most messages are."""
        if type(message) is not dict or self._shown:
            return False
        content, role = message.get("content"), message.get("role")
        if len(message) == 2:
            if type(content) is not str or (role != "user" and role != "assistant"):
                return False
            speaker = "user" if role == "user" else "model"
            self._turn(speaker, speaker, [{"text": content}])
            return True
        if len(message) != 3:
            return False
        if role == "tool":
            return type(content) is str and self._read_plain_result(message.get("tool_call_id"), content)
        return role == "assistant" and (content is None or content == "") and self._read_plain_calls(message)

    def _read_plain_result(self, id: Any, output: str) -> bool:
        name = self._names.get(id) if type(id) is str else None
        if name is None:
            return False
        response: Part = {"name": name, "response": {"output": output}}
        if self._call_ids:
            response["id"] = id
        self._turn("tool", self._result_role, [{"functionResponse": response}])
        if not self._call_ids:
            self._put_in_order(self._before.get(id, 0))
        return True

    def _read_plain_calls(self, message: Mapping[str, Any]) -> bool:
        calls = message.get("tool_calls")
        if type(calls) is not list or not calls:
            return False
        read = [each for each in map(_plain_call, calls) if each is not None]
        if len(read) < len(calls):
            return False
        parts: list[Part] = []
        for id, called in read:
            self._names[id] = called["name"]
            if self._call_ids:
                called["id"] = id
            else:
                self._calls_so_far += 1
                self._before[id] = self._calls_so_far
            parts.append({"functionCall": called})
        if self._current:
            parts[0]["thoughtSignature"] = FOREIGN_SIGNATURE
        self._turn("model", "model", parts)
        return True

    def _message(self, message: Any, where: str) -> None:
        role = message.get("role") if isinstance(message, OBJECT) else None
        if not isinstance(role, str) or role not in _ROLES:
            raise EncodeError(
                f"{where}.role: one of {', '.join(sorted(_ROLES))} was expected", f"{where}.role"
            )
        if role in ("tool", "function"):
            self._result(message, where)
            return
        if self._shown:
            self._show()
        if len(message) > 2:
            self._report_hints(message, where)
        if role == "user":
            self._turn("user", "user", parts_of(message.get("content"), f"{where}.content", self._report))
        elif role == "assistant":
            self._turn("model", "model", self._answer(message, where))
        else:
            self._instruction(message, where)

    def _report_hints(self, message: Mapping[str, Any], where: str) -> None:
        for name in ("name", "audio", "cache_control"):
            if message.get(name) is not None:
                self._report.lost(f"{where}.{name}")

    def _turn(self, speaker: str, role: str, parts: list[Part]) -> None:
        if not parts:
            return
        if self._merges and speaker == self._speaker:
            self.contents[-1]["parts"] += parts
            return
        self._speaker = speaker
        self.contents.append({"role": role, "parts": parts})

    def _instruction(self, message: Mapping[str, Any], where: str) -> None:
        parts = parts_of(message.get("content"), f"{where}.content", self._report)
        if not all("text" in part for part in parts):
            raise EncodeError(f"{where}.content: Gemini's API takes only text as instructions", where)
        if self._system_role is None:
            self.system += parts
        else:
            self._turn(self._system_role, self._system_role, parts)

    # -- answers of the model ------------------------------------------------

    def _answer(self, message: Mapping[str, Any], where: str) -> list[Part]:
        texts = parts_of(_said(message.get("content")), f"{where}.content", self._report)
        if len(message) <= 2 and "content" in message:
            return texts
        if message.get("refusal"):
            texts += parts_of(message["refusal"], f"{where}.refusal", self._report)
        calls = self._calls(message, where)
        images = self._images(message.get("images"), f"{where}.images")
        if calls or images:
            texts = [part for part in texts if part.get("text") != ""]
        state = unwrapped(message, self._origin)
        if state is None:
            return [*texts, *calls, *images]
        thoughts = message.get("reasoning_content")
        thoughts = thoughts if isinstance(thoughts, str) else None
        others = [part for part in texts if "text" not in part]
        texts = [part for part in texts if "text" in part]
        return arranged(state.get("parts"), texts, thoughts, calls, [*images, *others])

    def _images(self, images: Any, where: str) -> list[Part]:
        """Images that a model drew, as this library hands them out."""
        parts = []
        for image in images if isinstance(images, list) else ():
            shown = image.get("image_url") if isinstance(image, OBJECT) else None
            url = shown.get("url") if isinstance(shown, OBJECT) else None
            if isinstance(url, str):
                parts.append(media(url, None, where))
        return parts

    def _calls(self, message: Mapping[str, Any], where: str) -> list[Part]:
        calls = message.get("tool_calls") or []
        if not isinstance(calls, (list, tuple)):
            raise EncodeError(f"{where}.tool_calls: a list was expected", f"{where}.tool_calls")
        parts = [self._call(call, f"{where}.tool_calls[{i}]") for i, call in enumerate(calls)]
        if message.get("function_call") is not None:
            parts.append(self._call({"function": message["function_call"]}, f"{where}.function_call"))
        if self._current and parts and not any("thoughtSignature" in part for part in parts):
            # Gemini 3 answers 400 to calls without a signature; the first of a step must carry one.
            parts[0]["thoughtSignature"] = FOREIGN_SIGNATURE
        return parts

    def _call(self, call: Any, where: str) -> Part:
        function = call.get("function") or call.get("custom") if isinstance(call, OBJECT) else None
        if not isinstance(function, OBJECT):
            raise EncodeError(f"{where}: an object with a function was expected", where)
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise EncodeError(f"{where}.function.name: a text was expected", f"{where}.function.name")
        if call.get("function"):
            arguments = _arguments(function.get("arguments"), f"{where}.function.arguments")
        else:
            arguments = {"input": function.get("input")}
        called: dict[str, Any] = {"name": name, "args": arguments}
        id = call.get("id")
        if isinstance(id, str) and id:
            self._names[id] = name
            if self._call_ids:
                called["id"] = id
            else:
                self._calls_so_far += 1
                self._before[id] = self._calls_so_far
        signature = call_signature(call, function, self._origin)
        if signature is None:
            return {"functionCall": called}
        return {"functionCall": called, "thoughtSignature": signature}

    # -- results of tools ----------------------------------------------------

    def _result(self, message: Mapping[str, Any], where: str) -> None:
        """A functionResponse. OpenAI's results have no name; Gemini's API asks for the function's."""
        id = message.get("tool_call_id")
        name = self._names.get(id) if isinstance(id, str) else None
        name = name or message.get("name")
        if not isinstance(name, str) or not name:
            raise EncodeError(
                f"{where}.tool_call_id: no tool call before this message has the id {id!r:.100}",
                f"{where}.tool_call_id",
            )
        parts = parts_of(message.get("content"), f"{where}.content", self._report)
        output = "\n".join([part["text"] for part in parts if "text" in part])
        response: dict[str, Any] = {"name": name, "response": {"output": output}}
        if isinstance(id, str) and id and self._call_ids:
            response["id"] = id
        shown = [part for part in parts if "text" not in part]
        if shown and self._current:
            response["parts"] = shown
        elif shown:
            # Before Gemini 3 a result is text; what it shows comes with the next turn of the user.
            self._shown += shown
        self._turn("tool", self._result_role, [{"functionResponse": response}])
        if not self._call_ids and isinstance(id, str):
            self._put_in_order(self._before.get(id, 0))

    def _put_in_order(self, before: int) -> None:
        """Move the last result before those of later calls: without ids only the order tells them apart."""
        parts = self.contents[-1]["parts"]
        if len(parts) == 1:
            self._answered = [before]
            return
        del self._answered[len(parts) - 1 :]
        position = bisect_right(self._answered, before)
        self._answered.insert(position, before)
        parts.insert(position, parts.pop())

    def _show(self) -> None:
        self._turn("user", "user", self._shown)
        self._shown = []


def _said(content: Any) -> Any:
    """The content of an answer without what other providers put there: thoughts, and calls told twice."""
    if not isinstance(content, list):
        return content
    return [part for part in content if not isinstance(part, OBJECT) or part.get("type") not in _UNSAID]


def _plain_call(call: Any) -> tuple[str, dict[str, Any]] | None:
    """Id, name and arguments of a call that has these as texts and nothing else; None for others."""
    if type(call) is not dict or len(call) != 3 or "type" not in call:
        return None
    id, function = call.get("id"), call.get("function")
    if type(id) is not str or not id or type(function) is not dict or len(function) != 2:
        return None
    name, arguments = function.get("name"), function.get("arguments")
    if type(name) is not str or not name or type(arguments) is not str:
        return None
    try:
        value = loads(arguments)
    except JSONError:
        return None
    return (id, {"name": name, "args": value}) if type(value) is dict else None


def _arguments(arguments: Any, where: str) -> dict[str, Any]:
    """The object in an argument text; "" and null are an object without members."""
    if isinstance(arguments, OBJECT):
        return dict(arguments)
    if arguments is None or arguments == "":
        return {}
    try:
        value = loads(arguments) if isinstance(arguments, str) else None
    except JSONError as problem:
        if isinstance(arguments, str) and not arguments.strip():
            return {}
        raise EncodeError(f"{where}: not JSON: {problem}", where, "invalid_json") from None
    if not isinstance(value, dict):
        raise EncodeError(f"{where}: a JSON object was expected", where, "invalid_json")
    return value
