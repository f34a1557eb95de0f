"""What a router and its views share: the environment, the plans, and the calls that are running."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from .config.document import Config
from .config.findings import MAX_PROBLEMS
from .config.inherit import Overlay
from .config.parse import salvage
from .config.schema import ConfigNode
from .config.spec import CALL_TIMEOUT
from .edge import route_of
from .environment import Environment, Randomness
from .errors import ConfigError, Problem, RouterClosedError
from .outcome import Failure, Outcome, OutcomeStream, StreamEnd, Usage
from .request import Call, CallLog, Request
from .routing.build import missing_credential
from .routing.plan import Plan, Planner, targets_of
from .telemetry.events import CallFinished, CallStarted

RequestConfig = Literal["deny", "untrusted", "trusted"]

#: How long `aclose()` waits for running calls when it is not told.
GRACE = 10.0

_CLOSED = Failure("interrupted", "the router was closed before the end of the stream", type="stream_error")


class Core:
    """The shared half of a Router; views differ only in their options."""

    def __init__(
        self,
        env: Environment,
        planner: Planner,
        randomness: Randomness,
        *,
        request_config: RequestConfig,
        unknown: Literal["error", "warn"],
        metadata: Mapping[str, Any],
        configs: Mapping[str, Config],
    ) -> None:
        self.env = env
        self.planner = planner
        self.request_config: RequestConfig = request_config
        self.unknown: Literal["error", "warn"] = unknown
        self.metadata = metadata
        self.configs = configs
        self.config: Config | None = None
        self.plan: Plan | None = None
        self.closed = False
        self._randomness = randomness
        self._pid = os.getpid()
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._streams: dict[weakref.ref[OutcomeStream], asyncio.AbstractEventLoop] = {}
        #: What tells the running `aclose`s that nothing runs any more.
        self._closers: tuple[Callable[[], None], ...] = ()
        env.background.tell = self._tell_closers

    def enter(self) -> None:
        """Begin a call. Raises RouterClosedError; in a forked child the randomness starts anew."""
        if self.closed:
            raise RouterClosedError("this router has been closed")
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._tasks.clear()
            self._streams.clear()
            self.env.background.forget()
            self._randomness.reseed()

    def use(self, config: Config) -> Plan:
        """Make `config` the router's own. Raises ConfigError and then changes nothing."""
        plan = self.planner.plan(config)
        self.config, self.plan = config, plan
        return plan

    def config_of(self, source: Mapping[str, Any] | str | bytes | Config) -> Config:
        """A Config as it is, a named one by its name, anything else read. Raises ConfigError."""
        if isinstance(source, Config):
            return source
        if isinstance(source, str) and source in self.configs:
            return self.configs[source]
        try:
            return Config(source, unknown=self.unknown)
        except ConfigError as error:
            problems = [*error.problems, *self._further_problems(source)]
        raise ConfigError(problems[:MAX_PROBLEMS])

    def _further_problems(self, source: Mapping[str, Any] | str | bytes) -> list[Problem]:
        """What is wrong with a config beside members that are badly written: a typo hides no other."""
        try:
            left = salvage(source)
        except ConfigError:
            left = None
        if left is None:
            return []
        node, gone = left
        try:
            self.planner.compile(node, "", True)
        except ConfigError as error:
            # Whatever lies above or below a member that was left out may be its doing.
            return [
                problem
                for problem in error.problems
                if not any(problem.path.startswith(path) or path.startswith(problem.path) for path in gone)
            ]
        return []

    def check_keys(self, plan: Plan) -> None:
        """Raise ConfigError for every target without a key."""
        missing = [
            Problem(f"{spec.path}.api_key", text)
            for spec in targets_of(plan.spec)
            if (text := missing_credential(spec, self.env)) is not None
        ]
        if missing:
            raise ConfigError(missing)

    def may_name(self, name: str, own: bool) -> bool:
        """Whether the model of a call, the host's own or a request's, may name a named provider."""
        if self.request_config == "trusted":
            return True
        return name in self.planner.around.exposed and (own or self.request_config == "untrusted")

    def named_plan(self, name: str, overlay: Overlay) -> Plan:
        """The plan of a named provider. Raises ConfigError."""
        node = ConfigNode(provider=f"@{name}")
        return self.planner.cached(
            ("@", name, overlay), lambda: self.planner.compile(node, f"@{name}", True, overlay)
        )

    async def ask(self, name: str, body: Mapping[str, Any], timeout: float) -> str:
        """The text of a named provider's or config's answer, for checks that ask a model; no hooks run.

        Raises FetchError.
        """
        from .hooks.base import FetchError

        try:
            plan = self._asked_plan(name)
        except ConfigError:
            plan = None
        if plan is None:
            raise FetchError("refused", f"no provider or config has the name {name[:60]!r}")
        outcome, _ = await self.run(plan, Request(body), timeout)
        if outcome.stream is not None:
            await outcome.aclose()
        if outcome.failure is not None:
            raise FetchError("timeout" if outcome.status == 408 else "connection", outcome.failure.message)
        return _first_text(outcome.body)

    def _asked_plan(self, name: str) -> Plan | None:
        name = name.removeprefix("@")
        config = self.configs.get(name)
        if config is not None:
            node, digest, trusted = config.node, config.digest, config.trusted
        elif name in self.planner.around.named:
            node, digest, trusted = ConfigNode(provider=f"@{name}"), f"@{name}", True
        else:
            return None
        return self.planner.cached(
            ("ask", name), lambda: self.planner.compile(node, digest, trusted, hooks=False)
        )

    async def run(self, plan: Plan, request: Request, timeout: float | None) -> tuple[Outcome, Call]:
        """Take a request through a plan. `timeout` is the caller's, in seconds.

        Without it and without a `deadline` in the config the call is bounded up to its commit only.
        """
        now = self.env.clock.now()
        limit = plan.deadline
        if timeout is not None:
            limit = timeout if limit is None else min(limit, timeout)
        deadline = now + (CALL_TIMEOUT if limit is None else limit)
        call = Call(request, CallLog(now), deadline, limit is not None)
        emit = self.env.emit
        if emit is not None:
            emit(_started(call))
        # Known by its task while it runs, so that `aclose` can wait for it or end it.
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            outcome = await plan.root(call)
            if outcome.stream is not None:
                self._follow(outcome.stream)
        finally:
            self._tasks.discard(task)
            if self._closers:
                self._tell_closers()
        if emit is not None:
            emit(_finished(call, outcome, self.env.clock.now()))
        return outcome, call

    def _follow(self, stream: OutcomeStream) -> None:
        """A stream runs until it ends, whoever reads it. Held weakly: one that is dropped hangs up."""
        held = weakref.ref(stream)
        self._streams[held] = asyncio.get_running_loop()

        def ended(end: StreamEnd, failure: Failure | None, usage: Usage) -> None:
            self._streams.pop(held, None)
            if self._closers:
                self._tell_closers()

        stream.on_end(ended)

    def _tell_closers(self) -> None:
        if not (self._tasks or self._streams or self.env.background.tasks):
            for tell in self._closers:
                tell()

    async def aclose(self, timeout: float | None) -> None:
        """Refuse new calls, wait for the running ones, end what is left, close the connections."""
        self.closed = True
        if self._tasks or self._streams or self.env.background.tasks:
            await self._drain(GRACE if timeout is None else timeout)
        await self.env.transport.aclose()

    async def _drain(self, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        drained = asyncio.Event()

        def tell() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(drained.set)

        self._closers += (tell,)
        try:
            with suppress(TimeoutError):
                async with self.env.clock.timeout(timeout):
                    await drained.wait()
        finally:
            self._closers = tuple(other for other in self._closers if other is not tell)
        for task in [*self._tasks, *self.env.background.tasks]:
            if task is not None:
                _end(task.get_loop(), loop, task.cancel)
        for held, its_loop in list(self._streams.items()):
            stream = held()
            if stream is not None:
                _end(its_loop, loop, partial(stream.close, _CLOSED))
        self._tasks.clear()
        self._streams.clear()


def _first_text(body: Mapping[str, Any] | None) -> str:
    try:
        content = (body or {})["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return ""
    return content if isinstance(content, str) else ""


def _started(call: Call) -> CallStarted:
    body = call.request.body
    model = body.get("model")
    named = model if isinstance(model, str) else None
    return CallStarted(call.id, call.trace_id, call.log.started, named, body.get("stream") is True)


def _finished(call: Call, outcome: Outcome, now: float) -> CallFinished:
    route = route_of(outcome, call, now)
    return CallFinished(call.id, call.trace_id, now, outcome.status, route, outcome.usage)


def _end(
    loop: asyncio.AbstractEventLoop, current: asyncio.AbstractEventLoop, end: Callable[[], object]
) -> None:
    if loop is current:
        end()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(end)
