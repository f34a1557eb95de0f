"""Secrets in a text: keys and tokens by the forms that their issuers document."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from .spans import Finding, without_overlaps

_EDGE: Final = r"(?<![A-Za-z0-9_-])"
_END: Final = r"(?![A-Za-z0-9_-])"

PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "private_key": re.compile(
        r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s:,.\\-]{0,8000}?"
        r"(?:-----END (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    ),
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
NAMES: Final = (*PATTERNS, GENERIC_NAME)

#: Bits a character that random texts have and words have not.
MIN_ENTROPY: Final = 3.5


def find(text: str, names: frozenset[str]) -> list[Finding]:
    """The secrets of the kinds in `names`, in the order of the text, without overlaps."""
    return without_overlaps(_all(text, names))


def _all(text: str, names: frozenset[str]) -> Iterator[Finding]:
    for name, pattern in PATTERNS.items():
        if name in names:
            for match in pattern.finditer(text):
                yield _finding(name, match)
    if GENERIC_NAME in names:
        for match in GENERIC.finditer(text):
            if _entropy(match[1]) >= MIN_ENTROPY:
                yield _finding(GENERIC_NAME, match)


def _finding(name: str, match: re.Match[str]) -> Finding:
    """The secret alone, where the pattern also looks at what stands before it."""
    group = 1 if match.re.groups else 0
    return Finding(name, match.start(group), match.end(group))


def _entropy(text: str) -> float:
    counts = [text.count(char) / len(text) for char in set(text)]
    return -sum(share * math.log2(share) for share in counts)
