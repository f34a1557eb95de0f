"""Findings in a text, and putting something in their place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

import attrs

#: Texts longer than this are not searched: the check reports that it could not judge.
MAX_TEXT = 1_000_000


@attrs.define  # treated as frozen
class Finding:
    """One finding: its kind and where it stands."""

    kind: str
    start: int
    end: int


def without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of the text; of two that overlap the one that was found first stays."""
    kept: list[Finding] = []
    for finding in findings:
        # What is kept does not overlap, so only the neighbours can be in the way.
        at = bisect_left(kept, finding.start, key=_start)
        free = at == 0 or kept[at - 1].end <= finding.start
        if free and (at == len(kept) or kept[at].start >= finding.end):
            kept.insert(at, finding)
    return kept


def _start(finding: Finding) -> int:
    return finding.start


def replaced(text: str, findings: Sequence[Finding], replacement: Callable[[str, str], str]) -> str:
    """The text with `replacement(kind, found text)` for each finding; `findings` as from without_overlaps."""
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
