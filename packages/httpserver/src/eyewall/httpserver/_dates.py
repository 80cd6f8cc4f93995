"""The time, as HTTP writes it (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_timestamp(ts: float | tuple[int, ...] | time.struct_time | datetime) -> str:
    """Format a time as in ``Sun, 06 Nov 1994 08:49:37 GMT``.

    ``ts`` is seconds since the epoch, a time tuple in UTC, or a datetime; one without a time zone is taken as UTC.
    """
    if not isinstance(ts, (int, float)):
        from calendar import timegm

        ts = timegm(ts if isinstance(ts, tuple) else ts.utctimetuple())
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(ts)
    return f"{_DAYS[weekday]}, {day:02d} {MONTHS[month - 1]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"


@lru_cache(maxsize=1)
def date_line(second: int) -> str:
    """The Date field line of a second since the epoch, made once in it."""
    return f"Date: {format_timestamp(second)}\r\n"
