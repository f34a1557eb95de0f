"""What each provider's translation costs: an answer, a conversation, a chunk of a stream.

    python benchmarks/providers.py

Exit status 1 when a figure is above its bound (BOUNDS). CPU time of this process, the best of ROUNDS.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import orjson
from formats import SUBJECTS, Subject, aws, ndjson

#: Microseconds: an answer of 1 KB, a conversation of 20 messages, and what a chunk takes above the floor.
BOUNDS = {"decode": 15.0, "encode": 60.0, "chunk": 6.0}
ROUNDS = 15
#: What one read of a socket gives, about as providers send it.
READ = 4096

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "tide",
            "description": "The height of the tide at a harbour.",
            "parameters": {
                "type": "object",
                "properties": {"harbour": {"type": "string"}, "hour": {"type": "integer"}},
                "required": ["harbour"],
            },
        },
    }
]


def conversation() -> list[dict[str, Any]]:
    """Twenty messages: a system's, then questions, calls of a tool, results and answers."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "You know the sea."}]
    while len(messages) < 19:
        number = len(messages)
        call = {
            "id": f"call{number:05}",
            "type": "function",
            "function": {"name": "tide", "arguments": json.dumps({"harbour": "Brest", "hour": number})},
        }
        messages += [
            {"role": "user", "content": f"And how high is the tide at Brest at {number} hours?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "4.2 m above chart datum"},
            {"role": "assistant", "content": "It is 4.2 metres, and rising until the evening."},
        ]
    return [*messages[:19], {"role": "user", "content": "Thank you. Is it safe to sail?"}]


def best(work: Callable[[], object], count: int) -> float:
    """CPU microseconds of one of `count`, the best of several rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(count):
            work()
        times.append(time.process_time() - start)
    return min(times) / count * 1e6


# -- the cases ---------------------------------------------------------------


def decode(subject: Subject) -> float:
    """An answer of 1 KB, JSON included."""
    adapter, reply = subject.adapter(), subject.reply()
    assert 850 < len(reply.body) < 1200, len(reply.body)
    params = {"model": subject.model, **subject.params}
    assert "lighthouse" in adapter.decode(reply, params)["choices"][0]["message"]["content"]
    return best(lambda: adapter.decode(reply, params), 300)


def encode(subject: Subject) -> float:
    """A conversation of 20 messages with a tool, JSON included."""
    adapter = subject.adapter()
    params = {
        "model": subject.model,
        "messages": conversation(),
        "tools": TOOLS,
        "max_tokens": 500,
        **subject.params,
    }
    assert len(params["messages"]) == 20
    assert b"Brest" in adapter.encode(params, "key").body
    return best(lambda: adapter.encode(params, "key"), 100)


def chunk(subject: Subject) -> float:
    """A chunk of a stream of 200, above the same events split and parsed by hand."""
    adapter = subject.adapter()
    params = {"model": subject.model, "stream": True, **subject.params}
    data = subject.framing(subject.events)
    reads = [data[start : start + READ] for start in range(0, len(data), READ)]

    def read() -> list[Any]:
        decoder = adapter.decoder(params)
        chunks: list[Any] = []
        for each in reads:
            chunks += decoder.feed(each)
        chunks += decoder.close()
        assert decoder.failure is None, decoder.failure
        return chunks

    texts = [choice["delta"].get("content") for made in read() for choice in made.get("choices") or ()]
    assert texts.count("light ") >= 200
    split = _FLOORS.get(subject.framing, split_sse)
    return (best(read, 5) - best(lambda: split(reads), 5)) / len(subject.events)


# -- the floor ---------------------------------------------------------------


def split_sse(reads: list[bytes]) -> list[Any]:
    """As by hand: lines out of reads, the data of each parsed."""
    found, rest = [], b""
    for each in reads:
        *lines, rest = (rest + each).split(b"\n")
        data = (line[6:] for line in lines if line.startswith(b"data: "))
        found += [orjson.loads(text) for text in data if text != b"[DONE]"]
    return found


def split_lines(reads: list[bytes]) -> list[Any]:
    found, rest = [], b""
    for each in reads:
        *lines, rest = (rest + each).split(b"\n")
        found += [orjson.loads(line) for line in lines if line]
    return found


def split_frames(reads: list[bytes]) -> list[Any]:
    """Both checksums compared, the name of the event read, its data parsed."""
    found, rest = [], b""
    for each in reads:
        rest += each
        at = 0
        while len(rest) - at >= 16:
            size, headers, checksum = struct.unpack_from(">III", rest, at)
            if len(rest) - at < size:
                break
            frame = rest[at : at + size]
            assert checksum == zlib.crc32(frame[:8])
            assert int.from_bytes(frame[-4:]) == zlib.crc32(frame[:-4])
            named, place, end = {}, 12, 12 + headers
            while place < end:
                here = place + 1 + frame[place]
                length = int.from_bytes(frame[here + 1 : here + 3])
                named[frame[place + 1 : here]] = frame[here + 3 : here + 3 + length]
                place = here + 3 + length
            found.append((named[b":event-type"], orjson.loads(frame[end:-4])))
            at += size
        rest = rest[at:]
    return found


_FLOORS: dict[Any, Callable[[list[bytes]], list[Any]]] = {aws: split_frames, ndjson: split_lines}
CASES: dict[str, Callable[[Subject], float]] = {"decode": decode, "encode": encode, "chunk": chunk}


def main() -> int:
    parser = argparse.ArgumentParser(description="Decode, encode and stream through every native adapter.")
    parser.add_argument("--only", choices=sorted(CASES))
    parser.add_argument("--provider", choices=sorted(SUBJECTS))
    options = parser.parse_args()
    names = [name for name in CASES if options.only in (None, name)]
    print(f"{'us':16}" + "".join(f"{name:>10}" for name in names))
    over = []
    for slug, subject in SUBJECTS.items():
        if options.provider not in (None, slug):
            continue
        figures = {name: CASES[name](subject) for name in names}
        print(f"{slug:16}" + "".join(f"{figure:10.2f}" for figure in figures.values()), flush=True)
        over += [f"{slug} {name}" for name, figure in figures.items() if figure > BOUNDS[name]]
    print(f"{'bound':16}" + "".join(f"{BOUNDS[name]:10.2f}" for name in names))
    if over:
        print("OVER: " + ", ".join(over))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
