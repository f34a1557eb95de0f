"""The body of a generateContent request for an OpenAI body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ...wire.json import JSONError, dumps
from ..base import EncodeError
from ..report import Report
from .dialect import Dialect
from .messages import Conversation
from .models import is_current, thinking_of
from .schema import either_form
from .tools import calling_of, camel, tools_of

#: OpenAI's parameters that only have another name in `generationConfig`.
_RENAMED: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
#: Members of `generationConfig` that may be given at the top under their own name, in camelCase or
#: snake_case. Source: GenerationConfig in the API reference of ai.google.dev, v1beta, and Vertex AI's.
_OWN_GENERATION: Final = {
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "responseLogprobs",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "topP",
    "topK",
    "presencePenalty",
    "frequencyPenalty",
    "enableEnhancedCivicAnswers",
    "enableAffectiveDialog",
    "speechConfig",
    "thinkingConfig",
    "imageConfig",
    "mediaResolution",
    "audioTimestamp",
    "audioTranscriptionConfig",
    "modelConfig",
    "routingConfig",
}
#: Read together with others, or by the adapter.
_ELSEWHERE: Final = {
    "model", "messages", "stream", "stream_options", "tools", "tool_choice", "functions", "function_call",
    "web_search_options", "thinking", "reasoning_effort", "max_tokens", "max_completion_tokens",
    "generationConfig", "generation_config",
}  # fmt: skip

Json = dict[str, Any]


def request_body(
    params: Mapping[str, Any], model: str, dialect: Dialect, *, refuse: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The JSON body for `params`, and warnings about what it does not carry.

    With `refuse` a loss raises EncodeError instead. `model` is read for what it accepts; it is part
    of the URL, not of the body. Raises EncodeError.
    """
    report = Report("Gemini's API", refuse=refuse)
    conversation = Conversation(model, dialect, report)
    conversation.read(params.get("messages"))
    body: Json = {"contents": conversation.contents}
    if conversation.system:
        body["systemInstruction"] = {"parts": conversation.system, "role": "system"}
    generation: Json = {}
    _read_parameters(params, body, generation, dialect, report)
    _read_limit(params, generation)
    _read_thinking(params, model, generation, report)
    _read_own_generation(params, generation)
    _read_tools(params, body, report)
    if generation or not _NEVER_EMPTY.isdisjoint(params):
        body["generationConfig"] = generation
    try:
        return dumps(body), report.warnings()
    except JSONError as problem:
        raise EncodeError(f"the request is no JSON: {problem}") from None


#: With these the reference sends `generationConfig`, even when every one of them is null.
_NEVER_EMPTY: Final = frozenset({*_RENAMED, "max_tokens", "max_completion_tokens", "stop"})


def _read_parameters(
    params: Mapping[str, Any], body: Json, generation: Json, dialect: Dialect, report: Report
) -> None:
    for name, value in params.items():
        if value is None or name in _ELSEWHERE:
            continue
        if name in _RENAMED:
            generation[_RENAMED[name]] = value
            continue
        reader = _READERS.get(name)
        if reader is not None:
            reader(value, generation, report)
            continue
        own = camel(name)
        if own in _OWN_GENERATION:
            generation[own] = value
        elif own in dialect.members:
            _own_member(name, own, value, body, report)
        else:
            report.lost(name)


def _own_member(name: str, own: str, value: Any, body: Json, report: Report) -> None:
    """A member of the request itself keeps the spelling it comes in: the API reads both."""
    if name == "service_tier":
        _service_tier(value, body, report)
    elif own == "systemInstruction" and "systemInstruction" in body:
        report.lost(name, "is not sent beside system messages")
    else:
        body[name] = value


def _service_tier(value: Any, body: Json, report: Report) -> None:
    """OpenAI's tiers; "auto" and "default" are what the API does by itself."""
    if value in ("flex", "priority", "standard"):
        body["serviceTier"] = value
    elif value not in ("auto", "default"):
        report.lost("service_tier")


# -- generationConfig --------------------------------------------------------


def _stop(value: Any, generation: Json, report: Report) -> None:
    generation["stopSequences"] = [value] if isinstance(value, str) else value


def _count(value: Any, generation: Json, report: Report) -> None:
    # Some models take no candidateCount; one candidate is what all of them give.
    if value != 1:
        generation["candidateCount"] = value


def _modalities(value: Any, generation: Json, report: Report) -> None:
    if not isinstance(value, (list, tuple)):
        raise EncodeError("modalities: a list was expected", "modalities")
    generation["responseModalities"] = [item.upper() if isinstance(item, str) else item for item in value]


def _image_config(value: Any, generation: Json, report: Report) -> None:
    if not isinstance(value, Mapping):
        raise EncodeError("image_config: an object was expected", "image_config")
    generation["imageConfig"] = {camel(name): item for name, item in value.items()}


def _audio(value: Any, generation: Json, report: Report) -> None:
    """OpenAI's voices and formats are not Google's: a voice by Google's name works, formats do not."""
    voice = value.get("voice") if isinstance(value, Mapping) else None
    if not isinstance(voice, str):
        raise EncodeError("audio.voice: the name of a voice was expected", "audio.voice")
    if value.get("format") not in (None, "pcm16"):
        report.lost("audio.format")
    generation["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}


def _response_format(value: Any, generation: Json, report: Report) -> None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind == "text":
        return
    if kind not in ("json_object", "json_schema"):
        raise EncodeError(
            "response_format.type: text, json_object or json_schema was expected", "response_format"
        )
    generation["responseMimeType"] = "application/json"
    if kind == "json_object":
        return
    where = "response_format.json_schema"
    named = value.get("json_schema")
    if not isinstance(named, Mapping):
        raise EncodeError(f"{where}: an object was expected", where)
    # Some clients put the schema where its name and schema belong.
    schema = named.get("schema", named)
    if schema is None:
        return
    form = either_form(schema, "responseSchema", "responseJsonSchema", f"{where}.schema")
    if isinstance(named.get("description"), str) and "schema" in named:
        for written in form.values():
            written.setdefault("description", named["description"])
    generation.update(form)


def _parallel(value: Any, generation: Json, report: Report) -> None:
    if value is False:
        report.lost("parallel_tool_calls", "cannot be turned off in Gemini's API")


def _unless_empty(name: str) -> Callable[[Any, Json, Report], None]:
    """A parameter without a counterpart, which may ask for nothing."""

    def read(value: Any, generation: Json, report: Report) -> None:
        if value:
            report.lost(name)

    return read


_READERS: Final[Mapping[str, Callable[[Any, Json, Report], None]]] = {
    "stop": _stop,
    "n": _count,
    "modalities": _modalities,
    "image_config": _image_config,
    "audio": _audio,
    "response_format": _response_format,
    "parallel_tool_calls": _parallel,
    "logit_bias": _unless_empty("logit_bias"),
    "metadata": _unless_empty("metadata"),
}


def _read_limit(params: Mapping[str, Any], generation: Json) -> None:
    limit = params.get("max_completion_tokens")
    if limit is None:
        limit = params.get("max_tokens")
    if limit is not None:
        generation["maxOutputTokens"] = limit


def _read_thinking(params: Mapping[str, Any], model: str, generation: Json, report: Report) -> None:
    """`thinking` (Anthropic's form) and `reasoning_effort`; a budget and a level exclude each other."""
    config: Json = {}
    thinking = params.get("thinking")
    if thinking is not None:
        config = _thinking(thinking, model, report)
    effort = params.get("reasoning_effort")
    if effort is not None:
        if not isinstance(effort, str):
            raise EncodeError("reasoning_effort: a text was expected", "reasoning_effort")
        if "thinkingBudget" in config:
            report.lost("reasoning_effort", "is not sent beside thinking.budget_tokens")
        else:
            found, whole = thinking_of(effort, model)
            if not whole:
                report.lost("reasoning_effort", f"{effort[:20]!r} has no exact counterpart in this model")
            config.update(found or {})
    if config:
        generation["thinkingConfig"] = config


def _thinking(thinking: Any, model: str, report: Report) -> Json:
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    if kind == "disabled":
        found, whole = thinking_of("none", model)
        if not whole:
            report.lost("thinking", "cannot be turned off in this model")
        return found or {}
    if kind not in ("enabled", "adaptive"):
        raise EncodeError("thinking.type: enabled, adaptive or disabled was expected", "thinking")
    config: Json = {"includeThoughts": True}
    budget = thinking.get("budget_tokens")
    if budget is not None:
        config["thinkingBudget"] = budget
    elif not is_current(model):
        config["thinkingBudget"] = -1
    return config


def _read_own_generation(params: Mapping[str, Any], generation: Json) -> None:
    """`generationConfig` as it is: it has the last word."""
    for name in ("generation_config", "generationConfig"):
        own = params.get(name)
        if own is None:
            continue
        if not isinstance(own, Mapping):
            raise EncodeError(f"{name}: an object was expected", name)
        generation.update((camel(member), value) for member, value in own.items())


# -- tools -------------------------------------------------------------------


def _read_tools(params: Mapping[str, Any], body: Json, report: Report) -> None:
    given = params.get("tools")
    legacy = params.get("functions")
    if legacy is not None:
        if not isinstance(legacy, (list, tuple)):
            raise EncodeError("functions: a list was expected", "functions")
        given = [*(given or ()), *({"type": "function", "function": function} for function in legacy)]
    tools, names, config = tools_of(given, report)
    search = params.get("web_search_options")
    if search is not None:
        if search:
            report.lost(
                "web_search_options", "has no counterpart in Google's search, which is used all the same"
            )
        tools.append({"googleSearch": {}})
    if tools or "tools" in params:
        body["tools"] = tools
    choice = params.get("tool_choice")
    if choice is None:
        choice = _legacy_choice(params.get("function_call"))
    calling = calling_of(choice, names, report)
    if "toolConfig" in body or (calling is None and not config):
        if calling is not None:
            report.lost("tool_choice", "is not sent beside toolConfig")
        return
    if calling is not None:
        config["function_calling_config"] = calling
    own = body.get("tool_config")
    body["tool_config"] = {**config, **own} if isinstance(own, Mapping) else config


def _legacy_choice(choice: Any) -> Any:
    return {"type": "function", "function": choice} if isinstance(choice, Mapping) else choice
