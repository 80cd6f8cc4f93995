"""The Cookie field, read as browsers write it and not as any RFC has it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from http.cookies import Morsel

_ATTRIBUTES: Final = frozenset(
    ("comment", "domain", "expires", "httponly", "max-age", "partitioned", "path", "samesite", "secure", "version")
)
_is_name = re.compile(r"[0-9A-Za-z_\-.]+").fullmatch
_escape = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)


def parse_cookie(cookie: str) -> dict[str, str]:
    """Split ``a=b; c=d`` into names and values, in time and space proportional to its length; never raises.

    If a name occurs twice, the last one counts, as in Tornado. A cookie without ``=`` has the name ``""``. A value in
    double quotes is unquoted, and its escapes are decoded, in the form that Python's ``http.cookies`` writes.
    """
    cookies: dict[str, str] = {}
    for piece in cookie.split(";"):
        name, equals, value = piece.partition("=")
        if not equals:
            name, value = "", name
        name, value = name.strip(), value.strip()
        if name or value:
            cookies[name] = _unquoted(value) if value[:1] == '"' else value
    return cookies


def morsels(cookies: dict[str, str]) -> dict[str, Morsel[str]]:
    """The cookies as the standard library's objects; without those whose names it refuses."""
    from http.cookies import CookieError, SimpleCookie

    made: SimpleCookie = SimpleCookie()
    for name, value in cookies.items():
        try:
            made[name] = value
        except CookieError:
            continue
    return dict(made)


@lru_cache(maxsize=256)
def is_plain_name(name: str) -> bool:
    """Whether ``http.cookies`` surely takes this for a cookie's name: it has no odd sign, and is no attribute's."""
    return _is_name(name) is not None and name.lower() not in _ATTRIBUTES


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[-1] != '"':
        return value
    return _escape.sub(_unescaped, value[1:-1]) if "\\" in value else value[1:-1]


def _unescaped(match: re.Match[str]) -> str:
    octal, character = match.groups()
    return chr(int(octal, 8)) if octal else str(character)
