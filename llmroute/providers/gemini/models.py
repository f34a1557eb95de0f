"""What the generations of Gemini models accept, read off a model's name.

Sources: the guides of ai.google.dev on thinking, thought signatures, function calling and OpenAI
compatibility, as of 2026-09.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Version = tuple[int, int]

_VERSION: Final = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)")

#: Thinking budgets of the levels, by Google's own OpenAI endpoint.
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
#: The smallest budget of Gemini 2.5 Pro, which cannot be told not to think.
_PRO_FLOOR: Final = 128


def version_of(model: str) -> Version | None:
    """(2, 5) for gemini-2.5-flash; None for aliases (gemini-flash-latest), tuned and other models."""
    found = _VERSION.search(model)
    return None if found is None else (int(found[1]), int(found[2] or 0))


def is_current(model: str) -> bool:
    """Whether `model` follows the rules of Gemini 3: also aliases, which move to the newest model."""
    version = version_of(model)
    return version >= (3, 0) if version is not None else model.startswith("gemini-")


def result_role(model: str) -> str:
    """The role of a turn of function responses.

    Gemini 1 and 2 know "function", and it is what is recorded for them; later models answer 400
    to any role but "user" and "model".
    """
    version = version_of(model)
    return "function" if version is not None and version < (3, 0) else "user"


def merges_turns(model: str) -> bool:
    """Whether neighbours of one role become one turn: not for the vision models of Gemini 1.0."""
    return "vision" not in model


def system_role(model: str) -> Literal["system", "user"] | None:
    """The role of turns that carry system messages, where the model takes no systemInstruction."""
    if model.startswith(("gemini-1.0", "gemini-pro")) and not model.endswith("-latest"):
        return "system"
    return "user" if model.startswith("gemma-3") else None


def thinking_of(effort: str, model: str) -> tuple[dict[str, object] | None, bool]:
    """The thinkingConfig for OpenAI's `reasoning_effort`, and whether it says all of it.

    Gemini 3 has levels, Gemini 2.5 budgets of tokens, earlier ones no thinking to control.
    """
    version = version_of(model)
    if version is not None and version < (2, 5):
        return None, effort == "none"
    if version is not None and version < (3, 0):
        if effort == "none":
            pro = "-pro" in model
            return {"thinkingBudget": _PRO_FLOOR if pro else 0}, not pro
        budget = _BUDGETS.get(effort)
        return (None, False) if budget is None else ({"thinkingBudget": budget}, True)
    if effort in ("none", "minimal"):
        # Thinking cannot be turned off; the lowest level is "minimal", on Pro models "low".
        lowest = "low" if "-pro" in model else "minimal"
        return {"thinkingLevel": lowest}, effort == lowest
    return {"thinkingLevel": effort}, True
