"""Reason phrases, and status lines made once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from ._start_line import ResponseStartLine

responses: Final[dict[int, str]] = {status.value: status.phrase for status in HTTPStatus}
"""The reason phrase of each status that there is."""


class _StatusLines(dict[ResponseStartLine, str]):
    """The first lines of responses, each made once; a cache with a bound."""

    MAX_LINES = 256

    def __missing__(self, start_line: ResponseStartLine) -> str:
        line = f"HTTP/1.1 {start_line.code} {start_line.reason}\r\n"
        if len(self) < self.MAX_LINES:
            self[start_line] = line
        return line


status_lines: Final = _StatusLines()
"""By start line, what is sent for it: always as HTTP/1.1, which is what this server speaks (RFC 9110 section 6.2)."""
