"""OpenAI's content parts as Anthropic's content blocks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ..base import EncodeError
from ..data_urls import from_data_url
from ..report import Report
from .tables import MEDIA_TYPES, NATIVE_BLOCKS

_DOCUMENT_MEMBERS = ("title", "context", "citations")


def blocks_of(parts: list[Any], where: str, report: Report) -> list[dict[str, Any]]:
    """The blocks of a list of parts. `where` names the list in errors ("messages[0].content").

    Text that is blank is left out: the API refuses it, and it says nothing. Raises EncodeError for
    a part that cannot be expressed.
    """
    blocks = (_block(part, f"{where}[{j}]", report) for j, part in enumerate(parts))
    return [block for block in blocks if block is not None]


def _text(part: Mapping[str, Any], where: str, member: str = "text") -> dict[str, Any] | None:
    text = part.get(member)
    if not isinstance(text, str):
        raise EncodeError(f"{where}.{member}: a text was expected", f"{where}.{member}")
    if not text or text.isspace():
        return None
    block: dict[str, Any] = {"type": "text", "text": text}
    if len(part) > 2:
        for name in ("cache_control", "citations"):
            if part.get(name) is not None:
                block[name] = part[name]
    return block


def _block(part: Any, where: str, report: Report) -> dict[str, Any] | None:
    if not isinstance(part, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    kind = part.get("type")
    if kind == "text":
        return _text(part, where)
    if kind == "image_url":
        return _with_cache(_image(part, where, report), part)
    if kind == "file":
        return _with_cache(_file(part, where), part)
    if kind == "refusal":
        return _text(part, where, "refusal")
    if isinstance(kind, str) and (kind in NATIVE_BLOCKS or kind.endswith("_tool_result")):
        return dict(part)
    raise EncodeError(f"{where}: Anthropic's API takes no part of type {kind!r:.100}", where)


def _with_cache(block: dict[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    if part.get("cache_control") is not None:
        block["cache_control"] = part["cache_control"]
    return block


def _image(part: Mapping[str, Any], where: str, report: Report) -> dict[str, Any]:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str) or not url:
        raise EncodeError(f"{where}.image_url.url: a URL was expected", f"{where}.image_url.url")
    if isinstance(image, dict) and image.get("detail") not in (None, "auto"):
        report.lost("image_url.detail")
    if url[:5].lower() == "data:":
        return _from_data_url(url, f"{where}.image_url.url")
    return {"type": "image", "source": {"type": "url", "url": url}}


def _file(part: Mapping[str, Any], where: str) -> dict[str, Any]:
    file = part.get("file")
    if not isinstance(file, dict):
        raise EncodeError(f"{where}.file: an object was expected", f"{where}.file")
    name = file.get("filename")
    media_type = file.get("mime_type") or file.get("format")
    if not isinstance(media_type, str):
        ending = name.rpartition(".")[2].lower() if isinstance(name, str) else ""
        media_type = MEDIA_TYPES.get(ending, "application/pdf")
    block = _file_source(file, media_type, where)
    if block["type"] == "document":
        if isinstance(name, str) and name:
            block["title"] = name
        for member in _DOCUMENT_MEMBERS:
            value = part.get(member, file.get(member))
            if value is not None:
                block[member] = value
    return block


def _file_source(file: Mapping[str, Any], media_type: str, where: str) -> dict[str, Any]:
    data, identifier, url = file.get("file_data"), file.get("file_id"), file.get("file_url")
    if isinstance(data, str) and data:
        if data[:5].lower() == "data:":
            return _from_data_url(data, f"{where}.file.file_data")
        return _from_base64(data, media_type, f"{where}.file.file_data")
    kind = "image" if media_type.startswith("image/") else "document"
    if isinstance(identifier, str) and identifier:
        return {"type": kind, "source": {"type": "file", "file_id": identifier}}
    if isinstance(url, str) and url:
        return {"type": kind, "source": {"type": "url", "url": url}}
    raise EncodeError(f"{where}.file: file_data, file_id or file_url is needed", f"{where}.file")


def _from_data_url(url: str, where: str) -> dict[str, Any]:
    media_type, data = from_data_url(url, where)
    return _from_base64(data, media_type, where)


def _from_base64(data: str, media_type: str, where: str) -> dict[str, Any]:
    if media_type == "image/jpg":
        media_type = "image/jpeg"
    if media_type.startswith("image/"):
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
    if media_type == "application/pdf":
        return {"type": "document", "source": {"type": "base64", "media_type": media_type, "data": data}}
    if media_type.startswith("text/") or media_type in ("application/json", "application/xml"):
        try:
            text = base64.b64decode("".join(data.split()), validate=True).decode("utf-8-sig")
        except (binascii.Error, ValueError):
            raise EncodeError(f"{where}: {media_type:.100} that is no base64 of UTF-8 text", where) from None
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}
    raise EncodeError(f"{where}: Anthropic's API takes no {media_type:.100}", where)
