"""Check digits, which tell numbers of a kind from other digits."""

from __future__ import annotations

from itertools import cycle


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


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of the digits, each times its weight; the weights begin anew where they end."""
    return sum(int(digit) * weight for digit, weight in zip(digits, cycle(weights), strict=False))


def eleven_test(digits: str) -> bool:
    """The Dutch BSN: 9, 8, ..., 2, -1 as weights, divisible by 11."""
    return weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and digits != "000000000"


def cpf(digits: str) -> bool:
    """The Brazilian CPF: two check digits modulo 11."""
    if digits == digits[0] * 11:
        return False
    first = weighted(digits[:9], tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = weighted(digits[:10], tuple(range(11, 1, -1))) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}"


def pesel(digits: str) -> bool:
    """The Polish PESEL: weights 1, 3, 7, 9."""
    return (10 - weighted(digits[:10], (1, 3, 7, 9)) % 10) % 10 == int(digits[10])


def spanish_letter(number: int) -> str:
    """The letter of a Spanish DNI or NIE."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def mod_11_10(digits: str) -> bool:
    """ISO 7064 MOD 11,10: the German tax identification number."""
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
