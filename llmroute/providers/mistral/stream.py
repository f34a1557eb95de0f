"""Mistral's streams: OpenAI's chunks but for content lists and tool calls."""

from __future__ import annotations

from typing import Any

from ...outcome import Failure
from ..base import DecodeError, ReplyError
from ..failures import MAX_INDEX
from ..openai_stream import OpenAIStreamDecoder
from ..positions import CallPositions
from .content import Content
from .response import add_usage_details, check_reason, mended_call
from .tables import ROW

Json = dict[str, Any]


class Decoder(OpenAIStreamDecoder):
    """The chunks in OpenAI's form; the chunk with the finish reason brings the `provider_state`."""

    __slots__ = ("_calls", "_contents")

    def __init__(self, *, strict: bool) -> None:
        super().__init__(ROW, strict)
        self._special = True  # every chunk goes through `_accepts`
        #: By choice: what its content was made of.
        self._contents: dict[int, Content] = {}
        self._calls: dict[int, CallPositions] = {}

    def _accepts(self, chunk: Any) -> bool:
        choices = chunk.get("choices") if type(chunk) is dict else None
        try:
            for choice in choices if type(choices) is list else ():
                delta = choice.get("delta") if type(choice) is dict else None
                if type(delta) is dict:
                    self._mend(choice, delta, chunk)
        except ReplyError as error:
            self.failure = error.failure
            return False
        except DecodeError as problem:
            self.failure = Failure("parse", str(problem))
            return False
        if not super()._accepts(chunk):
            return False
        add_usage_details(chunk)
        return True

    def _mend(self, choice: Json, delta: Json, chunk: Json) -> None:
        check_reason(choice, chunk)
        index = choice.get("index", 0)
        if type(index) is not int or not 0 <= index < MAX_INDEX:
            return  # refused by the checks of every chunk
        content = delta.get("content")
        if content:
            gathered = self._contents.get(index)
            if type(content) is list:
                if gathered is None:
                    gathered = self._contents[index] = Content(streamed=True)
                delta["content"], reasoning = gathered.add(content)
                if reasoning:
                    delta["reasoning_content"] = reasoning
            elif type(content) is str:
                if gathered is None:
                    gathered = self._contents[index] = Content(streamed=True)
                gathered.add(content)
        calls = delta.get("tool_calls")
        if calls:
            if type(calls) is not list:
                raise DecodeError(f"{ROW.slug} streamed tool calls that are no list")
            delta["tool_calls"] = [self._call(call, index, i, chunk) for i, call in enumerate(calls)]
        if choice.get("finish_reason") and index in self._contents:
            state = self._contents[index].state()
            if state is not None:
                delta["provider_state"] = state

    def _call(self, call: Any, choice: int, position: int, chunk: Json) -> Json:
        """A piece of a call under a position of its own: several calls may share a native index."""
        known = self._calls.setdefault(choice, CallPositions())
        function = call.get("function") if type(call) is dict else None
        if type(function) is not dict:
            raise DecodeError(f"{ROW.slug} streamed a tool call that is none")
        try:
            place, begins = known.place(call.get("index", position), call.get("id"))
        except ValueError as problem:
            raise DecodeError(f"{ROW.slug} streamed {problem}") from None
        text = function.get("arguments")
        if not begins:
            return {"index": place, "function": {"arguments": text if type(text) is str else ""}}
        whole = mended_call(call, f"{chunk.get('id')}:{place}")
        if text is None:
            whole["function"]["arguments"] = ""
        return {**whole, "index": place}
