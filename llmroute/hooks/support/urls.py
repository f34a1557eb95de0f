"""URLs in text: as the reference finds them, and as a reader does."""

from __future__ import annotations

import re
from typing import Final

from .javascript import WHITESPACE

_RECORDED = re.compile(rf"https?://[^{WHITESPACE},\"'{{}}\[\]]+")
_WRITTEN = re.compile(rf"https?://[^{WHITESPACE}\"<>`|\\^]+", re.IGNORECASE)
# A domain without a scheme: only with `www.`, or where a path or a common ending says what it is.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_BARE = re.compile(
    rf"(?<![\w@./:-])(?:www\.)?(?:{_LABEL}\.){{1,8}}(?:com|org|net|io|dev|ai|co|edu|gov|info|app|eu|de|fr|uk|ch|at|nl"
    rf"|it|es|jp|cn|in|br|au|ca|us)(?![\w-])(?::\d{{1,5}})?(?:/[^{WHITESPACE}\"<>`|\\^]*)?",
    re.IGNORECASE,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_MARKS = ".,;:!?'*_~\u2019\u201d\u3002\uff0c\uff01\uff1f"
#: Longer ones are no URLs anybody would look up.
MAX_URL: Final = 2_048


def recorded_urls(text: str) -> list[str]:
    """`http://` or `https://` up to whitespace, commas, quotes, braces or brackets; marks at the end stay."""
    return _RECORDED.findall(text)


def clean_urls(text: str, *, bare: bool = False) -> list[str]:
    """URLs without the punctuation of the sentence around them; with `bare`, domains without scheme, too."""
    found = [(match.start(), match.end(), match[0]) for match in _WRITTEN.finditer(text)]
    urls = [(start, _trimmed(url)) for start, _, url in found]
    if bare:
        spans = [(start, end) for start, end, _ in found]
        position = 0
        for match in _BARE.finditer(text):
            while position < len(spans) and spans[position][1] <= match.start():
                position += 1
            if position == len(spans) or match.end() <= spans[position][0]:
                urls.append((match.start(), "https://" + _trimmed(match[0])))
    return [url for _, url in sorted(urls) if len(url) > len("https://")]


def _trimmed(url: str) -> str:
    """Without marks at the end that belong to the sentence; brackets stay where they are closed."""
    end = len(url)
    while 0 < end <= MAX_URL and _belongs_outside(url, end):
        end -= 1
    return url[:end]


def _belongs_outside(url: str, end: int) -> bool:
    last = url[end - 1]
    if last in _PAIRS:
        return url.count(last, 0, end) > url.count(_PAIRS[last], 0, end)
    return last in _MARKS
