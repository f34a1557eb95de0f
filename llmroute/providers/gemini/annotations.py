"""Sources that an answer is grounded on or quotes, as OpenAI's `annotations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]

#: Kinds of a grounding chunk.
_SOURCES: Final = ("web", "maps", "retrievedContext", "image")
#: Annotations of one answer.
_MAX: Final = 1_024


class _Offsets:
    """Byte offsets into a text as character offsets: Gemini counts bytes, OpenAI characters."""

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "surrogatepass")
        self._plain = len(self._data) == len(text)

    def character(self, offset: Any) -> int:
        if type(offset) is not int or offset <= 0:
            return 0
        if self._plain:
            return min(offset, len(self._data))
        return len(self._data[:offset].decode("utf-8", "ignore"))


def annotations_of(candidate: Mapping[str, Any], text: str) -> list[Json]:
    """`url_citation` annotations for a candidate's grounding and citation metadata.

    `text` is the whole text of the answer. A source that no part of the text is traced to is
    annotated with an empty span at its start.
    """
    grounding, citations = candidate.get("groundingMetadata"), candidate.get("citationMetadata")
    if not grounding and not citations:
        return []
    offsets = _Offsets(text)
    found = [*_grounded(grounding, offsets), *_cited(citations, offsets)]
    return found[:_MAX]


def _grounded(metadata: Any, offsets: _Offsets) -> list[Json]:
    chunks = metadata.get("groundingChunks") if isinstance(metadata, Mapping) else None
    if not isinstance(chunks, list):
        return []
    sources = [_source(chunk) for chunk in chunks[:_MAX]]
    supports = metadata.get("groundingSupports")
    found: list[Json] = []
    used: set[int] = set()
    for support in supports[:_MAX] if isinstance(supports, list) else ():
        segment = support.get("segment") if isinstance(support, Mapping) else None
        indices = support.get("groundingChunkIndices") if isinstance(support, Mapping) else None
        if not isinstance(segment, Mapping) or not isinstance(indices, list) or len(found) >= _MAX:
            continue
        start, end = offsets.character(segment.get("startIndex")), offsets.character(segment.get("endIndex"))
        for index in indices[:_MAX]:
            source = sources[index] if type(index) is int and 0 <= index < len(sources) else None
            if source is not None:
                used.add(index)
                found.append(_annotation(source, start, end))
    found += [_annotation(s, 0, 0) for i, s in enumerate(sources) if s is not None and i not in used]
    return found


def _source(chunk: Any) -> tuple[str, str] | None:
    for kind in _SOURCES:
        source = chunk.get(kind) if isinstance(chunk, Mapping) else None
        if isinstance(source, Mapping):
            url = source.get("uri") or source.get("sourceUri")
            if isinstance(url, str):
                title = source.get("title")
                return url, title if isinstance(title, str) else ""
    return None


def _cited(metadata: Any, offsets: _Offsets) -> list[Json]:
    """`citationSources` of the Gemini API, `citations` of Vertex AI."""
    if not isinstance(metadata, Mapping):
        return []
    entries = metadata.get("citationSources") or metadata.get("citations")
    found = []
    for entry in entries[:_MAX] if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping):
            continue
        url, title = entry.get("uri"), entry.get("title") or entry.get("license")
        source = (url if isinstance(url, str) else "", title if isinstance(title, str) else "")
        start, end = offsets.character(entry.get("startIndex")), offsets.character(entry.get("endIndex"))
        found.append(_annotation(source, start, end))
    return found


def _annotation(source: tuple[str, str], start: int, end: int) -> Json:
    url, title = source
    citation = {"start_index": start, "end_index": max(start, end), "url": url, "title": title}
    return {"type": "url_citation", "url_citation": citation}
