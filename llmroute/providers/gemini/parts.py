"""OpenAI's content parts as Gemini's parts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from ..base import EncodeError
from ..report import Report

#: Media types by file name extension, spelled as the API's guides on media do.
_MEDIA_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "json": "application/json",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "csv": "text/csv",
    "xml": "text/xml",
    "rtf": "text/rtf",
    "js": "text/javascript",
    "py": "text/x-python",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "aiff": "audio/aiff",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/m4a",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpg",
    "mov": "video/mov",
    "avi": "video/avi",
    "flv": "video/x-flv",
    "webm": "video/webm",
    "wmv": "video/wmv",
    "3gp": "video/3gpp",
}
_URLS: Final = ("https://", "http://", "gs://")
_FILES: Final = "https://generativelanguage.googleapis.com/v1beta/"

Part = dict[str, Any]


def parts_of(content: Any, where: str, report: Report) -> list[Part]:
    """The parts of a message's `content`, text or a list; [] for null.

    `where` names the content in errors ("messages[0].content"). Raises EncodeError for a part that
    cannot be expressed.
    """
    if isinstance(content, str):
        return [{"text": content}]
    if content is None:
        return []
    if not isinstance(content, (list, tuple)):
        raise EncodeError(f"{where}: a text or a list of parts was expected", where)
    return [_part(part, f"{where}[{i}]", report) for i, part in enumerate(content)]


def _part(part: Any, where: str, report: Report) -> Part:
    if isinstance(part, str):
        return {"text": part}
    if not isinstance(part, Mapping):
        raise EncodeError(f"{where}: an object was expected", where)
    kind = part.get("type")
    if kind == "text" or kind == "refusal":
        if len(part) > 2:
            _report_hints(part, where, report)
        return {"text": _text(part.get(kind), f"{where}.{kind}")}
    _report_hints(part, where, report)
    if kind in ("image_url", "video_url"):
        return _by_url(part.get(kind), f"{where}.{kind}", report)
    if kind == "input_audio":
        return _audio(part.get("input_audio"), f"{where}.input_audio")
    if kind == "file":
        return _file(part.get("file"), f"{where}.file")
    raise EncodeError(f"{where}: Gemini's API takes no part of type {kind!r:.100}", where)


def _report_hints(part: Mapping[str, Any], where: str, report: Report) -> None:
    for name in ("cache_control", "prompt_cache_breakpoint"):
        if part.get(name) is not None:
            report.lost(f"{where}.{name}")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise EncodeError(f"{where}: a text was expected", where)
    return value


def _by_url(image: Any, where: str, report: Report) -> Part:
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, Mapping):
        raise EncodeError(f"{where}: an object with a url was expected", where)
    if image.get("detail") not in (None, "auto"):
        report.lost(f"{where}.detail")
    return media(_text(image.get("url"), f"{where}.url"), image.get("mime_type"), where)


def media(url: str, media_type: Any, where: str) -> Part:
    """The part for a data URL, the URL of a file, or bare base64 (taken for a JPEG as recorded)."""
    if url[:5].lower() == "data:":
        return _inline(url, media_type, where)
    if url.startswith(_URLS):
        return _linked(url, media_type)
    return {"inlineData": {"mimeType": _given(media_type) or "image/jpeg", "data": url}}


def _given(media_type: Any) -> str | None:
    return media_type if isinstance(media_type, str) and media_type else None


def _inline(url: str, media_type: Any, where: str) -> Part:
    """RFC 2397. Parameters of the media type are dropped: the API takes bare types."""
    head, comma, data = url[5:].partition(",")
    if not comma or len(head) > 256:
        raise EncodeError(f"{where}: not a data URL", where)
    kind, _, parameters = head.partition(";")
    if parameters.rpartition(";")[2].strip().lower() != "base64":
        try:
            data = base64.b64encode(unquote_to_bytes(data)).decode("ascii")
        except UnicodeEncodeError:
            raise EncodeError(f"{where}: not a data URL", where) from None
    media_type = _given(media_type) or kind.strip().lower() or "text/plain"
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _linked(url: str, media_type: Any, name: Any = None) -> Part:
    found = _given(media_type) or _guessed(name) or _guessed(url.partition("#")[0].partition("?")[0])
    return {"fileData": {"mimeType": found, "fileUri": url}} if found else {"fileData": {"fileUri": url}}


def _guessed(name: Any) -> str | None:
    """The media type of a path or file name by its extension."""
    if not isinstance(name, str):
        return None
    _, dot, extension = name[-8:].rpartition("/")[2].rpartition(".")
    return _MEDIA_TYPES.get(extension.lower()) if dot else None


def _audio(audio: Any, where: str) -> Part:
    if not isinstance(audio, Mapping):
        raise EncodeError(f"{where}: an object with data and format was expected", where)
    data = _text(audio.get("data"), f"{where}.data")
    kind = audio.get("format")
    media_type = f"audio/{kind}" if isinstance(kind, str) and kind.isalnum() else None
    if data[:5].lower() == "data:":
        return _inline(data, media_type, where)
    return {"inlineData": {"mimeType": media_type or "audio/wav", "data": data}}


def _file(file: Any, where: str) -> Part:
    """By its bytes (`file_data`), its URL (`file_url`) or its name in Google's Files API (`file_id`)."""
    if not isinstance(file, Mapping):
        raise EncodeError(f"{where}: an object was expected", where)
    name = file.get("filename")
    media_type = file.get("mime_type") or file.get("format")
    data = file.get("file_data")
    if data is not None:
        data = _text(data, f"{where}.file_data")
        if data[:5].lower() == "data:" or data.startswith(_URLS):
            return media(data, media_type, f"{where}.file_data")
        found = _given(media_type) or _guessed(name) or "application/pdf"
        return {"inlineData": {"mimeType": found, "data": data}}
    for member in ("file_url", "file_id"):
        uri = file.get(member)
        if isinstance(uri, str) and uri:
            if uri.startswith("files/"):
                uri = _FILES + uri
            if uri.startswith(_URLS):
                return _linked(uri, media_type, name)
            raise EncodeError(f"{where}.{member}: neither a URL nor a file of Google's", f"{where}.{member}")
    raise EncodeError(f"{where}: file_data, file_url or file_id was expected", where)
