"""The images and files that a request points to, and what it is with them put in as data.

For adapters of providers that fetch nothing: their `wants` is asked where the router may fetch.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

#: How files begin of the types that are put in.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
#: What to say where a link cannot be sent and nothing has been fetched.
ADVICE: Final = "Router(fetch=True) fetches https ones"


@attrs.frozen
class Link:
    """A URL of the request, the place of its part, and whether it must be an image."""

    message: int
    part: int
    url: str
    image: bool

    @property
    def where(self) -> str:
        """The place as errors name it."""
        member = "image_url.url" if self.image else "file.file_url"
        return f"messages[{self.message}].content[{self.part}].{member}"


def links(params: Mapping[str, Any], *, files: bool = True) -> list[Link]:
    """The http and https URLs of image parts, and with `files` of file parts."""
    return [link for link in _links(params) if link.image or files]


def _links(params: Mapping[str, Any]) -> Iterator[Link]:
    messages = params.get("messages")
    for index, message in enumerate(messages if isinstance(messages, (list, tuple)) else ()):
        content = message.get("content") if isinstance(message, Mapping) else None
        if not isinstance(content, (list, tuple)):
            continue
        for place, part in enumerate(content):
            url, image = _url(part)
            if isinstance(url, str) and url[:8].lower().startswith(("https://", "http://")):
                yield Link(index, place, url, image)


def _url(part: Any) -> tuple[Any, bool]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "image_url":
        image = part.get("image_url")
        return (image.get("url") if isinstance(image, Mapping) else image), True
    file = part.get("file") if kind == "file" else None
    if not isinstance(file, Mapping) or file.get("file_data"):
        return None, False
    return file.get("file_url"), False


def media_type(data: bytes) -> str | None:
    """The type of a gif, png, jpeg, webp or pdf file, None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)


def data_url(kind: str, data: bytes) -> str:
    """RFC 2397."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"


def with_data(params: Mapping[str, Any], found: Mapping[Link, str]) -> dict[str, Any]:
    """A copy with each link's data URL in its place; `params` is not modified."""
    messages = list(params["messages"])
    for link, data in found.items():
        message = messages[link.message]
        content = list(message["content"])
        content[link.part] = _with_data(content[link.part], link, data)
        messages[link.message] = {**message, "content": content}
    return {**params, "messages": messages}


def _with_data(part: Mapping[str, Any], link: Link, data: str) -> dict[str, Any]:
    if link.image:
        image = part["image_url"]
        return {**part, "image_url": {**image, "url": data} if isinstance(image, Mapping) else data}
    file = {name: value for name, value in part["file"].items() if name != "file_url"}
    return {**part, "file": {**file, "file_data": data}}
