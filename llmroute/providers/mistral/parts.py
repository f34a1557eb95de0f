"""OpenAI's content parts as the chunks of Mistral's own API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..base import EncodeError
from ..report import Report

Json = dict[str, Any]

_PDF: Final = "application/pdf"


def chunks_of(parts: Sequence[Any], where: str, report: Report) -> list[Json]:
    """The chunks of a list of parts; Mistral's own kinds go through. Raises EncodeError."""
    return [_chunk(part, f"{where}[{j}]", report) for j, part in enumerate(parts)]


def _chunk(part: Any, where: str, report: Report) -> Json:
    if not isinstance(part, dict):
        raise EncodeError(f"{where}: an object was expected", where)
    if part.get("cache_control") is not None:
        report.lost("cache_control")
        part = {name: value for name, value in part.items() if name != "cache_control"}
    kind = part.get("type")
    if kind == "text" or kind == "refusal":
        return {"type": "text", "text": _text(part, kind, where)}
    if kind == "image_url":
        return _image(part, where)
    if kind == "file" and "file" in part:
        return _file(part["file"], where)
    if kind == "input_audio" and isinstance(part.get("input_audio"), Mapping):
        # The format is told by the data.
        return {"type": "input_audio", "input_audio": _text(part["input_audio"], "data", where)}
    if not isinstance(kind, str):
        raise EncodeError(f"{where}.type: a text was expected", f"{where}.type")
    return dict(part)


def _image(part: Json, where: str) -> Json:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str) or not url:
        raise EncodeError(f"{where}.image_url.url: a URL was expected", f"{where}.image_url.url")
    if url[:5].lower() == "data:" and url[5 : 5 + len(_PDF)].lower() == _PDF:
        return {"type": "document_url", "document_url": url}
    return {"type": "image_url", "image_url": image}


def _file(file: Any, where: str) -> Json:
    """A file as `document_url`, which may be a data URL, or by the id of an upload."""
    if not isinstance(file, dict):
        raise EncodeError(f"{where}.file: an object was expected", f"{where}.file")
    identifier, url, data = file.get("file_id"), file.get("file_url"), file.get("file_data")
    if isinstance(data, str) and data:
        url = data if data[:5].lower() == "data:" else f"data:{_media_type(file)};base64,{data}"
    elif isinstance(identifier, str) and identifier:
        return {"type": "file", "file_id": identifier}
    if not isinstance(url, str) or not url:
        raise EncodeError(f"{where}.file: file_data, file_id or file_url is needed", f"{where}.file")
    found = {"type": "document_url", "document_url": url}
    name = file.get("filename") or file.get("file_name")
    if isinstance(name, str) and name:
        found["document_name"] = name
    return found


def _media_type(file: Json) -> str:
    kind = file.get("mime_type") or file.get("format")
    return kind if isinstance(kind, str) else _PDF


def _text(part: Mapping[str, Any], member: str, where: str) -> str:
    text = part.get(member)
    if not isinstance(text, str):
        raise EncodeError(f"{where}.{member}: a text was expected", f"{where}.{member}")
    return text
