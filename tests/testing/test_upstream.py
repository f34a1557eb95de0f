"""LoopbackUpstream over real sockets: three formats, faults, and what it remembers."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import urllib.request

import aiohttp
import pytest
from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion

from llmroute.testing import (
    LoopbackUpstream,
    completion,
    connection_error,
    cut,
    hang,
    reply,
    sse,
    stall,
    stream,
)

OPENAI = "/v1/chat/completions"
ANTHROPIC = "/v1/messages"
GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"
GEMINI_STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
VERSION = {"anthropic-version": "2023-06-01"}

OPENAI_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer"},
            },
            "required": ["city", "unit"],
        },
    },
}
SCHEMA = OPENAI_TOOL["function"]["parameters"]
ANTHROPIC_TOOL = {"name": "get_weather", "input_schema": SCHEMA}
GEMINI_TOOL = {"functionDeclarations": [{"name": "get_weather", "parameters": SCHEMA}]}


def openai(*messages, **members):
    messages = [{"role": "user", "content": "Hi there"}] if not messages else list(messages)
    return {"model": "gpt-4o-mini", "messages": messages, **members}


def anthropic(*messages, **members):
    return {"max_tokens": 100, **openai(*messages), "model": "claude-sonnet-4-5", **members}


def gemini(*contents, **members):
    contents = [{"role": "user", "parts": [{"text": "Hi there"}]}] if not contents else list(contents)
    return {"contents": contents, **members}


@pytest.fixture
async def upstream(caplog):
    """An upstream on the test's loop; whatever happens, the server logs no error."""
    async with LoopbackUpstream() as running:
        yield running
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def post(upstream, session):
    """Post JSON to a path: (status, parsed or raw text, headers)."""

    async def post(path, body, headers=VERSION):
        data = body if isinstance(body, bytes) else json.dumps(body)
        async with session.post(upstream.url + path, data=data, headers=headers) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(text) if is_json else text, response.headers

    return post


def data_of(text):
    """The data lines of a stream, parsed where they are JSON."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) if line.startswith("{") else line for line in lines]


def announced(arrived, answer):
    """A script of one answer that tells when its request is there."""
    arrived.set()
    yield answer


# --- answers


async def test_openai_requests_are_echoed(post):
    """The answer is a valid completion for the model asked, with countable usage."""
    status, body, _ = await post(OPENAI, openai())
    parsed = ChatCompletion.model_validate(body, strict=True)
    assert (200, "gpt-4o-mini", "You said: Hi there") == (
        status,
        parsed.model,
        parsed.choices[0].message.content,
    )
    assert parsed.usage.total_tokens == parsed.usage.prompt_tokens + parsed.usage.completion_tokens > 0


async def test_anthropic_requests_are_echoed(post):
    """The answer is a valid message; text blocks count like text."""
    message = {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "source": {}}]}
    status, body, _ = await post(ANTHROPIC, anthropic(message, system="Be brief."))
    parsed = Message.model_validate(body, strict=True)
    assert (200, "claude-sonnet-4-5", "You said: Hi") == (status, parsed.model, parsed.content[0].text)


async def test_gemini_requests_are_echoed(post):
    """The answer is a valid response; the model comes from the path."""
    status, body, _ = await post(GEMINI, gemini())
    parsed = GenerateContentResponse.model_validate(body)
    assert (200, "gemini-2.5-flash", "You said: Hi there") == (
        status,
        parsed.model_version,
        parsed.candidates[0].content.parts[0].text,
    )


async def test_openai_streams(post):
    """With `stream` the same text comes in chunks, and usage only when it is asked for."""
    _, text, headers = await post(OPENAI, openai(stream=True, stream_options={"include_usage": True}))
    *chunks, usage, end = data_of(text)
    said = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
    assert ("You said: Hi there", [], "[DONE]") == (said, usage["choices"], end)
    assert headers["Content-Type"].startswith("text/event-stream")

    _, text, _ = await post(OPENAI, openai(stream=True))
    assert "usage" not in text


async def test_anthropic_streams(post):
    """With `stream` the same text comes in named events."""
    _, text, _ = await post(ANTHROPIC, anthropic(stream=True))
    deltas = [event["delta"] for event in data_of(text) if event["type"] == "content_block_delta"]
    assert "You said: Hi there" == "".join(delta["text"] for delta in deltas)
    assert "event: message_stop" in text


async def test_gemini_streams(post):
    """streamGenerateContent answers events with alt=sse, and a JSON array without."""
    _, text, _ = await post("/gateway/v1beta" + GEMINI_STREAM, gemini())
    parts = [event["candidates"][0]["content"]["parts"][0]["text"] for event in data_of(text)]
    assert "You said: Hi there" == "".join(parts)

    _, body, _ = await post(GEMINI_STREAM.removesuffix("?alt=sse"), gemini())
    assert "You said: Hi there" == body[0]["candidates"][0]["content"]["parts"][0]["text"]


async def test_openai_tool_loop(post):
    """ "call NAME" gives a tool call; its result is repeated in the next answer."""
    ask = {"role": "user", "content": 'Please call get_weather {"city": "Bern"}, thanks'}
    _, body, _ = await post(OPENAI, openai(ask, tools=[OPENAI_TOOL]))
    message = body["choices"][0]["message"]
    [call] = message["tool_calls"]
    assert ("get_weather", {"city": "Bern"}) == (
        call["function"]["name"],
        json.loads(call["function"]["arguments"]),
    )
    assert "tool_calls" == body["choices"][0]["finish_reason"]

    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    _, body, _ = await post(OPENAI, openai(ask, message, result, tools=[OPENAI_TOOL]))
    assert "The tool said: sunny" == body["choices"][0]["message"]["content"]


async def test_anthropic_tool_loop(post):
    """Two tools named give two calls, with arguments made from the schema."""
    ask = {"role": "user", "content": "call get_weather and call get_time."}
    tools = [ANTHROPIC_TOOL, {"name": "get_time", "input_schema": {"type": "object"}}]
    _, body, _ = await post(ANTHROPIC, anthropic(ask, tools=tools))
    first, second = body["content"]
    assert ("get_weather", {"city": "text", "unit": "celsius"}) == (first["name"], first["input"])
    assert ("get_time", {}, "tool_use") == (second["name"], second["input"], body["stop_reason"])

    blocks = [
        {"type": "tool_result", "tool_use_id": first["id"], "content": "rain"},
        {"type": "tool_result", "tool_use_id": second["id"], "content": [{"type": "text", "text": "noon"}]},
    ]
    turns = [ask, {"role": "assistant", "content": body["content"]}, {"role": "user", "content": blocks}]
    _, body, _ = await post(ANTHROPIC, anthropic(*turns, tools=tools))
    assert "The tool said: rain; noon" == body["content"][0]["text"]


async def test_gemini_tool_loop(post):
    """Function calls and responses are matched by number."""
    ask = {"role": "user", "parts": [{"text": "call get_weather"}]}
    _, body, _ = await post(GEMINI, gemini(ask, tools=[GEMINI_TOOL]))
    content = body["candidates"][0]["content"]
    call = content["parts"][0]["functionCall"]
    assert {"name": "get_weather", "args": {"city": "text", "unit": "celsius"}} == call

    response = {"functionResponse": {"name": "get_weather", "response": {"output": "fog"}}}
    turns = [ask, content, {"role": "user", "parts": [response]}]
    _, body, _ = await post(GEMINI, gemini(*turns, tools=[GEMINI_TOOL]))
    assert 'The tool said: {"output":"fog"}' == body["candidates"][0]["content"]["parts"][0]["text"]


async def test_a_tool_that_was_not_offered_is_not_called(post):
    """The word alone is no reason: the text is echoed."""
    _, body, _ = await post(OPENAI, openai({"role": "user", "content": "call me maybe"}, tools=[OPENAI_TOOL]))
    assert "You said: call me maybe" == body["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("path", "body", "pick"),
    [
        (
            OPENAI,
            openai(response_format={"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA}}),
            lambda body: body["choices"][0]["message"]["content"],
        ),
        (
            ANTHROPIC,
            anthropic(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}),
            lambda body: body["content"][0]["text"],
        ),
        (
            GEMINI,
            gemini(generationConfig={"responseMimeType": "application/json", "responseSchema": SCHEMA}),
            lambda body: body["candidates"][0]["content"]["parts"][0]["text"],
        ),
    ],
)
async def test_a_json_schema_is_followed(post, path, body, pick):
    """An answer that has to be JSON fits the schema: required members, first of an enum."""
    _, answer, _ = await post(path, body)
    assert {"city": "text", "unit": "celsius"} == json.loads(pick(answer))


async def test_json_mode_gives_an_object(post):
    """Without a schema the echo stands in an object."""
    _, body, _ = await post(OPENAI, openai(response_format={"type": "json_object"}))
    assert {"answer": "You said: Hi there"} == json.loads(body["choices"][0]["message"]["content"])


# --- malformed requests


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]}
USER = {"role": "user", "content": "x"}
FUNCTION_CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}


@pytest.mark.parametrize(
    ("path", "body", "culprit"),
    [
        (OPENAI, b"{", "JSON"),
        (OPENAI, [], "JSON object"),
        (OPENAI, b"[" * 5_000, ""),
        (OPENAI, b'{"model": "m", "messages": ' + b"[" * 600 + b"]" * 600 + b"}", ""),
        (OPENAI, b'{"model": "m", "messages": [{"role": ' + b"[" * 990 + b"]" * 990 + b"}]}", ""),
        (OPENAI, {"messages": [USER]}, "model"),
        (OPENAI, {"model": "m", "messages": []}, "messages"),
        (OPENAI, {"model": "m", "messages": ["x"]}, "messages"),
        (OPENAI, openai({"role": "robot", "content": "x"}), "messages[0].role"),
        (OPENAI, openai({"role": "user"}), "messages[0].content"),
        (OPENAI, openai({"role": "user", "content": [{"text": "x"}]}), "type"),
        (OPENAI, openai(stream="yes"), "stream"),
        (OPENAI, openai(tools=[{"name": "f"}]), "tools.type"),
        (OPENAI, openai(tools=[{"type": "function", "function": {}}]), "tools.function.name"),
        (OPENAI, openai(USER, {"role": "tool", "tool_call_id": "c1", "content": "r"}), "c1"),
        (OPENAI, openai(USER, {"role": "assistant", "tool_calls": [CALL]}), "c1"),
        (OPENAI, openai(USER, {"role": "assistant", "tool_calls": [{**CALL, "type": None}]}), "type"),
        (
            OPENAI,
            openai(USER, {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f"}}]}),
            "arguments",
        ),
        (ANTHROPIC, openai(), "max_tokens"),
        (ANTHROPIC, anthropic(max_tokens=True), "max_tokens"),
        (ANTHROPIC, anthropic({"role": "system", "content": "x"}), "first message"),
        (ANTHROPIC, anthropic(USER, {"role": "tool", "content": "x"}), "messages.1.role"),
        (ANTHROPIC, anthropic({"role": "user", "content": " "}), "empty"),
        (ANTHROPIC, anthropic(system=3), "system"),
        (ANTHROPIC, anthropic(USER, USE), "t1"),
        (ANTHROPIC, anthropic(USER, USE, USER), "t1"),
        (
            ANTHROPIC,
            anthropic({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9"}]}),
            "t9",
        ),
        (ANTHROPIC, anthropic(tools=[OPENAI_TOOL]), "tools.name"),
        (ANTHROPIC, anthropic(tools=[{"name": "f"}]), "tools.f.input_schema"),
        (GEMINI, openai(), "contents"),
        (GEMINI, gemini({"role": "assistant", "parts": [{"text": "x"}]}), "contents[0].role"),
        (GEMINI, gemini({"role": "user", "parts": []}), "contents[0].parts"),
        (GEMINI, gemini({"role": "user", "parts": [{}]}), "contents[0].parts"),
        (GEMINI, gemini(systemInstruction="x"), "systemInstruction.parts"),
        (GEMINI, gemini(FUNCTION_CALL), "0 function responses to 1"),
        (GEMINI, gemini({"parts": [{"functionResponse": {"name": "f", "response": {}}}]}), "1 function"),
        (
            GEMINI,
            gemini(FUNCTION_CALL, {"parts": [{"functionResponse": {"name": "f", "response": "text"}}]}),
            "functionResponse.response",
        ),
    ],
)
async def test_malformed_requests_get_the_providers_400(post, path, body, culprit):
    """The error has the format's own shape and names the culprit."""
    status, answer, _ = await post(path, body)
    assert 400 == status
    assert culprit in answer["error"]["message"]
    shape = {OPENAI: "type", ANTHROPIC: "type", GEMINI: "status"}[path]
    assert answer["error"][shape].upper().startswith("INVALID")


async def test_anthropic_needs_its_version_header(post):
    """As the service does."""
    status, body, _ = await post(ANTHROPIC, anthropic(), {})
    assert 400 == status
    assert "anthropic-version" in body["error"]["message"]


async def test_other_paths_and_methods_are_refused(upstream, session, post):
    """404 for what no format has, 405 for a GET."""
    status, body, _ = await post("/v1/embeddings", {})
    assert (404, "no such endpoint: POST /v1/embeddings") == (status, body["error"]["message"])
    async with session.get(upstream.url + OPENAI) as response:
        assert 405 == response.status
    assert [None, "openai"] == [call.format for call in upstream.calls]


# --- keys


@pytest.mark.parametrize(
    ("path", "body", "headers", "refusal"),
    [
        (OPENAI, openai(), {"Authorization": "Bearer k1"}, 401),
        (ANTHROPIC, anthropic(), {"x-api-key": "k1"}, 401),
        (GEMINI, gemini(), {"x-goog-api-key": "k1"}, 400),
        (GEMINI + "?key=k1", gemini(), {}, 400),
    ],
)
async def test_a_key_may_be_demanded(session, path, body, headers, refusal):
    """Only the given key is accepted, where the format carries it; otherwise the provider's refusal."""
    for key, expected in [("k1", 200), ("k2", refusal)]:
        async with LoopbackUpstream(api_key=key) as upstream:
            async with session.post(upstream.url + path, json=body, headers=VERSION | headers) as response:
                assert expected == response.status


# --- faults


async def test_scripted_failures_speak_the_format_and_then_stop(upstream, post):
    """fail() applies under its prefix only, as often as said, with Retry-After."""
    upstream.fail("/flaky", status=429, retry_after=0)
    upstream.fail("/flaky/", status=529, times=2)
    answers = [await post("/flaky" + ANTHROPIC, anthropic()) for _ in range(4)]
    assert [429, 529, 529, 200] == [status for status, _, _ in answers]
    assert "rate_limit_error" == answers[0][1]["error"]["type"]
    assert "0" == answers[0][2]["Retry-After"]
    assert 200 == (await post("/flaky2" + OPENAI, openai()))[0]


async def test_the_longest_prefix_counts(upstream, post):
    """A script for everything leaves longer prefixes to theirs until those are used up."""
    upstream.fail(status=503, times=None)
    upstream.fail("/a/b", status=500)
    assert [500, 503, 503] == [(await post("/a/b" + OPENAI, openai()))[0] for _ in range(3)]


async def test_any_reply_can_be_played(upstream, post):
    """Replies of the builders go over the wire as they are: status, headers, body, events."""
    script = [completion("scripted", headers={"x-request-id": "r1"}), sse([": hi", "data: 1"]), reply(204)]
    upstream.play("/s", script)
    answers = [await post("/s" + OPENAI, openai()) for _ in range(3)]
    assert "scripted" == answers[0][1]["choices"][0]["message"]["content"]
    assert "r1" == answers[0][2]["x-request-id"]
    assert (200, ": hi\n\ndata: 1\n\n") == answers[1][:2]
    assert (204, "") == answers[2][:2]


async def test_a_connection_error_closes_without_an_answer(upstream, post):
    """The client sees a disconnect, the test sees "broken"."""
    upstream.play("/down", [connection_error()])
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post("/down" + OPENAI, openai())
    assert "broken" == await upstream.calls[0].wait()


async def test_a_cut_stream_delivers_its_first_events(upstream, session):
    """What comes before the break arrives; then the body is incomplete."""
    upstream.play("/cut", [cut(stream(["a", "b"]), after=2)])
    async with session.post(upstream.url + "/cut" + OPENAI, json=openai(stream=True)) as response:
        assert b'"role":"assistant"' in await response.content.readuntil(b"\n\n")
        assert b'"content":"a"' in await response.content.readuntil(b"\n\n")
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()
    assert "broken" == await upstream.calls[0].wait()


@pytest.mark.parametrize("answer", [hang(), stall(stream(["a"]), after=1)], ids=["hang", "stall"])
async def test_a_client_that_hangs_up_is_noticed(upstream, session, answer):
    """A call given up in the middle ends as "hung_up", soon."""
    arrived = asyncio.Event()
    upstream.play("/", announced(arrived, answer))
    posting = asyncio.create_task(session.post(upstream.url + OPENAI, json=openai()))
    await arrived.wait()
    if answer.steps:
        response = await posting
        await response.content.readany()
        response.close()
    else:
        posting.cancel()
    async with asyncio.timeout(5):
        assert "hung_up" == await upstream.calls[0].wait()


async def test_stopping_ends_hanging_calls(session, caplog):
    """Leaving the context breaks what still hangs, at once and without an error in the log."""
    async with LoopbackUpstream() as upstream:
        arrived = asyncio.Event()
        upstream.play("/", announced(arrived, hang()))
        posting = asyncio.create_task(session.post(upstream.url + OPENAI, json=openai()))
        await arrived.wait()
    with pytest.raises(aiohttp.ClientError):
        await posting
    assert "stopped" == upstream.calls[0].ended.result()
    assert [] == caplog.records
    with pytest.raises(RuntimeError, match="not running"):
        _ = upstream.url


async def test_stream_events_may_have_a_gap(session):
    """`gap` spaces the events of every stream."""
    async with LoopbackUpstream(gap=0.001) as upstream:
        async with session.post(upstream.url + OPENAI, json=openai(stream=True)) as response:
            assert (await response.text()).endswith("data: [DONE]\n\n")


# --- what it remembers


async def test_calls_are_recorded(upstream, post):
    """Format, path, query, headers and body of every request, secrets out of the repr."""
    await post("/t0" + GEMINI + "?key=k-secret", gemini(), {"Authorization": "Bearer k-secret"})
    await post(OPENAI, b"not json")
    first, second = upstream.calls
    assert ("gemini", "POST", "/t0" + GEMINI) == (first.format, first.method, first.path)
    assert ({"key": "k-secret"}, gemini()) == (first.query, first.json)
    assert "Bearer k-secret" == first.headers["authorization"]
    assert "k-secret" not in repr(first) + repr(first.headers)
    assert ("answered", None, b"not json") == (await first.wait(), second.json, second.body)


def test_a_synchronous_test_may_use_it_too():
    """`with` serves on a thread; it may be entered again."""
    upstream = LoopbackUpstream()
    for number in range(2):
        with upstream:
            request = urllib.request.Request(upstream.url + OPENAI, json.dumps(openai()).encode())
            with urllib.request.urlopen(request, timeout=10) as response:
                assert "You said: Hi there" in response.read().decode()
        assert number + 1 == len(upstream.calls)


def test_a_thread_that_cannot_start_reports_why(monkeypatch):
    """An error while starting comes out of `with`."""

    async def refuse(*args):
        raise OSError("no port left")

    monkeypatch.setattr(LoopbackUpstream, "__aenter__", refuse)
    with pytest.raises(OSError, match="no port left"):
        LoopbackUpstream().__enter__()


async def test_the_fixtures_work_together(virtual_clock, loopback_upstream, session):
    """A virtual timeout does not run out while the upstream, on its own thread, is answering."""
    loopback_upstream.play("/", itertools.repeat(reply(418), 50))
    for _ in range(50):
        async with virtual_clock.timeout(600), session.post(loopback_upstream.url + "/any") as response:
            assert 418 == response.status
    assert (0.0, 50) == (virtual_clock.now(), len(loopback_upstream.calls))
