"""What the tests of the Oracle adapter share: its targets, answers, and the SDK's types as a judge."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from native_kit import CASES, Kit

from llmroute.providers.base import Adapter, ProviderSettings
from llmroute.providers.registry import adapter_for

OPTIONS = {"oracle_region": "us-chicago-1", "oracle_compartment_id": "ocid1.compartment.oc1..c"}


class OracleKit(Kit):
    """Every target has a place."""

    def target(self, **settings: Any) -> Adapter:
        settings = {"provider": "oracle", "options": OPTIONS, **settings}
        return adapter_for(ProviderSettings(**settings))

    def chat(self, *args: Any, **params: Any) -> dict[str, Any]:
        """The `chatRequest` that is sent."""
        found: dict[str, Any] = self.encoded(*args, **params)["chatRequest"]
        return found


LLAMA = OracleKit("oracle", "meta.llama-3.3-70b-instruct")
GEMINI = OracleKit("oracle", "google.gemini-2.5-pro")
COHERE = OracleKit("oracle", "cohere.command-a-03-2025")


def text(said: str) -> dict[str, Any]:
    return {"type": "TEXT", "text": said}


def call(id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    """A tool call, or a piece of one, without what is None."""
    made = {"type": "FUNCTION", "id": id, "name": name, "arguments": arguments}
    return {name: value for name, value in made.items() if value is not None}


def message(*contents: Any, **members: Any) -> dict[str, Any]:
    return {"role": "ASSISTANT", "content": list(contents), **members}


def answer(said: Any, finish: Any = "stop", **members: Any) -> dict[str, Any]:
    """A generic ChatResult with one choice."""
    choice = {"index": 0, "message": said, "finishReason": finish, "logprobs": {}}
    chat = {"apiFormat": "GENERIC", "timeCreated": "2025-06-01T10:00:00.000Z", "choices": [choice], **members}
    return {"modelId": "meta.llama-3.3-70b-instruct", "modelVersion": "1.0.0", "chatResponse": chat}


def piece(*contents: Any, **members: Any) -> dict[str, Any]:
    """An event with a piece of the first choice."""
    return {"index": 0, "message": message(*contents, **members), "pad": "aaaa"}


ENDED = {"message": {"role": "ASSISTANT"}, "finishReason": "stop", "pad": "aaa"}
CALLED = {**ENDED, "finishReason": "tool_calls"}


# -- the SDK's types ---------------------------------------------------------


@functools.cache
def types() -> dict[str, dict[str, Any]]:
    """Members by name of the models in package oci 2.189.0 that a request may hold."""
    found: dict[str, dict[str, Any]] = json.loads((CASES / "oracle_types.json").read_text("utf-8"))
    return found


_KINDS: dict[str, Any] = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


def problems(value: Any, kind: str = "ChatDetails", path: str = "$") -> list[str]:
    """Where a body is not of the SDK's types."""
    listed = re.fullmatch(r"list\[(\w+)\]", kind)
    if listed:
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [each for i, item in enumerate(value) for each in problems(item, listed[1], f"{path}[{i}]")]
    if kind in _KINDS:
        return [] if isinstance(value, _KINDS[kind]) else [f"{path}: no {kind} but {value!r}"]
    known = types()[kind]
    if not isinstance(value, dict):
        return [f"{path}: no object"]
    if "kinds" in known:
        word = value.get(known["by"])
        return (
            problems(value, known["kinds"][word], path)
            if word in known["kinds"]
            else [f"{path}.{known['by']}: {word!r}"]
        )
    found = [f"{path}.{name}: unknown to {kind}" for name in value if name not in known]
    return found + [d for n, v in value.items() if n in known for d in problems(v, known[n], f"{path}.{n}")]
