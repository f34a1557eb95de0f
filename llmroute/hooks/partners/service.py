"""The check that is built from a partner's row.

Parameters of every row: `credentials` (an object; texts of the form `env:NAME` are looked up when the check
runs) or `provider` (a named provider of the router, for what `credentials` does not have), and `timeout`
(milliseconds, for the whole). Only a complete, well-formed answer of status 200 is a verdict; whatever
else happens, the check could not judge, and the hook's policy for errors decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
from yarl import URL

from ...wire.hosts import HostPolicy, check_url
from ...wire.json import JSONError, dumps, loads
from ...wire.message import WireRequest
from ..base import FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..support.report import nothing, undecided
from .credentials import Credential, Credentials, MissingCredentialError, read_credentials
from .readings import Judgement
from .templates import TemplateError, fill, fill_path, fill_text, fill_url

#: Requests that one text, or one conversation, may be judged with.
MAX_REQUESTS: Final = 16
#: Bytes of one request.
MAX_REQUEST: Final = 2**20
#: Characters of a text that one window shares with the next.
OVERLAP: Final = 200
#: Findings that are reported.
MAX_FINDINGS: Final = 50
_TOO_MUCH: Final = "There is more text than the service may be sent."

Values = Mapping[str, Any]


@attrs.frozen
class Endpoint:
    """A path, query included, below the service's base URL, and the JSON to send there: templates.

    Values of both: the row's options; of the body also `text` (what is judged by one request), `texts`
    (all pieces), `messages` (of the request), and `source` ("INPUT" before the call, "OUTPUT" after it).
    """

    path: str
    body: Mapping[str, Any]


@attrs.frozen
class Override:
    """Another base URL: a member of `credentials`, and the named provider's member for it, if it has one."""

    name: str = "customHost"
    member: str | None = None


@attrs.frozen(kw_only=True)
class Partner:
    """A row: everything that tells one service from another. It is the check's `build`.

    - `base`: the base URL, with slots for credentials; `override` says where another one may come from;
    - `endpoint`: what is asked; `chat`: asked instead before a chat call, with all its messages;
    - `headers`: with slots for credentials; `sign`: signs a complete request (`now`: seconds since 1970);
    - `credentials`: what has to be known; `section`: an object in `credentials` that may hold them;
    - `options`: reads the row's own parameters into values;
    - `read`: the verdict in an answer, given the options and the `count` of pieces that were sent; None when
      there is none;
    - `each`: one request for each piece of text; `window`: the characters that one request may hold,
      longer texts go in several; `timeout`: the default, in milliseconds.
    """

    base: str
    endpoint: Endpoint
    read: Callable[[Any, Values], Judgement | None]
    credentials: Sequence[Credential]
    headers: Mapping[str, str] = attrs.field(factory=dict)
    options: Callable[[Parameters], Values] = lambda parameters: {}
    chat: Endpoint | None = None
    override: Override | None = None
    section: str | None = None
    sign: Callable[[WireRequest, Mapping[str, str], float], WireRequest] | None = None
    each: bool = False
    window: int | None = None
    timeout: int = 5_000

    def __call__(self, parameters: Parameters, services: Services, /) -> PartnerCheck:
        """Build the check. Wrong parameters, missing credentials among them, are problems."""
        wanted = list(self.credentials)
        if self.override is not None:
            wanted.append(Credential(self.override.name, member=self.override.member, required=False))
        credentials = read_credentials(parameters, services, wanted, self.section)
        options = self.options(parameters)
        timeout = reading.milliseconds(parameters, "timeout", self.timeout) / 1000
        parameters.done()
        return PartnerCheck(self, credentials, options, timeout, services, options.get("redact") is True)


@attrs.frozen
class PartnerCheck:
    """One check that asks a partner. `timeout` is in seconds; `transforms` when it may take something out."""

    partner: Partner
    credentials: Credentials
    options: Values
    timeout: float
    services: Services = attrs.field(repr=False)
    transforms: bool = False

    async def __call__(self, context: HookContext, /) -> Verdict:
        """A service that is silent, slow, broken or unclear gives an error, never a pass."""
        if not context.text:
            return nothing(passed=True)
        units = self._units(context)
        if len(units) > MAX_REQUESTS:
            return undecided(_TOO_MUCH)
        try:
            requests = self._requests(context, units, self.credentials.look_up())
        except MissingCredentialError as error:
            return undecided(str(error))
        except TemplateError as error:
            return undecided(f"The request cannot be made: {error}.")
        except JSONError:
            return undecided("The request cannot be made: it is no JSON.")
        if any(len(request.body) > MAX_REQUEST for request in requests):
            return undecided(_TOO_MUCH)
        values = {**self.options, "count": 1 if self._chat(context) else len(self._pieces(context))}
        answers = await asyncio.gather(*(self._asked(request, values) for request in requests))
        judgements: list[Judgement] = []
        for answer in answers:
            if isinstance(answer, str):
                return undecided(answer)
            judgements.append(answer)
        return self._verdict(context, judgements)

    # -- asking ----------------------------------------------------------------------------------------

    def _chat(self, context: HookContext) -> Endpoint | None:
        before_chat = context.event == "before" and context.request_type == "chatComplete"
        return self.partner.chat if before_chat else None

    def _requests(
        self, context: HookContext, units: Sequence[str], known: Mapping[str, str]
    ) -> list[WireRequest]:
        row = self.partner
        chat = self._chat(context)
        endpoint = chat or row.endpoint
        url = URL(self._base(known) + fill_path(endpoint.path, self.options))
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {name: fill_text(text, known) for name, text in row.headers.items()}
        values = {
            **self.options,
            "texts": self._pieces(context),
            "source": "INPUT" if context.event == "before" else "OUTPUT",
        }
        if chat is not None:
            values["messages"] = context.request.get("messages")
        wires = [WireRequest(url, headers, dumps(fill(endpoint.body, {**values, "text": u}))) for u in units]
        sign = row.sign
        if sign is None:
            return wires
        now = self.services.clock.time()
        return [sign(wire, known, now) for wire in wires]

    def _base(self, known: Mapping[str, str]) -> str:
        override = self.partner.override
        other = known.get(override.name) if override is not None else None
        if other is None:
            return fill_url(self.partner.base, known)
        problem = check_url(other, HostPolicy.trusting())
        if problem is not None or "?" in other or "#" in other:
            raise TemplateError("the service's own address is not a base URL")
        return other.rstrip("/")

    def _units(self, context: HookContext) -> list[str]:
        """The texts that are judged by one request each."""
        if self._chat(context) is not None:
            return [context.text]
        if self.partner.each:
            return self._pieces(context)
        text, window = context.text, self.partner.window
        if window is None or len(text) <= window:
            return [text]
        return [text[at : at + window] for at in range(0, len(text) - OVERLAP, window - OVERLAP)]

    @staticmethod
    def _pieces(context: HookContext) -> list[str]:
        return [piece for piece in context.texts.pieces if piece]

    async def _asked(self, wire: WireRequest, values: Values) -> Judgement | str:
        """The judgement, or why there is none. Nothing of the request or the answer is told."""
        try:
            answer = await self.services.fetch(
                wire.method,
                str(wire.url),
                headers=wire.headers,
                body=wire.body,
                timeout=self.timeout,
                trusted=True,
            )
        except FetchError as error:
            return f"The service did not answer: {error.message}"
        if answer.status != 200:
            return f"The service answered with status {answer.status}."
        try:
            value = loads(answer.body)
        except JSONError:
            return "The service's answer is not JSON."
        judgement = self.partner.read(value, values)
        return "The service's answer is no verdict." if judgement is None else judgement

    # -- judging ---------------------------------------------------------------------------------------

    def _verdict(self, context: HookContext, judgements: Sequence[Judgement]) -> Verdict:
        passed = all(judgement.passed for judgement in judgements)
        findings = [finding for judgement in judgements for finding in judgement.findings]
        explanation = (
            "The service has nothing against the text." if passed else "The service flagged the text."
        )
        data = {"verdict": passed, "explanation": explanation, "findings": findings[:MAX_FINDINGS]}
        if not passed or not any(judgement.change is not None for judgement in judgements):
            return Verdict(passed, data)
        pieces = self._changed(context, judgements)
        body = None if pieces is None else context.texts.replaced(pieces)
        if body is None:
            return undecided("The service's change cannot be made.", {"findings": data["findings"]})
        data["explanation"] = "The service took something out of the text."
        return Verdict(True, data, **context.changed(body))

    @staticmethod
    def _changed(context: HookContext, judgements: Sequence[Judgement]) -> list[str] | None:
        """The pieces after the changes; None when something would stay that was to be taken out."""
        left, pieces = iter(judgements), []
        for piece in context.texts.pieces:
            change = next(left).change if piece else None
            changed = piece if change is None else change(piece)
            if changed is None or (change is not None and changed == piece):
                return None
            pieces.append(changed)
        return pieces
