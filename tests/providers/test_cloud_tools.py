"""A loop of tools over three turns, with parallel calls: through every format of the cloud providers."""

from __future__ import annotations

import json
from typing import Any

import cloud_kit as kit
import pytest

from llmroute import Router
from llmroute.testing import Reply, ScriptedTransport, reply

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("tide", "wind")
]
#: What the model says, turn by turn: calls as (id, name, arguments), or a text.
TURNS: list[Any] = [
    [("c-1", "tide", {"at": "Brest"}), ("c-2", "tide", {"at": "Ems"})],
    [("c-3", "wind", {"at": "Ulm"})],
    "High in Brest.",
]


def _sse(*events: Any, named: bool = False) -> Reply:
    lines = [
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events
    ]
    return reply(200, text="".join(lines), headers={"content-type": "text/event-stream"})


# -- what each format's model answers ----------------------------------------


def openai(said: Any, stream: bool) -> Reply:
    calls = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for id, name, given in (said if isinstance(said, list) else ())
    ]
    message = {"role": "assistant", "content": None if calls else said}
    finish = "tool_calls" if calls else "stop"
    if not stream:
        choice = {"index": 0, "message": {**message, **({"tool_calls": calls} if calls else {})}}
        return reply(json={"id": "x", "choices": [{**choice, "finish_reason": finish}]})
    pieces: list[Any] = [message]
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        opened = {**call, "index": index, "function": {**call["function"], "arguments": arguments[:3]}}
        pieces += [{"tool_calls": [opened]}]
        pieces += [{"tool_calls": [{"index": index, "function": {"arguments": arguments[3:]}}]}]
    chunks = [{"id": "x", "choices": [{"index": 0, "delta": piece}]} for piece in pieces]
    return _sse(*chunks, {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})


def gemini(said: Any, stream: bool) -> Reply:
    parts: list[Any] = [{"text": said}]
    if isinstance(said, list):
        parts = [{"functionCall": {"name": name, "args": given}} for _, name, given in said]
        parts[0]["thoughtSignature"] = "c2ln"
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    answer = {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1}}
    return _sse(answer) if stream else reply(json=answer)


def claude(said: Any, stream: bool) -> Reply:
    blocks: list[Any] = [{"type": "text", "text": said}]
    if isinstance(said, list):
        blocks = [{"type": "tool_use", "id": id, "name": name, "input": given} for id, name, given in said]
        blocks.insert(0, {"type": "thinking", "thinking": "Hm", "signature": "c2ln"})
    reason = "tool_use" if isinstance(said, list) else "end_turn"
    head = {"id": "m", "type": "message", "role": "assistant", "model": "c", "usage": {"input_tokens": 1}}
    if not stream:
        return reply(json={**head, "content": blocks, "stop_reason": reason})
    events: list[Any] = [{"type": "message_start", "message": {**head, "content": []}}]
    for index, block in enumerate(blocks):
        events += [{"type": f"content_block_{k}", "index": index, **v} for k, v in _block_events(block)]
    ending = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 2}}
    return _sse(*events, ending, {"type": "message_stop"}, named=True)


def _block_events(block: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    kind, empty = block["type"], {"text": "", "thinking": "", "signature": "", "input": {}}
    opened = {name: empty.get(name, value) if name != "type" else value for name, value in block.items()}
    deltas: list[dict[str, Any]] = []
    if kind == "tool_use":
        text = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in (text[:4], text[4:])]
    else:
        deltas = [{"type": f"{kind}_delta", kind: block[kind]}]
    if kind == "thinking":
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return [
        ("start", {"content_block": opened}),
        *(("delta", {"delta": each}) for each in deltas),
        ("stop", {}),
    ]


def oracle(said: Any, stream: bool) -> Reply:
    message: dict[str, Any] = {"role": "ASSISTANT"}
    if isinstance(said, list):
        message["toolCalls"] = [
            {"type": "FUNCTION", "id": id, "name": name, "arguments": json.dumps(given)}
            for id, name, given in said
        ]
    else:
        message["content"] = [{"type": "TEXT", "text": said}]
    finish = "tool_calls" if isinstance(said, list) else "stop"
    if stream:
        return _sse({"index": 0, "message": message}, {"message": {}, "finishReason": finish})
    choice = {"index": 0, "message": message, "finishReason": finish}
    return reply(json={"modelId": "m", "chatResponse": {"choices": [choice]}})


def cohere(said: Any, stream: bool) -> Reply:
    message: dict[str, Any] = {"role": "ASSISTANT", "content": []}
    if isinstance(said, list):
        message["toolPlan"] = "I ask."
        message["toolCalls"] = [
            {"id": id, "type": "FUNCTION", "function": {"name": name, "arguments": json.dumps(given)}}
            for id, name, given in said
        ]
    else:
        message["content"] = [{"type": "TEXT", "text": said}]
    answer = {
        "apiFormat": "COHEREV2",
        "message": message,
        "finishReason": "TOOL_CALL" if message["content"] == [] else "COMPLETE",
    }
    return _sse(answer) if stream else reply(json={"modelId": "m", "chatResponse": answer})


# -- the loop ----------------------------------------------------------------

VERTEX = {"provider": "vertex-ai", "api_key": "k", "vertex_project_id": "p", "vertex_region": "europe-west4"}
FOUNDRY = {"provider": "azure-ai", "api_key": "k"}
ORACLE = {
    "provider": "oracle",
    "oracle_region": "us-chicago-1",
    "oracle_compartment_id": "c",
    "oracle_tenancy": "t",
    "oracle_user": "u",
    "oracle_fingerprint": "f",
}
CLOUDS = [
    pytest.param(VERTEX, "gemini-3-pro", gemini, id="vertex-gemini"),
    pytest.param(VERTEX, "anthropic.claude-sonnet-4-5", claude, id="vertex-claude"),
    pytest.param(VERTEX, "mistralai.mistral-medium-3", openai, id="vertex-mistral"),
    pytest.param(VERTEX, "meta.llama-4", openai, id="vertex-meta"),
    pytest.param(VERTEX, "endpoints.123", openai, id="vertex-endpoint"),
    pytest.param(
        {"provider": "azure-openai", "api_key": "k", "resource_name": "r"},
        "gpt-4o",
        openai,
        id="azure-openai",
    ),
    pytest.param(
        {**FOUNDRY, "azure_foundry_url": "https://r.services.ai.azure.com/models"},
        "Llama-4",
        openai,
        id="azure-ai",
    ),
    pytest.param(
        {**FOUNDRY, "azure_foundry_url": "https://r.services.ai.azure.com/anthropic"},
        "claude-x",
        claude,
        id="azure-ai-claude",
    ),
    pytest.param(ORACLE, "meta.llama-3.3", oracle, id="oracle"),
    pytest.param(ORACLE, "google.gemini-2.5-pro", oracle, id="oracle-google"),
    pytest.param(ORACLE, "cohere.command-a-03-2025", cohere, id="oracle-cohere"),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("config", "model", "says"), CLOUDS)
async def test_three_turns_with_parallel_calls(config: Any, model: str, says: Any, stream: bool) -> None:
    """Every call arrives, and with its result it is there in all later requests, in order."""
    if config is ORACLE:
        config = {**ORACLE, "oracle_private_key": kit.private_key()}
    transport = ScriptedTransport([says(said, stream) for said in TURNS])
    transport.keyless = False
    messages: list[Any] = [{"role": "user", "content": "Where is the tide high?"}]
    seen: list[list[tuple[str, Any]]] = []
    async with Router(config, transport=transport) as router:
        for _ in TURNS:
            message = await _answer(router, {"model": model, "messages": messages, "tools": TOOLS}, stream)
            messages.append(json.loads(json.dumps(message)))
            calls = message.get("tool_calls") or []
            seen.append(
                [(each["function"]["name"], json.loads(each["function"]["arguments"])) for each in calls]
            )
            # Results may come in any order.
            messages += [
                {"role": "tool", "tool_call_id": each["id"], "content": f"of {each['function']['arguments']}"}
                for each in reversed(calls)
            ]

    assert [[(name, given) for _, name, given in said] for said in TURNS[:2]] + [[]] == seen
    assert TURNS[2] == messages[-1]["content"]
    ids = [each["id"] for message in messages for each in message.get("tool_calls") or ()]
    assert 3 == len(set(ids))
    sent = [request.body.decode() for request in transport.requests]
    assert 3 == len(sent)
    for place, count in (("Brest", 1), ("Ems", 1), ("Ulm", 2)):
        assert [2 if turn >= count else 0 for turn in range(3)] == [body.count(place) for body in sent]


async def _answer(router: Router, params: dict[str, Any], stream: bool) -> dict[str, Any]:
    """The message of an answer; that of a stream is put together as callers do it."""
    if not stream:
        response = await router.handle(params)
        assert 200 == response.status, response.body
        found: dict[str, Any] = json.loads(json.dumps(response.body))["choices"][0]["message"]
        return found
    chunks = [chunk async for chunk in (await router.handle({**params, "stream": True})).stream]
    (choice,) = kit.assembled(chunks)["choices"]
    whole: dict[str, Any] = choice["message"]
    assert ("tool_calls" if whole.get("tool_calls") else "stop") == choice["finish_reason"]
    return whole
