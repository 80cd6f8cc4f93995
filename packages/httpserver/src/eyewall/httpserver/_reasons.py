"""Reason phrases, and status lines made once."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from ._headers import FIELD_VALUE
from ._start_line import RequestStartLine, ResponseStartLine
from .errors import HTTPOutputError

_is_status_line = re.compile(rf"HTTP/1\.1 [1-9][0-9][0-9] {FIELD_VALUE}\r\n").fullmatch

responses: Final[dict[int, str]] = {status.value: status.phrase for status in HTTPStatus}
"""The reason phrase of every known status."""


def reason_of(status: int) -> str:
    """The reason phrase for a status; ``"Unknown"`` if it has none."""
    return responses.get(status, "Unknown")


def forbids_body(status: int) -> bool:
    """True if the status means that no body follows (RFC 9110 section 6.4.1)."""
    return status in (204, 304) or status < 200


class _StatusLines(dict[RequestStartLine | ResponseStartLine, str]):
    """The first lines of responses, each made once; a cache with a bound."""

    MAX_LINES = 256

    def __missing__(self, start_line: RequestStartLine | ResponseStartLine) -> str:
        if isinstance(start_line, RequestStartLine):
            raise HTTPOutputError(f"{start_line!r} is for the other end: a client writes requests, a server answers")
        line = f"HTTP/1.1 {start_line.code} {start_line.reason}\r\n"
        if not _is_status_line(line):
            raise HTTPOutputError(
                f"{start_line!r} cannot begin an answer: give a code from 100 to 999 and a reason without control "
                "characters or any beyond Latin-1"
            )
        if len(self) < self.MAX_LINES:
            self[start_line] = line
        return line


status_lines: Final = _StatusLines()
"""By start line, what is sent for it: always as HTTP/1.1, which is what this server speaks (RFC 9110 section 6.2)."""
