"""Texts that were cut out of a list of content blocks, put back in their places.

An OpenAI message holds the text of an answer in one piece. Where the provider wants the answer's
blocks back in their order, the message's `provider_state` has an entry for each: opaque blocks whole,
texts as `{"type": "text", "length": N}` (in characters), since callers may change the text itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def are_entries(value: Any) -> bool:
    """Whether `value` is a list of entries: objects with a `type`."""
    return isinstance(value, (list, tuple)) and all(
        isinstance(entry, dict) and isinstance(entry.get("type"), str) for entry in value
    )


def placed(entries: Sequence[Json], content: str | Sequence[Json] | None) -> tuple[list[Json], bool]:
    """The blocks in their first order, and whether the text is still the one that was marked.

    `content` is the message's as it is now. Text that is as long as it was is cut up again; changed
    text goes whole to the place of the first mark, or to the end where there is none.
    """
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())
    cuts = _cuts(entries, blocks)
    rest = [block for block in blocks if block.get("text") != ""] if cuts is None else []
    found: list[Json] = []
    for entry in entries:
        if entry["type"] != "text":
            found.append(entry)
        elif cuts is not None:
            found.append({"type": "text", "text": cuts.pop(0)})
        else:
            found += rest
            rest = []
    return found + rest, cuts is not None


def _cuts(entries: Sequence[Json], blocks: list[Json]) -> list[str] | None:
    """The text of each mark, None when the lengths do not match."""
    lengths: list[int] = []
    for entry in entries:
        if entry["type"] == "text":
            length = entry.get("length")
            if type(length) is not int or length < 0:
                return None
            lengths.append(length)
    if any(block.get("type") != "text" for block in blocks):
        return None
    whole = "".join(block.get("text", "") for block in blocks)
    if sum(lengths) != len(whole):
        return None
    cuts, start = [], 0
    for length in lengths:
        cuts.append(whole[start : start + length])
        start += length
    return cuts
