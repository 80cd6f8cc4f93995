"""Dates as HTTP writes and reads them (RFC 9110 section 5.6.7)."""

from __future__ import annotations

from calendar import timegm
from datetime import UTC, datetime
from time import gmtime, struct_time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_timestamp(when: float | datetime) -> str:
    """Write seconds since the epoch, or a datetime (a naive one is UTC), as ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    at: struct_time = gmtime(timegm(when.utctimetuple()) if isinstance(when, datetime) else when)
    # Not strftime: that would write the names in the process's locale.
    return (
        f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04d} "
        f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} GMT"
    )


def parse_date(text: str) -> datetime | None:
    """Read a date in any of the forms that HTTP allows; None where it is none of them."""
    from email.utils import parsedate_to_datetime  # slow to import, and few requests need it

    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
