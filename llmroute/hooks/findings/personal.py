"""Personal data in a text: each kind a pattern that cannot run away, and a test of what it found.

Kinds with a check digit are reported only where it holds. Patterns begin with the characters that a finding
can begin with, which the engine skips to quickly, and then look back at the one before it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from .checksums import (
    IBAN_LENGTHS,
    cpf,
    eleven_test,
    german_tax_id,
    iban,
    luhn,
    pesel,
    spanish_letter,
    verhoeff,
)
from .spans import Finding, find_all


@attrs.frozen
class Kind:
    """A kind of personal data: where to look, and how much of what was found is one (0: it is none)."""

    name: str
    pattern: re.Pattern[str]
    length: Callable[[str], int] = len
    #: Without it in the text there is none, which is found out sooner.
    needle: str = ""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """See `spans.Kind`."""
        for match in self.pattern.finditer(text) if self.needle in text else ():
            length = self.length(match[0])
            if length:
                yield match.start(), match.start() + length


def _whole(test: Callable[[str], bool]) -> Callable[[str], int]:
    return lambda text: len(text) if test(text) else 0


def _number(test: Callable[[str], bool]) -> Callable[[str], int]:
    """All of it, when its digits pass the test."""
    return lambda text: len(text) if test(_digits(text)) else 0


def _digits(text: str) -> str:
    return "".join(char for char in text if "0" <= char <= "9")


def _card(digits: str) -> bool:
    return luhn(digits) and len(set(digits)) > 1


def _iban(text: str) -> int:
    """The IBAN that a run of groups begins with: how long it is, its country says."""
    wanted = IBAN_LENGTHS.get(text[:2].upper())
    if wanted is None:
        return 0
    end = count = 0
    while end < len(text) and count < wanted:
        count += text[end].isalnum()
        end += 1
    compact = text[:end].replace(" ", "").replace("-", "").upper()
    cut = end < len(text) and text[end].isalnum()
    return end if count == wanted and not cut and iban(compact) else 0


_DATE: Final = re.compile(r"[0-9]{2}[ ./-][0-9]{2}[ ./-](?:19|20)[0-9]{2}(?![0-9])")


def _national(text: str) -> bool:
    return 9 <= len(_digits(text)) <= 11 and _DATE.match(text) is None


_DIGITS: Final = frozenset("0123456789")


def _address(text: str) -> bool:
    # "::" and "a::b" are words of programming languages more often than addresses.
    if _DIGITS.isdisjoint(text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ssn(text: str) -> bool:
    area, group, serial = text[:3], text[4:6], text[7:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _spanish(text: str) -> bool:
    compact = text.upper().replace("-", "")
    number = compact[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return compact[-1] == spanish_letter(int(number))


def _pattern(
    first: str, rest: str, before: str = r"\w.@+-", end: str = r"(?![\w@])(?![.-]\w)"
) -> re.Pattern[str]:
    """`first`, one character, with none of `before` ahead of it; then `rest` up to an `end`."""
    return re.compile(rf"{first}(?<![{before}]{first}){rest}{end}")


_D: Final = "[0-9]"
_GROUP: Final = r"(?:[ -]?[A-Za-z0-9]{4})"
# A card or phone number may end a sentence, or stand in front of a date or another number.
_NO_DIGIT: Final = r"(?![A-Za-z0-9_])"
_NOT_INSIDE: Final = r"A-Za-z0-9_"

KINDS: Final[Sequence[Kind]] = (
    Kind(
        "email",
        re.compile(
            r"\w(?<![\w.%+-]\w)[\w.%+'-]{0,63}@(?:[\w-]{1,63}\.){1,8}(?:xn--[A-Za-z0-9-]{2,40}|[^\W\d_]{2,24})(?!\w)"
        ),
        needle="@",
    ),
    Kind(
        "iban", _pattern("[A-Za-z]", rf"[A-Za-z][0-9]{{2}}{_GROUP}{{2,7}}(?:[ -]?[A-Za-z0-9]{{1,3}})?"), _iban
    ),
    Kind(
        "credit_card",
        _pattern("[2-6]", r"(?<![0-9]\.[2-6])[0-9]{12,18}", _NOT_INSIDE, _NO_DIGIT),
        _number(_card),
    ),
    Kind(
        "credit_card",
        _pattern(
            "[2-6]", r"[0-9]{3}([ -]{1,2})[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}", _NOT_INSIDE, _NO_DIGIT
        ),
        _number(_card),
    ),
    Kind(
        "credit_card",
        _pattern("[2-6]", r"[0-9]{3}([ -]{1,2})(?:[0-9]{4}\1){2}[0-9]{4}", _NOT_INSIDE, _NO_DIGIT),
        _number(_card),
    ),
    Kind(
        "credit_card",
        _pattern("3", r"[0-9]{3}([ -]{1,2})[0-9]{6}\1[0-9]{4,5}", _NOT_INSIDE, _NO_DIGIT),
        _number(_card),
    ),
    Kind("us_ssn", _pattern(_D, r"[0-9]{2}-[0-9]{2}-[0-9]{4}"), _whole(_ssn)),
    Kind(
        "uk_nino", _pattern("[A-CEGHJ-PR-TW-Z]", r"[A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]")
    ),
    Kind("es_id", _pattern("[0-9XYZxyz]", r"-?[0-9]{7}-?[A-Za-z]"), _whole(_spanish)),
    Kind("it_fiscal_code", _pattern("[A-Z]", r"[A-Z]{5}[0-9]{2}[A-EHLMPR-T][0-9]{2}[A-Z][0-9]{3}[A-Z]")),
    Kind("br_cpf", _pattern(_D, r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}"), _number(cpf)),
    Kind("pl_pesel", _pattern(_D, r"[0-9]{10}"), _number(pesel)),
    Kind("de_tax_id", _pattern("[1-9]", r"[0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"), _number(german_tax_id)),
    Kind("in_aadhaar", _pattern("[2-9]", r"[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}"), _number(verhoeff)),
    Kind("nl_bsn", _pattern(_D, r"[0-9]{8}"), _number(eleven_test)),
    Kind(
        "ip_address",
        _pattern(
            "[0-9A-Fa-f:]",
            r"[0-9A-Fa-f]{0,3}(?::[0-9A-Fa-f]{0,4}){1,7}(?:(?<=:)(?:[0-9]{1,3}\.){3}[0-9]{1,3})?",
            r"\w.:-",
            r"(?![\w:])(?!\.[0-9])",
        ),
        _whole(_address),
    ),
    Kind(
        "ip_address",
        _pattern(_D, r"[0-9]{0,2}\.(?:[0-9]{1,3}\.){2}[0-9]{1,3}", r"\w.:-", r"(?![\w-])(?!\.[0-9])"),
        _whole(_address),
    ),
    # International, with + or 00.
    Kind("phone", _pattern(r"\+", r"[1-9](?:[ ()./-]{0,2}[0-9]){6,14}", r"\w+", _NO_DIGIT)),
    Kind("phone", _pattern("0", r"0[ .-]?[1-9](?:[ ()./-]{0,2}[0-9]){7,13}", r"\w.:+-", _NO_DIGIT)),
    # North American.
    Kind(
        "phone",
        _pattern(
            r"[(1-9]",
            r"(?:(?<=1)[ .-]\(?[0-9]{3}|(?<=\()[0-9]{3}|[0-9]{2})(?:\) ?|[ .-])[0-9]{3}[ .-][0-9]{4}",
            r"\w.+-",
            r"(?![\w-])",
        ),
    ),
    # National, with a trunk prefix.
    Kind(
        "phone",
        _pattern(r"[(0]", r"(?:(?<=\()0)?[1-9][0-9]{0,3}\)?(?:[ ./-]{0,2}[0-9]){5,9}", r"\w.:/+-", _NO_DIGIT),
        _whole(_national),
    ),
)

NAMES: Final = tuple(dict.fromkeys(kind.name for kind in KINDS))

#: Digits and separators of other scripts, and their ASCII forms: as long as what they stand for.
_PLAIN: Final = {
    **{zero + digit: str(digit) for zero in (0x660, 0x6F0, 0x966, 0xFF10) for digit in range(10)},
    **dict.fromkeys((0xA0, 0x2007, 0x2009, 0x202F, 0x3000), " "),
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFF0D), "-"),
    0xFF0E: ".",
    0xFF20: "@",
}


def find(text: str, names: frozenset[str]) -> list[Finding]:
    """The personal data of the kinds in `names`, in the order of the text, without overlaps."""
    plain = text if text.isascii() else text.translate(_PLAIN)
    return find_all(plain, (kind for kind in KINDS if kind.name in names))
