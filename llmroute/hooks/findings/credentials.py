"""Secrets in a text: keys and tokens by the forms that their issuers document."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from .spans import Finding, Kind, find_all

_EDGE: Final = r"(?<![A-Za-z0-9_-])"
_END: Final = r"(?![A-Za-z0-9_-])"

PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "aws_access_key": re.compile(_EDGE + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}" + _END),
    "aws_secret_key": re.compile(
        r"(?i:aws.{0,20}?secret.{0,20}?[\s\"':=]{1,5})([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
    ),
    "github_token": re.compile(
        _EDGE + r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})" + _END
    ),
    "gitlab_token": re.compile(_EDGE + r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_-]{20,64}" + _END),
    "anthropic_key": re.compile(_EDGE + r"sk-ant-[A-Za-z0-9_-]{20,200}" + _END),
    "openai_key": re.compile(_EDGE + r"sk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}" + _END),
    "google_api_key": re.compile(_EDGE + r"AIza[A-Za-z0-9_-]{35}" + _END),
    "huggingface_token": re.compile(_EDGE + r"hf_[A-Za-z0-9]{30,64}" + _END),
    "slack_token": re.compile(_EDGE + r"xox[abeoprs]-[A-Za-z0-9-]{10,250}" + _END),
    "slack_webhook": re.compile(r"https://hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,100}"),
    "stripe_key": re.compile(_EDGE + r"(?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{20,250}" + _END),
    "twilio_key": re.compile(_EDGE + r"(?:SK|AC)[0-9a-f]{32}" + _END),
    "sendgrid_key": re.compile(_EDGE + r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}" + _END),
    "npm_token": re.compile(_EDGE + r"npm_[A-Za-z0-9]{36}" + _END),
    "pypi_token": re.compile(_EDGE + r"pypi-AgE[A-Za-z0-9_-]{50,300}" + _END),
    "azure_storage_key": re.compile(r"AccountKey=([A-Za-z0-9+/]{80,90}={0,2})"),
    "jwt": re.compile(
        _EDGE + r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}" + _END
    ),
    "url_password": re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{1,100}:([^\s:/@\"'<>]{3,200})@"),
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
