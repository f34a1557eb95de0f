"""Tool loops of three turns, through one provider and through several, with upstreams that check."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import attrs
import native_kit as kit
import pytest
from native_kit import Kit, sse

TOOLS = [
    {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
]
#: What the models ask for, turn by turn: two calls at once, one, and then none.
PLAN: tuple[tuple[dict[str, Any], ...], ...] = (({"at": "Brest"}, {"at": "Cork"}), ({"at": "Lerwick"},), ())
FINAL = "Brest 4 m, Cork 3 m, Lerwick 1 m."
THOUGHT = "The tide tables will tell."
#: Members that a provider must not find in a message of another's making.
FOREIGN = {"provider_state", "annotations", "citations", "native_finish_reason"}


@attrs.frozen
class Upstream:
    """A provider's side: what it answers, whole or streamed, and what it minds in a request."""

    kit: Kit
    whole: Callable[[int, Sequence[Any]], Any]
    stream: Callable[[int, Sequence[Any]], bytes]
    minds: Callable[[Mapping[str, Any]], list[str]] = lambda body: []
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    params: Mapping[str, Any] = attrs.field(factory=dict)


# -- formats -----------------------------------------------------------------


def cohere_whole(turn: int, wishes: Sequence[Any]) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": [{"type": "thinking", "thinking": THOUGHT}]}
    if wishes:
        message["tool_plan"] = "Look."
        message["tool_calls"] = [_shaped(f"tide_{turn}{i}", wish) for i, wish in enumerate(wishes)]
    else:
        message["content"].append({"type": "text", "text": FINAL})
    return {"id": f"c{turn}", "finish_reason": "TOOL_CALL" if wishes else "COMPLETE", "message": message}


def cohere_stream(turn: int, wishes: Sequence[Any]) -> bytes:
    body = cohere_whole(turn, wishes)
    events: list[Any] = [
        {"type": "message-start", "id": body["id"], "delta": {"message": {"role": "assistant"}}}
    ]
    for index, block in enumerate(body["message"]["content"]):
        events.append({"type": "content-start", "index": index, "delta": {"message": {"content": block}}})
    if wishes:
        events.append({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Look."}}})
    for index, call in enumerate(body["message"].get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        start = {**call, "function": {"name": "tide", "arguments": arguments[:3]}}
        rest = {"function": {"arguments": arguments[3:]}}
        events.append(
            {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": start}}}
        )
        events.append({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": rest}}})
    return sse(*events, {"type": "message-end", "delta": {"finish_reason": body["finish_reason"]}})


def openai_whole(turn: int, wishes: Sequence[Any]) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": None if wishes else FINAL}
    message["reasoning_content"] = THOUGHT
    if wishes:
        message["tool_calls"] = [_shaped(f"call_{turn}_{i}", wish) for i, wish in enumerate(wishes)]
    return _completion("choices", message, "tool_calls" if wishes else "stop")


def openai_stream(turn: int, wishes: Sequence[Any]) -> bytes:
    message = openai_whole(turn, wishes)["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "reasoning_content": THOUGHT}]
    if not wishes:
        deltas.append({"content": FINAL})
    for index, call in enumerate(message.get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        deltas.append(
            {"tool_calls": [{**call, "index": index, "function": {"name": "tide", "arguments": ""}}]}
        )
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
    return sse(*map(_chunk, deltas), _chunk({}, "tool_calls" if wishes else "stop"), b"[DONE]")


def mistral_whole(turn: int, wishes: Sequence[Any]) -> Any:
    content: list[Any] = [
        {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}], "signature": "s"}
    ]
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if wishes:
        message["tool_calls"] = [_shaped(f"tideNo{turn}{i}x", wish) for i, wish in enumerate(wishes)]
    else:
        content.append({"type": "text", "text": FINAL})
    return _completion("choices", message, "tool_calls" if wishes else "stop")


def mistral_stream(turn: int, wishes: Sequence[Any]) -> bytes:
    message = mistral_whole(turn, wishes)["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"content": [each]} for each in message["content"]]
    if wishes:
        deltas.append({"tool_calls": message["tool_calls"]})
    return sse(*map(_chunk, deltas), _chunk({}, "tool_calls" if wishes else "stop"), b"[DONE]")


def ollama_whole(turn: int, wishes: Sequence[Any]) -> Any:
    calls = [{"function": {"index": i, "name": "tide", "arguments": wish}} for i, wish in enumerate(wishes)]
    message = {"role": "assistant", "content": "" if wishes else FINAL, "thinking": THOUGHT}
    message |= {"tool_calls": calls} if calls else {}
    return {"model": "m", "created_at": f"2026-05-05T10:00:0{turn}Z", "message": message, "done": True}


def ollama_stream(turn: int, wishes: Sequence[Any]) -> bytes:
    body = ollama_whole(turn, wishes)
    message = body["message"]
    pieces = [{"content": "", "thinking": THOUGHT}, {"content": message["content"]}]
    pieces += [{"content": "", "tool_calls": [call]} for call in message.get("tool_calls", [])]
    lines = [{**body, "message": piece, "done": False} for piece in pieces]
    lines.append({**body, "message": {"role": "assistant", "content": ""}})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def workers_whole(turn: int, wishes: Sequence[Any]) -> Any:
    calls = [{"name": "tide", "arguments": wish} for wish in wishes]
    result = {"response": None, "tool_calls": calls} if calls else {"response": FINAL}
    return {"result": result, "success": True}


def workers_stream(turn: int, wishes: Sequence[Any]) -> bytes:
    events = [{"response": "", "tool_calls": [{"name": "tide", "arguments": wish}]} for wish in wishes]
    return sse(*(events or [{"response": FINAL}]), b"[DONE]")


def _shaped(identifier: str, wish: Any) -> dict[str, Any]:
    function = {"name": "tide", "arguments": json.dumps(wish)}
    return {"id": identifier, "type": "function", "function": function}


def _completion(name: str, message: Any, reason: str) -> dict[str, Any]:
    base = {"id": "i", "object": "chat.completion", "created": 1, "model": "m"}
    return {**base, name: [{"index": 0, "message": message, "finish_reason": reason}]}


def _chunk(delta: Any, reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


# -- what they mind ----------------------------------------------------------


def mistral_minds(body: Mapping[str, Any]) -> list[str]:
    """Ids of another form, and members that it does not know."""
    found = []
    for message in body["messages"]:
        ids = [call["id"] for call in message.get("tool_calls", ())]
        ids += [message["tool_call_id"]] if "tool_call_id" in message else []
        found += [each for each in ids if not re.fullmatch("[a-zA-Z0-9]{9}", each)]
        found += message.keys() - {"role", "content", "tool_calls", "tool_call_id", "name", "prefix"}
    return found


def cohere_minds(body: Mapping[str, Any]) -> list[str]:
    """Members that it does not know."""
    known = {"role", "content", "tool_calls", "tool_call_id", "tool_plan", "citations"}
    return [name for message in body["messages"] for name in message.keys() - known]


def ollama_minds(body: Mapping[str, Any]) -> list[str]:
    """Arguments that are no objects, and results without a name."""
    calls = [call for message in body["messages"] for call in message.get("tool_calls", ())]
    results = [message for message in body["messages"] if message["role"] == "tool"]
    found = [call for call in calls if not isinstance(call["function"]["arguments"], dict)]
    return [*map(str, found), *(str(each) for each in results if each.get("tool_name") != "tide")]


UPSTREAMS = {
    "cohere": Upstream(Kit("cohere", "m"), cohere_whole, cohere_stream, cohere_minds),
    "mistral-ai": Upstream(Kit("mistral-ai", "m"), mistral_whole, mistral_stream, mistral_minds),
    "ollama": Upstream(Kit("ollama", "m"), openai_whole, openai_stream),
    "ollama-native": Upstream(
        Kit("ollama", "m"), ollama_whole, ollama_stream, ollama_minds, params={"keep_alive": "5m"}
    ),
    "workers-ai": Upstream(
        Kit("workers-ai", "m"), workers_whole, workers_stream, settings={"base_url": "http://h"}
    ),
    "huggingface": Upstream(Kit("huggingface", "m"), openai_whole, openai_stream),
    "ai21": Upstream(Kit("ai21", "m"), openai_whole, openai_stream),
    "reka-ai": Upstream(Kit("reka-ai", "m"), openai_whole, openai_stream),
}


def problems(body: Mapping[str, Any], upstream: Upstream) -> list[str]:
    """What every provider minds: results that do not follow their calls, and what is not its own."""
    found = list(upstream.minds(body))
    open_calls: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                found.append(f"no call {message['tool_call_id']}")
            else:
                open_calls.remove(message["tool_call_id"])
            continue
        found += [f"no result for {each}" for each in open_calls]
        open_calls = [call["id"] for call in message.get("tool_calls") or ()]
        found += [name for name in message if name in FOREIGN and upstream.kit.provider != "cohere"]
        found += [name for call in message.get("tool_calls") or () for name in call if name in FOREIGN]
    return found


def turn(upstream: Upstream, number: int, history: list[Any], *, streamed: bool) -> dict[str, Any]:
    """The message with which the provider answers `history`, after it was pleased with the request."""
    params = {"tools": TOOLS, **upstream.params, **({"stream": True} if streamed else {})}
    adapter = upstream.kit.target(**upstream.settings)
    asked = upstream.kit.params(history, **params)
    body = json.loads(adapter.encode(asked, "k").body)
    assert [] == problems(body, upstream)
    results = [message["content"] for message in body["messages"] if message["role"] == "tool"]
    assert [f"tide {i}" for i in range(len(results))] == results
    wishes = PLAN[number]
    if not streamed:
        answer = adapter.decode(kit.reply(upstream.whole(number, wishes)), asked)
        return answer["choices"][0]["message"]
    decoder = adapter.decoder(asked)
    chunks = kit.fed(decoder, upstream.stream(number, wishes), step=11)
    assert (True, None) == (decoder.done, decoder.failure)
    return {"role": "assistant", **kit.assembled(chunks)["message"]}


def loop(upstreams: Sequence[Upstream], *, streamed: bool) -> list[Any]:
    """The whole conversation, a turn with each upstream; it is stored and reloaded between them."""
    history: list[Any] = [{"role": "user", "content": "Tides?"}]
    results = 0
    for number, upstream in enumerate(upstreams):
        message = turn(upstream, number, history, streamed=streamed)
        history.append(message)
        for call, wish in zip(message.get("tool_calls") or (), PLAN[number], strict=True):
            assert ("tide", wish) == (call["function"]["name"], json.loads(call["function"]["arguments"]))
            history.append({"role": "tool", "tool_call_id": call["id"], "content": f"tide {results}"})
            results += 1
        history = json.loads(json.dumps(history))
    return history


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", sorted(UPSTREAMS))
def test_a_tool_loop_of_three_turns(name: str, streamed: bool) -> None:
    """Parallel calls, one call, and the answer; every id is used once."""
    history = loop([UPSTREAMS[name]] * 3, streamed=streamed)
    ids = [message["tool_call_id"] for message in history if message["role"] == "tool"]

    assert FINAL == history[-1]["content"]
    assert 3 == len(set(ids))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("names", list(permutations(sorted(UPSTREAMS), 3)), ids="-".join)
def test_a_tool_loop_that_changes_its_provider_at_every_turn(names: tuple[str, ...], streamed: bool) -> None:
    """In every order; nobody finds what is another's."""
    history = loop([UPSTREAMS[name] for name in names], streamed=streamed)

    assert FINAL == history[-1]["content"]
