"""What a plan needs from its router: the outside world, as values that a test can replace."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

import attrs

from .clock import Clock
from .providers.auth.token import TokenTable
from .telemetry.events import Event
from .transport.base import Transport
from .wire.fetching import FetchPolicy

if TYPE_CHECKING:
    from .hooks.kit import HookKit

MAX_STATES = 10_000
#: Work beside the calls that may run at once; more is not begun.
MAX_BESIDE = 1_000


class TargetState:
    """What is remembered of a provider account across calls and plans."""

    __slots__ = ("cool_until",)

    def __init__(self) -> None:
        #: Clock time before which the target asked not to be called.
        self.cool_until = 0.0


class StateTable:
    """Target states by key, the least recently built forgotten first; shared by threads."""

    def __init__(self, limit: int = MAX_STATES) -> None:
        self._limit = limit
        self._states: OrderedDict[Any, TargetState] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> TargetState:
        """The state of `key`, made when it is new."""
        with self._lock:
            state = self._states.get(key)
            if state is None:
                state = self._states[key] = TargetState()
                if len(self._states) > self._limit:
                    self._states.popitem(last=False)
            else:
                self._states.move_to_end(key)
            return state


class Background:
    """Work that runs beside the calls and belongs to the router: it ends with it."""

    __slots__ = ("_tasks", "tell")

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        #: Called when a piece of work is over.
        self.tell: Callable[[], None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> bool:
        """Begin, unless too much is going on; then it is dropped and False returned."""
        if len(self._tasks) >= MAX_BESIDE:
            work.close()
            return False
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it
        if self.tell is not None:
            self.tell()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What runs now."""
        return list(self._tasks)

    def forget(self) -> None:
        """In a forked child: the tasks are the parent's."""
        self._tasks = set()


def no_hooks() -> HookKit:
    """For environments in which nothing is guarded."""
    raise LookupError("this environment has no guardrails")


@attrs.frozen
class Environment:
    """Clock, randomness, network and observers of one router.

    `random` gives numbers in [0, 1); it is reseeded after fork. `emit` is None when nobody observes,
    so that events cost nothing. `variable` reads the process environment, at call time. `hook_kit`
    gives what runs guardrails; it is made for the first plan that has some.
    """

    transport: Transport
    clock: Clock
    random: Callable[[], float]
    variable: Callable[[str], str | None]
    states: StateTable = attrs.field(factory=StateTable)
    tokens: TokenTable = attrs.field(factory=TokenTable)
    emit: Callable[[Event], None] | None = None
    adapters: Mapping[str, Callable[..., Any]] = attrs.field(factory=dict)
    hook_kit: Callable[[], HookKit] = no_hooks
    background: Background = attrs.field(factory=Background)
    #: True for transports that reach no provider, so that no key is needed.
    keyless: bool = False
    #: What may be fetched for providers that take data only; None for nothing.
    fetch: FetchPolicy | None = None


class Randomness:
    """A random source of the router's own: seeded for tests, reseeded in a forked child."""

    __slots__ = ("_random", "next")

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self.next: Callable[[], float] = self._random.random

    def reseed(self) -> None:
        """Take new entropy from the system."""
        self._random.seed()
