"""Sets of characters as sorted ranges of code points that do not touch."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]

TOP = 0x10FFFF
ANY: Ranges = ((0, TOP),)
DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
"""WhiteSpace and LineTerminator of ECMA-262 12.2 and 12.3."""
LINE_END: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))


def normal(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters, sorted, with what overlaps or touches put together."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every other character."""
    gaps, start = [], 0
    for low, high in ranges:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= TOP:
        gaps.append((start, TOP))
    return tuple(gaps)


def single(ranges: Ranges) -> int | None:
    """The one character there is, if there is just one."""
    return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None


def ascii_letter(ranges: Ranges) -> int | None:
    """The small letter, where the ranges are an ASCII letter in both cases."""
    if len(ranges) == 2 and single(ranges[1:]) == ranges[0][0] + 32 and 0x41 <= ranges[0][0] <= 0x5A:
        return ranges[1][0]
    return None


def ignoring_case(ranges: Ranges) -> Ranges:
    """The characters and all that are the same to the flag `i`."""
    return with_families(ranges, *_case_table())


def with_families(ranges: Ranges, cased: list[int], families: dict[int, tuple[int, ...]]) -> Ranges:
    """The characters, and whole families of those among them that have one; `cased` are they, sorted."""
    added = []
    for low, high in ranges:
        for code in cased[bisect.bisect_left(cased, low) : bisect.bisect_right(cased, high)]:
            family = families[code]
            if not (low <= family[0] and family[-1] <= high):
                added += [(other, other) for other in family]
    return normal((*ranges, *added)) if added else ranges


@functools.cache
def _case_table() -> tuple[list[int], dict[int, tuple[int, ...]]]:
    """The characters that share their Canonicalize (ECMA-262 22.2.2.7.3) with others, and all who share it.

    Takes some milliseconds, so it waits for the first pattern with the flag.
    """
    by_capital: dict[str, list[int]] = {}
    for code in range(0x10000):
        char = chr(code)
        capital = char.upper()
        # More than one capital counts as none, and ASCII has no partners outside ASCII.
        if capital != char and len(capital) == 1 and (code < 128 or ord(capital) >= 128):
            by_capital.setdefault(capital, [ord(capital)]).append(code)
    families = {code: tuple(sorted(family)) for family in by_capital.values() for code in family}
    return sorted(families), families
