"""One conversation with tools whose every turn goes to another provider, through routers, in every order."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import attrs
import bedrock_kit
import native_kit
import pytest
import test_cloud_tools as formats
from cohere.types import (
    AssistantChatMessageV2,
    SystemChatMessageV2,
    ToolChatMessageV2,
    ToolV2,
    UserChatMessageV2,
)
from test_native_loops import FINAL, cohere_stream, cohere_whole

from llmroute import Router
from llmroute.testing import Reply, ScriptedTransport, reply
from llmroute.testing.formats import OPENAI, ROUTES, Format
from llmroute.testing.transport import SentRequest

pytest.importorskip("botocore")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    google = pytest.importorskip("google.genai.types")

TOOLS = [
    {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
]
#: What the models ask for, turn by turn: two calls at once, two more, and then none.
PLAN: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"at": "Brest"}, {"at": "Cork"}),
    ({"at": "Lerwick"}, {"at": "Ems"}),
    (),
)
#: Members that are the library's, and no provider's.
OURS = ("provider_state", "native_finish_reason", "reasoning_content", "content_blocks")


def said(turn: int) -> Any:
    """A turn of the plan as (id, name, arguments), or the final text."""
    return [(f"call_{turn}{i}", "tide", wish) for i, wish in enumerate(PLAN[turn])] or FINAL


# -- what they answer --------------------------------------------------------


def cohere(turn: int, stream: bool) -> Reply:
    if stream:
        return reply(text=cohere_stream(turn, PLAN[turn]), headers={"content-type": "text/event-stream"})
    return reply(json=cohere_whole(turn, PLAN[turn]))


def bedrock(turn: int, stream: bool) -> Reply:
    content: list[Any] = [{"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}}]
    content += [
        {"toolUse": {"toolUseId": f"tooluse_{turn}{i}", "name": "tide", "input": wish}}
        for i, wish in enumerate(PLAN[turn])
    ] or [{"text": FINAL}]
    answer = bedrock_kit.message(content, stopReason="tool_use" if PLAN[turn] else "end_turn")
    if stream:
        return Reply(steps=[bedrock_kit.frames(*bedrock_kit.events_of(answer, 3))])
    return reply(json=answer)


# -- what they mind ----------------------------------------------------------


def read_by(spoken: Format) -> Callable[[Any], list[str]]:
    """The results at the end of a request, by the loopback upstream's reader, which raises when it minds."""
    return lambda body: list(spoken.read(body).results)


def read_by_gemini(body: Any) -> list[str]:
    for content in body["contents"]:
        google.Content.model_validate_json(json.dumps(content))
    return [json.loads(result)["output"] for result in read_by(FORMATS["gemini"])(body)]


def read_by_bedrock(body: Any) -> list[str]:
    """Checked by botocore; all results of a turn's calls stand in the message behind it."""
    assert "" == bedrock_kit.Judge().problems(body)
    messages = body["messages"]
    found: list[str] = []
    for message, following in zip(messages, [*messages[1:], {"content": []}], strict=True):
        asked = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        results = [block["toolResult"] for block in following["content"] if "toolResult" in block]
        assert sorted(asked) == sorted(each["toolUseId"] for each in results)
        found = [block["text"] for each in results for block in each["content"]] or found
    return found


_ROLES = {
    "assistant": AssistantChatMessageV2,
    "system": SystemChatMessageV2,
    "tool": ToolChatMessageV2,
    "user": UserChatMessageV2,
}


def read_by_cohere(body: Any) -> list[str]:
    """Checked against Cohere's own types; every result follows its call."""
    assert [] == native_kit.type_problems(body["tools"], list[ToolV2])
    wanted: list[str] = []
    found: list[str] = []
    for message in body["messages"]:
        assert [] == native_kit.type_problems(message, _ROLES[message["role"]])
        if message["role"] == "tool":
            wanted.remove(message["tool_call_id"])
            found.append(_text(message["content"]))
            continue
        assert [] == wanted
        wanted = [call["id"] for call in message.get("tool_calls") or ()]
        found = found if not wanted else []
    assert [] == wanted
    return found


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or json.dumps(part["document"]["data"]) for part in content)


FORMATS = {spoken.name: spoken for spoken in (OPENAI, *(spoken for _, spoken in ROUTES))}


@attrs.frozen
class Provider:
    """A target, what it answers in a turn, and how it reads the results at the end of a request."""

    target: Mapping[str, Any]
    model: str
    answers: Callable[[int, bool], Reply]
    reads: Callable[[Any], list[str]]


PROVIDERS = {
    "anthropic": Provider(
        {"provider": "anthropic", "api_key": "k"},
        "claude-sonnet-4-5",
        lambda turn, stream: formats.claude(said(turn), stream),
        read_by(FORMATS["anthropic"]),
    ),
    "bedrock": Provider(
        {"provider": "bedrock", "api_key": "k"}, bedrock_kit.CLAUDE, bedrock, read_by_bedrock
    ),
    "cohere": Provider({"provider": "cohere", "api_key": "k"}, "command-a-03-2025", cohere, read_by_cohere),
    "gemini": Provider(
        {"provider": "google", "api_key": "k"},
        "gemini-3-pro",
        lambda turn, stream: formats.gemini(said(turn), stream),
        read_by_gemini,
    ),
    "openai": Provider(
        {"provider": "openai", "api_key": "k"},
        "gpt-4o",
        lambda turn, stream: formats.openai(said(turn), stream),
        read_by(OPENAI),
    ),
}


async def turn_with(provider: Provider, turn: int, history: list[Any], *, stream: bool) -> Any:
    """The message that the provider adds to `history`, after it was pleased with the request."""

    def upstream(sent: SentRequest) -> Reply:
        text = sent.body.decode()
        assert [] == [name for name in OURS if f'"{name}"' in text]
        expected = [f"{wish['at']} 4 m" for wish in PLAN[turn - 1]] if turn else []
        assert sorted(expected) == sorted(each for each in provider.reads(sent.json))
        earlier = [wish["at"] for wishes in PLAN[:turn] for wish in wishes]
        # Each place stands in its call and in its result.
        assert [2] * len(earlier) == [text.count(place) for place in earlier]
        return provider.answers(turn, stream)

    transport = ScriptedTransport(upstream)
    transport.keyless = False
    async with Router(provider.target, transport=transport) as router:
        answer = await router.chat.completions.create(
            model=provider.model, messages=history, tools=TOOLS, stream=stream
        )
        completion = await answer.final() if stream else answer
    (choice,) = completion.choices
    assert ("tool_calls" if PLAN[turn] else "stop") == choice.finish_reason
    return choice.message.to_dict()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("names", list(permutations(sorted(PROVIDERS), 3)), ids="-".join)
async def test_a_tool_loop_changes_its_provider_at_every_turn(names: tuple[str, ...], stream: bool) -> None:
    """Parallel calls twice, then the answer; the history is stored as JSON in between."""
    history: list[Any] = [{"role": "user", "content": "Tides?"}]
    for turn, name in enumerate(names):
        message = await turn_with(PROVIDERS[name], turn, history, stream=stream)
        history.append(message)
        calls = message.get("tool_calls") or []
        arguments = [json.loads(call["function"]["arguments"]) for call in calls]
        assert list(PLAN[turn]) == arguments
        # Results may come in any order.
        history += [
            {"role": "tool", "tool_call_id": call["id"], "content": f"{given['at']} 4 m"}
            for call, given in reversed(list(zip(calls, arguments, strict=True)))
        ]
        history = json.loads(json.dumps(history))

    assert FINAL == history[-1]["content"]
    ids = [message["tool_call_id"] for message in history if message["role"] == "tool"]
    assert 4 == len(set(ids))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", sorted(PROVIDERS))
async def test_a_tool_loop_stays_with_its_provider(name: str, stream: bool) -> None:
    """The same, which may take back what is its own."""
    await test_a_tool_loop_changes_its_provider_at_every_turn((name, name, name), stream)
