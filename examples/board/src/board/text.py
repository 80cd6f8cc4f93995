"""What templates make of plain values: links in a text, initials, times as people say them."""

from __future__ import annotations

import re
import time
import zlib
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

NUMBER_OF_HUES: Final = 8
"""How many colours the style sheet has for the round initials."""

# A full stop or a bracket after an address belongs to the sentence around it.
_ADDRESS = re.compile(r"""https?://[^\s<>"']*[^\s<>"'.,;:!?()\[\]]""")


def linkify(text: str) -> Markup:
    """The text, escaped, with every web address in it a link."""
    parts: list[Markup] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = match.group()
        parts += [
            escape(text[end : match.start()]),
            Markup('<a href="{0}" rel="nofollow noopener noreferrer">{0}</a>').format(address),
        ]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def initials(name: str) -> str:
    """One or two letters that stand for a name: ``"Ada King"`` gives ``"AK"``."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def hue(name: str) -> int:
    """A number below :data:`NUMBER_OF_HUES`, always the same for the same name."""
    return zlib.crc32(name.casefold().encode()) % NUMBER_OF_HUES


def iso_time(posted: float) -> str:
    """A time for machines, in UTC."""
    return datetime.fromtimestamp(posted, UTC).isoformat(timespec="seconds")


def full_time(posted: float) -> str:
    """A time to the minute, in the server's time zone: ``"Tue 4 Aug 2026, 14:05"``."""
    local = datetime.fromtimestamp(posted)  # noqa: DTZ006 - the office's own time is what is meant
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def age(posted: float, now: float | None = None) -> str:
    """How long ago that was, as one would say it: ``"3 hours ago"``, and after a week the date."""
    seconds = max(0.0, (time.time() if now is None else now) - posted)
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return _ago(seconds // MINUTE, "minute")
    if seconds < DAY:
        return _ago(seconds // HOUR, "hour")
    if seconds < 7 * DAY:
        return _ago(seconds // DAY, "day")
    local = datetime.fromtimestamp(posted)  # noqa: DTZ006
    return f"{local.day} {local:%b %Y}"


def _ago(count: float, unit: str) -> str:
    return f"{count:.0f} {unit}{'' if count == 1 else 's'} ago"
