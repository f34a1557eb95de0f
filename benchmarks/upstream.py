"""A cheap fake provider in a process of its own: fixed OpenAI-shaped answers, chosen by the URL's first part.

    /ok/...       200 with a small completion
    /fail/...     429 with an error object
    /stream/...   a stream of 200 content chunks, sent in one write
    /paced/...    the same, one write per event

Prints its port and serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

CHUNKS = 200
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.I)

_USAGE = {
    "prompt_tokens": 31,
    "completion_tokens": 29,
    "total_tokens": 60,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
_TEXT = "A lighthouse shows ships where the rocks are, at night and in fog, and asks for nothing in return."


def _completion() -> bytes:
    message = {"role": "assistant", "content": _TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "gpt-4o-mini",
            "choices": [choice],
            "usage": _USAGE,
            "system_fingerprint": "fp_bench",
        }
    ).encode()


def _events() -> list[bytes]:
    base = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-4o-mini",
    }

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({**base, "choices": [choice]}, separators=(",", ":")).encode() + b"\n\n"

    words = [event({"content": f" word{number}"}) for number in range(CHUNKS)]
    return [event({"role": "assistant", "content": ""}), *words, event({}, "stop"), b"data: [DONE]\n\n"]


def _plain(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_PIECES = [_HEAD, *map(_chunked, _events()), b"0\r\n\r\n"]
_ERROR = json.dumps({"error": {"message": "slow down", "type": "rate_limit", "param": None, "code": None}})
ANSWERS = {
    b"ok": _plain("200 OK", _completion()),
    b"fail": _plain("429 Too Many Requests", _ERROR.encode()),
    b"stream": b"".join(_PIECES),
}


class Provider(asyncio.Protocol):
    """One connection: reads a request, writes the answer that its path asks for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._data = bytearray()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head = self._data.find(b"\r\n\r\n")
        length = LENGTH.search(self._data, 0, head + 2) if head >= 0 else None
        size = head + 4 + (int(length[1]) if length else 0)
        if head < 0 or len(self._data) < size:
            return
        kind = bytes(self._data.split(b"/", 2)[1])
        del self._data[:size]
        if kind == b"paced":
            self._send(0)
        else:
            self._transport.write(ANSWERS.get(kind, ANSWERS[b"ok"]))

    def _send(self, number: int) -> None:
        self._transport.write(_PIECES[number])
        if number + 1 < len(_PIECES):
            asyncio.get_running_loop().call_soon(self._send, number + 1)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
