"""Puts files that a request points to into it, for providers that fetch nothing themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from yarl import URL

from ..clock import Clock
from ..hooks.base import FetchError
from ..hooks.fetch import Fetcher
from ..providers.base import EncodeError
from ..providers.links import Link, data_url, media_type, with_data
from ..transport.base import Transport
from ..wire.fetching import MAX_FILES, FetchPolicy
from ..wire.hosts import HostPolicy

#: Files that are fetched at a time.
PARALLEL: Final = 4
#: OpenAI's code for an image that cannot be had.
_CODE: Final = "invalid_image_url"
_ACCEPTED: Final = {"accept": "image/png, image/jpeg, image/gif, image/webp, application/pdf"}


class Inlining:
    """Asked by an exchange whose adapter has `wants`, where the router may fetch."""

    __slots__ = ("_fetch", "_named", "_policy", "wants")

    def __init__(
        self,
        wants: Callable[[Mapping[str, Any]], Sequence[Link]],
        policy: FetchPolicy,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self.wants = wants
        self._policy = policy
        self._named = None if policy.hosts is None else HostPolicy(trusted=policy.hosts)
        self._fetch = Fetcher(transport, clock)

    async def __call__(self, params: Mapping[str, Any], links: Sequence[Link]) -> Mapping[str, Any]:
        """The parameters with the files of `links` in them. Raises EncodeError where one is not to be had."""
        first = {link.url: link for link in reversed(links)}
        if len(first) > MAX_FILES:
            raise EncodeError(f"more than {MAX_FILES} files to fetch", links[MAX_FILES].where, _CODE)
        files = await self._files(reversed(first.values()))
        found = {}
        for link in links:
            kind, data = files[link.url]
            if link.image and not kind.startswith("image/"):
                raise _refused(link, "a file that is no image")
            found[link] = data
        return with_data(params, found)

    async def _files(self, links: Iterable[Link]) -> dict[str, tuple[str, str]]:
        """Media type and data URL by URL; the first failure ends the others."""
        gate = asyncio.Semaphore(PARALLEL)
        left = [int(self._policy.max_bytes)]
        found: dict[str, tuple[str, str]] = {}

        async def one(link: Link) -> None:
            async with gate:
                data = await self._file(link, left[0])
            left[0] -= len(data)
            if left[0] < 0:
                raise _refused(link, self._too_large)
            kind = media_type(data)
            if kind is None:
                raise _refused(link, "neither a gif, png, jpeg, webp nor pdf file")
            found[link.url] = kind, data_url(kind, data)

        tasks = [asyncio.ensure_future(one(link)) for link in links]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return found

    async def _file(self, link: Link, limit: int) -> bytes:
        trusted = self._named is not None
        problem = self._problem(link.url)
        if problem is not None:
            raise _refused(link, problem)
        try:
            answer = await self._fetch(
                "GET",
                link.url,
                headers=_ACCEPTED,
                timeout=self._policy.timeout,
                limit=max(limit, 0),
                trusted=trusted,
            )
        except FetchError as error:
            problem = self._too_large if error.kind == "too_large" else error.message
        else:
            if answer.status == 200:
                return answer.body
            problem = f"status {answer.status}"
            if 300 <= answer.status <= 399:
                problem += ", a redirect, which is not followed"
        raise _refused(link, problem)

    def _problem(self, url: str) -> str | None:
        """Whether the policy's own hosts allow it; public ones are the fetcher's matter."""
        if self._named is None:
            return None if url[:8].lower() == "https://" else "only https URLs are fetched"
        return _url_problem(url, self._named)

    @property
    def _too_large(self) -> str:
        return f"the request's files are larger than {int(self._policy.max_bytes)} bytes"


def _refused(link: Link, problem: str) -> EncodeError:
    # The URL is not repeated: it may hold a signature.
    return EncodeError(f"{link.where}: not fetched: {problem}", link.where, _CODE)


def _url_problem(url: str, named: HostPolicy) -> str | None:
    """Why `named` hosts do not allow `url`, None where they do."""
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        return "not a URL like https://host/path"
    if not host or port is None or not named.trusts(host, port):
        return "not one of the hosts that files are fetched from"
    return None
