"""Looks up the URLs of the text.

Parameters: `onlyDNS`: only whether the names resolve; `not` (not all are valid);
`find` "recorded", "clean" (without the punctuation around) or "bare" (also domains without a scheme);
`getAfterHead` asks with GET where HEAD is answered with 403, 405 or 501 (false);
`require` "all" (the default), "any" or "none": how many have to be valid; `whenNone` "fail" (the default) or
"pass"; `redirects` "valid" (the default: the server knows the URL) or "invalid"; they are never followed;
`maxUrls` (20), `timeout` (ms, 3000, for each), `resolver` (the URL of a DNS service with JSON answers).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import attrs
from yarl import URL

from ...wire.json import JSONError, loads
from ..base import Check, Fetched, FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..support.outgoing import read_url
from ..support.report import excerpt, nothing, undecided
from ..support.urls import MAX_URL, clean_urls, recorded_urls

#: URLs that are looked up at a time.
PARALLEL: Final = 8
MAX_TEXT: Final = 500_000
_MAX_ANSWER: Final = 2**20
_MAX_DNS_ANSWER: Final = 2**16
_RESOLVER: Final = "https://1.1.1.1/dns-query"
_AGENT: Final = {"User-Agent": "URLValidator/1.0"}


def build(parameters: Parameters, services: Services) -> Check:
    """A URL that cannot be looked up is invalid: out of reach, private, with credentials, too slow."""
    only_dns = parameters.flag("onlyDNS")
    given = parameters.raw("resolver") is not None
    looking = Lookup(
        services=services,
        timeout=reading.milliseconds(parameters, "timeout", 3_000) / 1000,
        get_after_head=parameters.flag("getAfterHead"),
        redirects=parameters.choice("redirects", ("valid", "invalid"), "valid") == "valid",
        resolver=(read_url(parameters, "resolver") if given else _RESOLVER) if only_dns else None,
    )
    judging = ValidUrls(
        looking=looking,
        negated=parameters.flag("not"),
        find=parameters.choice("find", ("recorded", "clean", "bare"), "recorded"),
        require=parameters.choice("require", ("all", "any", "none"), "all"),
        passes_none=parameters.choice("whenNone", ("fail", "pass"), "fail") == "pass",
        max_urls=reading.whole(parameters, "maxUrls", 20, high=100),
        method="DNS lookup" if only_dns else "HTTP request",
    )
    parameters.done()
    return judging


@attrs.frozen(eq=False)
class ValidUrls:
    """The check."""

    looking: Lookup
    negated: bool
    find: str
    require: str
    passes_none: bool
    max_urls: int
    method: str

    async def __call__(self, context: HookContext, /) -> Verdict:
        text = context.text
        about = {"validationMethod": self.method, "not": self.negated, "textExcerpt": excerpt(text)}
        if not text:
            return nothing({"validationMethod": self.method, "not": self.negated})
        if len(text) > MAX_TEXT:
            return undecided(f"The text has more than {MAX_TEXT:,} characters.", about)
        urls = recorded_urls(text) if self.find == "recorded" else clean_urls(text, bare=self.find == "bare")
        if not urls:
            data = {"explanation": "There are no URLs in the text.", "urls": [], **about}
            return Verdict(self.passes_none, data)
        distinct = list(dict.fromkeys(urls))
        if len(distinct) > self.max_urls:
            message = f"There are more than {self.max_urls} URLs in the text."
            return undecided(message, about)
        valid = await self._valid(distinct)
        return self._verdict(
            [url for url in urls if url in valid], [url for url in urls if url not in valid], about
        )

    async def _valid(self, urls: Sequence[str]) -> set[str]:
        gate = asyncio.Semaphore(PARALLEL)

        async def one(url: str) -> bool:
            async with gate:
                return await self.looking(url)

        async with asyncio.TaskGroup() as group:
            tasks = {url: group.create_task(one(url)) for url in urls}
        return {url for url, task in tasks.items() if task.result()}

    def _verdict(self, valid: list[str], invalid: list[str], about: Mapping[str, Any]) -> Verdict:
        enough = {"all": not invalid, "any": bool(valid), "none": not valid}[self.require]
        passed = enough is not self.negated
        data = {
            "verdict": passed,
            "explanation": f"{len(valid)} of {len(valid) + len(invalid)} URLs are valid.",
            "validUrls": valid,
            "invalidUrls": invalid,
            **about,
        }
        return Verdict(passed, data)


@attrs.frozen(eq=False)
class Lookup:
    """Whether there is something at a URL, or under its name where there is a `resolver`. Time in seconds."""

    services: Services = attrs.field(repr=False)
    timeout: float
    get_after_head: bool
    redirects: bool
    resolver: str | None

    async def __call__(self, url: str) -> bool:
        if len(url) > MAX_URL:
            return False
        try:
            parsed = URL(url)
        except ValueError:
            return False
        if not parsed.host or parsed.user is not None or parsed.password is not None:
            return False
        # Fragments never leave the browser.
        target = str(parsed.with_fragment(None))
        try:
            if self.resolver is not None:
                return await self._resolves(parsed.raw_host or "")
            return await self._answers(target)
        except FetchError:
            return False

    async def _answers(self, url: str) -> bool:
        status = (await self._fetch("HEAD", url)).status
        if self.get_after_head and status in (403, 405, 501):
            try:
                status = (await self._fetch("GET", url, {"Range": "bytes=0-1023"})).status
            except FetchError as error:
                # So much is not sent for what is not there.
                return error.kind == "too_large"
        return 200 <= status < 300 or (self.redirects and status in (301, 302, 303, 307, 308))

    async def _fetch(self, method: str, url: str, more: Mapping[str, str] | None = None) -> Fetched:
        headers = {**_AGENT, **(more or {})}
        return await self.services.fetch(
            method, url, headers=headers, timeout=self.timeout, limit=_MAX_ANSWER
        )

    async def _resolves(self, host: str) -> bool:
        """Whether the DNS service knows addresses of the name."""
        answer = await self.services.fetch(
            "GET",
            f"{self.resolver}?name={quote(host, safe='')}",
            headers={"accept": "application/dns-json"},
            timeout=self.timeout,
            limit=_MAX_DNS_ANSWER,
            trusted=True,
        )
        try:
            body = loads(answer.body) if answer.status == 200 else None
        except JSONError:
            body = None
        if not isinstance(body, dict) or body.get("Status") != 0 or isinstance(body["Status"], bool):
            return False
        return isinstance(body.get("Answer"), list) and bool(body["Answer"])
