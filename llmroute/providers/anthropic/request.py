"""OpenAI's parameters as the body of a Messages API request.

Source: platform.claude.com, API reference, Create a Message (versions 2023-06-01 and 2026-10-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...wire.json import text_of
from ..base import EncodeError
from ..report import Report
from .messages import Conversation
from .models import default_max_tokens, takes_sampling, takes_schemas
from .reasoning import apply_effort
from .schema import fitted
from .tables import NATIVE_PARAMS, NEUTRAL_VALUES, SERVICE_TIERS, TRANSLATED
from .tools import choice_of, functions_of, tools_of

_JSON_ONLY = "Answer with one JSON object and nothing else: no prose around it and no code fences."


def body_of(
    params: Mapping[str, Any], report: Report, *, api_version: str, betas: str | None = None
) -> dict[str, Any]:
    """The JSON body for an OpenAI `params`, which stays unmodified. Raises EncodeError.

    Parameters of Anthropic's own go through as they are. A parameter that neither API knows is
    dropped and reported, since the API refuses unknown ones; in a request that names `betas` it goes
    through, because it may belong to one of them.
    """
    model = params.get("model")
    if not isinstance(model, str) or not model:
        raise EncodeError("model: a text was expected", "model")
    conversation = Conversation(report, params.get("system"))
    conversation.add_all(params.get("messages"))
    body: dict[str, Any] = {"model": model, "messages": None, "max_tokens": _max_tokens(params, model)}
    for name, value in params.items():
        if name in TRANSLATED or value is None:
            continue
        if name in NATIVE_PARAMS:
            body[name] = value
        elif name in NEUTRAL_VALUES:
            if value != NEUTRAL_VALUES[name]:
                report.lost(name)
        elif betas:
            body[name] = value
        else:
            report.lost(name, "is unknown to Anthropic's API and is not sent")
    _add_sampling(body, params, report, api_version)
    _add_stop(body, params)
    _add_caller(body, params, report)
    _add_tools(body, params, report)
    config = params.get("output_config")
    if config is not None:
        if not isinstance(config, dict):
            raise EncodeError("output_config: an object was expected", "output_config")
        body["output_config"] = config
    _add_format(body, params.get("response_format"), conversation, report)
    if params.get("reasoning_effort") is not None:
        apply_effort(body, params["reasoning_effort"], report)
    conversation.finish()
    body["messages"] = conversation.turns
    if conversation.system:
        body["system"] = conversation.system
    return body


def _max_tokens(params: Mapping[str, Any], model: str) -> Any:
    """OpenAI's newer parameter before the older one; a default, since the API demands a limit."""
    for name in ("max_completion_tokens", "max_tokens"):
        if params.get(name) is not None:
            return params[name]
    return default_max_tokens(model)


def _add_sampling(body: dict[str, Any], params: Mapping[str, Any], report: Report, api_version: str) -> None:
    for name in ("temperature", "top_p", "top_k"):
        value = params.get(name)
        if value is None:
            continue
        if not takes_sampling(body["model"], api_version):
            if value != 1 or name == "top_k":
                report.lost(name, "is not sent: the model or the API version takes no sampling parameters")
            continue
        if name == "temperature" and isinstance(value, (int, float)) and not 0 <= value <= 1:
            report.lost(name, f"{value} is outside of Anthropic's 0 to 1 and was moved there")
            value = min(max(value, 0), 1)
        body[name] = value


def _add_stop(body: dict[str, Any], params: Mapping[str, Any]) -> None:
    stop = params.get("stop")
    if stop is not None and "stop_sequences" not in body:
        body["stop_sequences"] = [stop] if isinstance(stop, str) else stop


def _add_caller(body: dict[str, Any], params: Mapping[str, Any], report: Report) -> None:
    """`metadata` holds nothing but the user's id here; OpenAI's may hold anything."""
    metadata = params.get("metadata")
    user = params.get("user")
    if user is None:
        user = params.get("safety_identifier")
    if metadata is not None and not isinstance(metadata, dict):
        raise EncodeError("metadata: an object was expected", "metadata")
    if metadata and user is None:
        user = metadata.get("user_id")
    if metadata and metadata.keys() - {"user_id"}:
        report.lost("metadata")
    if user is not None:
        body["metadata"] = {"user_id": user}
    tier = params.get("service_tier")
    if tier is not None:
        named = SERVICE_TIERS.get(tier) if isinstance(tier, str) else None
        if named is None:
            report.lost("service_tier", f"{tier!r:.50} has no counterpart in Anthropic's API and is not sent")
        else:
            body["service_tier"] = named


def _add_tools(body: dict[str, Any], params: Mapping[str, Any], report: Report) -> None:
    tools = tools_of(params.get("tools"), report, body["model"])
    if params.get("functions") is not None:
        tools += functions_of(params["functions"], report)
    choice, legacy = params.get("tool_choice"), params.get("function_call")
    if choice is None and legacy is not None:
        choice = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    chosen, tools = choice_of(choice, tools, params.get("parallel_tool_calls"))
    if tools:
        body["tools"] = tools
    if chosen is not None:
        body["tool_choice"] = chosen


def _add_format(body: dict[str, Any], wanted: Any, conversation: Conversation, report: Report) -> None:
    """`response_format` as output_config.format; what that cannot hold is asked for in words."""
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return
    if kind == "json_object":
        conversation.system.append({"type": "text", "text": _JSON_ONLY})
        report.told("response_format", "json_object is asked for in the system prompt, not enforced")
        return
    described = wanted.get("json_schema") if kind == "json_schema" else None
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(described, dict) or not isinstance(schema, dict):
        raise EncodeError(
            "response_format: json_schema.schema, json_object or text expected", "response_format"
        )
    if described.get("description") and "description" not in schema:
        schema = {**schema, "description": described["description"]}
    found = fitted(schema) if takes_schemas(body["model"]) else None
    if found is None:
        words = f"{_JSON_ONLY} It must be valid by this JSON schema:\n{text_of(dict(schema))}"
        conversation.system.append({"type": "text", "text": words})
        report.told("response_format", "is asked for in the system prompt: the schema cannot be enforced")
        return
    body["output_config"] = {
        **(body.get("output_config") or {}),
        "format": {"type": "json_schema", "schema": found},
    }
