"""What the tests of partners share: a check built from its id, on a scripted service in virtual time."""

from __future__ import annotations

from typing import Any

from llmroute.hooks.base import HookContext, Services
from llmroute.hooks.fetch import Fetcher
from llmroute.hooks.parameters import Parameters
from llmroute.hooks.registry import resolve
from llmroute.testing import ScriptedTransport, VirtualClock

KEY = "pk-canary-0123456789"
CREDENTIALS: dict[str, dict[str, str]] = {
    "azure.contentSafety": {"apiKey": KEY, "resourceName": "acme"},
    "bedrock.guard": {
        "awsAccessKeyId": "AKIDEXAMPLE",
        "awsSecretAccessKey": KEY,
        "awsRegion": "eu-central-1",
    },
    "mistral.moderateContent": {"apiKey": KEY},
    "openai.moderation": {"apiKey": KEY},
    "pangea.textGuard": {"apiKey": KEY, "domain": "aws.eu.pangea.cloud"},
}
REQUIRED: dict[str, dict[str, Any]] = {"bedrock.guard": {"guardrailId": "g1", "guardrailVersion": "3"}}

AZURE_KINDS = ("Hate", "SelfHarm", "Sexual", "Violence")


def azure(**severities: int) -> dict[str, Any]:
    analysis = [{"category": kind, "severity": severities.get(kind, 0)} for kind in AZURE_KINDS]
    return {"blocklistsMatch": [], "categoriesAnalysis": analysis}


def bedrock(action: str = "GUARDRAIL_INTERVENED", output: Any = None, **policies: Any) -> dict[str, Any]:
    outputs = [] if output is None else [{"text": output}]
    return {"action": action, "outputs": outputs, "assessments": [policies]}


def moderation(scores: Any = (), **flags: bool | None) -> dict[str, Any]:
    said = {"violence": False, "hate": False, **flags}
    numbers = {**dict.fromkeys(said, 0.01), **dict(scores)}
    return {"results": [{"flagged": any(said.values()), "categories": said, "category_scores": numbers}]}


def pangea(status: str = "Success", **detected: bool | None) -> dict[str, Any]:
    found = {name: {"detected": value} for name, value in {"prompt_injection": False, **detected}.items()}
    return {"status": status, "result": {"detectors": found}}


#: An answer of each service that has nothing against a text, and one that has.
GOOD: dict[str, Any] = {
    "azure.contentSafety": azure(),
    "bedrock.guard": bedrock("NONE"),
    "mistral.moderateContent": moderation(),
    "openai.moderation": moderation(),
    "pangea.textGuard": pangea(),
}
BAD: dict[str, Any] = {
    "azure.contentSafety": azure(Violence=4),
    "bedrock.guard": bedrock(topicPolicy={"topics": [{"name": "Weapons", "action": "BLOCKED"}]}),
    "mistral.moderateContent": moderation(violence=True),
    "openai.moderation": moderation(violence=True),
    "pangea.textGuard": pangea(prompt_injection=True),
}
PARTNERS = tuple(CREDENTIALS)


class Service:
    """A check, the service that answers it, and what the service was sent."""

    def __init__(self, id: str, script: Any, *, named: Any = None, variables: Any = None, **parameters: Any):
        self.clock = VirtualClock(auto=True)
        self.transport = ScriptedTransport(script, self.clock)
        self.problems: list[str] = []
        given = {**REQUIRED.get(id, {}), "credentials": CREDENTIALS[id], **parameters}
        given = {name: value for name, value in given.items() if value is not None}
        services = Services(
            clock=self.clock,
            fetch=Fetcher(self.transport, self.clock),
            nonce=lambda: "0" * 16,
            provider=(named or {}).get,
            variable=(variables or {}).get,
        )
        reader = Parameters(given, "p", lambda at, message: self.problems.append(f"{at}: {message}"))
        self.check: Any = resolve(id)(reader, services)

    async def judge(self, text: str = "How are you?", **members: Any) -> Any:
        """The verdict on a request of one message."""
        request = {"messages": [{"role": "user", "content": text}]}
        return await self.judged(HookContext("before", request, **members))

    async def judged(self, context: HookContext) -> Any:
        assert [] == self.problems
        return await self.check(context)

    @property
    def sent(self) -> Any:
        """The one request."""
        [request] = self.transport.requests
        return request
