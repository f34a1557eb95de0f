"""What the tests of ready-made checks share: a check built from its parameters, and texts judged by it."""

from __future__ import annotations

from itertools import count
from typing import Any

from llmroute.hooks.base import HookContext, Services
from llmroute.hooks.parameters import Parameters
from llmroute.hooks.registry import resolve
from llmroute.testing import VirtualClock


async def no_fetch(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("this check calls nobody")


class Bench:
    """A check with what it was built from."""

    def __init__(self, id: str, ask: Any = None, **parameters: Any) -> None:
        self.problems: list[str] = []
        nonces = count(1)
        services = Services(VirtualClock(), no_fetch, lambda: f"{next(nonces):04x}" * 4, ask)
        reader = Parameters(parameters, "p", lambda at, message: self.problems.append(f"{at}: {message}"))
        self.check: Any = resolve(id)(reader, services)

    def on(self, *messages: Any, scope: Any = "all", memory: Any = None, **request: Any) -> Any:
        """The verdict on a request; a text is the content of a message."""
        made = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
        kept = {} if memory is None else memory
        return self.check(HookContext("before", {"messages": made, **request}, scope=scope, memory=kept))

    def after(self, *choices: Any, scope: Any = "all", **response: Any) -> Any:
        """The verdict on an answer; a text is the content of a choice."""
        made = [
            {"index": index, "message": {"role": "assistant", "content": choice}}
            for index, choice in enumerate(choices)
        ]
        return self.check(HookContext("after", {}, {"choices": made, **response}, scope=scope))


def calling(arguments: str) -> dict[str, Any]:
    """A message with one tool call."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}
