"""Statuses, and the status lines made of them."""

from __future__ import annotations

from typing import Final

from eyewall.httpserver import ResponseStartLine, responses

_LINES: Final = {code: ResponseStartLine("HTTP/1.1", code, reason) for code, reason in responses.items()}


def reason_of(status_code: int) -> str:
    """The reason phrase that goes with a status; ``"Unknown"`` for one that has none."""
    return responses.get(status_code, "Unknown")


def start_line_of(status_code: int, reason: str) -> ResponseStartLine:
    """The status line; made once for each status with its own phrase."""
    line = _LINES.get(status_code)
    if line is None or line.reason != reason:
        return ResponseStartLine("HTTP/1.1", status_code, reason)
    return line


def forbids_body(status_code: int) -> bool:
    """True where the status means that no body follows (RFC 9110 section 6.4.1)."""
    return status_code in (204, 304) or status_code < 200
