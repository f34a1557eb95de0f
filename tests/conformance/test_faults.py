"""A hostile provider over raw sockets: every kind of fault, alone and before a healthy target.

Alone a fault shows as a status (or as the good answer after all), never as a foreign exception; in a
chain the next target answers wherever nothing had been handed on; and nothing ends later than its limit.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import attrs
import pytest
from raw_server import HungUpError, RawServer, Stopwatch, answer, chunk, chunked

from llmroute import IncompleteStreamError, Router, StreamError

TEXT = "Hello, wörld!"
#: request_timeout in seconds, and what may come on top.
LIMIT = 0.15
LATE = 0.25

CLOSE, RESET, SILENCE = "close", "reset", "silence"


def completion(**members):
    message = {"role": "assistant", "content": TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **members,
    }


def dumped(value):
    return json.dumps(value, ensure_ascii=False).encode()


def event(content=None, finish=None, **members):
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}
    return data(dumped({"choices": [choice], **members}))


def data(value):
    return b"data: " + value + b"\n\n"


GOOD = dumped(completion())
WORDS = [event("Hello, "), event("wörld!")]
END = event(finish="stop")
DONE = data(b"[DONE]")
STREAM = [*WORDS, END, DONE]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
COMPRESSED = gzip.compress(GOOD)


def streamed(*parts, end=True, headers=()):
    """A stream in one chunk per part; what is no bytes is left as it is."""
    framed = [chunk(part) if isinstance(part, bytes) else part for part in parts]
    return (chunked(*headers), *framed, *([chunk(b"")] if end else []))


def endless(part, head):
    """`part` at full speed for as long as the client reads."""

    async def play(connection):
        await connection.send(head)
        while True:
            await connection.send(part)

    return play


@attrs.frozen
class Fault:
    """`steps`: bytes to send, seconds to wait, CLOSE, RESET, SILENCE, or a function of the connection.

    `status` is the answer's when nothing else is there; with 200 it has TEXT. `fallback` tells whether
    a next target answers instead. `broken`: a stream that had begun raises. `late`: it ends at the limit;
    `limit` is the request_timeout in seconds.
    """

    name: str
    steps: tuple
    status: int = 502
    fallback: bool = True
    streams: tuple = (False, True)
    broken: bool = False
    late: bool = False
    limit: float = LIMIT


def plain(name, *steps, **expected):
    """A fault of an answer that is no stream."""
    return Fault(name, steps, streams=(False,), **expected)


def stream(name, *steps, **expected):
    """A fault of a stream."""
    return Fault(name, steps, streams=(True,), **expected)


def good(name, *steps, **expected):
    """What only looks like a fault."""
    return plain(name, *steps, status=200, fallback=False, **expected)


def good_stream(name, *steps, **expected):
    return stream(name, *steps, status=200, fallback=False, **expected)


def broken(name, *steps, **expected):
    """A stream that fails after its first words: they are handed on, then it raises."""
    return stream(name, *steps, status=200, fallback=False, broken=True, **expected)


CONNECTION = [
    Fault("closed without an answer", (CLOSE,), 503),
    Fault("reset without an answer", (RESET,), 503),
    Fault("closed in the status line", (b"HTTP/1.1 20", CLOSE), 503),
    Fault("closed in the headers", (HEAD, CLOSE), 503),
    plain("closed in the body", answer(GOOD)[:-20], CLOSE, status=503),
    plain("reset in the body", answer(GOOD)[:-20], 0.02, RESET, status=503),
    plain("closed between chunks", *streamed(GOOD[:40], CLOSE, end=False), status=503),
    plain("closed before the last chunk", *streamed(GOOD, CLOSE, end=False), status=503),
    plain("a length of an exabyte", HEAD + b"Content-Length: 1000000000000000000\r\n\r\n{", CLOSE),
]

TIME = [
    Fault("no answer at all", (SILENCE,), 408, late=True),
    Fault("headers that come drop by drop", (HEAD, *[b"X", 0.02] * 40), 408, late=True),
    Fault("headers and nothing more", (HEAD + b"Content-Length: 500\r\n\r\n", SILENCE), 408, late=True),
    plain("a body drop by drop", answer(GOOD)[:80], *[b" ", 0.02] * 40, status=408, late=True),
    Fault("early hints for ever", (*[b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02] * 40,), 408, late=True),
    stream("a stream that never begins", *streamed(SILENCE, end=False), status=408, late=True),
    stream("only comments", *streamed(*[b": ping\n\n", 0.02] * 40), status=408, late=True),
    good("an answer in the last moment", LIMIT / 2, answer(GOOD)),
]

HTTP = [
    Fault("no HTTP", (b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE)),
    Fault("HTTP 0.9", (GOOD, CLOSE)),
    Fault("an HTTP/2 frame", (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", CLOSE)),
    Fault("a status in words", (b"HTTP/1.1 okay\r\n\r\n", CLOSE)),
    Fault("a status of four digits", (b"HTTP/1.1 2000 OK\r\n\r\n", CLOSE)),
    Fault("a header without a colon", (b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", CLOSE)),
    Fault("NUL in a header", (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", CLOSE)),
    Fault("two lengths", (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + GOOD, CLOSE)),
    Fault("a length and chunks", (chunked("Content-Length: 5") + chunk(GOOD) + chunk(b""), CLOSE)),
    Fault("a length in words", (HEAD + b"Content-Length: many\r\n\r\n", CLOSE)),
    Fault("an endless header", (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2**20, CLOSE)),
    plain("a chunk size that is none", chunked() + b"zz\r\n", CLOSE),
    plain("a chunk longer than it says", chunked() + b"2\r\n" + GOOD + b"\r\n", CLOSE),
    good("100 Continue first", b"HTTP/1.1 100 Continue\r\n\r\n" + answer(GOOD)),
    good("extensions of chunks", chunked() + b"%x;name=value\r\n%b\r\n" % (len(GOOD), GOOD) + chunk(b"")),
    good(
        "chunks of one byte",
        chunked() + b"".join(chunk(GOOD[at : at + 1]) for at in range(len(GOOD))) + chunk(b""),
    ),
    good("no length, and the end of the connection", b"HTTP/1.1 200 OK\r\n\r\n" + GOOD, CLOSE),
]

ENCODING = [
    plain("gzip that is none", answer(GOOD, "Content-Encoding: gzip")),
    plain("half a gzip", answer(COMPRESSED[: len(COMPRESSED) // 2], "Content-Encoding: gzip")),
    plain("gzip with a wrong checksum", answer(COMPRESSED[:-8] + b"\0" * 8, "Content-Encoding: gzip")),
    good("deflate", answer(zlib.compress(GOOD), "Content-Encoding: deflate")),
    plain("no UTF-8", answer(GOOD.decode().encode("utf-16"))),
    good("a byte order mark", answer(b"\xef\xbb\xbf" + GOOD)),
]

JSON = [
    plain("no JSON", answer(b"<html>busy</html>")),
    plain("half a JSON", answer(GOOD[:-3])),
    plain("nothing", answer(b"")),
    plain("null", answer(b"null")),
    plain("a list", answer(b"[1,2,3]")),
    plain("NaN", answer(dumped(completion(usage={"total_tokens": float("nan")})))),
    plain("a hundred thousand brackets", answer(b"[" * 100_000 + b"]" * 100_000)),
    plain("no choices", answer(b"{}")),
    plain("choices that are none", answer(dumped(completion(choices=None)))),
    plain("an error in a 200", answer(b'{"error": {"message": "overloaded"}}')),
]

STATUS = [
    Fault("400 with an error object", (answer(b'{"error": {"message": "bad"}}', status="400 X"),), 400),
    Fault("429 without a body", (answer(b"", status="429 X"),), 429),
    Fault("500 in HTML", (answer(b"<h1>down</h1>", status="500 X"),), 500),
    Fault("500 with broken JSON", (answer(b'{"error": ', status="500 X"),), 500),
    Fault("503 with null", (answer(b"null", status="503 X"),), 503),
    Fault("529 with a list", (answer(b"[]", status="529 X"),), 529),
    Fault("401 that ends in its body", (answer(b"x" * 50, status="401 X")[:-20], CLOSE), 401),
    Fault("an error of half a megabyte", (answer(b"e" * 2**19, status="500 X"),), 500),
    Fault("an error without an end", (endless(chunk(b"e" * 65536), chunked(status="502 X")),), 502, limit=5),
    Fault("a redirect", (answer(b"", "Location: http://127.0.0.1:1/", status="307 X"),), 307),
    Fault("599", (answer(b"", status="599 X"),), 599),
]

SIZE = [
    plain("a body without an end", endless(chunk(b" " * 2**20), chunked()), limit=10),
    plain("a gigabyte, announced", HEAD + b"Content-Length: 1073741824\r\n\r\n{", SILENCE, limit=10),
    plain("a bomb", answer(gzip.compress(bytes(2**26)) * 4, "Content-Encoding: gzip"), limit=10),
    stream("a line without an end", endless(chunk(b"x" * 2**20), chunked() + chunk(b"data: ")), limit=10),
]

STREAMS = [
    good_stream("line ends of every kind", *streamed(*[part.replace(b"\n", b"\r\n") for part in STREAM])),
    good_stream(
        "one byte at a time", chunked(), *(chunk(bytes([byte])) for byte in b"".join(STREAM)), chunk(b"")
    ),
    good_stream("a byte order mark in a stream", *streamed(b"\xef\xbb\xbf" + STREAM[0], *STREAM[1:])),
    good_stream("comments and other fields", *streamed(b": hi\n\nid: 7\nretry: 10\n", *STREAM)),
    good_stream("data over two lines", *streamed(STREAM[0].replace(b": [", b": [\ndata: ", 1), *STREAM[1:])),
    good_stream("no [DONE]", *streamed(*WORDS, END)),
    good_stream("an open connection after [DONE]", *streamed(*STREAM, SILENCE, end=False)),
    good_stream("noise after [DONE]", *streamed(*STREAM, data(b"{broken"), *STREAM)),
    good_stream(
        "gzip in a stream", *streamed(gzip.compress(b"".join(STREAM)), headers=["Content-Encoding: gzip"])
    ),
    good_stream("a stream as text/plain", chunked(content_type="text/plain"), *streamed(*STREAM)[1:]),
    good_stream("a completion instead of a stream", answer(GOOD)),
    stream("a stream without an event", *streamed()),
    stream("only [DONE]", *streamed(DONE)),
    stream("an error at once", *streamed(data(b'{"error": {"message": "overloaded"}}'), DONE)),
    stream("an event that is no JSON", *streamed(data(b"{broken"), *STREAM)),
    stream("a web page as a stream", *streamed(b"<html>busy</html>")),
    stream("closed before the first word", *streamed(event(""), CLOSE, end=False), status=503),
    broken("no finish and no [DONE]", *streamed(*WORDS)),
    broken("closed after words", *streamed(*WORDS, 0.02, CLOSE, end=False)),
    broken("reset after words", *streamed(*WORDS, 0.02, RESET, end=False)),
    broken("an error after words", *streamed(*WORDS, data(b'{"error": {"message": "overloaded"}}'), DONE)),
    broken("no JSON after words", *streamed(*WORDS, 0.02, data(b"{broken"), *STREAM)),
    broken("cut within a character", *streamed(*WORDS, 0.02, event("ö")[:-30], end=True)),
]

FAULTS = [*CONNECTION, *TIME, *HTTP, *ENCODING, *JSON, *STATUS, *SIZE, *STREAMS]


def playing(fault):
    """The script of a server: the fault under /fault, a good answer elsewhere."""

    async def play(connection):
        while True:
            seen = await connection.request()
            if seen.target.startswith("/fault"):
                await act(connection)
            elif b'"stream":true' in seen.body:
                await connection.send(b"".join(streamed(*STREAM)))
            else:
                await connection.send(answer(GOOD))

    async def act(connection):
        for step in fault.steps:
            if isinstance(step, bytes):
                await connection.send(step)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step == SILENCE:
                await connection.hang_up()
            elif callable(step):
                await step(connection)
            else:
                getattr(connection, step)()
                raise HungUpError
        if fault.broken or not fault.fallback:
            await asyncio.sleep(0.02)

    return play


def target(url):
    return {"provider": "openai", "api_key": "sk-never-shown", "custom_host": url}


async def ask(router, stream):
    """Status, what was said, and the exception that ended a stream."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        **({"stream": True} if stream else {}),
    }
    response = await router.handle(body)
    said, raised = "", None
    if response.stream is not None:
        try:
            async for part in response.stream:
                said += "".join(choice["delta"].get("content") or "" for choice in part.get("choices") or [])
        except StreamError as error:
            raised = error
    elif response.body.get("choices"):
        said = response.body["choices"][0]["message"]["content"]
    else:
        assert response.body["error"]["message"]
        assert "sk-never-shown" not in json.dumps(response.body)
    return response.status, said, raised


def cases():
    for fault in FAULTS:
        for stream in fault.streams:
            yield pytest.param(fault, stream, id=f"{fault.name}, {'streamed' if stream else 'at once'}")


@pytest.mark.parametrize(("fault", "stream"), list(cases()))
async def test_fault(fault, stream):
    """Alone: the status, the words and the break as listed. In a chain: the healthy target's answer."""
    async with RawServer(playing(fault)) as server:
        bad, fine = target(f"{server.url}/fault"), target(f"{server.url}/fine")
        limit = {"request_timeout": int(fault.limit * 1000)}
        chain = {**limit, "strategy": {"mode": "fallback"}, "targets": [bad, fine]}
        async with Router({**bad, **limit}) as alone, Router(chain) as router:
            watch = Stopwatch()
            (status, said, raised), (next_status, next_said, _) = await asyncio.gather(
                ask(alone, stream), ask(router, stream)
            )
            took = watch.seconds

        assert (fault.status, fault.broken) == (status, raised is not None)
        assert TEXT == said or status != 200 or (fault.broken and TEXT.startswith(said))
        if not fault.broken:
            assert (200, TEXT) == (next_status, next_said)
        second = sum(seen.target.startswith("/fine") for seen in server.seen)
        assert second == fault.fallback
        assert took < fault.limit + LATE
        if fault.late:
            assert took >= fault.limit
        await server.until_open(0)


@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("where", ["refused", "no TLS", "no such name"])
async def test_hosts_that_cannot_be_reached(where, stream):
    """A 503, or the next target, without waiting for the limit."""

    async def plain(connection):
        await connection.send(answer(b"", status="400 Bad Request"))

    async with RawServer(playing(CONNECTION[0])) as server, RawServer(plain) as other:
        urls = {
            "refused": "http://127.0.0.1:9",
            "no TLS": other.url.replace("http", "https"),
            "no such name": "http://nowhere.invalid",
        }
        chain = [target(urls[where]), target(f"{server.url}/fine")]
        async with (
            Router(chain[0]) as alone,
            Router({"strategy": {"mode": "fallback"}, "targets": chain}) as router,
        ):
            watch = Stopwatch()
            assert 503 == (await ask(alone, stream))[0]
            assert (200, TEXT) == (await ask(router, stream))[:2]
            assert watch.seconds < 2 or where == "no such name"  # the system may search for long


async def test_a_break_has_what_came_before_it():
    """IncompleteStreamError keeps the words, and the route what had been tried."""
    fault = next(fault for fault in STREAMS if fault.name == "reset after words")
    async with RawServer(playing(fault)) as server, Router(target(f"{server.url}/fault")) as router:
        chunks = await router.chat.completions.create(model="m", messages=[], stream=True)
        with pytest.raises(IncompleteStreamError) as caught:
            await chunks.final()

        assert caught.value.partial["choices"][0]["message"]["content"].startswith("Hello, ")
        assert [200] == [attempt.status for attempt in caught.value.route.attempts]


def test_the_faults_are_sixty_and_more():
    """Every group is there, and no name twice."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 60
