"""OpenAI's content parts as Oracle's ChatContent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..report import Report

Json = dict[str, Any]

#: Oracle's own types of content: callers may use them between OpenAI's.
_OWN: Final = frozenset({"TEXT", "IMAGE", "DOCUMENT", "AUDIO", "VIDEO"})
_MEDIA_TYPES: Final = {
    "csv": "text/csv",
    "gif": "image/gif",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "md": "text/markdown",
    "png": "image/png",
    "txt": "text/plain",
    "webp": "image/webp",
}


def contents_of(content: Any, where: str, report: Report) -> list[Json]:
    """The list for a message's `content`, text or parts; [] for null. Raises EncodeError."""
    if isinstance(content, str):
        return [{"type": "TEXT", "text": content}]
    if content is None:
        return []
    if not isinstance(content, (list, tuple)):
        raise EncodeError(f"{where}: a text or a list of parts was expected", where)
    return [_part(part, f"{where}[{i}]", report) for i, part in enumerate(content)]


def _part(part: Any, where: str, report: Report) -> Json:
    if isinstance(part, str):
        return {"type": "TEXT", "text": part}
    if not isinstance(part, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    kind = part.get("type")
    if part.get("cache_control") is not None:
        report.lost(f"{where}.cache_control")
    if kind == "text" or kind == "refusal":
        return {"type": "TEXT", "text": _text(part.get(kind), f"{where}.{kind}")}
    if kind == "image_url":
        return {"type": "IMAGE", "imageUrl": _by_url(part.get(kind), f"{where}.{kind}")}
    if kind == "video_url":
        return {"type": "VIDEO", "videoUrl": _by_url(part.get(kind), f"{where}.{kind}")}
    if kind == "input_audio":
        return {"type": "AUDIO", "audioUrl": _audio(part.get(kind), f"{where}.{kind}")}
    if kind == "file":
        return _file(part.get("file"), f"{where}.file")
    if isinstance(kind, str) and kind in _OWN:
        return dict(part)
    raise EncodeError(f"{where}: Oracle's API takes no part of type {kind!r:.100}", where)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise EncodeError(f"{where}: a text was expected", where)
    return value


def _by_url(image: Any, where: str) -> Json:
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, dict):
        raise EncodeError(f"{where}: an object with a url was expected", where)
    found: Json = {"url": _text(image.get("url"), f"{where}.url")}
    detail = image.get("detail")
    if isinstance(detail, str):
        found["detail"] = detail.upper()
    return found


def _audio(audio: Any, where: str) -> Json:
    if not isinstance(audio, dict):
        raise EncodeError(f"{where}: an object with data and format was expected", where)
    data, kind = _text(audio.get("data"), f"{where}.data"), audio.get("format")
    return {"url": data if data[:5].lower() == "data:" else f"data:audio/{kind or 'wav'};base64,{data}"}


def _file(file: Any, where: str) -> Json:
    """By its bytes or its URL: Oracle keeps no files."""
    if not isinstance(file, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    url, data = file.get("file_url"), file.get("file_data")
    if isinstance(data, str) and data:
        url = data
        if data[:5].lower() != "data:":
            url = f"data:{_media_type(file)};base64,{data}"
    if not isinstance(url, str) or not url:
        raise EncodeError(f"{where}: file_data or file_url was expected", where)
    if url[:11].lower() == "data:image/":
        return {"type": "IMAGE", "imageUrl": {"url": url}}
    return {"type": "DOCUMENT", "documentUrl": {"url": url}}


def _media_type(file: Mapping[str, Any]) -> str:
    given, name = file.get("mime_type") or file.get("format"), file.get("filename")
    if isinstance(given, str):
        return given
    ending = name.rpartition(".")[2].lower() if isinstance(name, str) else ""
    return _MEDIA_TYPES.get(ending, "application/pdf")
