"""Small things that URLs and their authorities are made of, with Tornado's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import AnyStr

# An IPv6 address that has a port stands in brackets; without them its last colon is not the port's.
_host_and_port = re.compile(r"(\[[^\]]*\]|[^:]+):([0-9]{1,5})").fullmatch


def url_concat(url: str, args: Mapping[str, str] | Sequence[tuple[str, str]] | None) -> str:
    """Add arguments to a URL, after those it already has and before its fragment.

    Pairs may repeat a name; None changes nothing::

        url_concat("http://h/a?b=c", {"d": "e f"})    # 'http://h/a?b=c&d=e+f'

    Raises ``TypeError`` for anything else.
    """
    from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

    if args is None:
        return url
    if isinstance(args, Mapping):
        more: Iterable[tuple[str, str]] = args.items()
    elif isinstance(args, (list, tuple)):
        more = args
    else:
        raise TypeError(f"url_concat takes a dict, or a list or tuple of pairs, not {args!r}")
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more])
    return urlunsplit(parts._replace(query=query))


def split_host_and_port(netloc: str) -> tuple[str, int | None]:
    """Split ``host:port``; the port is None if there is none.

    The host of ``[::1]:80`` keeps its brackets; an IPv6 address without them has no port.
    """
    match = _host_and_port(netloc)
    return (netloc, None) if match is None else (match[1], int(match[2]))


def qs_to_qsl(qs: Mapping[str, Iterable[AnyStr]]) -> Iterator[tuple[str, AnyStr]]:
    """Return the pairs that ``urllib.parse.parse_qs`` has grouped by name."""
    for name, values in qs.items():
        for value in values:
            yield name, value


def encode_username_password(username: str | bytes, password: str | bytes) -> bytes:
    """Join both as the Basic scheme has them before Base64 (RFC 7617 section 2.1): NFC, UTF-8, a colon between.

    Raises ``ValueError`` for a user name with a colon, which could not be told apart from the password.
    """
    name = _encoded(username)
    if b":" in name:
        raise ValueError(f"the user name {username!r} has a colon: the Basic scheme cannot send it (RFC 7617)")
    return name + b":" + _encoded(password)


def _encoded(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    from unicodedata import normalize

    return normalize("NFC", text).encode()
