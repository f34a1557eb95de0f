"""OpenAI's content parts as Converse's content blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..base import EncodeError
from ..data_urls import from_data_url
from ..links import ADVICE
from ..report import Report
from .models import Model
from .tables import (
    AUDIO_FORMATS,
    DOCUMENT_FORMATS,
    IMAGE_FORMATS,
    MEDIA_TYPES,
    NATIVE_BLOCKS,
    VIDEO_FORMATS,
)

Block = dict[str, Any]

#: "alphanumeric characters, whitespace (no more than one in a row), hyphens, parentheses and square
#: brackets" (API reference, DocumentBlock).
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9\-()\[\]]+")
_MAX_NAME: Final = 200
_DOCUMENT_MEMBERS: Final = ("citations", "context")
#: What a tool result may hold; everything else stands beside it.
_RESULT_BLOCKS: Final = frozenset({"document", "image", "json", "searchResult", "text", "video"})


class PartReader:
    """Reads the parts of one conversation: documents in it need different names."""

    __slots__ = ("_model", "_names", "_report")

    def __init__(self, model: Model, report: Report) -> None:
        self._model = model
        self._report = report
        self._names: set[str] = set()

    def blocks(self, content: Any, where: str) -> list[Block]:
        """The blocks of a text or of a list of parts. `where` names it in errors ("messages[0].content").

        Text that is blank is left out: the API refuses it, and it says nothing. Raises EncodeError
        for a part that cannot be expressed.
        """
        if isinstance(content, str):
            return [{"text": content}] if content and not content.isspace() else []
        if not isinstance(content, (list, tuple)):
            raise EncodeError(f"{where}: a text or a list was expected", where)
        found: list[Block] = []
        for j, part in enumerate(content):
            block = self._block(part, f"{where}[{j}]")
            if block is not None:
                found.append(block)
            if isinstance(part, dict) and part.get("cache_control") is not None and found:
                found += self.cache_point(part["cache_control"])
        return found

    def result_blocks(self, content: Any, where: str) -> tuple[list[Block], list[Block]]:
        """The blocks of a tool's result, and those that have to follow it."""
        blocks = self.blocks(content, where)
        inside = [block for block in blocks if not _RESULT_BLOCKS.isdisjoint(block)]
        return inside, [block for block in blocks if _RESULT_BLOCKS.isdisjoint(block)]

    def cache_point(self, mark: Any) -> list[Block]:
        """The block for a `cache_control`: everything before it may be cached."""
        if not self._model.takes_cache_points:
            self._report.lost("cache_control", "is not sent: the model has no prompt caching")
            return []
        return [{"cachePoint": cache_point(mark)}]

    # -- parts ---------------------------------------------------------------

    def _block(self, part: Any, where: str) -> Block | None:
        if not isinstance(part, dict):
            raise EncodeError(f"{where}: an object was expected", where)
        kind = part.get("type")
        if kind == "text":
            return _text(part, where, "text")
        if kind == "image_url":
            return self._image(part, where)
        if kind == "file":
            return self._file(part, where)
        if kind == "input_audio":
            return self._audio(part, where)
        if kind == "refusal":
            return _text(part, where, "refusal")
        if kind == "json":
            return {"json": part.get("json")}
        if kind in ("thinking", "redacted_thinking"):
            return self._reasoning(part, where)
        if kind is None or (isinstance(kind, str) and kind in NATIVE_BLOCKS):
            native = [name for name in part if name in NATIVE_BLOCKS]
            if len(native) == 1:
                return {native[0]: part[native[0]]}
        raise EncodeError(f"{where}: the Converse API takes no part of type {kind!r:.100}", where)

    def _reasoning(self, part: Mapping[str, Any], where: str) -> Block | None:
        """Anthropic's thinking blocks, which the gateway shows in `content_blocks`."""
        if part["type"] == "redacted_thinking":
            data = part.get("data")
            if not isinstance(data, str):
                raise EncodeError(f"{where}.data: a text was expected", f"{where}.data")
            return {"reasoningContent": {"redactedContent": data}} if self._model.takes_signatures else None
        text, signature = part.get("thinking"), part.get("signature")
        if not isinstance(text, str):
            raise EncodeError(f"{where}.thinking: a text was expected", f"{where}.thinking")
        if isinstance(signature, str) and signature and self._model.takes_signatures:
            return {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
        if self._model.keeps_unsigned_reasoning and text:
            return {"reasoningContent": {"reasoningText": {"text": text}}}
        return None

    def _image(self, part: Mapping[str, Any], where: str) -> Block:
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        where = f"{where}.image_url.url"
        if not isinstance(url, str) or not url:
            raise EncodeError(f"{where}: a URL was expected", where)
        if isinstance(image, dict) and image.get("detail") not in (None, "auto"):
            self._report.lost("image_url.detail")
        if url[:5].lower() == "data:":
            media_type, data = from_data_url(url, where)
            return self._medium(media_type, {"bytes": data}, "", where)
        if url.startswith("s3://"):
            ending = url.rpartition(".")[2].lower()
            return self._medium(MEDIA_TYPES.get(ending, "image/jpeg"), _s3(url, {}), "", where)
        raise EncodeError(f"{where}: the Converse API takes images as data or s3 URLs only; {ADVICE}", where)

    def _file(self, part: Mapping[str, Any], where: str) -> Block:
        file = part.get("file")
        where = f"{where}.file"
        if not isinstance(file, dict):
            raise EncodeError(f"{where}: an object was expected", where)
        name = file.get("filename") or file.get("file_name") or ""
        name = name if isinstance(name, str) else ""
        media_type = file.get("mime_type") or file.get("format")
        if not isinstance(media_type, str):
            media_type = MEDIA_TYPES.get(name.rpartition(".")[2].lower(), "application/pdf")
        data, url = file.get("file_data"), file.get("file_url")
        if isinstance(data, str) and data:
            if data[:5].lower() == "data:":
                media_type, data = from_data_url(data, f"{where}.file_data")
            block = self._medium(media_type, {"bytes": data}, name, where)
        elif isinstance(url, str) and url.startswith("s3://"):
            block = self._medium(media_type, _s3(url, file), name, where)
        else:
            raise EncodeError(
                f"{where}: the Converse API takes files as data or s3 URLs only; {ADVICE}", where
            )
        if "document" in block:
            for member in _DOCUMENT_MEMBERS:
                value = part.get(member, file.get(member))
                if value is not None:
                    block["document"][member] = value
        return block

    def _audio(self, part: Mapping[str, Any], where: str) -> Block | None:
        audio = part.get("input_audio")
        where = f"{where}.input_audio"
        data = audio.get("data") if isinstance(audio, dict) else None
        kind = audio.get("format") if isinstance(audio, dict) else None
        if not isinstance(data, str) or not isinstance(kind, str):
            raise EncodeError(f"{where}: data and format were expected", where)
        if not self._model.takes_audio:
            self._report.lost("input_audio", "is not sent: the model does not hear")
            return None
        return {"audio": {"format": kind, "source": {"bytes": data}}}

    # -- media ---------------------------------------------------------------

    def _medium(self, media_type: str, source: Block, name: str, where: str) -> Block:
        if media_type in IMAGE_FORMATS:
            return {"image": {"format": IMAGE_FORMATS[media_type], "source": source}}
        if media_type in VIDEO_FORMATS:
            return {"video": {"format": VIDEO_FORMATS[media_type], "source": source}}
        if media_type in AUDIO_FORMATS and self._model.takes_audio:
            return {"audio": {"format": AUDIO_FORMATS[media_type], "source": source}}
        kind = DOCUMENT_FORMATS.get(media_type) or ("txt" if media_type.startswith("text/") else None)
        if kind is None:
            raise EncodeError(f"{where}: the Converse API takes no {media_type:.100}", where)
        return {"document": {"format": kind, "name": self._name(name), "source": source}}

    def _name(self, name: str) -> str:
        """A name that the API takes: without the ending, and unlike that of any other document."""
        stem = name.rpartition(".")[0] or name
        text = _NOT_IN_NAMES.sub(" ", stem[: 2 * _MAX_NAME]).strip()[: _MAX_NAME - 10].strip() or "document"
        found, number = text, 2
        while found in self._names:
            found = f"{text} ({number})"
            number += 1
        self._names.add(found)
        return found


def cache_point(mark: Any) -> Block:
    """Converse's cache point for Anthropic's `cache_control`; a lifetime is kept."""
    ttl = mark.get("ttl") if isinstance(mark, dict) else None
    return {"type": "default"} if ttl is None else {"type": "default", "ttl": ttl}


def _s3(uri: str, file: Mapping[str, Any]) -> Block:
    owner = file.get("bucket_owner")
    place = {"uri": uri} if not isinstance(owner, str) else {"uri": uri, "bucketOwner": owner}
    return {"s3Location": place}


def _text(part: Mapping[str, Any], where: str, member: str) -> Block | None:
    text = part.get(member)
    if not isinstance(text, str):
        raise EncodeError(f"{where}.{member}: a text was expected", f"{where}.{member}")
    return {"text": text} if text and not text.isspace() else None
