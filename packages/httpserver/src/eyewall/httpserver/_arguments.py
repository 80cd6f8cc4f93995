"""Arguments of a query or of an urlencoded form."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from .errors import HTTPInputError

MAX_ARGUMENTS: Final = 1000
"""How many arguments a query or a form may have: enough for any page, few enough to be cheap."""


def parse_arguments(text: str) -> dict[str, list[bytes]]:
    """Split ``a=1&b=2`` into names and their percent-decoded values; a name without a value has ``b""``.

    Names are decoded as UTF-8 where they are that, else as Latin-1. Raises :class:`HTTPInputError`
    (400) for more than :data:`MAX_ARGUMENTS`.
    """
    if not text:
        return {}
    if text.count("&") >= MAX_ARGUMENTS:
        raise HTTPInputError(f"more than {MAX_ARGUMENTS} arguments")
    arguments: dict[str, list[bytes]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, encoding="latin-1", errors="strict"):
        arguments.setdefault(_decoded_name(name), []).append(value.encode("latin-1"))
    return arguments


def _decoded_name(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return name
