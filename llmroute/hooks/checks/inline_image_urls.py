"""Puts the images that a request points to into the request itself, as data URLs.

Parameters: `providers`: only for these (default: all); `maxSizeBytes` (20971520, each image; together at
most twice as much), `timeoutMs` (30000, for all); `maxImages` (20). Source: the hosted product's list of
guardrail checks. Where fetching fails the URL stays, and the check reports an error beside its change.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from ...wire.hosts import shown_url
from ..base import Check, CheckFailure, FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading

#: Images that are fetched at a time.
PARALLEL: Final = 4
_MAX_SIZE: Final = 20_971_520

#: How the files of the image types begin that models take.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_BRANDS: Final = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}


def build(parameters: Parameters, services: Services) -> Check:
    """Only images of known kinds are taken, by how their files begin, whatever the server calls them."""
    inlining = InlineImageUrls(
        providers=frozenset(parameters.texts("providers", ())),
        max_size=reading.whole(parameters, "maxSizeBytes", _MAX_SIZE, high=2 * _MAX_SIZE),
        max_images=reading.whole(parameters, "maxImages", 20, high=100),
        timeout=reading.milliseconds(parameters, "timeoutMs", 30_000, high=120_000) / 1000,
        services=services,
    )
    parameters.done()
    return inlining


@attrs.frozen(eq=False)
class InlineImageUrls:
    """The check. `timeout` is in seconds."""

    providers: frozenset[str]
    max_size: int
    max_images: int
    timeout: float
    services: Services = attrs.field(repr=False)

    transforms = True

    async def __call__(self, context: HookContext, /) -> Verdict:
        if context.event != "before" or (self.providers and context.provider not in self.providers):
            return Verdict(True)
        urls = list(dict.fromkeys(url for _, _, url in _images(context.request)))
        if not urls:
            return Verdict(True, {"explanation": "There are no images to fetch.", "inlined": 0, "failed": []})
        if len(urls) > self.max_images:
            message = f"There are more than {self.max_images} images."
            return Verdict(True, {"explanation": message}, CheckFailure(message))
        fetched = await self._fetch_all(urls)
        images = {url: image for url, image in fetched.items() if isinstance(image, str)}
        failed = [
            f"{shown_url(url)}: {image}" for url, image in fetched.items() if isinstance(image, _Failed)
        ]
        data = {
            "explanation": f"{len(images)} of {len(urls)} images were put into the request.",
            "inlined": len(images),
            "failed": failed,
        }
        error = CheckFailure(f"{len(failed)} images could not be fetched.") if failed else None
        request = _with_images(context.request, images) if images else None
        return Verdict(True, data, error, request=request)

    async def _fetch_all(self, urls: list[str]) -> dict[str, str | _Failed]:
        gate = asyncio.Semaphore(PARALLEL)
        end = self.services.clock.now() + self.timeout
        room = [2 * self.max_size]

        async def one(url: str) -> str | _Failed:
            async with gate:
                left = end - self.services.clock.now()
                return await self._fetch(url, left, room) if left > 0 else _Failed("no time was left")

        async with asyncio.TaskGroup() as group:
            tasks = {url: group.create_task(one(url)) for url in urls}
        return {url: task.result() for url, task in tasks.items()}

    async def _fetch(self, url: str, left: float, room: list[int]) -> str | _Failed:
        """A data URL. The URL is the caller's word, so it is never trusted."""
        try:
            answer = await self.services.fetch("GET", url, timeout=left, limit=self.max_size)
        except FetchError as error:
            return _Failed(error.message)
        if answer.status != 200:
            return _Failed(f"status {answer.status}")
        kind = image_type(answer.body)
        if kind is None:
            return _Failed("not an image of a known kind")
        room[0] -= len(answer.body)
        if room[0] < 0:
            return _Failed("the images are too large together")
        return f"data:{kind};base64,{b64encode(answer.body).decode()}"


@attrs.frozen
class _Failed:
    """Why there is no image."""

    reason: str


def image_type(data: bytes) -> str | None:
    """The media type of an image file, None for anything else."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None


def _images(request: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Message, part and URL of each image that is not in the request itself."""
    messages = request.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, Mapping) else None
        for place, part in enumerate(content if isinstance(content, list) else ()):
            url = _url(part)
            if url is not None and url[:8].lower().startswith(("http://", "https://")):
                yield index, place, url


def _url(part: Any) -> str | None:
    image = part.get("image_url") if isinstance(part, Mapping) and part.get("type") == "image_url" else None
    url = image.get("url") if isinstance(image, Mapping) else image
    return url if isinstance(url, str) else None


def _with_images(request: Mapping[str, Any], images: Mapping[str, str]) -> dict[str, Any]:
    messages = list(request["messages"])
    for index, place, url in _images(request):
        if url not in images:
            continue
        content = list(messages[index]["content"])
        image = content[place]["image_url"]
        inlined = {**image, "url": images[url]} if isinstance(image, Mapping) else images[url]
        content[place] = {**content[place], "image_url": inlined}
        messages[index] = {**messages[index], "content": content}
    return {**request, "messages": messages}
