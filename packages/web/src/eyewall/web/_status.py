"""Status lines, each made once."""

from __future__ import annotations

from typing import Final

from eyewall.httpserver import ResponseStartLine, responses

_LINES: Final = {code: ResponseStartLine("HTTP/1.1", code, reason) for code, reason in responses.items()}


def start_line_of(status_code: int, reason: str) -> ResponseStartLine:
    """The status line; made once for each status with its own phrase."""
    line = _LINES.get(status_code)
    # By position: the fields of a named tuple cost four times as much by their names.
    if line is None or line[2] != reason:
        return ResponseStartLine("HTTP/1.1", status_code, reason)
    return line
