"""Findings in a text, and putting something in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import attrs

#: Texts longer than this are not searched: the check reports that it could not judge.
MAX_TEXT = 1_000_000


@attrs.define  # treated as frozen
class Finding:
    """One finding: its kind and where it stands."""

    kind: str
    start: int
    end: int


class Kind(Protocol):
    """Something to look for: its name, and where it stands in a text."""

    @property
    def name(self) -> str: ...

    def spans(self, text: str) -> Iterable[tuple[int, int]]:
        """Start and end of each one, in the order of the text, without overlaps."""


def find_all(text: str, kinds: Iterable[Kind]) -> list[Finding]:
    """What the kinds find, in the order of the text, without overlaps.

    Each kind looks only at what those before it have left, so that what stands beside a finding, or was
    taken for a part of it, is found as well.
    """
    findings: list[Finding] = []
    for kind in kinds:
        found = list(kind.spans(text))
        if found:
            findings += [Finding(kind.name, start, end) for start, end in found]
            text = _blanked(text, found)
    return sorted(findings, key=lambda finding: finding.start)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts, position = [], 0
    for start, end in spans:
        parts += [text[position:start], "\0" * (end - start)]
        position = end
    return "".join([*parts, text[position:]])


def replaced(text: str, findings: Sequence[Finding], replacement: Callable[[str, str], str]) -> str:
    """The text with `replacement(kind, found text)` for each finding; `findings` as from find_all."""
    if not findings:
        return text
    parts, position = [], 0
    for finding in findings:
        parts.append(text[position : finding.start])
        parts.append(replacement(finding.kind, text[finding.start : finding.end]))
        position = finding.end
    return "".join([*parts, text[position:]])


def counted(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """How many of each kind, most first; never what was found."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"type": kind, "count": count} for kind, count in ordered]
