"""Tells a service of the host's about the call.

Parameters: `logURL`, `headers` (an object or JSON text), `timeout` (ms, 3000), `forwardHeaders`: names of
the caller's headers that go along; none does that is not named.
"""

from __future__ import annotations

from typing import Final

import attrs

from ...wire.hosts import shown_url
from ...wire.json import JSONError
from ..base import TIMED_OUT, Check, FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support.outgoing import Endpoint
from ..support.report import undecided

MAX_ANSWER: Final = 2**16


def build(parameters: Parameters, services: Services) -> Check:
    """The verdict is true once the service has taken it, with any status from 200 to 299."""
    log = Log(Endpoint.read(parameters, "logURL", services))
    parameters.done()
    return log


@attrs.frozen(eq=False)
class Log:
    """The check."""

    endpoint: Endpoint

    async def __call__(self, context: HookContext, /) -> Verdict:
        try:
            answer = await self.endpoint.tell(context, MAX_ANSWER)
        except FetchError as error:
            if error.kind == "too_large":
                return self._logged()  # only a service that has taken it answers at such length
            name = TIMED_OUT if error.kind == "timeout" else "Check error"
            return undecided(f"Nothing was logged: {error.message}.", name=name)
        except JSONError:
            return undecided("The call cannot be written as JSON.")
        if not 200 <= answer.status < 300:
            return undecided(f"Nothing was logged: the service answered with status {answer.status}.")
        return self._logged()

    def _logged(self) -> Verdict:
        return Verdict(True, {"message": f"The call was logged at {shown_url(self.endpoint.url)}"})
