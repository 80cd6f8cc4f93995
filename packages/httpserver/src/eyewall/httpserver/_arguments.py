"""Arguments of a query or of an urlencoded form.

``urllib.parse`` makes objects of each percent sign: a form of some megabytes costs it a hundred times
its size, and seconds. Here escapes are turned into Python's own, all at once, and each name and value
is decoded in one pass.
"""

from __future__ import annotations

import re
from typing import Final

from .errors import HTTPInputError

_stray_percents = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986 section 2.4 has none; each costs an object, and browsers leave some in what users type.
_MOST_STRAYS: Final = 1000


def parse_arguments(data: bytes, max_arguments: int) -> dict[str, list[bytes]]:
    """Split ``a=1&b=2`` into names and their percent-decoded values; a name without a value has ``b""``.

    A percent sign that begins no escape stays. Names are decoded as UTF-8 where they are that, else
    as Latin-1. Raises :class:`HTTPInputError` (400) for more than ``max_arguments``, and for a
    thousand such percent signs.
    """
    if data.count(b"&") >= max_arguments:
        raise HTTPInputError(f"Max number of fields exceeded: more than {max_arguments} arguments")
    data = data.replace(b"+", b" ")
    has_escapes = b"%" in data
    if has_escapes:
        data = _with_pythons_escapes(data)
    arguments: dict[str, list[bytes]] = {}
    for pair in data.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            if has_escapes and b"\\" in pair:
                name, value = _unescaped(name), _unescaped(value)
            try:
                key = name.decode()
            except UnicodeDecodeError:
                key = name.decode("latin-1")
            arguments.setdefault(key, []).append(value)
    return arguments


def _with_pythons_escapes(data: bytes) -> bytes:
    text, strays = _stray_percents.subn("%25", data.decode("latin-1"), _MOST_STRAYS)
    if strays == _MOST_STRAYS:
        raise HTTPInputError(f"{_MOST_STRAYS} percent signs among the arguments begin no escape: write them as %25")
    return text.replace("\\", "\\\\").replace("%", "\\x").encode("latin-1")


def _unescaped(data: bytes) -> bytes:
    return data.decode("unicode_escape").encode("latin-1")
