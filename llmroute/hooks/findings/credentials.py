"""Secrets in a text: keys and tokens by the forms that their issuers document."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from .spans import Finding, Kind, find_all


def _token(first: str, rest: str) -> re.Pattern[str]:
    """`first`, which the engine skips to, at the beginning of a word; then `rest` up to the end of one."""
    return re.compile(rf"{first}(?<![A-Za-z0-9_-]{first}){rest}(?![A-Za-z0-9_-])")


PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "aws_access_key": _token("A", r"(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}"),
    "aws_secret_key": re.compile(
        r"(?i:aws.{0,20}?secret.{0,20}?[\s\"':=]{1,5})([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
    ),
    "github_token": _token("g", r"(?:h[pousr]_[A-Za-z0-9]{36,255}|ithub_pat_[A-Za-z0-9_]{22,255})"),
    "gitlab_token": _token("gl", r"(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_-]{20,64}"),
    "anthropic_key": _token("sk-ant-", r"[A-Za-z0-9_-]{20,200}"),
    "openai_key": _token("sk-", r"(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}"),
    "google_api_key": _token("AIza", r"[A-Za-z0-9_-]{35}"),
    "huggingface_token": _token("hf_", r"[A-Za-z0-9]{30,64}"),
    "slack_token": _token("xox", r"[abeoprs]-[A-Za-z0-9-]{10,250}"),
    "slack_webhook": re.compile(r"https://hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,100}"),
    "stripe_key": _token("[rsw]", r"(?:k|hsec)_(?:live_|test_)?[A-Za-z0-9]{20,250}"),
    "twilio_key": _token("[AS]", r"[CK][0-9a-f]{32}"),
    "sendgrid_key": _token(r"SG\.", r"[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"),
    "npm_token": _token("npm_", r"[A-Za-z0-9]{36}"),
    "pypi_token": _token("pypi-AgE", r"[A-Za-z0-9_-]{50,300}"),
    "azure_storage_key": re.compile(r"AccountKey=([A-Za-z0-9+/]{80,90}={0,2})"),
    "jwt": _token("eyJ", r"[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}"),
    "url_password": re.compile(r"://(?<=[a-z0-9]://)[^\s:/@\"'<>]{1,100}:([^\s:/@\"'<>]{3,200})@"),
}

#: `name = value` where the name speaks of a secret and the value looks random. Only when asked for.
GENERIC: Final = re.compile(
    r"(?i:(?:api[_-]?key|secret|token|passw(?:or)?d|credential)s?[\"']?\s{0,5}[:=]\s{0,5}[\"']?)"
    r"([A-Za-z0-9_+/=.-]{16,200})"
)
GENERIC_NAME: Final = "generic"
PRIVATE_KEY: Final = "private_key"
NAMES: Final = (PRIVATE_KEY, *PATTERNS, GENERIC_NAME)

#: Bits a character that random texts have and words have not.
MIN_ENTROPY: Final = 3.5


@attrs.frozen
class _Pattern:
    """Secrets of one form: the group of the pattern where it has one, which must look random if so asked."""

    name: str
    pattern: re.Pattern[str]
    entropy: float = 0.0

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        group = 1 if self.pattern.groups else 0
        for match in self.pattern.finditer(text):
            if not self.entropy or _entropy(match[group]) >= self.entropy:
                yield match.span(group)


_LABEL: Final = r"(?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_BEGIN: Final = re.compile("-----BEGIN " + _LABEL)
_FINISH: Final = re.compile("-----END " + _LABEL)
_BODY: Final = re.compile(r"[A-Za-z0-9+/=\s\\]{0,8000}+")
_DENSE: Final = re.compile(r"[A-Za-z0-9+/=]{40}")
#: Characters of the longest key.
_MAX_KEY: Final = 8_000


class _PrivateKeys:
    """Blocks from BEGIN to END; one that is cut off ends with its last line of characters of a key."""

    name = PRIVATE_KEY

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        position = finish = finish_end = 0
        while (begin := _BEGIN.search(text, position)) is not None:
            position = begin.end()
            if finish < position:
                # Searched for once per END: none is infinitely far away.
                found = _FINISH.search(text, position)
                finish, finish_end = found.span() if found else (len(text) + _MAX_KEY + 1, 0)
            if finish - position <= _MAX_KEY:
                yield begin.start(), finish_end
                position = finish_end
                continue
            body = _BODY.match(text, position)
            if body is not None and _DENSE.search(body[0]):
                yield begin.start(), body.end()
                position = body.end()


def find(text: str, names: frozenset[str]) -> list[Finding]:
    """The secrets of the kinds in `names`, in the order of the text, without overlaps."""
    kinds: list[Kind] = [_PrivateKeys()] if PRIVATE_KEY in names else []
    kinds += [_Pattern(name, pattern) for name, pattern in PATTERNS.items() if name in names]
    if GENERIC_NAME in names:
        kinds.append(_Pattern(GENERIC_NAME, GENERIC, MIN_ENTROPY))
    return find_all(text, kinds)


def _entropy(text: str) -> float:
    counts = [text.count(char) / len(text) for char in set(text)]
    return -sum(share * math.log2(share) for share in counts)
