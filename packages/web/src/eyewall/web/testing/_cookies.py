"""What a browser does with cookies, as far as a test of one site needs it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eyewall.httpserver import parse_cookie

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def cookie_field(cookies: Mapping[str, str]) -> str:
    """Write the Cookie field that sends them."""
    from http.cookies import SimpleCookie

    encode = SimpleCookie().value_encode
    return "; ".join([f"{name}={encode(value)[1]}" for name, value in cookies.items()])


def keep_cookies(cookies: dict[str, str], fields: Iterable[str]) -> None:
    """Keep what the Set-Cookie fields of an answer say, and forget what they say has ended."""
    for field in fields:
        pair, _, attributes = field.partition(";")
        for name, value in parse_cookie(pair).items():
            if _has_ended(attributes):
                cookies.pop(name, None)
            else:
                cookies[name] = value


def _has_ended(attributes: str) -> bool:
    pairs = (part.strip().partition("=") for part in attributes.split(";"))
    given = {key.lower(): value for key, _, value in pairs}
    if "max-age" in given:
        return int(given["max-age"]) <= 0
    if "expires" in given:
        from email.utils import parsedate_to_datetime

        return parsedate_to_datetime(given["expires"]) <= datetime.now(UTC)
    return False
