"""What the fields of a request say about which file, and which part of it, is wanted (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eyewall.httpserver import etag_matches, parse_date, parse_range

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from eyewall.httpserver import ByteRange, HTTPHeaders

    Tag = Callable[[], str | None]
    """What computes the entity tag, where it is needed: a subclass may read the whole file for it."""

CONDITIONS: Final = frozenset(
    ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range")
)
"""The fields that are looked at here; a request without them is for the whole file, whatever it is."""


def is_refused(headers: HTTPHeaders, etag: Tag, modified: datetime | None) -> bool:
    """True if a client wants the file only as it is not (any more): 412 (sections 13.1.1 and 13.1.4)."""
    if (if_match := headers.get("If-Match")) is not None:
        return (tag := etag()) is None or not etag_matches(if_match, tag, strong=True)
    if modified is None or (field := headers.get("If-Unmodified-Since")) is None:
        return False
    since = parse_date(field)
    return since is not None and since < modified


def is_not_modified(headers: HTTPHeaders, etag: Tag, modified: datetime | None) -> bool:
    """True if a client has the file already: 304 (sections 13.1.2 and 13.1.3)."""
    if (if_none_match := headers.get("If-None-Match")) is not None:
        return (tag := etag()) is not None and etag_matches(if_none_match, tag)
    if modified is None or (field := headers.get("If-Modified-Since")) is None:
        return False
    since = parse_date(field)
    return since is not None and since >= modified


def requested_range(headers: HTTPHeaders, size: int, etag: Tag, modified: datetime | None) -> ByteRange | None:
    """Return the part of the file that is wanted; None for all of it.

    A range that is all of it is no part: some browsers play no sound that comes as a 206. Raises
    ``ValueError`` where it lies outside.
    """
    field = headers.get("Range")
    if field is None or not _is_unchanged(headers.get("If-Range"), etag, modified):
        return None
    part = parse_range(field, size)
    return None if part == (0, size) else part


def _is_unchanged(if_range: str | None, etag: Tag, modified: datetime | None) -> bool:
    """True if the client's part of the file, where it has one, is of this version (section 13.1.5)."""
    if if_range is None:
        return True
    if if_range.endswith('"'):
        # A weak tag says nothing of bytes.
        return if_range == etag() and not if_range.startswith("W/")
    return modified is not None and parse_date(if_range) == modified
