"""Bounds the tokens of a conversation, or of an answer.

Parameters: `maxTokens` (required), `charactersPerToken` (4: for the estimate where nobody counted),
`includeCompletion` (false: the tokens that the request asks for in the answer count as well). Before the
call the tokens of the whole conversation are estimated; after it the answer's own usage counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..texts import Texts, TooDeepError

#: What the frame of a message costs, besides its text.
PER_MESSAGE: Final = 4


def build(parameters: Parameters, services: Services) -> Check:
    """Every request and answer can be judged; an empty one costs next to nothing."""
    most = reading.whole(parameters, "maxTokens", 0, low=1, high=1_000_000_000)
    if parameters.raw("maxTokens") is None:
        parameters.problem("maxTokens", "expected a whole number, got nothing")
    characters = parameters.number("charactersPerToken", 4, low=0.1, high=100)
    completion = parameters.flag("includeCompletion")
    parameters.done()

    def check(context: HookContext) -> Verdict:
        if context.event == "after":
            tokens = _answered(context.response or {}, characters)
        else:
            tokens = _asked(context.request, characters)
            tokens += _wanted(context.request) if completion else 0
        passed = tokens <= most
        explanation = f"{tokens} tokens are {'within' if passed else 'over'} the budget of {most}."
        data = {"verdict": passed, "explanation": explanation, "tokens": tokens, "maxTokens": most}
        return Verdict(passed, data)

    return check


def _asked(request: Mapping[str, Any], characters: float) -> int:
    texts = Texts.of("before", request, "all")
    messages = request.get("messages")
    frames = PER_MESSAGE * len(messages) if isinstance(messages, list) else 0
    return frames + _estimate(texts, characters)


def _answered(response: Mapping[str, Any], characters: float) -> int:
    usage = response.get("usage")
    counted = usage.get("completion_tokens") if isinstance(usage, Mapping) else None
    if isinstance(counted, int) and not isinstance(counted, bool) and counted >= 0:
        return counted
    return _estimate(Texts.of("after", response, "all"), characters)


def _estimate(texts: Texts, characters: float) -> int:
    if not texts.complete:
        raise TooDeepError
    # Rounded up for each text: a budget must not be passed by many small ones.
    return sum(int(-(-len(piece) // characters)) for piece in texts.pieces)


def _wanted(request: Mapping[str, Any]) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        wanted = request.get(name)
        if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0:
            return wanted
    return 0
