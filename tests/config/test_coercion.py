"""JSON values read as JavaScript reads them."""

from __future__ import annotations

import pytest

from llmroute.config.coercion import TooLargeError, exact_number, number_of, text_of

TEXTS = [
    ("abc", "abc"),
    (None, "null"),
    (True, "true"),
    (False, "false"),
    (1, "1"),
    (1.0, "1"),
    (-0.0, "0"),
    (0.5, "0.5"),
    (-12.5, "-12.5"),
    (1e20, "100000000000000000000"),
    (1e21, "1e+21"),
    (-1.5e300, "-1.5e+300"),
    (123456789012345680000.0, "123456789012345680000"),
    (0.000001, "0.000001"),
    (1e-7, "1e-7"),
    (1.25e-9, "1.25e-9"),
    (5e-324, "5e-324"),
    (2**53, "9007199254740992"),
    (2**53 + 1, "9007199254740992"),
    (10**21, "1e+21"),
    (10**400, "Infinity"),
    (-(10**400), "-Infinity"),
    (float("nan"), "NaN"),
    (float("-inf"), "-Infinity"),
    ([], ""),
    (["a", "b"], "a,b"),
    ([1.0, None, True, "x"], "1,,true,x"),
    ([None], ""),
    ([[1, 2], [3, [4]]], "1,2,3,4"),
    ({"a": 1}, "[object Object]"),
    ([{}, ()], "[object Object],"),
]

NUMBERS = [
    (5, 5),
    (-0.5, -0.5),
    ("10", 10),
    ("10abc", 10),
    ("1e3", 1000),
    ("0x10", 0),
    ("1_000", 1),
    ("1,5", 1),
    (".5", 0.5),
    ("5.", 5),
    ("-.5e-1x", -0.05),
    ("+7", 7),
    ("1e", 1),
    ("1e+", 1),
    ("  10 ", 10),
    ("\ufeff\u00a0\u3000\n7", 7),
    ("Infinity", float("inf")),
    ("-Infinityx", float("-inf")),
    ("1e400", float("inf")),
    ([5], 5),
    (["6", 7], 6),
    ([[["8"]]], 8),
    ("2024-12-31", 2024),
    ("", None),
    (".", None),
    ("-", None),
    ("e5", None),
    ("abc", None),
    ("infinity", None),
    ("nan", None),
    ("\u0661", None),
    ("\u00855", None),
    (True, None),
    (None, None),
    (float("nan"), None),
    ([], None),
    ([None, 5], None),
    ([True], None),
    ({"a": 1}, None),
]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=repr)
def test_a_value_as_text_is_what_String_gives(value, text):
    """Numbers are written as Number::toString does, lists joined by commas with null as nothing."""
    assert text == text_of(value, 1000)


@pytest.mark.parametrize(("value", "number"), NUMBERS, ids=repr)
def test_a_value_as_number_is_what_parseFloat_gives(value, number):
    """The longest decimal number that the text begins with; None for NaN."""
    assert number == number_of(value)


EXACT = [
    (5, 5),
    (" 1e3 ", 1000),
    ("-.5", -0.5),
    ("10abc", None),
    ("2024-01-01", None),
    ("", None),
    (True, None),
    (None, None),
    ([5], None),
    ({}, None),
]


@pytest.mark.parametrize(("value", "number"), EXACT, ids=repr)
def test_an_exact_number_is_a_number_to_its_end(value, number):
    """Spaces around it do not count."""
    assert number == exact_number(value)


def endless() -> list[object]:
    """A list that holds itself."""
    values: list[object] = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    "value",
    ["x" * 1001, ["x" * 600, "x" * 600], [None] * 2000, [[None] * 600, [None] * 600], endless()],
    ids=["text", "texts", "nulls", "nested", "endless"],
)
def test_a_text_is_never_longer_than_asked_for(value):
    """Beyond the limit there is no text at all."""
    with pytest.raises(TooLargeError):
        text_of(value, 1000)


def test_a_list_that_holds_itself_is_no_number():
    """Reading ends after 64 lists inside one another."""
    assert number_of(endless()) is None
