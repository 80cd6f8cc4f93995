"""The first line of a message, of a request or of a response."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ._headers import TOKEN
from .errors import HTTPInputError


class RequestStartLine(NamedTuple):
    """The line that begins a request (RFC 9112 section 3)."""

    method: str
    """The method, with its case unchanged: methods are case-sensitive."""
    path: str
    """The request target as it was received: usually a path with its query."""
    version: str
    """``"HTTP/1.1"`` or ``"HTTP/1.0"``."""


class ResponseStartLine(NamedTuple):
    """The line that begins a response (RFC 9112 section 4)."""

    version: str
    """``"HTTP/1.1"`` or ``"HTTP/1.0"``."""
    code: int
    """The status, of three digits: RFC 9110 has 100 to 599; an application's own, up to 999, are sent too."""
    reason: str
    """The reason phrase, which may be empty."""


# What RFC 3986 has no place for and browsers do not leave bare is refused in a target: " < >.
# They do leave bare, in a query, \ ^ ` { | }, and other clients send UTF-8 as it is: that is let through.
_TARGET: Final = r"[!#-;=?-~\x80-\xff]+"
REQUEST_LINE: Final = re.compile(rf"({TOKEN}) ({_TARGET}) (HTTP/1\.[0-9])")
_STATUS_LINE = re.compile(r"(HTTP/1\.[0-9]) ([0-9]{3}) ([\t\x20-\x7e\x80-\xff]*)")
_OTHER_VERSION = re.compile(rf"{TOKEN} {_TARGET} HTTP/[02-9]\.[0-9]")


def parse_request_start_line(line: str) -> RequestStartLine:
    """Split a request line, given without its line ending.

    Raises :class:`HTTPInputError`: status 505 for a version other than 1.x, otherwise 400.
    """
    if match := REQUEST_LINE.fullmatch(line):
        return RequestStartLine(*match.groups())
    if _OTHER_VERSION.fullmatch(line):
        raise HTTPInputError(f"{line[-8:]} is not served here: use HTTP/1.1", status=505)
    raise HTTPInputError(f"malformed request line {line[:80]!r}")


def parse_response_start_line(line: str) -> ResponseStartLine:
    """Split a status line, given without its line ending. Raises :class:`HTTPInputError`.

    Any three digits are accepted; a number that is not from 100 to 599 counts as a 5xx (RFC 9110 section 15).
    """
    if match := _STATUS_LINE.fullmatch(line):
        version, code, reason = match.groups()
        return ResponseStartLine(version, int(code), reason)
    raise HTTPInputError(f"malformed status line {line[:80]!r}")
