"""Personal data in a text: each kind a pattern that cannot run away, and a test of what it found.

Kinds with a check digit are reported only where it holds. Patterns begin at the edge of a word, so
that each place of a text is tried once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from .checksums import cpf, eleven_test, iban, luhn, mod_11_10, pesel, spanish_letter, verhoeff
from .spans import Finding, without_overlaps


@attrs.frozen
class Kind:
    """A kind of personal data: where to look, and whether it is one."""

    name: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = lambda text: True


def _digits(text: str) -> str:
    return "".join(char for char in text if "0" <= char <= "9")


def _card(text: str) -> bool:
    digits = _digits(text)
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn(digits) and len(set(digits)) > 1


def _iban(text: str) -> bool:
    compact = text.replace(" ", "").replace("-", "").upper()
    return 15 <= len(compact) <= 34 and iban(compact)


def _phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15


def _address(text: str) -> bool:
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


def _german(text: str) -> bool:
    digits = _digits(text)
    return len(digits) == 11 and digits[0] != "0" and len(set(digits[:10])) in (8, 9) and mod_11_10(digits)


_EDGE: Final = r"(?<![\w.@-])"
_END: Final = r"(?![\w@])(?![.-]\w)"

KINDS: Final[Sequence[Kind]] = (
    Kind(
        "email",
        re.compile(
            r"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
        ),
    ),
    Kind(
        "iban",
        re.compile(_EDGE + r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?" + _END),
        _iban,
    ),
    Kind("credit_card", re.compile(r"(?<![\w.-])[2-6][0-9]{3}(?:[ -]?[0-9]{1,4}){2,5}(?![\w-])"), _card),
    Kind("us_ssn", re.compile(_EDGE + r"[0-9]{3}-[0-9]{2}-[0-9]{4}" + _END), _ssn),
    Kind(
        "uk_nino", re.compile(_EDGE + r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:[0-9]{2} ?){3}[A-D]" + _END)
    ),
    Kind("es_id", re.compile(_EDGE + r"(?:[0-9]{8}|[XYZxyz]-?[0-9]{7})-?[A-Za-z]" + _END), _spanish),
    Kind(
        "it_fiscal_code", re.compile(_EDGE + r"[A-Z]{6}[0-9]{2}[A-EHLMPR-T][0-9]{2}[A-Z][0-9]{3}[A-Z]" + _END)
    ),
    Kind(
        "br_cpf",
        re.compile(_EDGE + r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}" + _END),
        lambda text: cpf(_digits(text)),
    ),
    Kind("pl_pesel", re.compile(_EDGE + r"[0-9]{11}" + _END), lambda text: pesel(_digits(text))),
    Kind("de_tax_id", re.compile(_EDGE + r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}" + _END), _german),
    Kind(
        "in_aadhaar",
        re.compile(_EDGE + r"[2-9][0-9]{3} ?[0-9]{4} ?[0-9]{4}" + _END),
        lambda t: verhoeff(_digits(t)),
    ),
    Kind("nl_bsn", re.compile(_EDGE + r"[0-9]{9}" + _END), lambda text: eleven_test(_digits(text))),
    Kind(
        "ip_address", re.compile(r"(?<![\w.:-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-])(?!\.[0-9])"), _address
    ),
    Kind(
        "ip_address", re.compile(r"(?<![\w.:-])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"), _address
    ),
    Kind(
        "phone",
        re.compile(
            r"(?<![\w.+-])(?:\+[0-9]{1,3}(?:[ .-]?\(?[0-9]{1,5}\)?){2,6}"
            r"|\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}|0[0-9]{2,4}[ /-][0-9]{3,8}(?:[ -]?[0-9]{1,4}){0,2})(?![\w-])"
        ),
        _phone,
    ),
)

NAMES: Final = tuple(dict.fromkeys(kind.name for kind in KINDS))


def find(text: str, names: frozenset[str]) -> list[Finding]:
    """The personal data of the kinds in `names`, in the order of the text, without overlaps."""
    return without_overlaps(_all(text, names))


def _all(text: str, names: frozenset[str]) -> Iterator[Finding]:
    for kind in KINDS:
        if kind.name in names:
            for match in kind.pattern.finditer(text):
                if kind.holds(match[0]):
                    yield Finding(kind.name, match.start(), match.end())
