"""Findings in a text, and putting something in their place."""

from __future__ import annotations

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
        if all(finding.end <= other.start or finding.start >= other.end for other in kept):
            kept.append(finding)
    return sorted(kept, key=lambda finding: finding.start)


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
