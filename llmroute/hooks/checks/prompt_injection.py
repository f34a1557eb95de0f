"""Looks for the usual forms of prompt injection. A heuristic: it finds attempts that do not hide much.

Parameters: `threshold` (0.5: the score from which the check fails; every rule that matches adds its
weight), `rules` (all; names of the rules to apply). Texts are compared without case, accents, line ends,
invisible characters, and letters of other scripts that look like Latin ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import attrs

from ..base import Check, HookContext, Services, Verdict
from ..findings.spans import MAX_TEXT
from ..parameters import Parameters
from ..support.report import nothing, undecided
from .pii import known_names


@attrs.frozen
class Rule:
    """A pattern with bounded gaps, and how much a match weighs. `lines`: line ends mean something to it."""

    weight: float
    pattern: re.Pattern[str]
    lines: bool = False


_PRIOR: Final = (
    r"(?:all |any |the |your |these |those ){0,3}(?:previous|prior|above|earlier|preceding|original|system)"
)
_ORDERS: Final = r"(?:instruction|prompt|rule|direction|guideline|message|context|command|order)s?"

RULES: Final[Mapping[str, Rule]] = {
    "override": Rule(
        0.7,
        re.compile(
            rf"\b(?:ignore|disregard|forget|override|bypass|skip)\b.{{0,20}}\b{_PRIOR}\b.{{0,20}}\b{_ORDERS}\b"
        ),
    ),
    "override_everything": Rule(
        0.6,
        re.compile(
            r"\b(?:ignore|disregard|forget)\b.{0,10}\b(?:everything|all)\b.{0,15}\b(?:above|before|said|told)\b"
        ),
    ),
    "reveal": Rule(
        0.6,
        re.compile(
            r"\b(?:reveal|print|repeat|show|output|display|leak|tell me)\b.{0,30}"
            r"\b(?:system|hidden|initial|secret|developer)\b.{0,10}\b(?:prompt|instruction|message|rule)s?\b"
        ),
    ),
    "new_role": Rule(
        0.4,
        re.compile(
            r"\byou (?:are|will be|shall be) (?:now|no longer)\b|\bfrom now on,? you\b"
            r"|\bact as (?:if|though) you\b"
        ),
    ),
    "unrestricted": Rule(
        0.5,
        re.compile(
            r"\b(?:without|no|free of|ignore)\b.{0,15}"
            r"\b(?:restriction|filter|limitation|censorship|safety|ethical|guideline)s?\b"
        ),
    ),
    "jailbreak": Rule(
        0.6,
        re.compile(
            r"\b(?:jailbreak|do anything now|dan mode|developer mode|god mode|opposite mode|evil confidant)\b"
        ),
    ),
    "role_markup": Rule(
        0.6,
        re.compile(
            r"<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[/?inst\]|<</?sys>>|</?system>"
            r"|^\s{0,5}#{2,4} ?system\b",
            re.M,
        ),
        lines=True,
    ),
    "exfiltration": Rule(
        0.5,
        re.compile(
            r"!\[[^\[\]\n]{0,100}\]\(https?://[^)\s?]{1,500}\?[^)\s]{0,200}?(?:data|q|secret|prompt|text)="
        ),
    ),
    "hidden_text": Rule(0.5, re.compile("[\U000e0020-\U000e007f]{4}")),
}

#: Combining accents, and what has no width.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
#: Cyrillic and Greek small letters, and the Latin ones that they look like.
_ALIKE: Final = str.maketrans("аеорсухіѕјһԁԛԝѵαεικνορτυ", "aeopcyxisjhdqwvaeiknoptu")

#: How much longer a text may become when it is written out: three times is usual for Korean, while a
#: single ligature may be 18 characters and cost as much.
_GROWTH: Final = 4


def _plain(text: str) -> str:
    """The text without disguises."""
    if text.isascii():
        return text.lower()
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return plain.translate(_ALIKE)


def build(parameters: Parameters, services: Services) -> Check:
    """No text is no attempt: the check has nothing to judge."""
    threshold = parameters.number("threshold", 0.5, low=0.01, high=10)
    names = known_names(parameters, "rules", tuple(RULES))
    parameters.done()
    rules = {name: rule for name, rule in RULES.items() if name in names}

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing(passed=True)
        if len(text) > MAX_TEXT:
            return undecided(f"The text has more than {MAX_TEXT:,} characters.")
        plain = _plain(text)
        if len(plain) > min(MAX_TEXT, _GROWTH * len(text)):
            return undecided("The text is too long when it is written out.")
        words = " ".join(plain.split())
        matched = [
            name for name, rule in rules.items() if rule.pattern.search(plain if rule.lines else words)
        ]
        score = round(sum(rules[name].weight for name in matched), 2)
        passed = score < threshold
        explanation = "No sign of an injection." if passed else "The text looks like a prompt injection."
        data = {"verdict": passed, "explanation": explanation, "score": score, "threshold": threshold}
        return Verdict(passed, {**data, "rules": matched})

    return check
