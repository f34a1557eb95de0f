"""The signature of `chat.completions.create`, for editors and type checkers only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol, TypeVar, overload

Whole = TypeVar("Whole", covariant=True)
Streamed = TypeVar("Streamed", covariant=True)
Either = TypeVar("Either", covariant=True)


class Create(Protocol[Whole, Streamed, Either]):
    """OpenAI's parameters and any other; what comes back without a stream, with one, and if nobody knows."""

    @overload
    def __call__(
        self,
        *,
        messages: Iterable[Any],
        stream: Literal[True],
        model: str = ...,
        audio: Mapping[str, Any] | None = ...,
        frequency_penalty: float | None = ...,
        function_call: str | Mapping[str, Any] | None = ...,
        functions: Iterable[Mapping[str, Any]] | None = ...,
        logit_bias: Mapping[str, float] | None = ...,
        logprobs: bool | None = ...,
        max_completion_tokens: int | None = ...,
        max_tokens: int | None = ...,
        metadata: Mapping[str, Any] | None = ...,
        modalities: list[str] | None = ...,
        n: int | None = ...,
        parallel_tool_calls: bool | None = ...,
        prediction: Mapping[str, Any] | None = ...,
        presence_penalty: float | None = ...,
        prompt_cache_key: str | None = ...,
        reasoning_effort: str | None = ...,
        response_format: Mapping[str, Any] | None = ...,
        safety_identifier: str | None = ...,
        seed: int | None = ...,
        service_tier: str | None = ...,
        stop: str | list[str] | None = ...,
        store: bool | None = ...,
        stream_options: Mapping[str, Any] | None = ...,
        temperature: float | None = ...,
        tool_choice: str | Mapping[str, Any] | None = ...,
        tools: Iterable[Any] | None = ...,
        top_logprobs: int | None = ...,
        top_p: float | None = ...,
        user: str | None = ...,
        verbosity: str | None = ...,
        web_search_options: Mapping[str, Any] | None = ...,
        timeout: Any = ...,
        extra_headers: Mapping[str, str] | None = ...,
        extra_query: Mapping[str, object] | None = ...,
        extra_body: Mapping[str, Any] | None = ...,
        **extra: object,
    ) -> Streamed: ...
    @overload
    def __call__(
        self,
        *,
        messages: Iterable[Any],
        stream: Literal[False] | None = ...,
        model: str = ...,
        audio: Mapping[str, Any] | None = ...,
        frequency_penalty: float | None = ...,
        function_call: str | Mapping[str, Any] | None = ...,
        functions: Iterable[Mapping[str, Any]] | None = ...,
        logit_bias: Mapping[str, float] | None = ...,
        logprobs: bool | None = ...,
        max_completion_tokens: int | None = ...,
        max_tokens: int | None = ...,
        metadata: Mapping[str, Any] | None = ...,
        modalities: list[str] | None = ...,
        n: int | None = ...,
        parallel_tool_calls: bool | None = ...,
        prediction: Mapping[str, Any] | None = ...,
        presence_penalty: float | None = ...,
        prompt_cache_key: str | None = ...,
        reasoning_effort: str | None = ...,
        response_format: Mapping[str, Any] | None = ...,
        safety_identifier: str | None = ...,
        seed: int | None = ...,
        service_tier: str | None = ...,
        stop: str | list[str] | None = ...,
        store: bool | None = ...,
        temperature: float | None = ...,
        tool_choice: str | Mapping[str, Any] | None = ...,
        tools: Iterable[Any] | None = ...,
        top_logprobs: int | None = ...,
        top_p: float | None = ...,
        user: str | None = ...,
        verbosity: str | None = ...,
        web_search_options: Mapping[str, Any] | None = ...,
        timeout: Any = ...,
        extra_headers: Mapping[str, str] | None = ...,
        extra_query: Mapping[str, object] | None = ...,
        extra_body: Mapping[str, Any] | None = ...,
        **extra: object,
    ) -> Whole: ...
    @overload
    def __call__(self, *, messages: Iterable[Any], stream: bool | None, **extra: Any) -> Either: ...
