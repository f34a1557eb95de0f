"""`additionalModelRequestFields`: what a model takes beyond the parameters that all models share.

Sources: docs.aws.amazon.com/bedrock, "Inference request parameters" (Anthropic, Cohere, AI21, Mistral
and OpenAI models), docs.aws.amazon.com/nova, "Using the Converse API".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..anthropic.models import takes_sampling
from ..anthropic.tables import NATIVE_PARAMS as ANTHROPIC_PARAMS
from ..base import EncodeError
from ..report import Report
from .models import Model
from .tables import ADDITIONAL

Json = dict[str, Any]

#: OpenAI's parameters under the names of a family. All others are lost on it.
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"top_k": "top_k"},
    "ai21": {
        "countPenalty": "countPenalty",
        "frequencyPenalty": "frequencyPenalty",
        "frequency_penalty": "frequencyPenalty",
        "presencePenalty": "presencePenalty",
        "presence_penalty": "presencePenalty",
        "top_k": "top_k",
    },
    "anthropic": {
        "top_k": "top_k",
        **{name: name for name in ANTHROPIC_PARAMS - {"stop_sequences", "stream", "thinking"}},
    },
    "cohere": {
        "frequency_penalty": "frequency_penalty",
        "logit_bias": "logitBias",
        "n": "n",
        "presence_penalty": "presence_penalty",
        "top_k": "top_k",
    },
    "mistral": {"top_k": "top_k"},
}
#: What answers of Converse have no place for, so that asking OpenAI's models for it would be in vain.
_NOT_ANSWERED: Final = frozenset({"audio", "logprobs", "modalities", "n", "top_logprobs", "top_k"})


class Fields:
    """Gathers the fields of one request; `values` is None where none are to be sent."""

    __slots__ = ("_model", "_report", "values")

    def __init__(self, params: Mapping[str, Any], model: Model, report: Report) -> None:
        self.values: Json | None = None
        self._model = model
        self._report = report
        for name in ADDITIONAL:
            given = params.get(name)
            if given is None:
                continue
            if not isinstance(given, dict):
                raise EncodeError(f"{name}: an object was expected", name)
            self.values = {**(self.values or {}), **given}

    def set(self, name: str, value: Any) -> None:
        if self.values is None:
            self.values = {}
        self.values[name] = value

    def get(self, name: str) -> Any:
        """A field as it stands now, None without one."""
        return None if self.values is None else self.values.get(name)

    def take(self, name: str, value: Any) -> bool:
        """Put an OpenAI parameter, or one that Converse does not know, in its place; False without one."""
        family = self._model.family
        if family == "openai" and name not in _NOT_ANSWERED:
            # "Include any other fields in the additionalModelRequestFields object."
            self.set(name, value)
            return True
        if family == "amazon" and name == "top_k":
            inner = self.get("inferenceConfig")
            self.set("inferenceConfig", {**(inner if isinstance(inner, dict) else {}), "topK": value})
            return True
        native = _NAMES.get(family, {}).get(name)
        if native is None:
            return False
        if family == "ai21" and name.endswith("_penalty"):
            value = {"scale": value}
        self.set(native, value)
        return True

    def add_sampling(self, params: Mapping[str, Any]) -> None:
        """`top_k`, which is no OpenAI parameter and yet common."""
        value = params.get("top_k")
        if value is not None and self.may_sample("top_k", value) and not self.take("top_k", value):
            self._report.lost("top_k")

    def may_sample(self, name: str, value: Any) -> bool:
        """Whether a sampling parameter is to be sent: Claude from 4.7 on takes none."""
        claude = self._model.claude
        if claude is None or takes_sampling(claude, ""):
            return True
        if value != 1 or name == "top_k":
            self._report.lost(name, "is not sent: the model takes no sampling parameters")
        return False

    def add_user(self, params: Mapping[str, Any]) -> None:
        user = params.get("user")
        if user is None:
            user = params.get("safety_identifier")
        if user is None:
            return
        if self._model.family == "anthropic":
            self.set("metadata", {"user_id": user})
        elif self._model.family == "openai":
            self.set("user", user)
        else:
            self._report.lost("user")

    def add_anthropic(self, params: Mapping[str, Any], betas: Sequence[str]) -> None:
        """Anthropic's own version, betas and thinking."""
        is_claude = self._model.family in ("", "anthropic")
        thinking = params.get("thinking")
        if thinking is not None:
            if is_claude:
                self.set("thinking", thinking)
            else:
                self._report.lost("thinking")
        if is_claude:
            if params.get("anthropic_version"):
                self.set("anthropic_version", params["anthropic_version"])
            if betas:
                self.set("anthropic_beta", list(betas))

    def add_tools(self, fields: Mapping[str, Any]) -> None:
        """Tools and choices that `toolConfig` has no place for."""
        for name, value in fields.items():
            before = self.get(name)
            self.set(name, [*before, *value] if isinstance(before, list) and name == "tools" else value)
