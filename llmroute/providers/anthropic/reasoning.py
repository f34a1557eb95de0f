"""OpenAI's `reasoning_effort` in the terms that each generation of models understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .models import (
    effort_level,
    must_ask_to_think,
    takes_budget,
    takes_effort,
    thinks_unasked,
)

#: Thinking tokens for models that take a budget; at least 1,024, always less than max_tokens.
_BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_000,
    "max": 32_000,
}
_LEAST: Final = 1_024


def apply_effort(body: dict[str, Any], effort: Any, report: Report) -> None:
    """Write `effort` into a request that has everything else already.

    Models with the effort parameter get `output_config.effort`; those of 4.6 to 4.8 think only when
    told to, so adaptive thinking is asked for. Older ones get a thinking budget. What the caller
    says of `thinking` and `output_config` himself stands. Thinking that would make the API refuse
    the rest of the request (a temperature, a forced tool) is not asked for.
    """
    if not isinstance(effort, str):
        raise EncodeError("reasoning_effort: a text was expected", "reasoning_effort")
    model = body["model"]
    if effort == "none" and not thinks_unasked(model):
        return  # these models think only when asked to
    if takes_effort(model):
        _set_level(body, effort, model, report)
        if must_ask_to_think(model) and "thinking" not in body and not _forbids_thinking(body):
            body["thinking"] = {"type": "adaptive"}
    if takes_budget(model):
        _set_budget(body, effort, report, needed=not takes_effort(model))
    elif not takes_effort(model):
        report.lost("reasoning_effort", "is not sent: the model does not think")


def _set_level(body: dict[str, Any], effort: str, model: str, report: Report) -> None:
    config = body.get("output_config") or {}
    if config.get("effort") is not None:
        report.lost("reasoning_effort", "is not sent: output_config.effort is given")
        return
    level = effort_level(effort, model)
    if effort == "none":
        report.told("reasoning_effort", 'is sent as effort "low": not every such model can stop thinking')
    elif level != effort and effort != "minimal":
        report.told("reasoning_effort", f"is sent as effort {level!r}, the nearest of the model")
    body["output_config"] = {**config, "effort": level}


def _set_budget(body: dict[str, Any], effort: str, report: Report, *, needed: bool) -> None:
    limit = body["max_tokens"]
    if "thinking" in body:
        reason = "thinking is given"
    elif _forbids_thinking(body):
        reason = "the model does not think with a temperature or a forced tool"
    elif not isinstance(limit, int) or limit <= _LEAST:
        reason = "max_tokens leaves no room to think"
    elif effort not in _BUDGETS:
        raise EncodeError("reasoning_effort: unknown level", "reasoning_effort")
    else:
        # Half of the answer at most, so that something is left for the text.
        budget = min(_BUDGETS[effort], max(_LEAST, limit // 2))
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        return
    if needed:
        report.lost("reasoning_effort", f"is not sent: {reason}")


def _forbids_thinking(body: Mapping[str, Any]) -> bool:
    """Thinking wants temperature 1, top_p of 0.95 or more, no top_k and no forced tool."""
    top_p = body.get("top_p", 1)
    return (
        body.get("temperature", 1) != 1
        or "top_k" in body
        or (isinstance(top_p, (int, float)) and top_p < 0.95)
        or (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    )
