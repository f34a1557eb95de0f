"""What the tests of checks share: building one, asking it, and a service that answers by script."""

from __future__ import annotations

import inspect
import json
from typing import Any

from llmroute.hooks.base import Fetched, FetchError, HookContext, Services
from llmroute.hooks.parameters import Parameters
from llmroute.hooks.registry import ALIASES, resolve
from llmroute.testing import VirtualClock


class Service:
    """`Services.fetch` by script: each answer a Fetched, an exception, or a function of method and URL.

    The last one repeats.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    async def __call__(self, method: str, url: str, **options: Any) -> Fetched:
        self.calls.append({"method": method, "url": url, **options})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(method, url)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def body(self) -> Any:
        """The JSON of the last call."""
        return json.loads(self.calls[-1]["body"])


def reply(body: Any = b"", status: int = 200, **headers: str) -> Fetched:
    """An answer: bytes as they are, anything else as JSON."""
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"content-type": "application/json", **headers}
    return Fetched(status, headers, body)


def unreachable(kind: Any = "connection") -> FetchError:
    return FetchError(kind, "not there")


def services(fetch: Any = None, clock: Any = None) -> Services:
    return Services(clock=clock or VirtualClock(), fetch=fetch or Service(unreachable()), nonce=lambda: "n")


def built(name: str, parameters: Any, given: Services | None = None) -> Any:
    """The check; fails where the parameters have problems."""
    problems: list[tuple[str, str]] = []
    check = _build(name, parameters, given, problems)
    assert [] == problems
    return check


def problems_of(name: str, parameters: Any) -> list[str]:
    """What is wrong with parameters, as "path: message"."""
    problems: list[tuple[str, str]] = []
    _build(name, parameters, None, problems)
    return [f"{path}: {message}" for path, message in problems]


def _build(name: str, parameters: Any, given: Services | None, problems: list[tuple[str, str]]) -> Any:
    check = name if "." in name else f"default.{name}"
    reader = Parameters(parameters, "p", lambda path, message: problems.append((path, message)))
    return resolve(ALIASES.get(check, check))(reader, given or services())


def before(content: Any = "hi", **more: Any) -> HookContext:
    """A call before the model; `request` replaces the whole body."""
    request = more.pop("request", {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]})
    return HookContext(event="before", request=request, provider="openai", model="gpt-4o", **more)


def after(content: Any = "hi", **more: Any) -> HookContext:
    """A call after the model; `response` and `request` replace the whole bodies."""
    response = more.pop("response", completion(content))
    usual = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    request = more.pop("request", usual)
    return HookContext(
        event="after", request=request, response=response, provider="openai", model="gpt-4o", **more
    )


def completion(*contents: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        for index, content in enumerate(contents)
    ]
    head = {"id": "chatcmpl-mock", "object": "chat.completion", "created": 1_700_000_000}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {**head, "model": "gpt-4o-mini", "choices": choices, "usage": usage}


async def asked(check: Any, context: HookContext) -> Any:
    """The verdict, waited for if need be."""
    verdict = check(context)
    return await verdict if inspect.isawaitable(verdict) else verdict


def judge(name: str, parameters: Any, text: Any) -> bool | None:
    """Whether a text of an answer passes; None where that is undecided."""
    verdict = built(name, parameters)(after(text))
    return None if verdict.error else verdict.passed


def data_of(name: str, parameters: Any, text: Any) -> Any:
    """What the check reports about a text of an answer."""
    return built(name, parameters)(after(text)).data


def differences(expected: Any, found: Any, path: str = "data") -> list[str]:
    """What is in `expected` and not so in `found`. "<text>" is any text; null and absent are the same."""
    if expected == "<text>":
        return [] if isinstance(found, str) and found else [f"{path}: expected some text, got {found!r}"]
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            difference
            for key, value in expected.items()
            for difference in differences(value, found.get(key), f"{path}.{key}")
        ]
    if isinstance(expected, list) and isinstance(found, (list, tuple)) and len(expected) == len(found):
        return [
            difference
            for index, value in enumerate(expected)
            for difference in differences(value, found[index], f"{path}[{index}]")
        ]
    same = expected == found and isinstance(expected, bool) is isinstance(found, bool)
    return [] if same else [f"{path}: expected {expected!r}, got {found!r}"]
