"""retry_after_of: which values of the retry-after headers mean how many seconds."""

from __future__ import annotations

import math

import pytest
from multidict import CIMultiDict

from llmroute.wire.retry_after import http_date, retry_after_of

#: Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110.
NOW = 784111777.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("0001", 1.0),
        ("0.4", 0.4),
        (" 2 ", 2.0),
        ("61", 61.0),
        ("1000000000", 1e9),
        ("9" * 400, math.inf),
        ("9" * 5000, math.inf),
        ("Sun, 06 Nov 1994 08:49:39 GMT", 2.0),
        ("Sunday, 06-Nov-94 08:49:39 GMT", 2.0),
        ("Sun Nov  6 08:49:39 1994", 2.0),
        ("Sun, 06 Nov 1994 08:49:30 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 252618189022.0),
    ],
)
def test_seconds_and_http_dates_are_read(value: str, seconds: float) -> None:
    """Whole and broken seconds, and the three forms of dates of RFC 9110 against the given time."""
    assert seconds == retry_after_of({"retry-after": value}, NOW)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-5",
        "+1",
        "inf",
        "nan",
        "1_0",
        "\u00b2",
        "\u0661",
        "1s",
        "1, 2",
        "1.",
        ".5",
        "1e3",
        "0x1",
        "soon",
        "Sun, 06 Nov 1994 08:49:39",
        "Sun, 06 Nov 1994 08:49:39 +0200",
        "Sun, 06 Nov 1994 08:49:39 UTC",
        "Sun, 06 Foo 1994 08:49:39 GMT",
        "Sun, 32 Nov 1994 08:49:39 GMT",
        "Sun, 06 Nov 1994 24:49:39 GMT",
        "Sun, 06 Nov 0000 08:49:39 GMT",
        "1994-11-06T08:49:39Z",
        "Sun, 06 Nov 1994 08:49:39 GMT" * 1000,
    ],
)
def test_anything_else_says_nothing(value: str) -> None:
    """Signs, units, lists, other digits and other dates are no wish that could be understood."""
    assert retry_after_of({"retry-after": value}, NOW) is None


def test_milliseconds_win_over_seconds() -> None:
    """retry-after-ms, then x-ms-retry-after-ms, then retry-after."""
    headers = {"retry-after-ms": "200.5", "x-ms-retry-after-ms": "300", "retry-after": "5"}

    assert 0.2005 == retry_after_of(headers)
    del headers["retry-after-ms"]
    assert 0.3 == retry_after_of(headers)
    del headers["x-ms-retry-after-ms"]
    assert 5.0 == retry_after_of(headers)


def test_an_unusable_header_makes_room_for_the_next() -> None:
    """A word in retry-after-ms does not hide the number in retry-after."""
    assert 5.0 == retry_after_of({"retry-after-ms": "soon", "retry-after": "5"})


def test_the_first_of_two_equal_headers_counts_in_any_case() -> None:
    """Names are compared without case; a second header of the same name is ignored."""
    headers = CIMultiDict([("RETRY-AFTER", "1"), ("Retry-After", "5")])

    assert 1.0 == retry_after_of(headers)


def test_dates_need_a_time_and_milliseconds_take_no_dates() -> None:
    """Without the time of day a date says nothing; nor does one in a header of milliseconds."""
    date = "Sun, 06 Nov 1994 08:49:39 GMT"

    assert retry_after_of({"retry-after": date}) is None
    assert retry_after_of({"retry-after-ms": date}, NOW) is None
    assert retry_after_of({}, NOW) is None


def test_two_digit_years_are_of_1970_to_2069() -> None:
    """The obsolete form with two digits is read around the present."""
    assert NOW == http_date("Sunday, 06-Nov-94 08:49:37 GMT")
    assert 2525490000.0 == http_date("Tuesday, 11-Jan-50 05:00:00 GMT")
