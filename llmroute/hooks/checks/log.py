"""Tells a service of the host's about the call.

Parameters: `logURL`, `headers` (an object or JSON text), `timeout` (ms, 3000), `forwardHeaders`: names of
the caller's headers that go along; none does that is not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from ...wire.json import JSONError, dumps
from ..base import Check, FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..support.outgoing import headers_for, payload, read_forwarded, read_headers, read_url, shown_url
from ..support.report import undecided

MAX_ANSWER: Final = 2**16


def build(parameters: Parameters, services: Services) -> Check:
    """The verdict is true once the service has taken it, with any status from 200 to 299."""
    log = Log(
        url=read_url(parameters, "logURL"),
        headers=read_headers(parameters),
        forwarded=read_forwarded(parameters),
        timeout=reading.milliseconds(parameters, "timeout", 3_000),
        services=services,
    )
    parameters.done()
    return log


@attrs.frozen(eq=False)
class Log:
    """The check."""

    url: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    forwarded: tuple[str, ...]
    timeout: float
    services: Services = attrs.field(repr=False)

    async def __call__(self, context: HookContext, /) -> Verdict:
        try:
            answer = await self.services.fetch(
                "POST",
                self.url,
                headers=headers_for(context, self.headers, self.forwarded),
                body=dumps(payload(context)),
                timeout=self.timeout / 1000,
                limit=MAX_ANSWER,
                trusted=True,
            )
        except FetchError as error:
            if error.kind == "too_large":
                return self._logged()  # only a service that has taken it answers at such length
            name = "TimeoutError" if error.kind == "timeout" else "Check error"
            return undecided(f"Nothing was logged: {error.message}.", name=name)
        except JSONError:
            return undecided("The call cannot be written as JSON.")
        if not 200 <= answer.status < 300:
            return undecided(f"Nothing was logged: the service answered with status {answer.status}.")
        return self._logged()

    def _logged(self) -> Verdict:
        return Verdict(True, {"message": f"The call was logged at {shown_url(self.url)}"})
