"""OpenAI's completion and chunk dicts, built in one place for the adapters of other formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_CHUNK: Final = "chat.completion.chunk"


def completion(
    *,
    id: str,
    model: str,
    created: int,
    message: Mapping[str, Any],
    finish_reason: str | None,
) -> dict[str, Any]:
    """A whole completion with one choice and no usage."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, **message},
        "logprobs": None,
        "finish_reason": finish_reason,
    }
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
    }


class ChunkMaker:
    """Chunks of one stream: they share id, model and time, which may be set late."""

    __slots__ = ("created", "id", "model")

    def __init__(self, id: str = "", model: str = "", created: int = 0) -> None:
        self.id = id
        self.model = model
        self.created = created

    def delta(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        """A chunk with one choice."""
        return {
            "id": self.id,
            "object": _CHUNK,
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish_reason}],
        }


def replay(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a stream that says what `completion`, a usable completion, says.

    One chunk with the whole message and one with the finish reason for every choice; the usage is on
    the last chunk. Members of the completion are on every chunk, members of a choice beside its
    finish reason; log probabilities come with the message.
    """
    base = {key: value for key, value in completion.items() if key not in ("choices", "usage", "object")}
    base["object"] = _CHUNK
    choices = completion["choices"]
    chunks = [{**base, "choices": [_opening(choice, i)]} for i, choice in enumerate(choices)]
    chunks += [{**base, "choices": [_closing(choice, i)]} for i, choice in enumerate(choices)]
    if completion.get("usage") is not None:
        chunks[-1]["usage"] = completion["usage"]
    return chunks


def _opening(choice: Mapping[str, Any], position: int) -> dict[str, Any]:
    delta = {"role": "assistant", **choice["message"]}
    calls = delta.get("tool_calls")
    if isinstance(calls, Sequence) and not isinstance(calls, str):
        delta["tool_calls"] = [_indexed(call, i) for i, call in enumerate(calls)]
    return {
        "index": choice.get("index", position),
        "delta": delta,
        "logprobs": choice.get("logprobs"),
        "finish_reason": None,
    }


def _closing(choice: Mapping[str, Any], position: int) -> dict[str, Any]:
    rest = {key: value for key, value in choice.items() if key not in ("message", "logprobs")}
    # An answer that came whole is complete, whatever it says of its end.
    reason = choice.get("finish_reason") or ("tool_calls" if choice["message"].get("tool_calls") else "stop")
    return {**rest, "index": choice.get("index", position), "delta": {}, "finish_reason": reason}


def _indexed(call: Any, position: int) -> Any:
    return {"index": position, **call} if isinstance(call, Mapping) else call
