"""Dates of HTTP as datetimes (RFC 9110 section 5.6.7)."""

from __future__ import annotations

from calendar import timegm
from datetime import UTC, datetime

from eyewall.httpserver import format_timestamp


def format_date(when: datetime) -> str:
    """Write a datetime as ``Sun, 06 Nov 1994 08:49:37 GMT``; a naive one is UTC."""
    return format_timestamp(timegm(when.utctimetuple()))


def parse_date(text: str) -> datetime | None:
    """Read a date in any of the forms that HTTP allows; None where it is none of them."""
    from email.utils import parsedate_to_datetime  # slow to import, and few requests need it

    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
