"""The reply builders give what the providers' own client libraries accept."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

import llmroute.testing
from llmroute.testing import (
    Break,
    Pause,
    anthropic_completion,
    anthropic_error,
    anthropic_stream,
    completion,
    cut,
    error,
    gemini_completion,
    gemini_error,
    gemini_stream,
    reply,
    split,
    sse,
    stall,
    stream,
    tool_call,
)

WEATHER = tool_call("get_weather", {"city": "Zürich"}, id="w1")
TIME = tool_call("get_time")
ANTHROPIC_EVENT = TypeAdapter(RawMessageStreamEvent)


def events_of(answer):
    """(event name, data) of a stream read by hand."""
    events = []
    for block in answer.text.replace("\r\n", "\n").split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append((fields.get("event"), fields["data"]))
    return events


def strict(model, data):
    """Validate without any leniency that would hide a missing or mistyped member."""
    return TypeAdapter(model).validate_python(data, strict=True)


# --- OpenAI


def test_a_completion_is_one_of_openai():
    """Every member the openai package declares as required is there, with its type."""
    parsed = strict(ChatCompletion, completion("Paris", model="gpt-4o").json)
    [choice] = parsed.choices
    assert ("Paris", "assistant", "stop") == (
        choice.message.content,
        choice.message.role,
        choice.finish_reason,
    )
    assert ("gpt-4o", 15) == (parsed.model, parsed.usage.total_tokens)


def test_tool_calls_decide_content_and_finish_reason():
    """With tool calls the content is null and the reason tool_calls; text and reason can be given."""
    choice = strict(ChatCompletion, completion(tool_calls=[WEATHER, TIME]).json).choices[0]
    assert (None, "tool_calls") == (choice.message.content, choice.finish_reason)
    assert [("w1", "get_weather", '{"city":"Zürich"}'), ("call_2", "get_time", "{}")] == [
        (call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls
    ]
    talking = completion("Let me see.", tool_calls=[TIME], finish_reason="length").json["choices"][0]
    assert ("Let me see.", "length") == (talking["message"]["content"], talking["finish_reason"])


def test_a_completion_takes_usage_and_further_members():
    """`usage` replaces the default, `message` adds to the message."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    body = completion("x", usage=usage, message={"reasoning_content": "hm", "content": None}).json
    assert usage == body["usage"]
    assert {"role": "assistant", "content": None, "refusal": None, "reasoning_content": "hm"} == body[
        "choices"
    ][0]["message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "Hello!"),
        ("", ""),
        ("The capital of France  is\n\nParis. ", "The capital of France  is\n\nParis. "),
        (["a", "bc"], "abc"),
    ],
)
def test_a_stream_adds_up_to_its_text(text, expected):
    """All chunks are valid, share their id, and only the last has a finish reason; then [DONE]."""
    *data, end = [data for _, data in events_of(stream(text))]
    chunks = [strict(ChatCompletionChunk, json.loads(item)) for item in data]

    assert "[DONE]" == end
    assert expected == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "assistant" == chunks[0].choices[0].delta.role
    assert [None] * (len(chunks) - 1) + ["stop"] == [chunk.choices[0].finish_reason for chunk in chunks]
    assert 1 == len({chunk.id for chunk in chunks})


def test_streamed_tool_calls_arrive_in_pieces():
    """Id and name come first, the arguments in pieces that join by index."""
    chunks = [json.loads(data) for _, data in events_of(stream(tool_calls=[WEATHER, TIME], done=False))]
    names, arguments = {}, {}
    for chunk in chunks:
        strict(ChatCompletionChunk, chunk)
        for part in chunk["choices"][0]["delta"].get("tool_calls", ()):
            if "id" in part:
                names[part["index"]] = (part["id"], part["function"]["name"])
            arguments[part["index"]] = arguments.get(part["index"], "") + part["function"]["arguments"]
    assert {0: ("w1", "get_weather"), 1: ("call_2", "get_time")} == names
    assert {0: '{"city":"Zürich"}', 1: "{}"} == arguments
    assert "tool_calls" == chunks[-1]["choices"][0]["finish_reason"]


def test_a_stream_takes_deltas_usage_and_a_missing_end():
    """Mappings are deltas as they are; usage has a chunk without choices; done=False drops [DONE]."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    data = [json.loads(data) for _, data in events_of(stream([{"refusal": "No."}], usage=usage, done=False))]
    assert {"refusal": "No."} == data[1]["choices"][0]["delta"]
    assert ([], usage) == (data[-1]["choices"], data[-1]["usage"])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (503, "server_error"),
    ],
)
def test_an_error_has_openais_members(status, kind):
    """The type follows from the status."""
    answer = error(status, "no", code="c", param="p")
    assert (status, {"error": {"message": "no", "type": kind, "param": "p", "code": "c"}}) == (
        answer.status,
        answer.json,
    )


@pytest.mark.parametrize(("wish", "header"), [(2, "2"), (0.5, "0.5"), ("Wed, 21 Oct 2015 07:28:00 GMT",) * 2])
@pytest.mark.parametrize("build", [error, anthropic_error, gemini_error])
def test_errors_carry_a_retry_after(build, wish, header):
    """Seconds or any text; no header without it."""
    assert header == build(429, retry_after=wish).headers["Retry-After"]
    assert "retry-after" not in build(429).headers


# --- Anthropic


def test_an_anthropic_message_is_one():
    """Text, thinking and tool use are the blocks of a valid Message."""
    parsed = strict(Message, anthropic_completion("Hm.", thinking="Well", tool_calls=[WEATHER, TIME]).json)
    assert ["thinking", "text", "tool_use", "tool_use"] == [block.type for block in parsed.content]
    assert ("w1", {"city": "Zürich"}) == (parsed.content[2].id, parsed.content[2].input)
    assert ("tool_use", 10, 5) == (parsed.stop_reason, parsed.usage.input_tokens, parsed.usage.output_tokens)
    plain = anthropic_completion().json
    assert ([{"type": "text", "text": "Hello!"}], "end_turn") == (plain["content"], plain["stop_reason"])


def test_an_anthropic_stream_builds_the_same_message():
    """Every event is valid and named after its type; its deltas add up to the whole message."""
    answer = anthropic_stream("Let me look.", thinking="A plan", tool_calls=[WEATHER, TIME])
    events = [
        (name, ANTHROPIC_EVENT.validate_json(data)) for name, data in events_of(answer) if name != "ping"
    ]
    texts = {}
    for name, event in events:
        assert name == event.type
        if event.type == "content_block_start":
            texts[event.index] = [event.content_block.type, ""]
        elif event.type == "content_block_delta" and event.delta.type != "signature_delta":
            delta = event.delta.model_dump()
            texts[event.index][1] += (
                delta.get("text") or delta.get("thinking") or delta.get("partial_json") or ""
            )
    assert {
        0: ["thinking", "A plan"],
        1: ["text", "Let me look."],
        2: ["tool_use", '{"city":"Zürich"}'],
        3: ["tool_use", "{}"],
    } == texts
    assert ["message_start", "message_delta", "message_stop"] == [events[0][0], events[-2][0], events[-1][0]]
    assert ("tool_use", 5) == (events[-2][1].delta.stop_reason, events[-2][1].usage.output_tokens)
    assert "message_stop" not in anthropic_stream("x", done=False).text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_an_anthropic_error_has_its_members(status, kind):
    """The type follows from the status."""
    body = anthropic_error(status, "no").json
    assert ("error", {"type": kind, "message": "no"}) == (body["type"], body["error"])


# --- Gemini


def test_a_gemini_answer_is_one():
    """Text and function calls are the parts of a valid response; ids only where given."""
    body = gemini_completion("Hm.", tool_calls=[WEATHER, TIME]).json
    parsed = GenerateContentResponse.model_validate(body)
    parts = parsed.candidates[0].content.parts
    assert ("Hm.", {"city": "Zürich"}) == (parts[0].text, parts[1].function_call.args)
    assert ["w1", None] == [part.function_call.id for part in parts[1:]]
    assert ("STOP", 15) == (parsed.candidates[0].finish_reason.value, parsed.usage_metadata.total_token_count)


def test_a_gemini_stream_adds_up_to_its_text():
    """Every event is a valid response; the last one has the finish reason and the full usage."""
    answer = gemini_stream("one two three", tool_calls=[TIME])
    parsed = [GenerateContentResponse.model_validate_json(data) for _, data in events_of(answer)]
    assert answer.text.endswith("\r\n\r\n")
    assert "one two three" == "".join(item.candidates[0].content.parts[0].text or "" for item in parsed)
    assert "get_time" == parsed[-1].candidates[0].content.parts[0].function_call.name
    assert [None] * 3 + [15] == [item.usage_metadata.total_token_count for item in parsed]
    reasons = [item.candidates[0].finish_reason for item in parsed]
    assert [None] * 3 + ["STOP"] == [*reasons[:3], reasons[3].value]


def test_a_gemini_stream_may_lack_its_end_or_its_text():
    """finish_reason=None leaves the format's only terminator out; an empty text is one event."""
    assert "finishReason" not in gemini_stream("a b", finish_reason=None).text
    assert 1 == len(events_of(gemini_stream("")))


def test_a_gemini_error_has_googles_members():
    """Code, status name, and the wish to wait as a RetryInfo detail."""
    body = gemini_error(429, "no", retry_after=1.5).json["error"]
    assert (429, "no", "RESOURCE_EXHAUSTED") == (body["code"], body["message"], body["status"])
    assert "1.5s" == body["details"][0]["retryDelay"]


# --- any format


@pytest.mark.parametrize("build", [anthropic_completion, gemini_completion])
def test_arguments_that_are_no_object_are_refused_where_the_format_needs_one(build):
    """Broken JSON can be sent as OpenAI arguments, but not inside Anthropic's or Gemini's JSON."""
    for arguments in ('{"city": ', "[]"):
        broken = tool_call("f", arguments)
        assert (
            arguments
            in completion(tool_calls=[broken])
            .json["choices"][0]["message"]["tool_calls"][0]["function"]
            .values()
        )
        with pytest.raises(ValueError):
            build(tool_calls=[broken])


def test_bodies_and_headers_of_a_plain_reply():
    """JSON, text or nothing, with a content type that headers may replace."""
    assert (b'{"a":1}', "application/json") == _content(reply(json={"a": 1}))
    assert (b"busy", "text/plain; charset=utf-8") == _content(reply(503, text="busy"))
    assert (b"<p>", "text/html") == _content(reply(502, text=b"<p>", headers={"content-type": "text/html"}))
    assert (b"", 204) == (reply(204).body, reply(204).status)
    assert (Pause(1.5),) == reply(delay=1.5).before


def _content(answer):
    return answer.body, answer.headers["Content-Type"]


def test_sse_takes_events_in_every_form():
    """Objects, named objects, lines and raw bytes; a gap lies between two events."""
    answer = sse([{"a": 1}, ("ping", {}), ": comment", b"data: unfinished"], gap=2, status=202)
    assert (
        b'data: {"a":1}\n\n',
        Pause(2),
        b"event: ping\ndata: {}\n\n",
        Pause(2),
        b": comment\n\n",
        Pause(2),
        b"data: unfinished",
    ) == answer.steps
    assert 202 == answer.status


def test_cut_and_stall_count_pieces_and_keep_pauses():
    """Two events stay, with the pause between them; then the break, or silence for ever."""
    answer = sse(["data: 1", "data: 2", "data: 3"], gap=1)
    kept = answer.steps[:4]
    assert (*kept, Break()) == cut(answer, after=2).steps
    assert (*kept, Pause(math.inf)) == stall(answer, after=2).steps
    assert kept == cut(answer, after=2, orderly=True).steps
    assert (Break(),) == cut(answer, after=0).steps
    assert (*answer.steps, Break()) == cut(answer, after=9).steps


def test_split_cuts_anywhere():
    """The same bytes in pieces of the given size, characters cut through."""
    answer = split(reply(text="né!"), 2)
    assert ("né!", (b"n\xc3", b"\xa9!")) == (answer.text, answer.steps)


def test_public_names_are_listed_sorted_and_documented():
    """__all__ is what the package has, upstream included."""
    names = llmroute.testing.__all__
    assert sorted(names) == names
    assert all(getattr(llmroute.testing, name).__doc__ for name in names)
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = llmroute.testing.nothing_of_that_name


def test_importing_the_kit_does_not_import_a_server():
    """aiohttp.web comes in with the upstream only."""
    code = "import sys, llmroute.testing as t; assert 'aiohttp.web' not in sys.modules; t.LoopbackUpstream"
    subprocess.run([sys.executable, "-c", code], check=True)
