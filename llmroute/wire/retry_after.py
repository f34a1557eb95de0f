"""How long a server asks to be left alone: the `retry-after` family of headers."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Mapping
from typing import Final

#: The first header with a usable value speaks; it is divided by its unit. The two in milliseconds are
#: sent by OpenAI and Azure OpenAI beside the coarser standard header.
_HEADERS: Final = (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0))

_NUMBER: Final = re.compile(r"([0-9]+)(?:\.([0-9]{1,400}))?", re.ASCII)

# RFC 9110, 5.6.7: the preferred form and the two obsolete ones, all of them GMT.
_TIME: Final = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
_IMF: Final = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{{2}}) ([A-Z][a-z]{{2}}) ([0-9]{{4}}) {_TIME} GMT", re.ASCII
)
_RFC850: Final = re.compile(
    rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ([0-9]{{2}})-([A-Z][a-z]{{2}})-([0-9]{{2}}) {_TIME} GMT",
    re.ASCII,
)
_ASCTIME: Final = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{{2}}) ([0-9]{{2}}| [0-9]) {_TIME} ([0-9]{{4}})", re.ASCII
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_DATE: Final = 40


def retry_after_of(headers: Mapping[str, str], now_unix: float | None = None) -> float | None:
    """Seconds to wait by `headers`, or None when they say nothing usable.

    `retry-after-ms` wins over `x-ms-retry-after-ms`, that over `retry-after`. Numbers may have a
    fraction; more digits than a float holds give infinity. An HTTP date is measured against
    `now_unix`, seconds since 1970: 0.0 when it has passed, None when no time is given. `headers`
    is case-insensitive or has lower-case names. Of a header sent twice the first is taken.

    Source: RFC 9110, 5.6.7 and 10.2.3.
    """
    for name, unit in _HEADERS:
        text = headers.get(name, "").strip(" \t")
        seconds = _seconds(text, unit)
        if seconds is None and unit == 1.0 and now_unix is not None:
            date = http_date(text)
            seconds = None if date is None else max(0.0, date - now_unix)
        if seconds is not None:
            return seconds
    return None


def _seconds(text: str, unit: float) -> float | None:
    match = _NUMBER.fullmatch(text)
    return None if match is None else float(text) / unit


def http_date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date in any of its three legal forms, None for anything else.

    The day of the week is not checked against the date. Two-digit years count as 1970 to 2069.
    """
    if len(text) > _LONGEST_DATE:
        return None
    if match := _IMF.fullmatch(text):
        day, month, year, hour, minute, second = match.groups()
    elif match := _RFC850.fullmatch(text):
        day, month, year, hour, minute, second = match.groups()
        year = str(int(year) + (1900 if int(year) >= 70 else 2000))
    elif match := _ASCTIME.fullmatch(text):
        month, day, hour, minute, second, year = match.groups()
    else:
        return None
    return _timestamp(int(year), month, int(day), int(hour), int(minute), int(second))


def _timestamp(year: int, month: str, day: int, hour: int, minute: int, second: int) -> float | None:
    # 60 is a leap second.
    if month not in _MONTHS or year < 1 or not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 60:
        return None
    return float(timegm((year, _MONTHS.index(month) + 1, day, hour, minute, second)))
