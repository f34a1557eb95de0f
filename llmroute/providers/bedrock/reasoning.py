"""OpenAI's `reasoning_effort` in the terms that each family of models understands.

Sources: docs.aws.amazon.com/bedrock, "Extended thinking", "Adaptive thinking", OutputConfig, "OpenAI
models"; docs.aws.amazon.com/nova (Nova 2), "Extended thinking".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..anthropic.models import default_max_tokens
from ..anthropic.reasoning import apply_effort
from ..base import EncodeError
from ..report import Report
from .fields import Fields
from .models import Model

Json = dict[str, Any]

#: The three levels that Nova and OpenAI's open models have.
_LEVELS: Final[Mapping[str, str]] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def add_effort(body: Json, effort: Any, fields: Fields, model: Model, report: Report) -> None:
    """Write `effort` into a request that has everything else already."""
    if not isinstance(effort, str):
        raise EncodeError("reasoning_effort: a text was expected", "reasoning_effort")
    claude = model.claude
    if claude is not None:
        _claude(body, effort, fields, claude, report)
    elif model.is_nova_2:
        _nova(body, effort, fields, report)
    elif model.family == "openai":
        fields.set("reasoning_effort", _level(effort, report, "low"))
    elif effort != "none":
        report.lost("reasoning_effort")


def _claude(body: Json, effort: str, fields: Fields, claude: str, report: Report) -> None:
    """By the rules of Anthropic's own API, whose names are translated to and fro."""
    inference = body.get("inferenceConfig") or {}
    own = fields.get("output_config")
    own = own if isinstance(own, dict) else None
    native: Json = {"model": claude, "max_tokens": inference.get("maxTokens") or default_max_tokens(claude)}
    for name, value in (
        ("temperature", inference.get("temperature")),
        ("top_p", inference.get("topP")),
        ("top_k", fields.get("top_k")),
        ("thinking", fields.get("thinking")),
        ("output_config", own),
        ("tool_choice", {"type": "any"} if _is_forced(body, fields) else None),
    ):
        if value is not None:
            native[name] = value
    apply_effort(native, effort, report)
    if "thinking" in native:
        fields.set("thinking", native["thinking"])
    config = native.get("output_config")
    if config is None:
        return
    if own is not None:
        fields.set("output_config", config)
    else:
        body["outputConfig"] = {**(body.get("outputConfig") or {}), **config}


def _is_forced(body: Json, fields: Fields) -> bool:
    """Whether the model has to call a tool."""
    chosen = (body.get("toolConfig") or {}).get("toolChoice") or {}
    own = fields.get("tool_choice")
    kind = own.get("type") if isinstance(own, dict) else None
    return kind in ("any", "tool") or "any" in chosen or "tool" in chosen


def _nova(body: Json, effort: str, fields: Fields, report: Report) -> None:
    if fields.get("reasoningConfig") is not None:
        report.lost("reasoning_effort", "is not sent: reasoningConfig is given")
        return
    if effort == "none":
        return  # Nova thinks only when asked to
    level = _level(effort, report, None)
    if level == "high" and any(body.get("inferenceConfig", {}).get(n) is not None for n in _UNSET_AT_HIGH):
        report.told(
            "reasoning_effort", "is sent as medium: with high effort Nova takes no limit and no sampling"
        )
        level = "medium"
    fields.set("reasoningConfig", {"type": "enabled", "maxReasoningEffort": level})


#: "When maxReasoningEffort is high, temperature, topP and maxTokens must be unset."
_UNSET_AT_HIGH: Final = ("maxTokens", "temperature", "topP")


def _level(effort: str, report: Report, none: str | None) -> str:
    """One of three levels for OpenAI's six; `none` is that for models which cannot stop thinking."""
    level = none if effort == "none" else _LEVELS.get(effort)
    if level is None:
        raise EncodeError("reasoning_effort: unknown level", "reasoning_effort")
    if level != effort:
        report.told("reasoning_effort", f"is sent as {level!r}, the nearest of the model")
    return level
