"""What the generations of Claude models accept, read off a model's name.

Sources: the model pages and migration guides of platform.claude.com (Opus 4.6 to Opus 5.5, Sonnet 5,
Haiku 5.5), its pages on effort, thinking and structured outputs, all as of API version 2026-10-21.
"""

from __future__ import annotations

import re
from typing import Final

Version = tuple[int, int]

#: claude-3-7-sonnet-20250219, claude-sonnet-4-5, anthropic.claude-opus-4-1@20250805: never the date.
_VERSION: Final = re.compile(r"claude-(?:[a-z]{1,16}-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)")

#: The most output tokens asked for when the caller does not say; see `default_max_tokens`.
_LONGEST: Final = 64_000
_UNKNOWN: Final = 4_096


def version_of(model: str) -> Version | None:
    """Generation of a Claude model, (4, 5) for claude-sonnet-4-5; None for a name without one."""
    found = _VERSION.search(model)
    if found is not None:
        return int(found[1]), int(found[2] or 0)
    # The one Claude without a number: it thinks always and takes no sampling parameters.
    return (5, 0) if "claude-mythos" in model else None


def default_max_tokens(model: str) -> int:
    """`max_tokens` for a call that sets none: the API demands one, OpenAI's has no limit of its own.

    A short default would cut answers that the caller never limited, so it is the model's documented
    maximum, at most 64,000 (all models since Claude 3.7 take that, but for Opus 4 and 4.1 with 32,000).
    Only tokens really generated are paid for. Names that are no Claude's get 4,096.
    """
    version = version_of(model)
    if version is None or version < (3, 5):
        return _UNKNOWN
    if version < (3, 7):
        return 8_192
    if version < (4, 5) and "opus" in model:
        return 32_000
    return _LONGEST


def takes_sampling(model: str, api_version: str) -> bool:
    """Whether temperature, top_p and top_k are taken: neither from Claude 4.7 nor from API 2026-10-21 on."""
    version = version_of(model)
    # Cloud platforms have versions such as "vertex-2023-10-16", all of them old.
    return (version is None or version < (4, 7)) and not "2026-10-21" <= api_version < "3"


def takes_schemas(model: str) -> bool:
    """Whether output_config.format and strict tools work: from Claude 4.5 on; unknown names are trusted."""
    version = version_of(model)
    return version is None or version >= (4, 5)


def takes_effort(model: str) -> bool:
    """Whether output_config.effort works: Opus 4.5 and everything from 4.6 on; unknown names are trusted."""
    version = version_of(model)
    return version is None or version >= (4, 6) or (version == (4, 5) and "opus" in model)


def takes_budget(model: str) -> bool:
    """Whether thinking is set by a token budget: Claude 3.7 to 4.5 (deprecated in 4.6, refused later)."""
    version = version_of(model)
    return version is not None and (3, 7) <= version < (4, 6)


def must_ask_to_think(model: str) -> bool:
    """Whether adaptive thinking exists but is off until asked for: Claude 4.6 to 4.8."""
    version = version_of(model)
    return version is not None and (4, 6) <= version < (5, 0)


def thinks_unasked(model: str) -> bool:
    """Whether thinking is on by default, and on some models cannot be switched off: from Claude 5 on."""
    version = version_of(model)
    return version is not None and version >= (5, 0)


def effort_level(effort: str, model: str) -> str:
    """The nearest documented level of `output_config.effort` for OpenAI's `reasoning_effort`.

    "xhigh" exists from Claude 4.7 on and "max" from 4.6 on; OpenAI's "minimal" becomes "low".
    """
    version = version_of(model) or (99, 0)
    if effort in ("minimal", "none"):
        return "low"
    if effort == "xhigh" and version < (4, 7):
        effort = "max"
    if effort == "max" and version < (4, 6):
        return "high"
    return effort
