"""The time, as HTTP writes it (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_timestamp(ts: float | tuple[int, ...] | time.struct_time | datetime) -> str:
    """Write a time as in ``Sun, 06 Nov 1994 08:49:37 GMT``.

    ``ts`` is seconds since the epoch, a time tuple in UTC, or a datetime; one without a time zone
    is taken for UTC.
    """
    if not isinstance(ts, (int, float)):
        from calendar import timegm

        ts = timegm(ts if isinstance(ts, tuple) else ts.utctimetuple())
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(ts)
    return f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"


# The three forms that a recipient takes: the one that is sent today, that of RFC 850, and that of C's asctime.
_TIME: Final = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
_imf_fixdate = re.compile(rf"[A-Za-z]{{3}}, ([0-9]{{2}}) ([A-Za-z]{{3}}) ([0-9]{{4}}) {_TIME} GMT").fullmatch
_rfc850_date = re.compile(rf"[A-Za-z]{{6,9}}, ([0-9]{{2}})-([A-Za-z]{{3}})-([0-9]{{2}}) {_TIME} GMT").fullmatch
_asctime_date = re.compile(rf"[A-Za-z]{{3}} ([A-Za-z]{{3}}) ([ 0-9][0-9]) {_TIME} ([0-9]{{4}})").fullmatch


def parse_date(text: str) -> datetime | None:
    """Read a date in any of the three forms that HTTP allows; None where it is none of them.

    The day of the week is not looked at. A year of two digits that would be more than 50 years
    ahead is one of the past, as RFC 9110 asks.
    """
    text = text.strip(" \t")
    if (match := _imf_fixdate(text) or _rfc850_date(text)) is not None:
        day, month, year, *clock = match.groups()
    elif (match := _asctime_date(text)) is not None:
        month, day, *clock, year = match.groups()
    else:
        return None
    full_year = _in_this_century(int(year)) if len(year) == 2 else int(year)
    return _datetime(full_year, month.capitalize(), int(day), *map(int, clock))


def _in_this_century(year: int) -> int:
    now = time.gmtime().tm_year
    year += now - now % 100
    return year if year <= now + 50 else year - 100


def _datetime(year: int, month: str, day: int, hour: int, minute: int, second: int) -> datetime | None:
    from datetime import UTC, datetime

    try:
        # A leap second, which HTTP can write and Python cannot, is the one before it.
        return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, 59 if second == 60 else second, tzinfo=UTC)
    except ValueError:
        return None


class _DateLine:
    """The Date field line of this second, made once in it."""

    def __init__(self) -> None:
        self._begins = self._ends = 0.0
        self._line = ""

    def give(self) -> str:
        now = time.time()
        if not self._begins <= now < self._ends:
            second = int(now)
            self._begins, self._ends = float(second), second + 1.0
            self._line = f"Date: {format_timestamp(second)}\r\n"
        return self._line


# A method: to call an object costs twice as much.
date_line: Final = _DateLine().give
