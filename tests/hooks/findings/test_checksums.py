"""Check digits: every single wrong digit is noticed."""

from __future__ import annotations

import pytest

from llmroute.hooks.findings import checksums

NUMBERS = [
    (checksums.luhn, "4111111111111111"),
    (checksums.iban, "NL91ABNA0417164300"),
    (checksums.eleven_test, "111222333"),
    (checksums.cpf, "11144477735"),
    (checksums.pesel, "44051401359"),
    (checksums.mod_11_10, "86095742719"),
    (checksums.german_tax_id, "86095742719"),
    (checksums.verhoeff, "234123412346"),
]


@pytest.mark.parametrize(("test", "number"), NUMBERS)
def test_one_wrong_digit_is_noticed(test, number):
    """Which is what check digits are for."""
    wrong = [
        number[:at] + digit + number[at + 1 :]
        for at, right in enumerate(number)
        for digit in "0123456789"
        if right.isdigit() and digit != right
    ]

    assert test(number)
    assert [] == [each for each in wrong if test(each)]


def test_a_spanish_letter_follows_from_the_number():
    """The remainder by 23."""
    assert ["Z", "R", "T"] == [checksums.spanish_letter(number) for number in (12345678, 1, 0)]
