"""OpenAI's parameters as the body of a Converse request.

Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...wire.json import text_of
from ..anthropic.schema import fitted
from ..base import EncodeError
from ..report import Report
from .fields import Fields
from .messages import Conversation
from .models import Model
from .reasoning import add_effort
from .tables import INFERENCE, NATIVE, NEUTRAL_VALUES, SERVICE_TIERS, TRANSLATED
from .tools import Tools

Json = dict[str, Any]

_JSON_ONLY: Final = "Answer with one JSON object and nothing else: no prose around it and no code fences."
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_STOPS: Final = ("stop", "stop_sequences")
_SAMPLING: Final = (*_LIMITS, *_STOPS, *INFERENCE, "inferenceConfig")
#: What `requestMetadata` takes as a key or a value.
_TAG: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}\Z")
_MAX_TAGS: Final = 16


def body_of(params: Mapping[str, Any], model: Model, report: Report, *, betas: Sequence[str] = ()) -> Json:
    """The JSON body for an OpenAI `params`, which stays unmodified. Raises EncodeError.

    Converse's own parameters go through as they are, under its names or the gateway's. What neither
    API knows goes to OpenAI's models, which take more; for all others it is dropped and reported.
    """
    conversation = Conversation(model, report, params.get("system"))
    conversation.add_all(params.get("messages"))
    fields = Fields(params, model, report)
    body: Json = {"messages": None}
    for name, value in params.items():
        if name in TRANSLATED or value is None:
            continue
        if name in NATIVE:
            body[NATIVE[name]] = _native(name, value)
        elif name in NEUTRAL_VALUES:
            if value != NEUTRAL_VALUES[name] and not fields.take(name, value):
                report.lost(name)
        elif not fields.take(name, value):
            report.lost(name, "is unknown to Converse and not sent; see additional_model_request_fields")
    _add_inference(body, params, fields)
    fields.add_sampling(params)
    fields.add_user(params)
    fields.add_anthropic(params, betas)
    _add_tools(body, params, fields, conversation, model, report)
    _add_caller(body, params, report)
    if params.get("output_config") is not None:
        _add_output_config(params["output_config"], fields, model, report)
    _add_format(body, params.get("response_format"), fields, conversation, model, report)
    if params.get("reasoning_effort") is not None:
        add_effort(body, params["reasoning_effort"], fields, model, report)
    conversation.finish()
    body["messages"] = conversation.turns
    if conversation.system:
        body["system"] = conversation.system
    if fields.values is not None:
        body["additionalModelRequestFields"] = fields.values
    return body


def _native(name: str, value: Any) -> Any:
    if name == "outputConfig" and not isinstance(value, dict):
        raise EncodeError("outputConfig: an object was expected", "outputConfig")
    return value


def _add_inference(body: Json, params: Mapping[str, Any], fields: Fields) -> None:
    if not any(name in params for name in _SAMPLING):
        return
    given = params.get("inferenceConfig")
    if given is not None and not isinstance(given, dict):
        raise EncodeError("inferenceConfig: an object was expected", "inferenceConfig")
    config: Json = dict(given or {})
    for name in _LIMITS:
        if params.get(name) is not None:
            config["maxTokens"] = params[name]
            break
    for name in _STOPS:
        stop = params.get(name)
        if stop is not None:
            config["stopSequences"] = [stop] if isinstance(stop, str) else stop
            break
    for name, native in INFERENCE.items():
        value = params.get(name)
        if value is not None and fields.may_sample(name, value):
            config[native] = value
    body["inferenceConfig"] = config


def _add_tools(
    body: Json,
    params: Mapping[str, Any],
    fields: Fields,
    conversation: Conversation,
    model: Model,
    report: Report,
) -> None:
    tools = Tools(model, report)
    config = tools.config(params, conversation.called)
    if config is not None:
        body["toolConfig"] = config
    fields.add_tools(tools.fields)


def _add_caller(body: Json, params: Mapping[str, Any], report: Report) -> None:
    """OpenAI's `metadata` labels a call for the logs, and so does `requestMetadata`."""
    metadata = params.get("metadata")
    if metadata is not None:
        if not isinstance(metadata, dict):
            raise EncodeError("metadata: an object was expected", "metadata")
        if metadata and "requestMetadata" not in body:
            if len(metadata) <= _MAX_TAGS and all(map(_is_tag, metadata.items())):
                body["requestMetadata"] = metadata
            else:
                report.lost("metadata", "is not sent: Bedrock takes 16 short texts of plain characters")
    tier = params.get("service_tier")
    if tier is None or tier == "auto" or "serviceTier" in body:
        return
    named = SERVICE_TIERS.get(tier) if isinstance(tier, str) else None
    if named is None:
        report.lost("service_tier", f"{tier!r:.50} has no counterpart on Bedrock and is not sent")
    else:
        body["serviceTier"] = {"type": named}


def _is_tag(item: tuple[Any, Any]) -> bool:
    key, value = item
    return (
        isinstance(key, str)
        and isinstance(value, str)
        and bool(key and _TAG.match(key) and _TAG.match(value))
    )


# -- formats -----------------------------------------------------------------


def _add_output_config(config: Any, fields: Fields, model: Model, report: Report) -> None:
    """Anthropic's own parameter."""
    if not isinstance(config, dict):
        raise EncodeError("output_config: an object was expected", "output_config")
    if model.family in ("", "anthropic"):
        fields.set("output_config", config)
    else:
        report.lost("output_config")


def _add_format(
    body: Json, wanted: Any, fields: Fields, conversation: Conversation, model: Model, report: Report
) -> None:
    """`response_format` as `outputConfig.textFormat`; what that cannot hold is asked for in words."""
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return
    if kind == "json_object":
        conversation.system.append({"text": _JSON_ONLY})
        report.told("response_format", "json_object is asked for in the system prompt, not enforced")
        return
    described = wanted.get("json_schema") if kind == "json_schema" else None
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(described, dict) or not isinstance(schema, dict):
        raise EncodeError(
            "response_format: json_schema.schema, json_object or text expected", "response_format"
        )
    found = fitted(schema) if model.takes_schemas else None
    if found is None:
        words = f"{_JSON_ONLY} It must be valid by this JSON schema:\n{text_of(dict(schema))}"
        conversation.system.append({"text": words})
        report.told("response_format", "is asked for in the system prompt: the schema cannot be enforced")
        return
    own = fields.get("output_config")
    if isinstance(own, dict):
        # Converse refuses a field that both it and the model's own fields set.
        fields.set("output_config", {**own, "format": {"type": "json_schema", "schema": found}})
        return
    definition = {"schema": text_of(found)}
    for name in ("name", "description"):
        if isinstance(described.get(name), str) and described[name]:
            definition[name] = described[name]
    text_format = {"type": "json_schema", "structure": {"jsonSchema": definition}}
    body["outputConfig"] = {**(body.get("outputConfig") or {}), "textFormat": text_format}
