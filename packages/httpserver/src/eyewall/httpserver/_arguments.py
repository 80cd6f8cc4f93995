"""Arguments of a query or of an urlencoded form."""

from __future__ import annotations

from urllib.parse import parse_qsl

from .errors import HTTPInputError


def parse_arguments(text: str, max_arguments: int) -> dict[str, list[bytes]]:
    """Split ``a=1&b=2`` into names and their percent-decoded values; a name without a value has ``b""``.

    Names are decoded as UTF-8 where they are that, else as Latin-1. Raises :class:`HTTPInputError`
    (400) for more than ``max_arguments``.
    """
    if not text:
        return {}
    if text.count("&") >= max_arguments:
        raise HTTPInputError(f"Max number of fields exceeded: more than {max_arguments} arguments")
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
