"""The chunks of a stream joined into the completion that the same call without a stream had given."""

from __future__ import annotations

import base64
from typing import Any, Final

from .model import copied

#: Choices and tool calls with a higher index are ignored; OpenAI allows 128 of either.
MAX_INDEX: Final = 1_024

#: Members of a chunk that are not simply kept: joined, fixed for a completion, or padding.
_HANDLED: Final = frozenset({"id", "created", "model", "object", "choices", "obfuscation"})
#: Constants that some hosts repeat, or repeat as "": the first that is not empty counts.
_FIRST: Final = frozenset({"role", "id", "type", "name"})
#: Members of a message whose type is known; a piece of another type is skipped.
_TYPED: Final = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "audio"})


class CompletionBuilder:
    """Takes chunk dicts one by one; `build()` gives the completion dict so far.

    Texts are joined, tool calls by their index, log probabilities and annotations in sequence;
    `id`, `created` and `model` are the first that are not empty, of every other member the last
    that is not null is kept, unknown ones included, but for `obfuscation`. Anything malformed is
    skipped. The chunks are not modified, and work grows with their total size only.
    """

    __slots__ = ("_choices", "_created", "_headed", "_id", "_model", "_rest")

    def __init__(self) -> None:
        self._id = ""
        self._created = 0
        self._model = ""
        self._headed = False
        self._rest: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: dict[str, Any]) -> None:
        """Take the next chunk of the stream."""
        if type(chunk) is not dict:
            return
        rest = self._rest
        for key, value in chunk.items():
            if key not in _HANDLED and value is not None:
                rest[key] = value
        if not self._headed:
            self._take_head(chunk)
        choices = chunk.get("choices")
        if type(choices) is not list:
            return
        for position, choice in enumerate(choices):
            if type(choice) is not dict:
                continue
            index = choice.get("index")
            if type(index) is not int:
                index = position
            known = self._choices.get(index)
            if known is None:
                if not 0 <= index < MAX_INDEX:
                    continue
                known = self._choices[index] = _Choice()
            known.add(choice)

    def _take_head(self, chunk: dict[str, Any]) -> None:
        id, created, model = chunk.get("id"), chunk.get("created"), chunk.get("model")
        if type(id) is str and not self._id:
            self._id = id
        if type(created) is int and not self._created:
            self._created = created
        if type(model) is str and not self._model:
            self._model = model
        self._headed = bool(self._id and self._created and self._model)

    @property
    def text(self) -> str:
        """The content of choice 0 so far, "" without any."""
        first = self._choices.get(0)
        return "" if first is None else first.text("content")

    def build(self) -> dict[str, Any]:
        """A chat.completion of the chunks so far; it shares nothing with them.

        `usage` and the like are there when a chunk brought them. May be called at any time.
        """
        made: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [self._choices[index].build(index) for index in sorted(self._choices)],
        }
        made.update(copied(self._rest))
        return made


class _Choice:
    """One choice: its message's pieces by member name, and the last of everything else."""

    __slots__ = ("_calls", "_lists", "_logprobs", "_message", "_records", "_rest", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._lists: dict[str, list[Any]] = {}
        self._records: dict[str, _Record] = {}
        self._calls = _ToolCalls()
        self._message: dict[str, Any] = {}
        self._logprobs: dict[str, Any] | None = None
        self._rest: dict[str, Any] = {"finish_reason": None}

    def add(self, choice: dict[str, Any]) -> None:
        for key, value in choice.items():
            if value is None or key == "index":
                continue
            if key == "delta":
                if type(value) is dict:
                    self._add_delta(value)
            elif key == "logprobs":
                self._add_logprobs(value)
            # A host that sends `message` beside the delta repeats there what came before.
            elif key != "message" and (key != "finish_reason" or (value and type(value) is str)):
                self._rest[key] = value

    def _add_delta(self, delta: dict[str, Any]) -> None:
        texts = self._texts
        for key, value in delta.items():
            if type(value) is not str:
                self._add_piece(key, value)
            elif key in texts:
                texts[key].append(value)
            elif key in _FIRST:
                _keep(self._message, key, value)
            else:
                texts[key] = [value]

    def _add_piece(self, key: str, value: Any) -> None:
        if type(value) is list:
            if key == "tool_calls":
                self._calls.add(value)
            else:
                self._lists.setdefault(key, []).extend(value)
        elif type(value) is dict and key in _RECORDS:
            record = self._records.get(key)
            if record is None:
                record = self._records[key] = _RECORDS[key]()
            record.add(value)
        elif key not in _TYPED:
            _keep(self._message, key, value)

    def _add_logprobs(self, value: Any) -> None:
        if type(value) is not dict:
            return
        if self._logprobs is None:
            self._logprobs = {}
        for key, tokens in value.items():
            known = self._logprobs.get(key)
            if type(tokens) is not list:
                self._logprobs.setdefault(key, tokens)
            elif type(known) is list:
                known.extend(tokens)
            else:
                self._logprobs[key] = tokens.copy()

    def text(self, key: str) -> str:
        """A text so far; its pieces stay joined, so that asking again costs no more."""
        pieces = self._texts.get(key)
        if pieces is None:
            return ""
        if len(pieces) > 1:
            pieces[:] = ["".join(pieces)]
        return pieces[0]

    def build(self, index: int) -> dict[str, Any]:
        rest = copied(self._rest)
        return {"index": index, "message": self._build_message(), "logprobs": copied(self._logprobs), **rest}

    def _build_message(self) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None,
            "refusal": self.text("refusal") or None,
        }
        message.update((key, text) for key in self._texts if key not in _TYPED and (text := self.text(key)))
        message.update((key, copied(items)) for key, items in self._lists.items() if key not in _TYPED)
        message.update((key, record.build()) for key, record in self._records.items())
        if calls := self._calls.build():
            message["tool_calls"] = calls
        message.update(copied(self._message))
        message["content"] = self._build_content(message)
        return message

    def _build_content(self, message: dict[str, Any]) -> Any:
        """Text, or the parts a host sent in its place; None, not "", beside a call, refusal or audio."""
        if text := self.text("content"):
            return text
        if parts := self._lists.get("content"):
            return copied(parts)
        instead = message["refusal"] or "tool_calls" in message or self._records
        return None if instead or "content" not in self._texts else ""


class _ToolCalls:
    """The tool calls of a choice, told apart by index, or by id where a host sends no index."""

    __slots__ = ("_calls", "_known", "_last")

    def __init__(self) -> None:
        self._calls: list[_ToolCall] = []
        self._known: dict[int | str, _ToolCall] = {}
        self._last: _ToolCall | None = None

    def add(self, pieces: list[Any]) -> None:
        for piece in pieces:
            call = self._call_of(piece) if type(piece) is dict else None
            if call is not None:
                call.add(piece)
                self._last = call

    def _call_of(self, piece: dict[str, Any]) -> _ToolCall | None:
        index, id = piece.get("index"), piece.get("id")
        if type(index) is int:
            if not 0 <= index < MAX_INDEX:
                return None
            known = self._known.get(index)
            if known is None or known.ends_before(piece):
                return self._start(index, index)
            return known
        if type(id) is str and id:
            return self._known.get(id) or self._start(id, len(self._calls))
        return self._last or self._start(0, 0)

    def _start(self, key: int | str, order: int) -> _ToolCall | None:
        if len(self._calls) >= MAX_INDEX:
            return None
        call = self._known[key] = _ToolCall(order)
        self._calls.append(call)
        return call

    def build(self) -> list[dict[str, Any]]:
        return [call.build() for call in sorted(self._calls, key=lambda call: call.order)]


class _ToolCall:
    """One call: the first id, type and name, the argument pieces, the last of everything else."""

    __slots__ = ("_records", "_rest", "order")

    def __init__(self, order: int) -> None:
        self.order = order
        self._rest: dict[str, Any] = {}
        self._records: dict[str, _Record] = {}

    def add(self, piece: dict[str, Any]) -> None:
        for key, value in piece.items():
            if key in _CALL_RECORDS:
                if type(value) is dict:
                    record = self._records.get(key)
                    if record is None:
                        record = self._records[key] = _CALL_RECORDS[key]()
                    record.add(value)
            elif key != "index":
                _keep(self._rest, key, value)

    def ends_before(self, piece: dict[str, Any]) -> bool:
        """Whether `piece` begins another call, as of hosts that number every call 0."""
        id, known = piece.get("id"), self._rest.get("id")
        if not id or not known or id == known:
            return False
        # A host that invents an id for every piece sends the name once only.
        return any(
            type(value := piece.get(key)) is dict and value.get("name") and record.named
            for key, record in self._records.items()
        )

    def build(self) -> dict[str, Any]:
        records = {key: record.build() for key, record in self._records.items()}
        if not records:
            records = {"function": _function().build()}
        kind = "custom" if "function" not in records else "function"
        return {"id": "", "type": kind, **copied(self._rest), **records}


class _Record:
    """An object in pieces: the texts of `joined` concatenated, of every other member one kept."""

    __slots__ = ("_rest", "_texts")

    def __init__(self, joined: tuple[str, ...], rest: dict[str, Any]) -> None:
        self._rest = rest
        self._texts: dict[str, list[str]] = {key: [] for key in joined}

    def add(self, piece: dict[str, Any]) -> None:
        for key, value in piece.items():
            pieces = self._texts.get(key)
            if pieces is None:
                _keep(self._rest, key, value)
            elif type(value) is str:
                pieces.append(value)

    @property
    def named(self) -> bool:
        return bool(self._rest.get("name"))

    def build(self) -> dict[str, Any]:
        texts = {key: "".join(pieces) for key, pieces in self._texts.items()}
        return {**copied(self._rest), **texts}


class _Audio(_Record):
    """Audio in pieces; each piece of data may be padded base64 of its own."""

    __slots__ = ()

    def build(self) -> dict[str, Any]:
        return {**super().build(), "data": _joined_base64(self._texts["data"])}


def _joined_base64(pieces: list[str]) -> str:
    text = "".join(pieces)
    if "=" not in text.rstrip("="):
        return text
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode()
    except ValueError:
        return text


def _keep(kept: dict[str, Any], key: str, value: Any) -> None:
    """The last value that is not null, of constants the first that is not empty."""
    if value is not None and (key not in _FIRST or not kept.get(key)):
        kept[key] = value


def _function() -> _Record:
    return _Record(("arguments",), {"name": ""})


def _custom() -> _Record:
    return _Record(("input",), {"name": ""})


def _audio() -> _Record:
    return _Audio(("data", "transcript"), {})


_RECORDS: Final = {"function_call": _function, "audio": _audio}
_CALL_RECORDS: Final = {"function": _function, "custom": _custom}
