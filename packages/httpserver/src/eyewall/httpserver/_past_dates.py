"""A time as HTTP has written it in its three forms, read (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from ._dates import MONTHS

if TYPE_CHECKING:
    from datetime import datetime

# The three forms that a recipient takes: the one that is sent today, that of RFC 850, and that of C's asctime.
_TIME: Final = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
_imf_fixdate = re.compile(rf"[A-Za-z]{{3}}, ([0-9]{{2}}) ([A-Za-z]{{3}}) ([0-9]{{4}}) {_TIME} GMT").fullmatch
_rfc850_date = re.compile(rf"[A-Za-z]{{6,9}}, ([0-9]{{2}})-([A-Za-z]{{3}})-([0-9]{{2}}) {_TIME} GMT").fullmatch
_asctime_date = re.compile(rf"[A-Za-z]{{3}} ([A-Za-z]{{3}}) ([ 0-9][0-9]) {_TIME} ([0-9]{{4}})").fullmatch


def parse_date(text: str) -> datetime | None:
    """Parse a date in any of the three forms that HTTP allows; None if it is in none of them.

    The day of the week is ignored. A two-digit year that would be more than 50 years in the future is taken to be in
    the past, as RFC 9110 requires.
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
        return datetime(year, MONTHS.index(month) + 1, day, hour, minute, 59 if second == 60 else second, tzinfo=UTC)
    except ValueError:
        return None
