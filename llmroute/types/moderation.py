"""What moderation, where the request asked for it, found in the question and the answer."""

from __future__ import annotations

from .model import WireObject, member, members


class ModerationResult(WireObject):
    """One judgement. The three maps are keyed by category."""

    __slots__ = ()

    type: str = member()
    flagged: bool = member()
    model: str = member()
    categories: dict[str, bool] = member()
    category_scores: dict[str, float] = member()
    category_applied_input_types: dict[str, list[str]] = member()


class ModerationOutcome(WireObject):
    """Results (type "moderation_results") or the reason why there are none (type "error")."""

    __slots__ = ()

    type: str = member()
    model: str | None = member()
    results: list[ModerationResult] | None = members(ModerationResult.from_dict)
    code: str | None = member()
    message: str | None = member()


class Moderation(WireObject):
    """The outcome for the request's input and for the generated output."""

    __slots__ = ()

    input: ModerationOutcome = member(ModerationOutcome.from_dict)
    output: ModerationOutcome = member(ModerationOutcome.from_dict)
