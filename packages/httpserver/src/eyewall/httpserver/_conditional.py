"""Conditional and range requests: what their fields ask for (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

_entity_tags = re.compile(r'\*|(?:W/)?"[^"]*"').findall
# No more digits than a file can have bytes; more would only be work.
_byte_range = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE).fullmatch


class ByteRange(NamedTuple):
    """A part of a file: from byte ``start`` up to, but not including, byte ``end``."""

    start: int
    end: int


def etag_matches(field: str, etag: str, *, strong: bool = False) -> bool:
    """True if ``If-None-Match`` names the entity tag, by weak comparison; with ``strong``, if ``If-Match`` does.

    See RFC 9110 sections 13.1.1 and 13.1.2. ``*`` stands for any tag.
    """
    tags: list[str] = _entity_tags(field)
    if not tags:
        return False
    if tags[0] == "*":
        return True
    if strong:
        return etag in tags and not etag.startswith("W/")
    return etag.removeprefix("W/") in [tag.removeprefix("W/") for tag in tags]


def parse_range(field: str, size: int) -> ByteRange | None:
    """Parse a Range field that requests one part of ``size`` bytes.

    Returns None for a field that should be ignored: another unit, several parts, or malformed. Raises ``ValueError``
    if the part lies outside: status 416.
    """
    match = _byte_range(field)
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise ValueError(f"{field!r} asks for nothing of {size} bytes")
    return ByteRange(start, end)


def content_range(part: ByteRange | None, size: int) -> str:
    """Return the Content-Range field for a part of ``size`` bytes; with None, the one for an unsatisfiable range."""
    return f"bytes */{size}" if part is None else f"bytes {part.start}-{part.end - 1}/{size}"
