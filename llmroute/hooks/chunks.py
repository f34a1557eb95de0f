"""Chunks of a stream under judgement: joined into their answer, cut where it is safe, and made anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..types.accumulate import CompletionBuilder
from ..wire.json import JSONError, dumps_parsed
from .texts import Texts, texts_in

Chunk = dict[str, Any]
#: A text that grows over the chunks: the index of its choice and its name in the delta.
Lane = tuple[int, str]

TEXTS: Final = ("content", "reasoning_content", "reasoning", "thinking", "refusal")
_REASONING: Final = frozenset({"reasoning_content", "reasoning", "thinking"})
#: Parts of a delta that mean nothing before they are whole.
_WHOLE: Final = ("tool_calls", "function_call", "audio")
#: What of a delta mostly tells its reasoning once more, in parts.
_DETAILS: Final = "reasoning_details"
#: What some hosts send of a choice beside its delta: the same text once more, in pieces of their own.
_COPIES: Final = frozenset({"message", "text"})
#: What of a choice tells its text.
_TELLING: Final = _COPIES | {"logprobs"}
#: Where the free text of a tool call stands, by the kind of the call.
_CALL_TEXTS: Final = (("function", "arguments"), ("custom", "input"))
_HEAD: Final = ("id", "created", "model", "service_tier", "system_fingerprint")


def completion_of(chunks: Iterable[Chunk]) -> dict[str, Any]:
    """The answer that the chunks make."""
    builder = CompletionBuilder()
    for chunk in chunks:
        builder.add(chunk)
    return built(builder)


def built(builder: CompletionBuilder) -> dict[str, Any]:
    """The answer so far, with the details of its reasoning in one piece: no finding is split."""
    answer = builder.build()
    for choice in answer["choices"]:
        details = choice["message"].get(_DETAILS)
        if type(details) is list:
            choice["message"][_DETAILS] = _joined_details(details)
    return answer


def _joined_details(pieces: Iterable[Any]) -> list[Any]:
    """The pieces with the texts of those that belong together joined; encrypted ones are whole."""
    made: list[Any] = []
    places: dict[tuple[Any, ...], int] = {}
    for piece in pieces:
        name = next(
            (n for n in ("text", "summary") if type(piece) is dict and type(piece.get(n)) is str), None
        )
        key = () if name is None else (name, repr(piece.get("type")), repr(piece.get("index")))
        if name is None or key not in places:
            places[key] = len(made)
            made.append(piece)
        else:
            known = made[places[key]]
            given = {k: v for k, v in piece.items() if v is not None}
            made[places[key]] = {**known, **given, name: known[name] + piece[name]}
    return made


def judgeable(chunk: Chunk) -> Chunk:
    """The chunk as it is judged and handed on: every text in its lane, or joined with its like.

    That is nearly always the chunk itself. Copies beside the delta go: nobody could say which of their
    letters belong to a text that was changed, or waits for its verdict.
    """
    choices = chunk.get("choices")
    if type(choices) is not list or all(map(_is_usual, choices)):
        return chunk
    return {**chunk, "choices": [_judgeable_choice(c) if type(c) is dict else c for c in choices]}


def _is_usual(choice: Any) -> bool:
    """Whether there are only texts in the delta, and no copies: so it is with nearly all."""
    if type(choice) is not dict or "message" in choice or "text" in choice:
        return False
    delta = choice.get("delta")
    if type(delta) is dict:
        for value in delta.values():
            if value is not None and type(value) is not str:
                return False
    return True


def _judgeable_choice(choice: dict[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in choice.items() if name not in _COPIES}
    delta = choice.get("delta")
    if type(delta) is dict:
        made["delta"] = {name: _judgeable_member(name, value) for name, value in delta.items()}
    return made


def _judgeable_member(name: str, value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    if name == "tool_calls" and type(value) is list:
        return [_judgeable_call(call) for call in value]
    if name == "function_call" and type(value) is dict:
        return _judgeable_call({"function": value})["function"]
    if name not in TEXTS or name == "content":
        # A content in parts stays one: its texts are found where they stand.
        return value
    found = texts_in(value)
    return _json(value) if found is None else "".join(found)


def _judgeable_call(call: Any) -> Any:
    """The call with its arguments as JSON where they came as a value: only texts are joined."""
    for kind, name in _CALL_TEXTS:
        inner = call.get(kind) if type(call) is dict else None
        value = inner.get(name) if type(inner) is dict else None
        if type(inner) is dict and value is not None and type(value) is not str:
            call = {**call, kind: {**inner, name: _json(value)}}
    return call


def _json(value: Any) -> str:
    """A value as text, "" for what no JSON can say: it is not handed on."""
    try:
        return dumps_parsed(value).decode()
    except JSONError:
        return ""


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
            delta = choice.get("delta")
            found.append((_index(choice, position), choice, delta if type(delta) is dict else {}))
    return found


def _index(choice: Mapping[str, Any], position: int) -> int:
    index = choice.get("index")
    return index if type(index) is int else position


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
        chunk = judgeable(chunk)
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
    return any(_is_whole(delta) for _, _, delta in choices_of(chunk))


def _is_whole(delta: Mapping[str, Any]) -> bool:
    """Whether there is something to be judged that is in no lane."""
    if any(delta.get(name) for name in _WHOLE) or type(delta.get("content")) is list:
        return True
    details = delta.get(_DETAILS)
    if not details:
        return False
    # They mostly repeat what a lane says.
    said = Texts.of("after", {"choices": [{"message": {_DETAILS: details}}]}, "all").joined.replace("\n", "")
    return said not in {str(delta.get(name)).replace("\n", "") for name in _REASONING} if said else False


def speaks(chunk: Chunk) -> bool:
    """Whether there is anything in it to be judged."""
    return bool(lanes_of(chunk)) or _holds_whole(chunk)


def texts_of(completion: Mapping[str, Any]) -> dict[Lane, str]:
    """The texts of an answer, by the lanes that a stream of it would have."""
    found: dict[Lane, str] = {}
    choices = completion.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping):
            index = _index(choice, position)
            found |= {
                (index, name): text for name in TEXTS if type(text := message.get(name)) is str and text
            }
    return found


def rewritten(chunks: Sequence[Chunk], texts: Mapping[Lane, str]) -> list[Chunk]:
    """The chunks with other texts: each text as a whole where its lane began, nothing in its later pieces.

    What would tell the old texts goes.
    """
    left = dict(texts)
    rethought = _changed_reasoning(chunks, texts)
    made = []
    for chunk in chunks:
        choices = []
        for index, choice, delta in choices_of(chunk):
            new = {
                name: left.pop((index, name), "") if name in TEXTS and type(value) is str and value else value
                for name, value in delta.items()
                if name != _DETAILS or index not in rethought
            }
            choices.append({k: v for k, v in choice.items() if k not in _TELLING} | {"delta": new})
        made.append({**chunk, "choices": choices} if "choices" in chunk else chunk)
    added = [{"index": i, "delta": {name: text}} for (i, name), text in left.items() if text]
    if added and chunks:
        made.append({**_head_of(chunks[-1]), "choices": added})
    return [chunk for chunk in made if _says_something(chunk)]


def _changed_reasoning(chunks: Sequence[Chunk], texts: Mapping[Lane, str]) -> set[int]:
    """The choices whose reasoning is not what the chunks say."""
    said: dict[Lane, str] = {}
    for chunk in chunks:
        for lane, text in lanes_of(chunk):
            said[lane] = said.get(lane, "") + text
    lanes = {*said, *texts}
    return {lane[0] for lane in lanes if lane[1] in _REASONING and said.get(lane) != texts.get(lane)}


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
    choices = completion.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, Mapping):
            continue
        index = _index(choice, position)
        message = choice.get("message")
        members = message.items() if isinstance(message, Mapping) else ()
        delta = {name: value for name, value in members if value is not None}
        if isinstance(delta.get("tool_calls"), list):
            delta["tool_calls"] = [
                {"index": i, **call} if isinstance(call, Mapping) else call
                for i, call in enumerate(delta["tool_calls"])
            ]
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
