"""SyncRouter: plain calls and iterators over one background loop, from any number of threads."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

import pytest
from raw_server import sockets

from llmroute import (
    BadRequestError,
    ConfigError,
    IncompleteStreamError,
    InternalServerError,
    RateLimitError,
    RouterClosedError,
    SyncRouter,
)
from llmroute.sync.pump import AHEAD, Pump
from llmroute.sync.thread import LoopThread
from llmroute.testing import (
    Pause,
    Reply,
    ScriptedTransport,
    completion,
    cut,
    error,
    hang,
    reply,
    sse,
    stall,
    stream,
)

HELLO = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
WORDS = "one two three four"


def target(upstream, path=""):
    return {"provider": "openai", "api_key": "sk-test", "custom_host": upstream.url + path}


@pytest.fixture
def router(loopback_upstream):
    with SyncRouter(target(loopback_upstream)) as made:
        yield made


def scripted(*replies, **options):
    config = {"provider": "openai", "api_key": "sk-test"}
    return SyncRouter(config, transport=ScriptedTransport(list(replies)), **options)


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def threads():
    """The background loops that are running."""
    return [thread for thread in threading.enumerate() if thread.name == "llmroute"]


# --- calls


def test_a_call_returns_its_completion(router):
    """As the async router's, without await."""
    made = router.chat.completions.create(**HELLO, temperature=0)

    assert ("You said: hi", "config", 200) == (
        made.choices[0].message.content,
        made.route.target,
        made.route.attempts[0].status,
    )


def test_errors_are_those_of_the_async_router():
    """Class, status and route; the wrong parameters of a call, the wrong config of a router."""
    with scripted(error(429, "slow down"), error(500), completion()) as router:
        with pytest.raises(RateLimitError, match="slow down") as caught:
            router.chat.completions.create(**HELLO)
        assert (429, 1) == (caught.value.status_code, len(caught.value.route.attempts))
        with pytest.raises(InternalServerError):
            router.chat.completions.create(**HELLO)
        with pytest.raises(BadRequestError):
            router.chat.completions.create(**{**HELLO, "messages": 3})
        assert router.chat.completions.create(**HELLO)
    with pytest.raises(ConfigError):
        SyncRouter({"strategy": {"mode": "nope"}})


def test_threads_share_a_router(router, loopback_upstream):
    """Eight threads with fifty calls each: every answer is that of its own question."""

    def ask(number):
        asked = [f"{number}.{turn}" for turn in range(50)]
        return all(
            f"You said: {text}"
            == router.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
            .choices[0]
            .message.content
            for text in asked
        )

    with ThreadPoolExecutor(8) as pool:
        assert [True] * 8 == list(pool.map(ask, range(8)))
    assert 400 == len(loopback_upstream.calls)
    assert 1 == len(threads())


def test_views_share_the_loop_and_overlay_the_config(router, loopback_upstream):
    """`with_options` gives a SyncRouter of the same kind."""
    view = router.with_options(trace_id="trace-1", api_key="sk-other")
    made = view.chat.completions.create(**HELLO)

    assert ("trace-1", 1) == (made.route.trace_id, len(threads()))
    assert "Bearer sk-other" == loopback_upstream.calls[0].headers["authorization"]


def test_files_and_headers_make_routers(loopback_upstream, tmp_path):
    """`from_file` and `from_headers`."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(target(loopback_upstream)))
    headers = {"x-portkey-config": path.read_text()}
    for router in (SyncRouter.from_file(path), SyncRouter.from_headers(headers)):
        with router:
            assert "You said: hi" == router.chat.completions.create(**HELLO).choices[0].message.content


def test_configs_are_replaced_and_explained(router, loopback_upstream):
    """`reload`, `explain`, `health`, `warnings` and the repr need no loop."""
    router.reload(target(loopback_upstream, "/other"))
    router.chat.completions.create(**HELLO)

    assert ["/other/chat/completions"] == [call.path for call in loopback_upstream.calls]
    assert "openai" in str(router.explain(HELLO))
    assert ["config"] == [health.path for health in router.health()]
    assert () == router.warnings
    assert repr(router).startswith("<SyncRouter ")


def test_a_call_on_the_loop_itself_is_refused(loopback_upstream):
    """It would wait for itself for ever: an observer, say, that calls the router it observes."""
    raised = []

    def observe(event):
        try:
            router.chat.completions.create(**HELLO)
        except RuntimeError as error:
            raised.append(str(error))

    with SyncRouter(target(loopback_upstream), observers=[observe]) as router:
        router.chat.completions.create(**HELLO)

    assert {"a SyncRouter cannot be used on its own background loop; use Router there"} == set(raised)


# --- streams


def test_a_stream_is_a_plain_iterator(router, loopback_upstream):
    """Chunks one by one, then the end, again and again."""
    loopback_upstream.play("/", [stream(WORDS)])
    made = router.chat.completions.create(**HELLO, stream=True)

    assert WORDS == text_of(made)
    assert WORDS == made.text
    assert "config" == made.route.target
    assert [] == list(made)


def test_text_is_what_has_been_read():
    """Not what has arrived: the loop reads ahead."""
    with scripted(stream([f"{number}," for number in range(10)])) as router:
        made = router.chat.completions.create(**HELLO, stream=True)
        next(made), next(made), next(made)

        assert "0,1," == made.text
        assert "0,1,2,3,4,5,6,7,8,9," == made.final().choices[0].message.content


def test_a_broken_stream_raises_after_its_chunks():
    """What came is handed on first; the error has the whole of it, and comes again."""
    with scripted(cut(stream(WORDS), 3)) as router:
        made = router.chat.completions.create(**HELLO, stream=True)
        got = []
        with pytest.raises(IncompleteStreamError) as caught:
            got.extend(iter(made))
        assert "one two " == caught.value.partial["choices"][0]["message"]["content"]
        with pytest.raises(IncompleteStreamError):
            next(made)
        with pytest.raises(IncompleteStreamError):
            made.final()


@pytest.mark.parametrize("how", ["close", "with", "drop", "cycle"])
def test_a_stream_left_early_hangs_up(router, loopback_upstream, how):
    """Closed, left by its `with`, dropped, or found by the collector: the provider sees it within 250 ms."""
    loopback_upstream.play("/", [stall(stream(WORDS), 3)])
    made = router.chat.completions.create(**HELLO, stream=True)
    assert "one " == text_of([next(made), next(made)])
    if how == "close":
        made.close()
        made.close()
        assert [] == list(made)
    elif how == "with":
        with made:
            pass
    elif how == "cycle":
        cycle = [made]
        cycle.append(cycle)
        del cycle
    del made
    gc.collect()

    assert "hung_up" == loopback_upstream.calls[0].ended.result(0.25)


def test_a_slow_reader_slows_the_provider(router, loopback_upstream):
    """40,000 chunks of 1 KB: with a reader at rest the provider waits, and nothing is lost."""
    event = {"choices": [{"index": 0, "delta": {"content": "x" * 1000}, "finish_reason": None}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    whole = sse([event] * 40_000 + [last, "data: [DONE]"])
    body = whole.body
    pieces = [body[at : at + 2**16] for at in range(0, len(body), 2**16)]
    loopback_upstream.play("/", [Reply(headers=whole.headers, steps=pieces)])
    made = router.chat.completions.create(**HELLO, stream=True)
    next(made)
    time.sleep(0.3)

    assert not loopback_upstream.calls[0].ended.done()
    assert made._pump._queue.qsize() < AHEAD + 512  # what is read at once counts as one
    assert 40_000 == sum(1 for _ in made)
    assert "answered" == loopback_upstream.calls[0].ended.result(1)


def test_many_streams_at_once(router, loopback_upstream):
    """Eight threads read two hundred streams; each gets its own."""

    def read(number):
        made = router.chat.completions.create(
            model="m", messages=[{"role": "user", "content": f"{number}"}], stream=True
        )
        return text_of(made)

    with ThreadPoolExecutor(8) as pool:
        assert [f"You said: {number}" for number in range(200)] == list(pool.map(read, range(200)))


class Counted:
    """A source of numbered chunks that come in bursts, with waits between them."""

    def __init__(self, sizes, waits):
        self._sizes = deque(sizes)
        self._waits = waits
        self._ready = deque()
        self._number = 0
        self.closed = threading.Event()

    async def __anext__(self):
        import asyncio

        if not self._ready:
            await asyncio.sleep(self._waits.random() * 0.0005 if self._waits.random() < 0.3 else 0)
            if not self._sizes:
                raise StopAsyncIteration
            for _ in range(self._sizes.popleft()):
                self._ready.append({"n": self._number})
                self._number += 1
        return self._ready.popleft()

    def take(self):
        return self._ready.popleft() if self._ready else None

    async def aclose(self):
        self.closed.set()


@pytest.mark.parametrize("seed", range(20))
def test_the_pump_loses_nothing_and_never_stops_for_good(seed):
    """Bursts below, at and above the bound against a reader with pauses of its own: all chunks, in order."""
    chance = random.Random(seed)
    sizes = [chance.choice([1, 2, 3, AHEAD // 2, AHEAD - 1, AHEAD, AHEAD + 1, 3 * AHEAD]) for _ in range(30)]
    thread = LoopThread()
    source = Counted(sizes, random.Random(seed + 1))
    pump = Pump(source, thread)
    for number in range(sum(sizes)):
        assert number == pump.next(timeout=5)["n"]
        if chance.random() < 0.01:
            time.sleep(chance.random() * 0.002)
        # One burst beyond the bound at most.
        assert pump._sent - number <= AHEAD + 3 * AHEAD

    with pytest.raises(StopIteration):
        pump.next(timeout=5)
    assert source.closed.wait(1)
    thread.close()


# --- handle


def test_handle_answers_as_the_async_router_does(router):
    """Status, headers and body; a wrong request is an answer too."""
    good = router.handle(json.dumps(HELLO), headers={"x-portkey-trace-id": "t-1"})
    bad = router.handle(b"nonsense")

    assert (200, "You said: hi", None) == (
        good.status,
        good.body["choices"][0]["message"]["content"],
        good.stream,
    )
    assert "t-1" == good.headers["x-portkey-trace-id"]
    assert (400, "invalid_request_error") == (bad.status, bad.body["error"]["type"])
    with pytest.raises(TypeError):
        bad.sse()
    bad.close()


def test_handle_streams_chunks_and_events(router, loopback_upstream):
    """`stream` yields dicts, `sse()` bytes with `[DONE]` at the end."""
    loopback_upstream.play("/", [stream("a b"), stream("a b")])
    chunks = list(router.handle({**HELLO, "stream": True}).stream)
    events = list(router.handle({**HELLO, "stream": True}).sse())

    assert ["", "a ", "b", None] == [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
    assert chunks == [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    assert b"data: [DONE]\n\n" == events[-1]


def test_sse_tells_of_a_broken_stream():
    """One error event, and no `[DONE]`."""
    with scripted(cut(stream(WORDS), 3)) as router:
        events = list(router.handle({**HELLO, "stream": True}).sse())

    assert "stream_error" == json.loads(events[-1].removeprefix(b"data: "))["error"]["type"]
    assert 4 == len(events)


def test_sse_beats_while_the_provider_is_silent():
    """With a heartbeat in seconds a comment goes out instead of nothing."""
    slow = stream("a b")
    with scripted(
        Reply(headers=slow.headers, steps=[*slow.steps[:2], Pause(0.2), *slow.steps[2:]])
    ) as router:
        events = list(router.handle({**HELLO, "stream": True}).sse(heartbeat=0.05))

    assert events.count(b": keep-alive\n\n") in (2, 3, 4)
    assert b"data: [DONE]\n\n" == events[-1]


@pytest.mark.parametrize("how", ["close", "response", "drop"])
def test_an_sse_stream_left_early_hangs_up(router, loopback_upstream, how):
    """The generator closed, the response closed, or both dropped."""
    loopback_upstream.play("/", [stall(stream(WORDS), 3)])
    response = router.handle({**HELLO, "stream": True})
    events = response.sse()
    next(events)
    if how == "close":
        events.close()
    elif how == "response":
        response.close()
    else:
        del events, response

    assert "hung_up" == loopback_upstream.calls[0].ended.result(0.25)


# --- interrupts


class SoftLimitError(BaseException):
    """Raised by a signal, as KeyboardInterrupt and Celery's SoftTimeLimitExceeded are."""


@contextmanager
def soft_limit(seconds):
    def interrupt(*_):
        raise SoftLimitError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_cancels_its_call(router, loopback_upstream):
    """The provider sees the hang-up within 250 ms, and the next call works."""
    loopback_upstream.play("/", [hang()])
    with pytest.raises(SoftLimitError), soft_limit(0.1):
        router.chat.completions.create(**HELLO)

    assert "hung_up" == loopback_upstream.calls[0].ended.result(0.25)
    assert "You said: hi" == router.chat.completions.create(**HELLO).choices[0].message.content


def test_an_interrupt_ends_its_stream(router, loopback_upstream):
    """The same while a chunk is awaited."""
    loopback_upstream.play("/", [stall(stream(WORDS), 3)])
    made = router.chat.completions.create(**HELLO, stream=True)
    with pytest.raises(SoftLimitError), soft_limit(0.1):
        list(made)

    assert "hung_up" == loopback_upstream.calls[0].ended.result(0.25)
    assert [] == list(made)


# --- closing


def test_a_closed_router_refuses_calls(loopback_upstream):
    """Closing twice is fine, the thread is gone, and views are closed too."""
    router = SyncRouter(target(loopback_upstream))
    view = router.with_options(trace_id="x")
    router.chat.completions.create(**HELLO)
    router.close()
    router.close()

    assert [] == threads()
    for closed in (router, view):
        with pytest.raises(RouterClosedError):
            closed.chat.completions.create(**HELLO)
        with pytest.raises(RouterClosedError):
            closed.handle(HELLO)


def test_an_unused_router_closes_without_a_loop():
    """No thread is started for a router that is only closed."""
    router = SyncRouter({"provider": "openai", "api_key": "k"})
    router.close()
    with pytest.raises(RouterClosedError):
        router.chat.completions.create(**HELLO)


def test_closing_waits_for_running_calls(loopback_upstream):
    """A call that ends in time is not disturbed."""
    loopback_upstream.play("/", [completion("late", delay=0.2)])
    router = SyncRouter(target(loopback_upstream))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(router.chat.completions.create, **HELLO)
        while not loopback_upstream.calls:
            time.sleep(0.005)
        router.close(timeout=5)

        assert "late" == running.result(0.1).choices[0].message.content


def test_closing_ends_calls_that_take_too_long(loopback_upstream):
    """After `timeout` seconds their threads get RouterClosedError, and readers of streams too."""
    loopback_upstream.play("/", [stall(stream(WORDS), 3), hang()])
    router = SyncRouter(target(loopback_upstream))
    made = router.chat.completions.create(**HELLO, stream=True)
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(list, made)
        running = pool.submit(router.chat.completions.create, **HELLO)
        while len(loopback_upstream.calls) < 2:
            time.sleep(0.005)
        start = time.perf_counter()
        router.close(timeout=0.1)

        assert time.perf_counter() - start < 1
        with pytest.raises(RouterClosedError):
            running.result(1)
        with pytest.raises(IncompleteStreamError, match="closed"):
            reading.result(1)
    assert ["hung_up"] * 2 == [call.ended.result(0.25) for call in loopback_upstream.calls]


def test_a_dropped_router_ends_its_loop(loopback_upstream):
    """Thread and connections go with it."""
    before = sockets()
    router = SyncRouter(target(loopback_upstream))
    router.chat.completions.create(**HELLO)
    del router
    gc.collect()
    for thread in threads():
        thread.join(1)

    assert [] == threads()
    assert sockets() <= before + 1  # the upstream's end of the connection closes a moment later


# --- whole programs

PRELUDE = """
    import gc, logging, os, sys, threading
    from llmroute import IncompleteStreamError, RouterClosedError, SyncRouter

    logging.getLogger("asyncio").setLevel(logging.ERROR)  # not of slow steps on a busy machine
    router = SyncRouter({"provider": "openai", "api_key": "sk-test", "custom_host": sys.argv[1]})

    def say(**more):
        made = router.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], **more)
        return made if more else made.choices[0].message.content

"""


def run(program, upstream, flags=("-X", "dev", "-W", "error")):
    """Run a program of its own; it must end well and print nothing but its result."""
    source = textwrap.dedent(PRELUDE) + textwrap.dedent(program)
    command = [sys.executable, *flags, "-c", source, upstream.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.split("\n")[:-1]


UNCLOSED = {
    "after a call": "print(say())",
    "with a stream in the middle": """
        made = say(stream=True)
        next(made)
        print("You said: hi")
    """,
    "with calls on daemon threads": """
        for _ in range(3):
            threading.Thread(target=say, daemon=True).start()
        while threading.active_count() < 5:
            pass
        print("You said: hi")
    """,
    "from threads that outlive the main one": """
        def close():
            threading.main_thread().join()
            router.close(timeout=0.1)

        def wait():
            try:
                say()
            except RouterClosedError:
                print("You said: hi")

        threading.Thread(target=wait).start()
        threading.Thread(target=close).start()
    """,
    "with streams on daemon threads": """
        for _ in range(3):
            threading.Thread(target=list, args=[say(stream=True)], daemon=True).start()
        print("You said: hi")
    """,
    "with a router that was dropped": """
        print(say())
        del router
        gc.collect()
    """,
}


def test_a_call_that_comes_while_the_loop_ends_is_cancelled():
    """Not answered with an error of the connections that are being closed."""
    thread, begun, late, ran = LoopThread(), threading.Event(), SimpleQueue(), []

    async def work():
        ran.append("late")

    async def first():
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            late.put(thread.submit(work))

    thread.submit(first)
    assert begun.wait(5)
    thread._stop()  # as the end of the interpreter does

    with pytest.raises(CancelledError):
        late.get(timeout=5).result(5)
    assert ran == []


@pytest.mark.parametrize("name", UNCLOSED)
def test_an_interpreter_ends_at_once_without_close(loopback_upstream, name):
    """In development mode, with warnings as errors: nothing is waited for, nothing printed."""
    if "a stream" in name:
        loopback_upstream.play("/", [stall(stream("a b c"), 2)])
    if "threads" in name:
        loopback_upstream.play("/", [stall(stream("a b c"), 2) if "streams" in name else hang()] * 3)
    start = time.perf_counter()

    assert ["You said: hi"] == run(UNCLOSED[name], loopback_upstream)
    assert time.perf_counter() - start < 8


def test_forks_do_not_disturb_each_other(loopback_upstream):
    """Parent and child go on calling; a stream of the parent's raises in the child instead of hanging."""
    loopback_upstream.play("/", [stream([f"{number} " for number in range(40)], gap=0.02)])
    program = """
        made = say(stream=True)
        next(made)
        threading.Thread(target=lambda: [say() for _ in range(50)], daemon=True).start()
        print(say(), flush=True)
        child = os.fork()
        if child == 0:
            try:
                print(len(list(made)))
            except IncompleteStreamError as error:
                print("another process" in str(error), flush=True)
            made.close()
            print(say(), flush=True)
            router.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(say(), len(made.final().choices[0].message.content.split()))
    """
    assert ["You said: hi", "True", "You said: hi", "You said: hi 40"] == run(
        program, loopback_upstream, flags=("-W", "ignore::DeprecationWarning")
    )


def test_a_child_may_end_without_routing(loopback_upstream):
    """Its end leaves the parent's connections alone."""
    program = """
        print(say(), flush=True)
        child = os.fork()
        if child == 0:
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(say())
    """
    assert ["You said: hi"] * 2 == run(program, loopback_upstream, flags=("-W", "ignore::DeprecationWarning"))


def test_replies_other_than_completions_are_errors():
    """The scripted transport serves the sync router as it does the async one."""
    with scripted(reply(200, text="hello")) as router, pytest.raises(InternalServerError):
        router.chat.completions.create(**HELLO)
