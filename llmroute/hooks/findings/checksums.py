"""Check digits, which tell numbers of a kind from other digits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Final

_LENGTHS: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
#: Characters of an IBAN by country (SWIFT, IBAN Registry).
IBAN_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: payment cards."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if position % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: the number read with its first four characters last is 1 modulo 97."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of the digits, each times its weight; the weights begin anew where they end."""
    return sum(int(digit) * weight for digit, weight in zip(digits, cycle(weights), strict=False))


def eleven_test(digits: str) -> bool:
    """The Dutch BSN: 9, 8, ..., 2, -1 as weights, divisible by 11."""
    return weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and digits != "000000000"


def cpf(digits: str) -> bool:
    """The Brazilian CPF: two check digits modulo 11."""
    if digits == digits[0] * 11:
        return False
    for length in (9, 10):
        if int(digits[length]) != weighted(digits[:length], range(length + 1, 1, -1)) * 10 % 11 % 10:
            return False
    return True


def pesel(digits: str) -> bool:
    """The Polish PESEL: a date, whose month also tells the century, and weights 1, 3, 7, 9."""
    dated = 1 <= int(digits[2:4]) % 20 <= 12 and 1 <= int(digits[4:6]) <= 31
    return dated and (10 - weighted(digits[:10], (1, 3, 7, 9)) % 10) % 10 == int(digits[10])


def spanish_letter(number: int) -> str:
    """The letter of a Spanish DNI or NIE."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def german_tax_id(digits: str) -> bool:
    """The German tax identification number: one of its first ten digits stands there two or three times, no
    other more than once; and ISO 7064 MOD 11,10.
    """
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    return counts[-1] in (2, 3) and counts[-2] == 1 and digits[0] != "0" and mod_11_10(digits)


def mod_11_10(digits: str) -> bool:
    """ISO 7064 MOD 11,10, of eleven digits."""
    product = 10
    for char in digits[:10]:
        total = (int(char) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_P = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(digits: str) -> bool:
    """The Indian Aadhaar number: the Verhoeff scheme."""
    check = 0
    for position, char in enumerate(reversed(digits)):
        check = int(_D[check][int(_P[position % 8][int(char)])])
    return check == 0
