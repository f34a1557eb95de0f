"""Chunks of a stream under judgement: joined into their answer, cut where it is safe, and made anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..types.accumulate import CompletionBuilder
from ..wire.json import JSONError, dumps_parsed

Chunk = dict[str, Any]
#: A text that grows over the chunks: the index of its choice and its name in the delta.
Lane = tuple[int, str]

TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal")
#: Parts of a delta that mean nothing before they are whole.
_WHOLE: Final = ("tool_calls", "function_call", "audio")
_HEAD: Final = ("id", "created", "model", "service_tier", "system_fingerprint")


def completion_of(chunks: Iterable[Chunk]) -> dict[str, Any]:
    """The answer that the chunks make."""
    builder = CompletionBuilder()
    for chunk in chunks:
        builder.add(chunk)
    return builder.build()


def size_of(chunk: Chunk) -> int:
    """About how many bytes a chunk takes."""
    try:
        return len(dumps_parsed(chunk))
    except JSONError:
        return 1_000


def choices_of(chunk: Chunk) -> list[tuple[int, dict[str, Any], dict[str, Any]]]:
    """The choices of a chunk with index and delta; malformed ones are left out."""
    found = []
    choices = chunk.get("choices")
    for position, choice in enumerate(choices if type(choices) is list else ()):
        if type(choice) is dict:
            index, delta = choice.get("index"), choice.get("delta")
            found.append(
                (index if type(index) is int else position, choice, delta if type(delta) is dict else {})
            )
    return found


def lanes_of(chunk: Chunk) -> list[tuple[Lane, str]]:
    """The texts of a chunk."""
    return [
        ((index, name), text)
        for index, _, delta in choices_of(chunk)
        for name in TEXTS
        if type(text := delta.get(name)) is str and text
    ]


class Held:
    """Chunks that wait for a verdict, with what has to be known of them to cut them."""

    __slots__ = ("_finished", "bytes", "chunks", "fresh")

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        #: Characters since `rest` or the last judgement.
        self.fresh = 0
        self.bytes = 0
        self._finished: set[int] = set()

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        self.chunks.append(chunk)
        self.bytes += size_of(chunk)
        self.fresh += sum(len(text) for _, text in lanes_of(chunk))
        self._finished.update(index for index, choice, _ in choices_of(chunk) if choice.get("finish_reason"))

    def release(self, count: int) -> list[Chunk]:
        """Give away the first `count` chunks."""
        released, self.chunks = self.chunks[:count], self.chunks[count:]
        self.bytes = sum(map(size_of, self.chunks))
        return released

    def cuts(self, overlap: int) -> list[int]:
        """How many chunks may go, the most first.

        Of each choice that goes on, at least `overlap` characters stay; tool calls stay until they
        are whole, which only the end tells.
        """
        behind: dict[int, int] = {}
        before = [index for chunk in self.chunks for (index, _), _ in lanes_of(chunk)]
        left = {index: before.count(index) for index in set(before)}
        found: list[int] = []
        for count in range(len(self.chunks), 0, -1):
            going = [index for index, pieces in left.items() if pieces and index not in self._finished]
            if all(behind.get(index, 0) >= overlap for index in going):
                found.append(count)
            for (index, _), text in lanes_of(self.chunks[count - 1]):
                behind[index] = behind.get(index, 0) + len(text)
                left[index] -= 1
        whole = next((i for i, chunk in enumerate(self.chunks) if _holds_whole(chunk)), len(self.chunks))
        return [count for count in found if count <= whole]


def _holds_whole(chunk: Chunk) -> bool:
    return any(delta.get(name) for _, _, delta in choices_of(chunk) for name in _WHOLE)


def texts_of(completion: Mapping[str, Any]) -> dict[Lane, str]:
    """The texts of an answer, by the lanes that a stream of it would have."""
    found: dict[Lane, str] = {}
    for position, choice in enumerate(completion.get("choices") or ()):
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping):
            index = choice.get("index", position)
            found |= {
                (index, name): text for name in TEXTS if type(text := message.get(name)) is str and text
            }
    return found


def rewritten(chunks: Sequence[Chunk], texts: Mapping[Lane, str]) -> list[Chunk]:
    """The chunks with other texts: each text as a whole where its lane began, nothing in its later pieces."""
    left = dict(texts)
    made = []
    for chunk in chunks:
        choices = []
        for index, choice, delta in choices_of(chunk):
            new = {
                name: left.pop((index, name), "") if name in TEXTS and type(value) is str and value else value
                for name, value in delta.items()
            }
            choices.append({k: v for k, v in choice.items() if k != "logprobs"} | {"delta": new})
        made.append({**chunk, "choices": choices} if "choices" in chunk else chunk)
    added = [{"index": i, "delta": {name: text}} for (i, name), text in left.items() if text]
    if added and chunks:
        made.append({**_head_of(chunks[-1]), "choices": added})
    return [chunk for chunk in made if _says_something(chunk)]


def _head_of(chunk: Mapping[str, Any]) -> dict[str, Any]:
    head = {name: chunk[name] for name in _HEAD if chunk.get(name) is not None}
    return {**head, "object": "chat.completion.chunk"}


def _says_something(chunk: Chunk) -> bool:
    choices = choices_of(chunk)
    if not choices:
        return True
    return any(choice.get("finish_reason") or any(delta.values()) for _, choice, delta in choices)


def chunks_of(completion: Mapping[str, Any]) -> list[Chunk]:
    """An answer as a stream: what it says, how it ended, what it cost."""
    head = _head_of(completion)
    said: list[dict[str, Any]] = []
    ended: list[dict[str, Any]] = []
    for position, choice in enumerate(completion.get("choices") or ()):
        index = choice.get("index", position)
        delta = {name: value for name, value in (choice.get("message") or {}).items() if value is not None}
        if isinstance(delta.get("tool_calls"), list):
            delta["tool_calls"] = [{"index": i, **call} for i, call in enumerate(delta["tool_calls"])]
        rest = {k: v for k, v in choice.items() if k not in ("index", "message", "finish_reason")}
        said.append({"index": index, "delta": delta, "finish_reason": None, **rest})
        if choice.get("finish_reason"):
            ended.append({"index": index, "delta": {}, "finish_reason": choice["finish_reason"]})
    others = {k: v for k, v in completion.items() if k not in (*_HEAD, "object", "choices", "usage")}
    made: list[Chunk] = [{**head, **others, "choices": said}]
    if ended:
        made.append({**head, "choices": ended})
    if completion.get("usage"):
        made.append({**head, "choices": [], "usage": completion["usage"]})
    return made


def filtered_end(chunks: Sequence[Chunk], open_choices: Iterable[int]) -> Chunk:
    """The chunk that ends a denied stream for every choice that was still going on."""
    choices = [{"index": i, "delta": {}, "finish_reason": "content_filter"} for i in sorted(open_choices)]
    return {**_head_of(chunks[-1] if chunks else {}), "choices": choices}
