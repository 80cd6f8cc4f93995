"""Arguments of a query or of an urlencoded form."""

from __future__ import annotations

import re
from typing import Final

from .errors import HTTPInputError

_stray_percents = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986 section 2.4 has none; each costs an object, and browsers leave some in what users type.
_MOST_STRAYS: Final = 1000


def parse_arguments(data: bytes, max_arguments: int) -> dict[str, list[bytes]]:
    """Split ``a=1&b=2`` into names and their percent-decoded values; a name without a value has ``b""``.

    Names are decoded as UTF-8 where they are that, else as Latin-1. Raises :class:`HTTPInputError`
    (400) for more than ``max_arguments``, and for many percent signs that begin no escape.
    """
    arguments: dict[str, list[bytes]] = {}
    if data.count(b"&") >= max_arguments:
        raise HTTPInputError(f"Max number of fields exceeded: more than {max_arguments} arguments")
    for pair in data.split(b"&"):
        if pair:
            name, _, value = pair.replace(b"+", b" ").partition(b"=")
            arguments.setdefault(_text(percent_decoded(name)), []).append(percent_decoded(value))
    return arguments


def percent_decoded(data: bytes) -> bytes:
    """Undo ``%41``; a percent sign that begins no such escape stays, as long as there are few of them.

    ``urllib.parse.unquote_to_bytes`` does the same, but makes objects of each escape: a form of
    some megabytes would cost it a hundred times its size, and seconds.
    """
    if b"%" not in data:
        return data
    text, strays = _stray_percents.subn("%25", data.decode("latin-1"), _MOST_STRAYS)
    if strays == _MOST_STRAYS:
        raise HTTPInputError(f"{_MOST_STRAYS} percent signs in an argument begin no escape: write them as %25")
    # As Python's own escapes, all of them are undone in one pass.
    return text.replace("\\", "\\\\").replace("%", "\\x").encode("latin-1").decode("unicode_escape").encode("latin-1")


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")
