"""The time, as HTTP writes it (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_timestamp(ts: float | tuple[int, ...] | time.struct_time | datetime) -> str:
    """Write a time as in ``Sun, 06 Nov 1994 08:49:37 GMT``.

    ``ts`` is seconds since the epoch, a time tuple in UTC, or a datetime; one without a time zone
    is taken for UTC.
    """
    if not isinstance(ts, (int, float)):
        from calendar import timegm

        ts = timegm(ts if isinstance(ts, tuple) else ts.utctimetuple())
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(ts)
    return f"{_DAYS[weekday]}, {day:02d} {MONTHS[month - 1]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"


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
