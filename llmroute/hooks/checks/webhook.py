"""Asks a service of the host's.

Parameters: `webhookURL`, `headers` (an object or JSON text), `timeout` (ms, 3000, for the whole),
`forwardHeaders`: names of the caller's headers that go along; none does that is not named.
`allowFields`: members that an answer may change beside the messages of a request or the contents of an
answer. The answer is `{"verdict": true or false, "data": ..., "transformedData": ...}`, at most 1 MiB.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import attrs

from ...wire.hosts import shown_url
from ...wire.json import JSONError, loads
from ..base import TIMED_OUT, Check, Fetched, FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.outgoing import Endpoint
from ..support.report import undecided
from ..support.transformed import NotAllowedError, changed_body, read_fields

MAX_ANSWER: Final = 2**20
#: Bytes of an answer up to which its `data` is reported.
MAX_REPORTED: Final = 2**16


def build(parameters: Parameters, services: Services) -> Check:
    """What is no clear verdict is none: it is undecided, and changes nothing."""
    webhook = Webhook(Endpoint.read(parameters, "webhookURL", services), read_fields(parameters))
    parameters.done()
    return webhook


@attrs.frozen(eq=False)
class Webhook:
    """The check."""

    endpoint: Endpoint
    fields: frozenset[str]

    async def __call__(self, context: HookContext, /) -> Verdict:
        about = {
            "webhookUrl": shown_url(self.endpoint.url),
            "requestContext": {"timeout": int(self.endpoint.timeout)},
        }
        try:
            answer = await self.endpoint.tell(context, MAX_ANSWER)
        except FetchError as error:
            return _no_answer(error, self.endpoint.timeout, about)
        except JSONError:
            return undecided("The call cannot be written as JSON.", about)
        if not 200 <= answer.status < 300:
            return _bad_status(answer, about)
        return self._judged(answer, context, about)

    def _judged(self, answer: Fetched, context: HookContext, about: Mapping[str, Any]) -> Verdict:
        try:
            body = loads(answer.body)
        except JSONError:
            body = None
        verdict = body.get("verdict") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(verdict, bool):
            return undecided("The webhook gave no verdict of true or false.", about)
        try:
            changed = changed_body(context, body.get("transformedData"), self.fields)
        except NotAllowedError as error:
            return undecided(f"The webhook's change is not allowed: {error}.", about)
        data = {
            "verdict": verdict,
            "explanation": "The webhook passed it." if verdict else "The webhook refused it.",
            "responseData": body.get("data") if len(answer.body) <= MAX_REPORTED else None,
            **about,
        }
        return (
            Verdict(verdict, data) if changed is None else Verdict(verdict, data, **context.changed(changed))
        )


def _no_answer(error: FetchError, timeout: float, about: Mapping[str, Any]) -> Verdict:
    if error.kind == "timeout":
        return undecided(f"The webhook took more than {timeout:g} ms.", about, name=TIMED_OUT)
    if error.kind == "too_large":
        return undecided(f"The webhook's answer is larger than {MAX_ANSWER:,} bytes.", about)
    return undecided(f"The webhook cannot be reached: {error.message}.", about)


def _bad_status(answer: Fetched, about: Mapping[str, Any]) -> Verdict:
    reported: dict[str, Any] = {}
    json_type = answer.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    if json_type and len(answer.body) <= MAX_REPORTED:
        with suppress(JSONError):
            reported = {"responseData": loads(answer.body)}
    redirect = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
    message = f"The webhook answered with status {answer.status}{redirect}."
    return undecided(message, {**about, **reported}, name="HttpError")
