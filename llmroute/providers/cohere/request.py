"""OpenAI's parameters as a request of the Chat API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report
from .messages import messages_of
from .tables import NATIVE_PARAMS, NEUTRAL_VALUES, RENAMED, TRANSLATED
from .tools import add_tools

#: Thinking tokens for the efforts below "high", which thinks without limit.
_BUDGETS: Final[Mapping[str, int]] = {"minimal": 1_024, "low": 1_024, "medium": 8_192}
_UNLIMITED: Final = frozenset({"high", "xhigh", "max"})
_EFFORTS: Final = frozenset({"none", *_BUDGETS, *_UNLIMITED})


def body_of(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The JSON body for `params`. Raises EncodeError."""
    model = params.get("model")
    if not isinstance(model, str) or not model:
        raise EncodeError("model: a text was expected", "model")
    body: dict[str, Any] = {"model": model, "messages": messages_of(params.get("messages"), report)}
    for name, value in params.items():
        if value is None or name in TRANSLATED:
            continue
        if name in NATIVE_PARAMS:
            body.setdefault(name, value)
        elif name in RENAMED:
            body[RENAMED[name]] = value
        elif name not in NEUTRAL_VALUES:
            report.lost(name, "is unknown to Cohere's API and is not sent")
        elif value != NEUTRAL_VALUES[name]:
            report.lost(name)
    for name in ("frequency_penalty", "presence_penalty"):
        _keep_within_range(body, name, report)
    _add_stop(body, params.get("stop"))
    _add_thinking(body, params, report)
    _add_format(body, params.get("response_format"))
    add_tools(body, params, report)
    return body


def _keep_within_range(body: dict[str, Any], name: str, report: Report) -> None:
    """Penalties go from 0 to 1 here, from -2 to 2 at OpenAI."""
    value = body.get(name)
    if isinstance(value, (int, float)) and not 0 <= value <= 1:
        report.lost(name, "is outside of Cohere's range of 0 to 1 and was moved there")
        body[name] = min(max(value, 0), 1)


def _add_stop(body: dict[str, Any], stop: Any) -> None:
    if stop is not None and "stop_sequences" not in body:
        body["stop_sequences"] = [stop] if isinstance(stop, str) else stop


def _add_thinking(body: dict[str, Any], params: Mapping[str, Any], report: Report) -> None:
    """`thinking` in Cohere's own form or with Anthropic's `budget_tokens`; else from the effort.

    Source: docs.cohere.com, reasoning (budgets), compatibility API ("none" and "high" mean disabled
    and enabled).
    """
    thinking, effort = params.get("thinking"), params.get("reasoning_effort")
    if thinking is not None:
        if not isinstance(thinking, dict):
            raise EncodeError("thinking: an object was expected", "thinking")
        found = {name: value for name, value in thinking.items() if name != "budget_tokens"}
        if thinking.get("budget_tokens") is not None:
            found.setdefault("token_budget", thinking["budget_tokens"])
        found.setdefault("type", "enabled")
        body["thinking"] = found
        if effort is not None:
            report.lost("reasoning_effort", "is not sent: thinking is given")
    elif effort is not None:
        body["thinking"] = _thinking_of(effort)


def _thinking_of(effort: Any) -> dict[str, Any]:
    if not isinstance(effort, str) or effort not in _EFFORTS:
        raise EncodeError("reasoning_effort: unknown level", "reasoning_effort")
    if effort == "none":
        return {"type": "disabled"}
    if effort in _UNLIMITED:
        return {"type": "enabled"}
    return {"type": "enabled", "token_budget": _BUDGETS[effort]}


def _add_format(body: dict[str, Any], wanted: Any) -> None:
    """JSON schemas are a member of the format "json_object"; there are none without enforcement."""
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        body["response_format"] = wanted
    elif kind == "json_schema":
        described = wanted.get("json_schema")
        schema = described.get("schema") if isinstance(described, dict) else None
        if not isinstance(described, dict) or not isinstance(schema, dict):
            raise EncodeError("response_format: json_schema.schema expected", "response_format")
        if described.get("description") and "description" not in schema:
            schema = {**schema, "description": described["description"]}
        body["response_format"] = {"type": "json_object", "json_schema": schema}
    elif kind != "text":
        raise EncodeError("response_format: json_schema, json_object or text expected", "response_format")
