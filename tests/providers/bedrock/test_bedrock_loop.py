"""Whole calls through a Router: a tool loop of three turns, as answers and as streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bedrock_kit as kit
import pytest

from llmroute import Router, StreamError
from llmroute.testing import Reply, ScriptedTransport
from llmroute.testing.transport import SentRequest

pytest.importorskip("botocore")

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("tide", "wind")
]


def thought(text: str) -> dict[str, Any]:
    return {"reasoningContent": {"reasoningText": {"text": text, "signature": f"signed {text}"}}}


def call(number: int, name: str, **given: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": f"tooluse_{number}", "name": name, "input": given}}


TURNS = [
    [
        thought("first"),
        {"text": "Let me look."},
        call(1, "tide", harbour="Brest"),
        call(2, "wind", harbour="Brest"),
    ],
    [thought("second"), call(3, "tide", harbour="Calais")],
    [{"text": "4.2 m and calm."}],
]


class Upstream:
    """Answers turn by turn, and checks that every request holds all that went before, as it was."""

    def __init__(self) -> None:
        self.judge = kit.Judge()
        self.turns: Iterator[list[Any]] = iter(TURNS)
        self.answered: list[list[Any]] = []

    def __call__(self, sent: SentRequest) -> Reply:
        body = sent.json
        assert "" == self.judge.problems(body)
        said = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
        assert self.answered == said
        for turn, results in zip(said, body["messages"][2::2], strict=True):
            wanted = [block["toolUse"]["toolUseId"] for block in turn if "toolUse" in block]
            assert wanted == [block["toolResult"]["toolUseId"] for block in results["content"]]
        content = next(self.turns)
        self.answered.append(content)
        reason = "tool_use" if any("toolUse" in block for block in content) else "end_turn"
        answer = kit.message(content, stopReason=reason)
        if not sent.path.endswith("/converse-stream"):
            return Reply(
                headers={"x-amzn-requestid": f"r{len(self.answered)}"}, steps=[json.dumps(answer).encode()]
            )
        data = kit.frames(*kit.events_of(answer, 3))
        pieces = [data[i : i + 50] for i in range(0, len(data), 50)]
        return Reply(headers={"x-amzn-requestid": f"r{len(self.answered)}"}, steps=pieces)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_loop_of_three_turns(stream: bool) -> None:
    """Parallel calls, reasoning that has to go back, a history that was stored as JSON in between."""
    upstream = Upstream()
    messages: list[Any] = [{"role": "user", "content": "Tide and wind?"}]
    ids = []
    async with Router({"provider": "bedrock"}, transport=ScriptedTransport(upstream)) as router:
        for _ in TURNS:
            answer = await router.chat.completions.create(
                model=kit.CLAUDE, messages=messages, tools=TOOLS, stream=stream
            )
            completion = await answer.final() if stream else answer
            ids.append(completion.id)
            message = completion.choices[0].message
            messages = json.loads(json.dumps([*messages, message.to_dict()]))
            for asked in message.tool_calls or ():
                messages.append({"role": "tool", "tool_call_id": asked.id, "content": "4.2"})

    assert TURNS == upstream.answered
    assert "4.2 m and calm." == messages[-1]["content"]
    assert ["r1", "r2", "r3"] == ids


async def test_every_chunk_of_a_stream_has_the_same_id_and_time() -> None:
    """The request's id, or one made for the stream where the answer has none."""
    data = kit.frames(*kit.events_of(kit.message([{"text": "Fastnet."}])))
    for headers in ({"x-amzn-requestid": "4f3a"}, {}):
        transport = ScriptedTransport(Reply(headers=headers, steps=[data]))
        async with Router({"provider": "bedrock"}, transport=transport) as router:
            stream = await router.chat.completions.create(model=kit.CLAUDE, messages=kit.HELLO, stream=True)
            chunks = [chunk async for chunk in stream]

        (made,) = {(chunk.id, chunk.created) for chunk in chunks}
        assert made[0] == headers.get("x-amzn-requestid", made[0])
        assert made[0]


async def test_an_exception_frame_raises_in_the_middle_of_a_stream() -> None:
    """After what had come; before the first text it is an ordinary failing attempt."""
    start = kit.frames(*kit.events_of(kit.message([{"text": "Fastnet."}]))[:2])
    broken = kit.frame("modelStreamErrorException", {"message": "stream broke"}, "exception")
    transport = ScriptedTransport([Reply(steps=[start, broken]), Reply(steps=[broken])])
    async with Router({"provider": "bedrock"}, transport=transport) as router:
        stream = await router.chat.completions.create(model=kit.CLAUDE, messages=kit.HELLO, stream=True)
        with pytest.raises(StreamError, match="stream broke"):
            async for _ in stream:
                pass
        assert "Fast" == stream.text
        with pytest.raises(Exception, match="stream broke") as caught:
            await router.chat.completions.create(model=kit.CLAUDE, messages=kit.HELLO, stream=True)

    assert "modelStreamErrorException" == caught.value.type
