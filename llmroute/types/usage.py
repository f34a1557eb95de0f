"""What an answer cost in tokens."""

from __future__ import annotations

from .model import WireObject, member


class PromptTokensDetails(WireObject):
    """Where the tokens of the prompt went, in tokens."""

    __slots__ = ()

    cached_tokens: int | None = member()
    cache_write_tokens: int | None = member()
    audio_tokens: int | None = member()
    text_tokens: int | None = member()
    image_tokens: int | None = member()


class CompletionTokensDetails(WireObject):
    """Where the tokens of the answer went, in tokens."""

    __slots__ = ()

    reasoning_tokens: int | None = member()
    audio_tokens: int | None = member()
    text_tokens: int | None = member()
    accepted_prediction_tokens: int | None = member()
    rejected_prediction_tokens: int | None = member()


class Usage(WireObject):
    """Token counts of one call; what a host adds to them is in `extra`."""

    __slots__ = ()

    prompt_tokens: int = member()
    completion_tokens: int = member()
    total_tokens: int = member()
    prompt_tokens_details: PromptTokensDetails | None = member(PromptTokensDetails.from_dict)
    completion_tokens_details: CompletionTokensDetails | None = member(CompletionTokensDetails.from_dict)
