"""OpenAI's completion and chunk dicts, built in one place for the adapters of other formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def usage(prompt: int, completion: int, *, total: int | None = None, **details: Any) -> dict[str, Any]:
    """OpenAI's `usage`. `details` are further members, such as `prompt_tokens_details`; None is left out."""
    counts: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion if total is None else total,
    }
    counts.update((name, value) for name, value in details.items() if value is not None)
    return counts


def tool_call(id: str, name: str, arguments: str, **members: Any) -> dict[str, Any]:
    """One entry of `message.tool_calls`; `arguments` is JSON text."""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **members}


def completion(
    *,
    id: str,
    model: str,
    created: int,
    message: Mapping[str, Any],
    finish_reason: str | None,
    usage: Mapping[str, Any] | None = None,
    native_finish_reason: str | None = None,
    **members: Any,
) -> dict[str, Any]:
    """A whole completion with one choice; `members` are further members of the completion."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": None, **message},
        "logprobs": None,
        "finish_reason": finish_reason,
    }
    if native_finish_reason is not None:
        choice["native_finish_reason"] = native_finish_reason
    body: dict[str, Any] = {"id": id, "object": "chat.completion", "created": created, "model": model}
    body["choices"] = [choice]
    if usage is not None:
        body["usage"] = dict(usage)
    body.update(members)
    return body


class ChunkMaker:
    """Chunks of one stream: they share id, model and time, which may be set late."""

    __slots__ = ("created", "id", "model")

    def __init__(self, id: str = "", model: str = "", created: int = 0) -> None:
        self.id = id
        self.model = model
        self.created = created

    def delta(
        self,
        delta: Mapping[str, Any],
        finish_reason: str | None = None,
        *,
        index: int = 0,
        native_finish_reason: str | None = None,
    ) -> dict[str, Any]:
        """A chunk with one choice."""
        choice = {"index": index, "delta": dict(delta), "logprobs": None, "finish_reason": finish_reason}
        if native_finish_reason is not None:
            choice["native_finish_reason"] = native_finish_reason
        return self._chunk([choice])

    def tool_start(self, position: int, id: str, name: str, arguments: str = "") -> dict[str, Any]:
        """The first piece of the tool call at `position`."""
        return self.delta({"tool_calls": [{"index": position, **tool_call(id, name, arguments)}]})

    def tool_arguments(self, position: int, arguments: str) -> dict[str, Any]:
        """A further piece of the arguments of the tool call at `position`."""
        return self.delta({"tool_calls": [{"index": position, "function": {"arguments": arguments}}]})

    def usage(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """The chunk without choices that ends a stream with its usage."""
        chunk = self._chunk([])
        chunk["usage"] = dict(usage)
        return chunk

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }


def replay(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a stream that says what `completion`, a usable completion, says.

    One chunk with the whole message and one with the finish reason for every choice; the usage is on
    the last chunk. Members of the completion are on every chunk, members of a choice beside its
    finish reason; log probabilities come with the message.
    """
    base = {key: value for key, value in completion.items() if key not in ("choices", "usage", "object")}
    base["object"] = "chat.completion.chunk"
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
    reason = choice.get("finish_reason") or "stop"
    return {**rest, "index": choice.get("index", position), "delta": {}, "finish_reason": reason}


def _indexed(call: Any, position: int) -> Any:
    return {"index": position, **call} if isinstance(call, Mapping) else call
