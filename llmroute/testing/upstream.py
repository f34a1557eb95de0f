"""An HTTP server on the loopback interface that speaks OpenAI's, Anthropic's and Gemini's formats."""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, repeat
from typing import Any, Literal, Self

import attrs
from aiohttp import web

from ..wire.json import JSONError, loads
from .formats import OPENAI, ROUTES, Format, FormatName, MalformedError, answer_to
from .replies import Break, Pause, Reply, Step
from .transport import MaskedHeaders

End = Literal["answered", "hung_up", "broken", "stopped"]

_MAX_BODY = 64 * 2**20
_MAX_MESSAGE = 500
#: Seconds that open connections get when the server stops.
_GRACE = 0.2


class _BrokenOffError(Exception):
    """The reply ends by breaking the connection."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end: End = end


@attrs.define(eq=False)
class UpstreamCall:
    """A request that reached the upstream; `format` is None for a path that no format has.

    `json` is the parsed body, None when it is not JSON. `ended` tells from any thread how the call
    ended: "answered", "hung_up" by the client, "broken" as scripted, or "stopped" with the server.
    """

    format: FormatName | None
    method: str
    path: str
    query: dict[str, str] = attrs.field(repr=False)
    headers: MaskedHeaders = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    ended: Future[End] = attrs.field(factory=Future, repr=False)

    @property
    def json(self) -> Any:
        try:
            return loads(self.body)
        except JSONError:
            return None

    async def wait(self) -> End:
        """How the call ended, once it has."""
        return await asyncio.shield(asyncio.wrap_future(self.ended))


class LoopbackUpstream:
    """An LLM provider in this process, at `url`, while the context lasts.

    `async with` serves on the running loop, `with` on a thread of its own. Any path that ends like a
    provider's is served: `/chat/completions`, `/messages`, `/models/MODEL:generateContent` and
    `:streamGenerateContent?alt=sse`; what stands before it is free, so every target of a test can
    have a prefix. Answers are made from the request (`formats.answer_to`); malformed requests get
    the provider's 400. `calls` lists what came in.

    `api_key`, if given, is the only credential accepted. `gap` is the time between two events of a
    stream, in seconds.
    """

    def __init__(self, *, api_key: str | None = None, gap: float = 0.0) -> None:
        self.calls: list[UpstreamCall] = []
        self._api_key = api_key
        self._gap = gap
        self._scripts: dict[str, Iterator[Callable[[Format], Reply]]] = {}
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._port = 0
        self._thread: _ServerThread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at the end. Raises RuntimeError when not running."""
        if not self._port:
            raise RuntimeError("the upstream is not running: use it in `with` or `async with`")
        return f"http://127.0.0.1:{self._port}"

    def fail(
        self,
        prefix: str = "/",
        *,
        status: int = 500,
        times: int | None = 1,
        message: str = "scripted failure",
        retry_after: float | str | None = None,
    ) -> None:
        """The next `times` requests under `prefix` fail, in the format they speak; None: all of them."""

        def failure(spoken: Format) -> Reply:
            return spoken.error(status, message, retry_after=retry_after)

        self._script(prefix, repeat(failure) if times is None else repeat(failure, times))

    def play(self, prefix: str, replies: Iterable[Reply]) -> None:
        """The next requests under `prefix` get `replies`, after what was scripted for it before.

        `/a` covers `/a` and `/a/...`; of several prefixes the longest counts. When the replies are
        used up the upstream answers by itself again.
        """

        def fixed(answer: Reply) -> Callable[[Format], Reply]:
            return lambda _spoken: answer

        self._script(prefix, map(fixed, replies))

    def _script(self, prefix: str, replies: Iterator[Callable[[Format], Reply]]) -> None:
        key = "/" + prefix.strip("/")
        self._scripts[key] = chain(self._scripts.get(key, ()), replies)

    async def __aenter__(self) -> Self:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._stopping.set()
        self._port = 0
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def __enter__(self) -> Self:
        self._thread = _ServerThread(self)
        self._thread.begin()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._thread is not None:
            self._thread.end()
            self._thread = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        spoken, match = _format_at(request.path)
        call = UpstreamCall(
            format=spoken.name if match else None,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=MaskedHeaders(request.headers),
            body=await request.read(),
        )
        call.ended.set_running_or_notify_cancel()
        self.calls.append(call)
        end: End = "answered"
        try:
            return await self._play(request, self._answer(call, spoken, match))
        except _BrokenOffError as broken:
            end = broken.end
            if request.transport is not None:
                # Not abort(): what was sent before the break has to arrive.
                request.transport.close()
        except ConnectionError:
            end = "hung_up"
        except asyncio.CancelledError:
            end = "stopped" if self._stopping.is_set() else "hung_up"
            raise
        finally:
            call.ended.set_result(end)
        # Nobody gets this one: aiohttp is quiet about an answer that it cannot send.
        return web.Response()

    def _answer(self, call: UpstreamCall, spoken: Format, match: re.Match[str] | None) -> Reply:
        scripted = self._scripted(call.path)
        if scripted is not None:
            return scripted(spoken)
        if match is None:
            return spoken.error(404, f"no such endpoint: {call.method} {call.path}"[:_MAX_MESSAGE])
        if call.method != "POST":
            return spoken.error(405, f"{call.method} is not allowed here")
        if self._api_key is not None and _credential(call, spoken) != self._api_key:
            return spoken.error(spoken.bad_key, "the API key is not valid")
        try:
            return self._completion(call, spoken, match)
        except MalformedError as error:
            return spoken.error(400, str(error)[:_MAX_MESSAGE])
        except (JSONError, RecursionError) as error:
            return spoken.error(400, f"the body is not usable as JSON: {error}"[:_MAX_MESSAGE])

    def _scripted(self, path: str) -> Callable[[Format], Reply] | None:
        prefixes = sorted((prefix for prefix in self._scripts if _covers(prefix, path)), key=len)
        for prefix in reversed(prefixes):
            scripted = next(self._scripts[prefix], None)
            if scripted is not None:
                return scripted
        return None

    def _completion(self, call: UpstreamCall, spoken: Format, match: re.Match[str]) -> Reply:
        if spoken.required_header is not None and spoken.required_header not in call.headers:
            raise MalformedError(f"{spoken.required_header}: header is required")
        body = loads(call.body)
        if not isinstance(body, dict):
            raise MalformedError("the body has to be a JSON object")
        question = spoken.read(body)
        if match.groupdict():
            question = attrs.evolve(
                question,
                model=match["model"],
                streaming=match["action"] == "streamGenerateContent",
                sse=call.query.get("alt") == "sse",
            )
        return spoken.write(question, answer_to(question), self._gap)

    async def _play(self, request: web.Request, answer: Reply) -> web.StreamResponse:
        for step in answer.before:
            await self._step(step)
        whole = len(answer.steps) < 2 and all(isinstance(step, bytes) for step in answer.steps)
        if whole and "text/event-stream" not in answer.headers.get("Content-Type", ""):
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        for part in answer.steps:
            data = await self._step(part)
            if data:
                await response.write(data)
        await response.write_eof()
        return response

    async def _step(self, step: Step) -> bytes:
        """The bytes of a step, after its wait. Raises _BrokenOffError at the end of the connection."""
        if isinstance(step, bytes):
            return step
        if isinstance(step, Break):
            raise _BrokenOffError("broken")
        await self._pause(step)
        return b""

    async def _pause(self, pause: Pause) -> None:
        try:
            async with asyncio.timeout(None if pause.seconds == math.inf else pause.seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise _BrokenOffError("stopped")


class _ServerThread:
    """Runs an upstream on a loop of its own, for synchronous tests."""

    def __init__(self, upstream: LoopbackUpstream) -> None:
        self._upstream = upstream
        self._started: Future[Callable[[], object]] = Future()
        self._thread = threading.Thread(target=self._run, name="loopback-upstream", daemon=True)
        self._stop: Callable[[], object] = bool

    def begin(self) -> None:
        self._thread.start()
        self._stop = self._started.result()

    def end(self) -> None:
        self._stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        async with self._upstream:
            self._started.set_result(lambda: loop.call_soon_threadsafe(stop.set))
            await stop.wait()


def _format_at(path: str) -> tuple[Format, re.Match[str] | None]:
    for pattern, spoken in ROUTES:
        match = pattern.search(path)
        if match:
            return spoken, match
    return OPENAI, None


def _covers(prefix: str, path: str) -> bool:
    return prefix == "/" or path == prefix or path.startswith(prefix + "/")


def _credential(call: UpstreamCall, spoken: Format) -> str | None:
    """The key in the format's header, as a bearer token, or in Gemini's `key` parameter."""
    bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
    return call.headers.get(spoken.key_header, "").removeprefix("Bearer ") or bearer or call.query.get("key")
