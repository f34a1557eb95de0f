"""A complete chat completion. Source of names and types: OpenAI's API reference, chat completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

from .model import WireObject, _new, member, members
from .moderation import Moderation
from .route import Route
from .usage import Usage


class TopLogprob(WireObject):
    """One of the likeliest tokens at a position; `bytes` is its UTF-8, None where it has none."""

    __slots__ = ()

    token: str = member()
    logprob: float = member()
    bytes: list[int] | None = member()


class TokenLogprob(WireObject):
    """A token, its log probability (-9999.0: very unlikely) and its rivals."""

    __slots__ = ()

    token: str = member()
    logprob: float = member()
    bytes: list[int] | None = member()
    top_logprobs: list[TopLogprob] = members(TopLogprob.from_dict)


class ChoiceLogprobs(WireObject):
    """Log probabilities of the tokens of a choice."""

    __slots__ = ()

    content: list[TokenLogprob] | None = members(TokenLogprob.from_dict)
    refusal: list[TokenLogprob] | None = members(TokenLogprob.from_dict)


class AnnotationURLCitation(WireObject):
    """A cited web page; the indices are character offsets into the content."""

    __slots__ = ()

    start_index: int = member()
    end_index: int = member()
    title: str = member()
    url: str = member()


class Annotation(WireObject):
    """A note on the content; `type` is "url_citation"."""

    __slots__ = ()

    type: str = member()
    url_citation: AnnotationURLCitation = member(AnnotationURLCitation.from_dict)


class Audio(WireObject):
    """A spoken answer: base64 `data`, and `expires_at` in Unix seconds."""

    __slots__ = ()

    id: str = member()
    data: str = member()
    expires_at: int = member()
    transcript: str = member()


class FunctionCall(WireObject):
    """A call in the deprecated form; `arguments` is JSON text and may be invalid."""

    __slots__ = ()

    name: str = member()
    arguments: str = member()


class Function(WireObject):
    """The function a model wants called; `arguments` is JSON text and may be invalid."""

    __slots__ = ()

    name: str = member()
    arguments: str = member()


class Custom(WireObject):
    """The custom tool a model wants called; `input` is free text."""

    __slots__ = ()

    name: str = member()
    input: str = member()


class ToolCall(WireObject):
    """A call of a function tool. `provider_state` is the origin's opaque state, to be sent back."""

    __slots__ = ()

    id: str = member()
    type: Literal["function"] = member()
    function: Function = member(Function.from_dict)
    provider_state: dict[str, Any] | None = member()


class CustomToolCall(WireObject):
    """A call of a custom tool. `provider_state` is the origin's opaque state, to be sent back."""

    __slots__ = ()

    id: str = member()
    type: Literal["custom"] = member()
    custom: Custom = member(Custom.from_dict)
    provider_state: dict[str, Any] | None = member()


def tool_call(data: dict[str, Any]) -> ToolCall | CustomToolCall:
    """The class `type` asks for; a call of an unknown type is read as a function call."""
    if data.get("type") == "custom":
        return CustomToolCall.from_dict(data)
    return ToolCall.from_dict(data)


class Message(WireObject):
    """The assistant's message.

    `reasoning_content` is the model's reasoning as text, whether the host calls it so or
    `reasoning`; `provider_state` is the origin's opaque state, to be sent back.
    """

    __slots__ = ()

    role: str = member()
    content: str | None = member()
    refusal: str | None = member()
    annotations: list[Annotation] | None = members(Annotation.from_dict)
    audio: Audio | None = member(Audio.from_dict)
    function_call: FunctionCall | None = member(FunctionCall.from_dict)
    tool_calls: list[ToolCall | CustomToolCall] | None = members(tool_call)
    reasoning_content: str | None = member(otherwise="reasoning")
    reasoning: str | None = member()
    provider_state: dict[str, Any] | None = member()


class Choice(WireObject):
    """One of the `n` answers. `finish_reason` is None only where a host sends null."""

    __slots__ = ("message",)
    _eager: ClassVar[str | None] = "message"

    message: Message
    index: int = member()
    finish_reason: str | None = member()
    logprobs: ChoiceLogprobs | None = member(ChoiceLogprobs.from_dict)

    def _adopt(self, data: dict[str, Any]) -> None:
        self._data = data
        message = data.get("message")
        self.message = Message.from_dict(message) if type(message) is dict else message  # type: ignore[assignment]


class ChatCompletion(WireObject):
    """A complete answer. `created` is in Unix seconds.

    `route` tells how it came about; it is not part of the JSON, nor of equality. `hook_results`
    is there when guardrails ran.
    """

    __slots__ = ("_route", "choices")
    _eager: ClassVar[str | None] = "choices"

    choices: list[Choice]
    _route: Route | Callable[[], Route] | None
    id: str = member()
    object: Literal["chat.completion"] = member()
    created: int = member()
    model: str = member()
    usage: Usage | None = member(Usage.from_dict)
    service_tier: str | None = member()
    system_fingerprint: str | None = member()
    metadata: dict[str, str] | None = member()
    moderation: Moderation | None = member(Moderation.from_dict)
    hook_results: dict[str, Any] | None = member()

    def _adopt(self, data: dict[str, Any]) -> None:
        self._data = data
        self._route = None
        choices = data.get("choices")
        if type(choices) is list:
            choices = [Choice.from_dict(value) if type(value) is dict else value for value in choices]
        self.choices = choices  # type: ignore[assignment]

    @classmethod
    def from_dict(cls, data: dict[str, Any], route: Route | Callable[[], Route] | None = None) -> Self:
        """The object of a wire dict, which is kept and not modified.

        `route` may be a function that makes the route when it is first asked for.
        """
        self = _new(cls)
        self._adopt(data)
        self._route = route
        return self

    @property
    def route(self) -> Route:
        """How the answer came about; an empty one (no target, no attempts) where no router made it."""
        route = self._route
        if route is None or callable(route):
            route = self._route = Route("", "") if route is None else route()
        return route

    @route.setter
    def route(self, route: Route) -> None:
        self._route = route

    @property
    def text(self) -> str:
        """The content of the first choice, "" where there is none."""
        try:
            content = self.choices[0].message.content
        except (AttributeError, LookupError, TypeError):
            return ""
        return content if isinstance(content, str) else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(), self.route)
