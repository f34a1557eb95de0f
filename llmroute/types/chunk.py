"""A piece of a streamed chat completion. Source of names and types: OpenAI's API reference."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from .chat import Annotation, Audio, ChoiceLogprobs
from .model import WireObject, _new, member, members
from .moderation import Moderation
from .usage import Usage


class DeltaFunctionCall(WireObject):
    """A piece of a call in the deprecated form."""

    __slots__ = ()

    name: str | None = member()
    arguments: str | None = member()


class DeltaFunction(WireObject):
    """A piece of a function call: the name comes once, `arguments` in parts to be joined."""

    __slots__ = ()

    name: str | None = member()
    arguments: str | None = member()


class DeltaCustom(WireObject):
    """A piece of a custom tool call: the name comes once, `input` in parts to be joined."""

    __slots__ = ()

    name: str | None = member()
    input: str | None = member()


class DeltaToolCall(WireObject):
    """A piece of a tool call; pieces with one `index` belong together, and calls may interleave."""

    __slots__ = ()

    index: int = member()
    id: str | None = member()
    type: str | None = member()
    function: DeltaFunction | None = member(DeltaFunction.from_dict)
    custom: DeltaCustom | None = member(DeltaCustom.from_dict)
    provider_state: dict[str, Any] | None = member()


class Delta(WireObject):
    """What a chunk adds to a choice: texts to be joined, everything else as in a message."""

    __slots__ = ()

    role: str | None = member()
    content: str | None = member()
    refusal: str | None = member()
    tool_calls: list[DeltaToolCall] | None = members(DeltaToolCall.from_dict)
    function_call: DeltaFunctionCall | None = member(DeltaFunctionCall.from_dict)
    annotations: list[Annotation] | None = members(Annotation.from_dict)
    audio: Audio | None = member(Audio.from_dict)
    reasoning_content: str | None = member(otherwise="reasoning")
    reasoning: str | None = member()
    provider_state: dict[str, Any] | None = member()


class ChunkChoice(WireObject):
    """The piece of one choice; `finish_reason` is None until its last chunk."""

    __slots__ = ("delta",)
    _eager: ClassVar[str | None] = "delta"

    delta: Delta
    index: int = member()
    finish_reason: str | None = member()
    logprobs: ChoiceLogprobs | None = member(ChoiceLogprobs.from_dict)

    def _adopt(self, data: dict[str, Any]) -> None:
        self._data = data
        delta = data.get("delta")
        self.delta = Delta.from_dict(delta) if type(delta) is dict else delta  # type: ignore[assignment]


class ChatCompletionChunk(WireObject):
    """One event of a stream. `choices` may be empty: in the usage chunk, for one."""

    __slots__ = ("choices",)
    _eager: ClassVar[str | None] = "choices"

    choices: list[ChunkChoice]
    id: str = member()
    object: Literal["chat.completion.chunk"] = member()
    created: int = member()
    model: str = member()
    usage: Usage | None = member(Usage.from_dict)
    service_tier: str | None = member()
    system_fingerprint: str | None = member()
    moderation: Moderation | None = member(Moderation.from_dict)
    hook_results: dict[str, Any] | None = member()

    def _adopt(self, data: dict[str, Any]) -> None:
        self._data = data
        self.choices = chunk_of(data).choices


def chunk_of(data: dict[str, Any]) -> ChatCompletionChunk:
    """`ChatCompletionChunk.from_dict` written out: a stream has thousands of chunks, and the calls would
    cost more than the work.
    """
    made = _new(ChatCompletionChunk)
    made._data = data
    choices = data.get("choices")
    if type(choices) is not list:
        made.choices = choices  # type: ignore[assignment]
        return made
    made.choices = pieces = []
    for value in choices:
        if type(value) is not dict:
            pieces.append(value)
            continue
        choice = _new(ChunkChoice)
        choice._data = value
        delta = value.get("delta")
        if type(delta) is dict:
            choice.delta = piece = _new(Delta)
            piece._data = delta
        else:
            choice.delta = delta  # type: ignore[assignment]
        pieces.append(choice)
    return made
